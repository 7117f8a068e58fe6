//! See [`META`].

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::{Weight, number};
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::StatementKind;
use crate::model::subject::{QueryProfile, RowLoad};

declare_detector! {
    /// ## What it sees
    /// A list whose rows are so large that they must hold documents, texts or images, fetched many times.
    ///
    /// ## Why it hurts
    /// A large column is stored beside its row and costs further reads for each; it fills the network, and the
    /// program makes objects of all of it. A list of titles that brings every body with it takes a hundred times the
    /// bytes that are shown.
    ///
    /// ## How it decides
    /// All of these must hold for a `SELECT`:
    /// - rows sent per run >= `min_rows`, so that a document that is opened stays silent;
    /// - bytes sent per row >= `min_row_bytes`, and per run >= `min_run_bytes`;
    /// - runs >= `min_runs`, and bytes sent in the interval >= `min_total_bytes`.
    ///
    /// The log must tell the bytes: MariaDB (10.5 and later), Percona Server and MySQL 8 with `log_slow_extra` do,
    /// PostgreSQL does not; there the verdict is `Insufficient`. Which column it is the log does not tell.
    ///
    /// ## Example
    /// ```sql
    /// SELECT * FROM articles WHERE author_id = 7 ORDER BY id DESC LIMIT 50;
    /// -- Use instead: what the list shows; the body when an article is opened
    /// SELECT id, title, created_at FROM articles WHERE author_id = 7 ORDER BY id DESC LIMIT 50;
    /// ```
    ///
    /// ## False alarms
    /// - One document by its key, however large: silent by `min_rows`.
    /// - A nightly export: silent by `min_runs`.
    /// - Many small rows: silent by `min_row_bytes`.
    /// - A list that does show the texts, or a job that reads them in batches: right as it is; raise the thresholds.
    pub static META = {
        slug: "heavy-column",
        summary: "a list fetches large columns with every row",
        summary_ko: "목록의 모든 행에서 큰 열까지 함께 가져오는 쿼리",
        urgency: Urgency::Chronic,
        severity: Severity::Warning,
        needs: "bytes sent, hence the MySQL family only (MariaDB, Percona Server; MySQL 8 with `log_slow_extra`)",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.heavy-column]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Rows sent per run: fewer are no list.
    pub min_rows: u64,
    /// Bytes per row: from about here PostgreSQL stores columns out of line, and ordinary columns seldom make as much.
    pub min_row_bytes: ByteSize,
    /// Bytes per run: a fiftieth of a second on a line of 100 Mbit/s.
    pub min_run_bytes: ByteSize,
    /// Runs in the interval: an export runs once.
    pub min_runs: u64,
    /// Bytes in the interval: less burdens nobody.
    pub min_total_bytes: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_rows: 10,
            min_row_bytes: ByteSize::kib(2),
            min_run_bytes: ByteSize::kib(256),
            min_runs: 10,
            min_total_bytes: ByteSize::mib(32),
        }
    }
}

/// Finds lists of heavy rows.
#[derive(Debug)]
pub struct HeavyColumn(Settings);

impl HeavyColumn {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<QueryProfile> for HeavyColumn {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &QueryProfile) -> Verdict {
        if profile.statement.kind() != StatementKind::Select
            || profile.statement.tables().is_empty()
        {
            return Verdict::Clear;
        }
        let told = |rows: Option<RowLoad>| rows.filter(|r| r.runs > 0);
        let load = &profile.load;
        let (Some(bytes), Some(rows)) = (told(load.bytes_sent), told(load.rows_returned)) else {
            return self.insufficient(0);
        };
        let list = rows.mean() >= number(self.0.min_rows);
        let per_row = bytes.mean() / rows.mean().max(1.0);
        let heavy = per_row >= number(self.0.min_row_bytes.as_u64())
            && bytes.mean() >= number(self.0.min_run_bytes.as_u64());
        if !list || !heavy {
            return Verdict::Clear;
        }
        if bytes.runs < self.0.min_runs {
            return self.insufficient(bytes.runs);
        }
        if bytes.total < self.0.min_total_bytes.as_u64() {
            return Verdict::Clear;
        }
        self.report(profile, per_row, bytes, rows)
    }
}

impl HeavyColumn {
    fn insufficient(&self, seen: u64) -> Verdict {
        Verdict::Insufficient {
            seen,
            needed: self.0.min_runs,
        }
    }

    fn report(
        &self,
        profile: &QueryProfile,
        per_row: f64,
        bytes: RowLoad,
        rows: RowLoad,
    ) -> Verdict {
        let min_row = number(self.0.min_row_bytes.as_u64());
        let min_run = number(self.0.min_run_bytes.as_u64());
        let crossed = Evidence::measure("bytes_sent_per_row", per_row, min_row, Unit::Bytes);
        let star = profile.statement.shape().is_some_and(|s| s.selects_star);
        Draft::new(&META, profile, crossed)
            .with(Evidence::measure("bytes_sent_per_run", bytes.mean(), min_run, Unit::Bytes))
            .with(Evidence::context("rows_sent_per_run", rows.mean(), Unit::Rows))
            .with_all(star.then(|| Evidence::clause("select_list", "*")))
            .costing(Weight::of(profile))
            .severity(Severity::Warning)
            .remedy(advise(
                "name the columns that the list shows, and fetch the large ones by primary key when a row is opened",
            ))
            .remedy(advise(
                "where lists need none of it, move the large columns to a table of their own with the same primary key",
            ))
            .found()
    }
}
