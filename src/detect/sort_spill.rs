//! See [`META`].

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::index;
use crate::detect::basis::weight::{Weight, number, part};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Remedy, Severity, Urgency, Verdict};
use crate::model::sql::Dialect;
use crate::model::subject::QueryProfile;

declare_detector! {
    /// ## What it sees
    /// A statement whose sort, grouping or hash does not fit in memory and goes through files again and again.
    ///
    /// ## Why it hurts
    /// Every row is written and read back, often several times. The disk is shared with everything else, and temporary
    /// files can fill it.
    ///
    /// ## How it decides
    /// Runs that spilled (sorts on disk or merge passes, PostgreSQL temporary files, or, for a statement that sorts or
    /// groups, temporary tables on disk) >= `min_spills`, and >= `min_spill_share` of the runs that tell, and
    /// - temporary files: bytes per run >= `min_temp_bytes`; or
    /// - sorts and temporary tables: rows examined per run >= `min_rows` (a `TEXT` column alone sends a temporary table of ten
    ///   rows to disk);
    ///
    /// and time lost per second (of the last minute, or the busiest of a file) >= `min_load`. A warning, never critical.
    /// MariaDB writes nothing of a run that neither scans nor sorts, and nothing at all unless asked: where most of the runs
    /// that tell spilled, and more do not tell, the verdict is `Insufficient`.
    ///
    /// ## Example
    /// ```sql
    /// SELECT * FROM orders WHERE shop = 7 ORDER BY created_at DESC LIMIT 20;   -- Merge_passes: 42
    /// -- Use instead: an index that delivers the order
    /// CREATE INDEX idx_orders_shop_created_at ON orders (shop, created_at);
    /// ```
    ///
    /// ## False alarms
    /// - A nightly report that sorts a year once: silent by `min_spills`.
    /// - A ten-row temporary table on disk because of a `TEXT` column: silent by `min_rows`.
    /// - A sort in memory, however large: silent.
    /// - A UNION's temporary table: left to `union-hotspot`.
    pub static META = {
        slug: "sort-spill",
        summary: "sorts or groupings go through temporary files",
        summary_ko: "정렬이나 그룹화가 메모리에 들어가지 않아 디스크를 쓰는 쿼리",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "`log_slow_verbosity=query_plan`, `log_slow_extra`, or `log_temp_files`",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.sort-spill]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Runs that spilled: a report runs once.
    pub min_spills: u64,
    /// Share of the runs that spilled, 0 to 1.
    pub min_spill_share: f64,
    /// Rows examined per run: fewer go through a file unnoticed.
    pub min_rows: u64,
    /// Bytes of temporary files per run that wrote some: PostgreSQL's default `work_mem` is 4 MiB.
    pub min_temp_bytes: ByteSize,
    /// Seconds of run time per second: half a connection, for a spill alone is no outage.
    pub min_load: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_spills: 3,
            min_spill_share: 0.5,
            min_rows: 10_000,
            min_temp_bytes: ByteSize::mib(4),
            min_load: 0.5,
        }
    }
}

/// Finds sorts that go through files.
#[derive(Debug)]
pub struct SortSpill(Settings);

impl SortSpill {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for SortSpill {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        let weight = Weight::of(profile);
        let matters = weight.load >= self.0.min_load;
        if !matters {
            return Verdict::Clear;
        }
        let insufficient = |seen| Verdict::Insufficient {
            seen,
            needed: self.0.min_spills,
        };
        if flagged_runs(profile) == 0 && profile.load.temp_files == 0 {
            return insufficient(0);
        }
        let spill = Spill::of(profile);
        let material = self.is_material(profile, &spill);
        let may_be_most = spill.share_at_most() >= self.0.min_spill_share;
        if spill.runs == 0 || !material || !may_be_most {
            return Verdict::Clear;
        }
        let mostly = spill.share() >= self.0.min_spill_share;
        if !mostly && spill.is_seldom_told() {
            return Verdict::Clear;
        }
        if !mostly {
            return insufficient(0);
        }
        if spill.runs < self.0.min_spills {
            return insufficient(spill.runs);
        }
        self.report(profile, weight, &spill)
    }
}

impl SortSpill {
    fn is_material(&self, profile: &QueryProfile, spill: &Spill) -> bool {
        match spill.bytes_per_run {
            Some(bytes) => bytes >= number(self.0.min_temp_bytes.as_u64()),
            None => profile
                .load
                .rows_examined
                .is_some_and(|rows| rows.mean() >= number(self.0.min_rows)),
        }
    }

    fn report(&self, profile: &QueryProfile, weight: Weight, spill: &Spill) -> Verdict {
        let share = Evidence::measure(
            "spilled_share_of_runs",
            spill.share(),
            self.0.min_spill_share,
            Unit::Share,
        );
        let load = &profile.load;
        let per_run = part(load.merge_passes, spill.runs_in_all);
        let passes = Evidence::context("merge_passes_per_run", per_run, Unit::Count);
        let threshold = number(self.0.min_temp_bytes.as_u64());
        let bytes = spill
            .bytes_per_run
            .map(|bytes| Evidence::measure("temp_bytes_per_run", bytes, threshold, Unit::Bytes));
        Draft::new(&META, profile, share)
            .with_all(bytes)
            .with_all((load.merge_passes > 0).then_some(passes))
            .costing(weight)
            .severity(Severity::Warning)
            .remedy(sorting_index(profile))
            .remedy(more_memory(profile))
            .found()
    }
}

/// Of so many runs one must tell of sorts for the others to be taken for runs of a log that does not tell: verbosity is
/// set for a server or for a while, not for one run in a hundred.
const MIN_TOLD: u64 = 10;

/// Runs that went through files.
struct Spill {
    runs: u64,
    /// Runs that tell by what they write of themselves.
    told: u64,
    /// Those, and those that have nothing to write, or are of a log that does not tell.
    runs_in_all: u64,
    bytes_per_run: Option<f64>,
}

impl Spill {
    fn of(profile: &QueryProfile) -> Self {
        let load = &profile.load;
        if load.temp_files > 0 {
            return Self {
                runs: load.temp_files,
                told: load.count,
                runs_in_all: load.count,
                bytes_per_run: Some(part(load.temp_bytes, load.temp_files)),
            };
        }
        let sorts = if load.filesorts_on_disk == 0 && load.merge_passes > 0 {
            load.filesorts.min(load.merge_passes)
        } else {
            load.filesorts_on_disk
        };
        let tables = if groups(profile) {
            load.tmp_tables_on_disk
        } else {
            0
        };
        let told = flagged_runs(profile);
        Self {
            runs: sorts.max(tables),
            told,
            runs_in_all: match profile.target.system {
                Dialect::Mysql => load.count,
                _ => told,
            },
            bytes_per_run: None,
        }
    }

    /// Share of the runs, if none of those that are silent spilled.
    fn share(&self) -> f64 {
        part(self.runs, self.runs_in_all)
    }

    /// The same, if they did as the others.
    fn share_at_most(&self) -> f64 {
        part(self.runs, self.told)
    }

    /// Whether so few runs tell that the others may rather be runs without a sort.
    fn is_seldom_told(&self) -> bool {
        self.told.saturating_mul(MIN_TOLD) < self.runs_in_all
    }
}

/// Runs of which the log tells how they went; MySQL says whether they sorted, and not whether they scanned.
fn flagged_runs(profile: &QueryProfile) -> u64 {
    let load = &profile.load;
    load.access_known.max(load.filesorts).max(load.tmp_tables)
}

/// Whether a temporary table may come of a sort or grouping, and not of a UNION.
fn groups(profile: &QueryProfile) -> bool {
    profile.statement.shape().is_some_and(|shape| {
        let arranges = shape.distinct || !shape.group_by.is_empty() || !shape.order_by.is_empty();
        arranges && shape.set_ops.union == 0
    })
}

/// An index that delivers the order, when the statement is of one table.
fn sorting_index(profile: &QueryProfile) -> Option<Remedy> {
    let [table] = profile.statement.tables() else {
        return None;
    };
    let arranged = groups(profile);
    arranged.then(|| index::candidate(profile, table))?
}

/// More memory for the sessions that need it. In words: a `SET` helps only where it is typed, and may set less than
/// there is.
fn more_memory(profile: &QueryProfile) -> Remedy {
    let sorts = profile.load.filesorts_on_disk > 0 || profile.load.merge_passes > 0;
    advise(match profile.target.system {
        Dialect::Mysql if sorts => {
            "give the sessions that run it a larger sort_buffer_size than they have now, and no others: each connection may use it"
        }
        Dialect::Mysql => {
            "give the sessions that run it a larger tmp_table_size and max_heap_table_size, and leave TEXT and BLOB columns out of the grouping"
        }
        Dialect::Postgres => {
            "give the sessions that run it more work_mem than they have now, and no others: each sort of each connection may use it"
        }
        Dialect::Generic => "give the sessions that run it more memory for sorts, and no others",
    })
}
