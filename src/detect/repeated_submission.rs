//! See [`META`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::pattern::exemplar;
use crate::detect::basis::weight::{number, part};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::operation::{OperationProfile, Submissions};

declare_detector! {
    /// ## What it sees
    /// The same thing submitted again within a short time: people press the button a second time.
    ///
    /// ## Why it hurts
    /// Rows are written twice, toggles flip back, and a service that is slow gets the load that it cannot bear once more.
    ///
    /// ## How it decides
    /// Requests that change something (`POST`, `PUT`, `PATCH`, `DELETE`, or those that write) are told apart by operation and
    /// - by the values that they wrote, where those are told: the same rows within five minutes, of the same caller where
    ///   one is told; without an `INSERT` within ten seconds;
    /// - else by a keyed hash of the caller: the same user or session within ten seconds; or, where none is told, a browser
    ///   by its address and user agent within two, unless more than a tenth of the service's requests come from that
    ///   address. Without both nothing is evident.
    ///
    /// A request after one that failed is a try, and not counted. Then
    /// - requests that came again >= `min_repeated`; advice below `alarm_repeated`, or where they are a smaller share of the
    ///   requests than `alarm_share`; those that only an address tells of count for no alarm;
    /// - most repeats of one caller <= `max_of_one`: who comes more often is a program;
    /// - shortest time between a request and the one that it repeats <= `max_gap`.
    ///
    /// ## Example
    /// ```sql
    /// INSERT INTO letters (owner, text) VALUES (7, 'hello');   -- and again two seconds later
    /// -- Use instead: a key that the form carries, unique in the table
    /// INSERT INTO letters (owner, text, form) VALUES (7, 'hello', 'b1c4');
    /// ```
    ///
    /// ## False alarms
    /// - Two different comments of one person: other values, silent where values are told.
    /// - A program that sends the same again and again: silent by `max_of_one`.
    /// - Everybody behind one proxy, programs that post in a row: silent, an address that many share tells nothing.
    /// - Tries after an error: not counted.
    pub static META = {
        slug: "repeated-submission",
        summary: "the same is submitted again within a short time",
        summary_ko: "짧은 시간 안에 같은 요청을 다시 보내는 사용자",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "traces with a caller, or with the values of statements",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.repeated-submission]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Requests that came again in the last minute.
    pub min_repeated: u64,
    /// From so many on it is no matter of one impatient person.
    pub alarm_repeated: u64,
    /// Share of the requests that can be told apart from which it is an alarm, 0 to 1.
    pub alarm_share: f64,
    /// Repeats of one caller: who comes more often is a program.
    pub max_of_one: u64,
    /// Time between a request and the one it repeats, at most; the longest one that is remembered is five minutes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub max_gap: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_repeated: 1,
            alarm_repeated: 5,
            alarm_share: 0.05,
            max_of_one: 20,
            max_gap: Duration::from_secs(300),
        }
    }
}

/// Finds requests that came again.
#[derive(Debug)]
pub struct RepeatedSubmission(Settings);

impl RepeatedSubmission {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<OperationProfile> for RepeatedSubmission {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &OperationProfile) -> Verdict {
        let seen = &profile.submissions;
        if seen.told == 0 {
            return Verdict::Insufficient { seen: 0, needed: 1 };
        }
        let is_near = seen
            .gap
            .is_some_and(|(shortest, _)| shortest <= self.0.max_gap);
        let is_person = seen.most <= self.0.max_of_one;
        if seen.repeated < self.0.min_repeated || !is_near || !is_person {
            return Verdict::Clear;
        }
        self.report(profile, seen)
    }
}

impl RepeatedSubmission {
    fn report(&self, profile: &OperationProfile, seen: &Submissions) -> Verdict {
        let share = part(seen.repeated, seen.told);
        let sure_of = seen.repeated.saturating_sub(seen.by_address);
        let is_many = sure_of >= self.0.alarm_repeated && share >= self.0.alarm_share;
        let repeated = number(seen.repeated);
        let min = number(self.0.min_repeated);
        let crossed = Evidence::measure("repeated_requests", repeated, min, Unit::Count);
        let gaps = seen.gap.into_iter().flat_map(|(shortest, longest)| {
            let seconds =
                |name, gap: Duration| Evidence::context(name, gap.as_secs_f64(), Unit::Seconds);
            [
                seconds("shortest_gap", shortest),
                seconds("longest_gap", longest),
            ]
        });
        let same = Evidence::context(
            "repeats_with_the_same_values",
            number(seen.same_values),
            Unit::Count,
        );
        let sure = match seen {
            _ if seen.same_values > 0 => 0.9,
            _ if sure_of > 0 => 0.6,
            _ => 0.4,
        };
        let mut draft = Draft::of_operation(&META, profile, crossed)
            .with(Evidence::context("repeated_share", share, Unit::Share))
            .with(Evidence::context(
                "callers",
                number(seen.callers),
                Unit::Count,
            ))
            .with_all(gaps)
            .with(same)
            .with(Evidence::context("confidence", sure, Unit::Share))
            .with_all(seen.exemplars.first().map(exemplar));
        if let Some(written) = &seen.statement {
            draft = draft.about(written, &seen.target);
        }
        draft
            .advice_if(!is_many)
            .remedy(advise(
                "let the form carry a key of its own, and make it unique where the rows are written: then the second one does nothing",
            ))
            .remedy(advise(
                "switch the button off until the answer is there, and show that something happens: see why the first answer takes so long",
            ))
            .found()
    }
}
