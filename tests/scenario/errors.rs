//! Builds an [`ErrorProfile`] from `key: value` lines; what is not said has an ordinary value.
//!
//! ```text
//! class: schema|constraint|...   code: 42703   message: column "note" does not exist   sql: SELECT note FROM t
//! span: 60s  errors: 40  waited: 10s  busiest: 40   busiest_hour: 40   runs: 50   all_runs: 1000  all: 10s   whole: yes
//! party: waiter UPDATE a SET n = 1 | ShareLock on transaction
//! before: 3600s  before.errors: 10  before.busiest: 10  before.quietest: 0.1 (per second)  before.all_runs: 60000  before.all: 600s
//! ```

use std::sync::Arc;
use std::time::Duration;

use sqleuth::ingest::server_log::class;
use sqleuth::ingest::{RawError, RawParty, RawRun, SourceMeta};
use sqleuth::model::error::{ErrorClass, ErrorFamily, PartyRole};
use sqleuth::model::event::{DbTarget, Nesting, Origin, Outcome, RowCounts};
use sqleuth::model::id::{ServiceName, SourceId};
use sqleuth::model::sql::RawSql;
use sqleuth::model::subject::{ErrorBaseline, ErrorLoad, ErrorProfile, Horizon, TotalLoad};
use sqleuth::model::time::{Interval, Timestamp};
use sqleuth::normalise::{self, Normaliser};

use crate::profile::{Notes, dialect, duration};

/// Whether the notes are of errors.
pub(crate) fn is_told(base: &str, own: &str) -> bool {
    Notes::new(base, own).get("class").is_some()
}

/// The profile that the notes describe.
pub(crate) fn build(base: &str, own: &str) -> ErrorProfile {
    let notes = Notes::new(base, own);
    let from = Timestamp::from_unix_secs(1_795_000_000);
    let span = Interval {
        from,
        to: from.plus(notes.time("span").unwrap_or(Duration::from_secs(60))),
    };
    let count = notes.count("errors").unwrap_or(40);
    let source = source(&notes);
    let profile = ErrorProfile {
        family: family(&notes, &source),
        service: source.service,
        target: source.target,
        origin: Origin::Log,
        span,
        horizon: if notes.yes("whole") {
            Horizon::Whole
        } else {
            Horizon::Recent
        },
        load: ErrorLoad {
            count,
            busiest_minute: notes.count("busiest").unwrap_or(count),
            busiest_hour: notes.count("busiest_hour").unwrap_or(count),
            busiest_waited: notes.time("waited").unwrap_or_default(),
            waited: notes.time("waited").unwrap_or_default(),
            seen: Some(span),
            clients: Vec::new(),
        },
        runs: notes.count("runs"),
        total: total(&notes, ""),
        earlier: earlier(&notes, span),
        baseline: baseline(&notes, span),
    };
    notes.assert_all_used();
    profile
}

fn source(notes: &Notes) -> SourceMeta {
    SourceMeta {
        id: SourceId::new("log"),
        service: ServiceName::new("shop"),
        target: DbTarget {
            system: dialect(notes),
            namespace: "shop".into(),
            server: "db1".into(),
        },
    }
}

/// What the normaliser makes of the error.
fn family(notes: &Notes, source: &SourceMeta) -> Arc<ErrorFamily> {
    let class: ErrorClass = serde_json::from_value(notes.get("class").expect("a class").into())
        .expect("a class of errors");
    let code = notes.get("code").unwrap_or_default();
    let told = class::of_code(code);
    let fits = code.is_empty() || told == class || class == ErrorClass::Timeout;
    assert!(fits, "{code} is {told}");
    let error = RawError {
        class,
        code: code.into(),
        message: raw(notes.get("message").unwrap_or_default()),
        parties: notes.stated("party").map(party).collect(),
        alone: true,
        ..RawError::default()
    };
    let run = RawRun {
        truncated: false,
        end: None,
        elapsed: Duration::ZERO,
        lock: None,
        rows: RowCounts::default(),
        bytes_sent: None,
        access: None,
        outcome: Outcome::Ok,
        database: "".into(),
        user: "".into(),
        client: "".into(),
        weight: 1,
        nesting: Nesting::default(),
        error: Some(Box::new(error)),
    };
    let sql = notes.get("sql").unwrap_or_default();
    let mut normaliser = Normaliser::new(&normalise::Settings::default(), 0);
    let told = normaliser.told(sql.as_bytes(), run, source, Timestamp::EPOCH);
    told.error.expect("an error is told").family
}

/// `waiter UPDATE a SET n = 1 | ShareLock on transaction`; `-` for a statement that is not told.
fn party(line: &str) -> RawParty {
    let (role, rest) = line.split_once(' ').expect("a party has a role");
    let (sql, lock) = rest.split_once(" | ").unwrap_or((rest, ""));
    RawParty {
        role: match role {
            "waiter" => PartyRole::Waiter,
            _ => PartyRole::Blocker,
        },
        sql: raw(sql.trim_matches('-')),
        lock: lock.to_owned(),
    }
}

fn raw(text: &str) -> RawSql {
    RawSql::new(text.as_bytes())
}

fn total(notes: &Notes, before: &str) -> TotalLoad {
    let key = |name: &str| format!("{before}{name}");
    TotalLoad {
        count: notes.count(&key("all_runs")).unwrap_or(0),
        elapsed: notes.time(&key("all")).unwrap_or_default(),
        statements: 10,
    }
}

/// Errors before, which need not have been watched for long.
fn earlier(notes: &Notes, span: Interval) -> ErrorLoad {
    let count = notes.count("before.errors").unwrap_or(0);
    let Some(watched) = notes.get("before").filter(|_| count > 0) else {
        return ErrorLoad::default();
    };
    let seen = Interval {
        from: span.from.minus(duration(watched)),
        to: span.from,
    };
    ErrorLoad {
        count,
        busiest_minute: notes.count("before.busiest").unwrap_or(0),
        seen: Some(seen),
        ..ErrorLoad::default()
    }
}

fn baseline(notes: &Notes, span: Interval) -> Option<ErrorBaseline> {
    // a scenario that takes `before` back need not take back the rest
    let quietest = notes.get("before.quietest").unwrap_or("0");
    let count = notes.count("before.errors").unwrap_or(0);
    let total = total(notes, "before.");
    let watched = duration(notes.get("before")?);
    Some(ErrorBaseline {
        span: Interval {
            from: span.from.minus(watched),
            to: span.from,
        },
        count,
        quietest_per_second: quietest.parse().expect("a rate"),
        total,
    })
}
