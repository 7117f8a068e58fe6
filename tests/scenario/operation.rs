//! Builds an [`OperationProfile`] from `key: value` lines; what is not said has an ordinary value. Numbers of a line are of
//! one request, but `requests`.
//!
//! ```text
//! operation: GET /orders   job: yes   language: java   dialect: mysql   requests: 20   time: 742ms   failed: 0
//! loop: runs=50 critical=600ms saving=588ms [requests=20 time=742ms most=60 told=50 distinct=50 batched=yes parallel=yes same=yes] sql=INSERT ...
//! batch: runs=1 size=50 critical=600ms sql=INSERT ...
//! source: SELECT id FROM letters WHERE owner = 7 (what ran right before the loops)
//! logged: runs=1000 rows=5000
//! wait: pool=main runs=1 critical=300ms [requests=20]     holder: busy=50s share=0.8 sql=SELECT ...
//! peer: name=pay system=http runs=1 critical=900ms busy=900ms before=50ms failed=0
//! count: critical=60ms page_busy=10ms sql=SELECT COUNT(*) ... ; page: SELECT ... LIMIT 20
//! cut: runs=1 requests=5 median=3s min=3s p95=3s max=3s sql=SELECT ...
//! dropped: runs=1 busy=900ms usual=2ms known_by=100 sql=SELECT ... ; before: SELECT ... WHERE
//! submissions: told=100 repeated=6 same=6 callers=3 most=2 gap=2s sql=INSERT ...
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqleuth::model::event::DbTarget;
use sqleuth::model::id::ServiceName;
use sqleuth::model::operation::{
    BatchLoad, ConnectionWait, DroppedPredicate, Holder, LoggedRuns, OperationLoad,
    OperationProfile, PageCount, PatternLoad, PeerLoad, Role, StatementCut, StatementLoop,
    Submissions, TraceExemplar,
};
use sqleuth::model::sql::StatementRef;
use sqleuth::model::subject::{Horizon, Latency};
use sqleuth::model::time::{Interval, Timestamp};
use sqleuth::normalise::{self, Normaliser};

use crate::profile::{Notes, dialect, duration, pairs};

/// Whether the notes are of an operation.
pub(crate) fn is_told(base: &str, own: &str) -> bool {
    Notes::new(base, own).get("operation").is_some()
}

/// The facts of a line, and the statement behind them.
struct Line<'a> {
    facts: BTreeMap<&'a str, &'a str>,
    sql: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let (facts, sql) = line.split_once("sql=").unwrap_or((line, ""));
        Self {
            facts: pairs(facts),
            sql,
        }
    }

    fn count(&self, key: &str) -> Option<u64> {
        let number = |text: &&str| text.replace('_', "").parse().expect("a number");
        self.facts.get(key).map(number)
    }

    fn time(&self, key: &str) -> Option<Duration> {
        self.facts.get(key).map(|text| duration(text))
    }

    fn yes(&self, key: &str) -> bool {
        self.facts.get(key) == Some(&"yes")
    }
}

struct Builder<'a> {
    notes: &'a Notes,
    requests: u64,
    time: Duration,
    span: Interval,
}

/// The profile that the notes describe.
pub(crate) fn build(base: &str, own: &str, horizon: Horizon) -> OperationProfile {
    let notes = Notes::new(base, own);
    let from = Timestamp::from_unix_secs(1_795_000_000);
    let time = notes.time("time").unwrap_or(Duration::from_millis(100));
    let builder = Builder {
        requests: notes.count("requests").unwrap_or(20),
        time,
        span: Interval {
            from,
            to: from.plus(notes.time("span").unwrap_or(Duration::from_secs(60))),
        },
        notes: &notes,
    };
    let profile = builder.profile(horizon);
    notes.assert_all_used();
    profile
}

impl Builder<'_> {
    fn profile(&self, horizon: Horizon) -> OperationProfile {
        let notes = self.notes;
        OperationProfile {
            service: ServiceName::new("shop"),
            operation: notes.get("operation").expect("an operation").into(),
            role: if notes.yes("job") {
                Role::Job
            } else {
                Role::Request
            },
            language: notes.get("language").unwrap_or_default().into(),
            span: self.span,
            horizon,
            load: OperationLoad {
                requests: self.requests,
                failed: notes.count("failed").unwrap_or(0),
                elapsed: latency(self.time, self.requests),
                database: notes.time("database").unwrap_or_default(),
                statements: self.requests,
                left_out: 0,
            },
            loops: notes
                .stated("loop")
                .map(|l| self.statement_loop(l))
                .collect(),
            batches: notes.stated("batch").map(|l| self.batch(l)).collect(),
            waits: notes.stated("wait").map(|l| self.wait(l)).collect(),
            peers: notes.stated("peer").map(|l| self.peer(l)).collect(),
            counts: notes.stated("count").map(|l| self.page_count(l)).collect(),
            cuts: notes.stated("cut").map(|l| self.cut(l)).collect(),
            dropped: notes.stated("dropped").map(|l| self.dropped(l)).collect(),
            submissions: notes
                .get("submissions")
                .map(|l| self.submissions(l))
                .unwrap_or_default(),
        }
    }

    /// What each of the requests that show it did, all of them together.
    fn load(&self, line: &Line<'_>) -> PatternLoad {
        let requests = line.count("requests").unwrap_or(self.requests);
        let elapsed = line.time("time").unwrap_or(self.time);
        let runs = line.count("runs").unwrap_or(1);
        let each = |key: &str| all(line.time(key).unwrap_or_default(), requests);
        let most = line.count("most").unwrap_or(runs);
        let exemplar = TraceExemplar {
            trace: 7,
            at: self.span.to,
            elapsed,
            runs: most,
        };
        PatternLoad {
            requests,
            elapsed: all(elapsed, requests),
            runs: runs * requests,
            most,
            busy: each("busy"),
            critical: each("critical"),
            saving: each("saving"),
            exemplars: vec![exemplar],
        }
    }

    fn statement(&self, sql: &str) -> StatementRef {
        let mut normaliser = Normaliser::new(&normalise::Settings::default(), 0);
        let known = normaliser.statement(sql.as_bytes(), dialect(self.notes), false);
        known.statement
    }

    fn target(&self) -> DbTarget {
        DbTarget {
            system: dialect(self.notes),
            namespace: "shop".into(),
            server: "db1".into(),
        }
    }

    fn statement_loop(&self, line: &str) -> StatementLoop {
        let line = Line::of(line);
        let load = self.load(&line);
        let requests = load.requests;
        let told = line.count("told").unwrap_or(0);
        let source = self.notes.get("source").map(|sql| self.statement(sql));
        let each = |yes: bool, n: u64| if yes { n } else { 0 };
        StatementLoop {
            statement: self.statement(line.sql),
            target: self.target(),
            same: line.yes("same"),
            told: told * requests,
            distinct: line.count("distinct").unwrap_or(told) * requests,
            batched: each(line.yes("batched"), load.runs),
            parallel: each(line.yes("parallel"), requests),
            sourced: each(source.is_some(), requests),
            source,
            logged: self.logged(),
            load,
        }
    }

    fn logged(&self) -> Option<LoggedRuns> {
        let line = Line::of(self.notes.get("logged")?);
        Some(LoggedRuns {
            runs: line.count("runs").expect("runs"),
            rows_examined: line.count("rows"),
            lock: line.count("lock_ms").map(Duration::from_millis),
            names_trace: line.count("named") == Some(1),
        })
    }

    fn batch(&self, line: &str) -> BatchLoad {
        let line = Line::of(line);
        let load = self.load(&line);
        BatchLoad {
            statement: self.statement(line.sql),
            target: self.target(),
            statements: line.count("size").expect("a size") * load.runs,
            logged: self.logged(),
            load,
        }
    }

    fn wait(&self, line: &str) -> ConnectionWait {
        let line = Line::of(line);
        let holder = self.notes.get("holder").map(Line::of).map(|line| Holder {
            statement: self.statement(line.sql),
            target: self.target(),
            busy: line.time("busy").expect("a time"),
            share: line.facts["share"].parse().expect("a share"),
        });
        ConnectionWait {
            pool: line.facts.get("pool").copied().unwrap_or_default().into(),
            load: self.load(&line),
            holder,
        }
    }

    fn peer(&self, line: &str) -> PeerLoad {
        let line = Line::of(line);
        PeerLoad {
            name: line.facts.get("name").copied().unwrap_or_default().into(),
            system: line.facts["system"].into(),
            load: self.load(&line),
            failed: line.count("failed").unwrap_or(0),
            before: line.time("before"),
        }
    }

    fn page_count(&self, line: &str) -> PageCount {
        let line = Line::of(line);
        let load = self.load(&line);
        PageCount {
            count: self.statement(line.sql),
            target: self.target(),
            page: self.statement(self.notes.get("page").expect("a page")),
            page_busy: all(line.time("page_busy").expect("a time"), load.requests),
            load,
        }
    }

    fn cut(&self, line: &str) -> StatementCut {
        let line = Line::of(line);
        let load = self.load(&line);
        let median = line.time("median").expect("a time");
        StatementCut {
            statement: self.statement(line.sql),
            target: self.target(),
            failed: Latency {
                min: line.time("min").unwrap_or(median),
                p95: line.time("p95").unwrap_or(median),
                max: line.time("max").unwrap_or(median),
                ..latency(median, load.runs)
            },
            load,
        }
    }

    fn dropped(&self, line: &str) -> DroppedPredicate {
        let line = Line::of(line);
        DroppedPredicate {
            now: self.statement(line.sql),
            target: self.target(),
            before: self.statement(self.notes.get("before").expect("the statement before")),
            load: self.load(&line),
            first_seen: self.span.from,
            known_by: line.count("known_by").expect("a number"),
            usual: line.time("usual").expect("a time"),
        }
    }

    fn submissions(&self, line: &str) -> Submissions {
        let line = Line::of(line);
        let gap = line.time("gap");
        Submissions {
            told: line.count("told").expect("a number"),
            repeated: line.count("repeated").expect("a number"),
            same_values: line.count("same").unwrap_or(0),
            by_address: line.count("by_address").unwrap_or(0),
            callers: line.count("callers").expect("a number"),
            most: line.count("most").unwrap_or(1),
            gap: gap.map(|gap| (gap, gap)),
            elapsed: self.time,
            statement: (!line.sql.is_empty()).then(|| Arc::clone(&self.statement(line.sql))),
            target: self.target(),
            exemplars: Vec::new(),
        }
    }
}

/// So many times as long.
fn all(each: Duration, requests: u64) -> Duration {
    each.saturating_mul(u32::try_from(requests).expect("a few requests"))
}

/// Of so many requests alike.
fn latency(each: Duration, runs: u64) -> Latency {
    Latency {
        total: all(each, runs),
        min: each,
        p50: each,
        p95: each,
        p99: each,
        max: each,
    }
}
