//! Every detector, by name; a new one adds a line to [`ALL`], to [`DetectSettings`] and to
//! `add_alarms`, `add_advice` or one of the `add_all_of_...` in [`enabled`].

mod book;
mod enabled;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::{
    Detector, DetectorMeta, Judged, Judgement, Status, alias_in_where, batch_not_effective,
    cacheable_read, connection_refusal, connection_wait, data_growth, deadlock, deep_offset,
    error_burst, full_scan, heavy_column, implicit_cast, insert_loop, load_hog, lock_wait,
    missing_index, missing_where, n_plus_one, needless_count, non_sargable, parameter_skew,
    plan_flip, predicate_dropped, query_timeout, random_order, repeated_submission, server_crash,
    slow_dependency, sort_spill, unbounded_aggregate, union_hotspot,
};
use crate::model::finding::{Finding, ProblemKey, Slug, Urgency, Verdict};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::operation::OperationProfile;
use crate::model::subject::{ErrorProfile, Horizon, QueryProfile};
use crate::window::Closed;

pub use self::book::{explain, find, markdown_book, markdown_table};

/// Every detector, sorted by slug.
pub static ALL: &[&DetectorMeta] = &[
    &alias_in_where::META,
    &batch_not_effective::META,
    &cacheable_read::META,
    &connection_refusal::META,
    &connection_wait::META,
    &data_growth::META,
    &deadlock::META,
    &deep_offset::META,
    &error_burst::META,
    &full_scan::META,
    &heavy_column::META,
    &implicit_cast::META,
    &insert_loop::META,
    &load_hog::META,
    &lock_wait::META,
    &missing_index::META,
    &missing_where::META,
    &n_plus_one::META,
    &needless_count::META,
    &non_sargable::META,
    &parameter_skew::META,
    &plan_flip::META,
    &predicate_dropped::META,
    &query_timeout::META,
    &random_order::META,
    &repeated_submission::META,
    &server_crash::META,
    &slow_dependency::META,
    &sort_spill::META,
    &unbounded_aggregate::META,
    &union_hotspot::META,
];

/// `[detect]`: one table per detector, named by its slug.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each field is the detector it is named after")]
pub struct DetectSettings {
    pub alias_in_where: alias_in_where::Settings,
    pub batch_not_effective: batch_not_effective::Settings,
    pub cacheable_read: cacheable_read::Settings,
    pub connection_refusal: connection_refusal::Settings,
    pub connection_wait: connection_wait::Settings,
    pub data_growth: data_growth::Settings,
    pub deadlock: deadlock::Settings,
    pub deep_offset: deep_offset::Settings,
    pub error_burst: error_burst::Settings,
    pub full_scan: full_scan::Settings,
    pub heavy_column: heavy_column::Settings,
    pub implicit_cast: implicit_cast::Settings,
    pub insert_loop: insert_loop::Settings,
    pub load_hog: load_hog::Settings,
    pub lock_wait: lock_wait::Settings,
    pub missing_index: missing_index::Settings,
    pub missing_where: missing_where::Settings,
    pub n_plus_one: n_plus_one::Settings,
    pub needless_count: needless_count::Settings,
    pub non_sargable: non_sargable::Settings,
    pub parameter_skew: parameter_skew::Settings,
    pub plan_flip: plan_flip::Settings,
    pub predicate_dropped: predicate_dropped::Settings,
    pub query_timeout: query_timeout::Settings,
    pub random_order: random_order::Settings,
    pub repeated_submission: repeated_submission::Settings,
    pub server_crash: server_crash::Settings,
    pub slow_dependency: slow_dependency::Settings,
    pub sort_spill: sort_spill::Settings,
    pub unbounded_aggregate: unbounded_aggregate::Settings,
    pub union_hotspot: union_hotspot::Settings,
}

/// A detector of statements that may be shared between threads.
type QueryDetector = Box<dyn Detector<QueryProfile>>;

/// The same of errors.
type ErrorDetector = Box<dyn Detector<ErrorProfile>>;

/// The same of operations.
type OperationDetector = Box<dyn Detector<OperationProfile>>;

/// The detectors that run.
pub struct Catalogue {
    queries: Vec<(Slug, QueryDetector)>,
    errors: Vec<(Slug, ErrorDetector)>,
    operations: Vec<(Slug, OperationDetector)>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_queries = self.queries.iter().map(|(slug, _)| slug);
        let of_errors = self.errors.iter().map(|(slug, _)| slug);
        let of_operations = self.operations.iter().map(|(slug, _)| slug);
        let all = of_queries.chain(of_errors).chain(of_operations);
        f.debug_list().entries(all).finish()
    }
}

impl Catalogue {
    /// All detectors that are enabled.
    pub fn new(settings: &DetectSettings) -> Self {
        let mut all = Self {
            queries: Vec::new(),
            errors: Vec::new(),
            operations: Vec::new(),
        };
        all.add_alarms(settings.clone());
        all.add_advice(settings.clone());
        all.add_all_of_errors(settings.clone());
        all.add_all_of_operations(settings.clone());
        all.queries.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    fn add(&mut self, enabled: bool, detector: impl Detector<QueryProfile> + 'static) {
        if enabled {
            let slug = Slug::from(detector.meta().slug);
            self.queries.push((slug, Box::new(detector)));
        }
    }

    fn add_of_errors(&mut self, enabled: bool, detector: impl Detector<ErrorProfile> + 'static) {
        if enabled {
            let slug = Slug::from(detector.meta().slug);
            self.errors.push((slug, Box::new(detector)));
        }
    }

    fn add_of_operations(
        &mut self,
        enabled: bool,
        detector: impl Detector<OperationProfile> + 'static,
    ) {
        if enabled {
            let slug = Slug::from(detector.meta().slug);
            self.operations.push((slug, Box::new(detector)));
        }
    }

    /// Those that judge statements.
    pub fn of_queries(&self) -> impl Iterator<Item = &'static DetectorMeta> {
        self.queries.iter().map(|(_, detector)| detector.meta())
    }

    /// Those that judge errors.
    pub fn of_errors(&self) -> impl Iterator<Item = &'static DetectorMeta> {
        self.errors.iter().map(|(_, detector)| detector.meta())
    }

    /// What every detector that runs at the profile's horizon says of it, in order of slugs.
    pub fn inspect(&self, profile: &QueryProfile) -> Vec<(&'static DetectorMeta, Verdict)> {
        let detectors = self.queries.iter().map(|(_, detector)| detector);
        detectors
            .filter(|detector| suits(detector.meta(), profile.horizon))
            .map(|detector| (detector.meta(), detector.inspect(profile)))
            .collect()
    }

    /// The same of a family of errors.
    pub fn inspect_errors(&self, profile: &ErrorProfile) -> Vec<(&'static DetectorMeta, Verdict)> {
        let detectors = self.errors.iter().map(|(_, detector)| detector);
        detectors
            .filter(|detector| suits(detector.meta(), profile.horizon))
            .map(|detector| (detector.meta(), detector.inspect(profile)))
            .collect()
    }

    /// The same of an operation.
    pub fn inspect_operation(
        &self,
        profile: &OperationProfile,
    ) -> Vec<(&'static DetectorMeta, Verdict)> {
        let detectors = self.operations.iter().map(|(_, detector)| detector);
        detectors
            .filter(|detector| suits(detector.meta(), profile.horizon))
            .map(|detector| (detector.meta(), detector.inspect(profile)))
            .collect()
    }

    /// Judges a window: one judgement for each detector and problem, in the order of the problems.
    ///
    /// A detector in preview runs in shadow: what it finds is logged at `debug`, and not told.
    pub fn judge(&self, closed: Closed) -> Judged {
        let mut problems: BTreeMap<ProblemKey, Verdict> = BTreeMap::new();
        let untold: Arc<str> = Arc::from("");
        let mut note = |whose: Whose<'_>, (meta, verdict): (&DetectorMeta, Verdict)| {
            if meta.status == Status::Preview {
                return note_shadow(meta, &verdict);
            }
            for (key, verdict) in by_problem(self.slug(meta), whose, verdict) {
                let before = problems.remove(&key).unwrap_or(Verdict::Clear);
                problems.insert(key, worse(before, verdict));
            }
        };
        for profile in &closed.profiles {
            let whose = Whose {
                service: &profile.service,
                database: &profile.target.namespace,
                fingerprint: Some(profile.statement.fingerprint),
                errors: None,
                operation: None,
            };
            let said = self.inspect(profile).into_iter();
            said.for_each(|said| note(whose, said));
        }
        for profile in &closed.errors {
            let statement = profile.family.statement.as_ref();
            let whose = Whose {
                service: &profile.service,
                database: &profile.target.namespace,
                fingerprint: statement.map(|s| s.fingerprint),
                errors: profile.family.apart(),
                operation: None,
            };
            let said = self.inspect_errors(profile).into_iter();
            said.for_each(|said| note(whose, said));
        }
        for profile in &closed.operations {
            let whose = Whose {
                service: &profile.service,
                database: &untold,
                fingerprint: None,
                errors: None,
                operation: Some(&profile.operation),
            };
            // Which statement is well, nobody says: a problem that is not found any more rests by silence.
            let said = self.inspect_operation(profile).into_iter();
            let found = said.filter(|(_, verdict)| matches!(verdict, Verdict::Found(_)));
            found.for_each(|found| note(whose, found));
        }
        let judgement = |(problem, verdict): (ProblemKey, Verdict)| Judgement {
            detector: Arc::clone(&problem.detector),
            problem,
            verdict,
        };
        Judged {
            key: closed.key,
            span: closed.span,
            judgements: problems.into_iter().map(judgement).collect(),
            backlog: closed.backlog,
        }
    }

    fn slug(&self, meta: &DetectorMeta) -> Slug {
        let of_queries = self.queries.iter().map(|(slug, _)| slug);
        let of_operations = self.operations.iter().map(|(slug, _)| slug);
        let of_errors = self.errors.iter().map(|(slug, _)| slug);
        let mut known = of_queries.chain(of_errors).chain(of_operations);
        let interned = known.find(|slug| ***slug == *meta.slug);
        interned.map_or_else(|| Slug::from(meta.slug), Arc::clone)
    }
}

fn note_shadow(meta: &DetectorMeta, verdict: &Verdict) {
    if let Verdict::Found(findings) = verdict {
        tracing::debug!(
            detector = meta.slug,
            findings = findings.len(),
            "found in shadow"
        );
    }
}

/// Whom a subject is about.
#[derive(Debug, Clone, Copy)]
struct Whose<'a> {
    service: &'a ServiceName,
    database: &'a Arc<str>,
    fingerprint: Option<FingerprintId>,
    errors: Option<FingerprintId>,
    operation: Option<&'a Arc<str>>,
}

/// Whether a detector runs over an interval of that length.
fn suits(meta: &DetectorMeta, horizon: Horizon) -> bool {
    match horizon {
        Horizon::Recent => meta.urgency == Urgency::Acute,
        Horizon::Long => meta.urgency == Urgency::Chronic,
        Horizon::Whole => true,
    }
}

/// Sorts findings by the problem they are about; any other verdict is about the subject's statement.
fn by_problem(slug: Slug, whose: Whose<'_>, verdict: Verdict) -> Vec<(ProblemKey, Verdict)> {
    let Verdict::Found(findings) = verdict else {
        let key = ProblemKey {
            detector: slug,
            service: whose.service.clone(),
            database: Arc::clone(whose.database),
            fingerprint: whose.fingerprint,
            errors: whose.errors,
            operation: whose.operation.cloned(),
        };
        return vec![(key, verdict)];
    };
    let found = |finding: Finding| (finding.key(), Verdict::Found(vec![finding]));
    findings.into_iter().map(found).collect()
}

/// Two verdicts on one problem: what was found is kept, and too little seen is no all-clear.
fn worse(a: Verdict, b: Verdict) -> Verdict {
    match (a, b) {
        (Verdict::Found(mut all), Verdict::Found(more)) => {
            let new = |f: &Finding| !all.iter().any(|known| known.tables == f.tables);
            let more: Vec<_> = more.into_iter().filter(new).collect();
            all.extend(more);
            Verdict::Found(all)
        }
        (found @ Verdict::Found(_), _) | (_, found @ Verdict::Found(_)) => found,
        (few @ Verdict::Insufficient { .. }, _) | (_, few @ Verdict::Insufficient { .. }) => few,
        (Verdict::Clear, Verdict::Clear) => Verdict::Clear,
    }
}

#[cfg(test)]
mod tests;
