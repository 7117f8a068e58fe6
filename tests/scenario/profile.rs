//! Builds a [`QueryProfile`] from `key: value` lines; what is not said has an ordinary value.
//!
//! ```text
//! sql: SELECT id FROM customers WHERE email = ?     dialect: mysql|postgres   truncated: yes   opaque: yes
//! span: 60s  runs: 50  time: 2s (median)  total: 100s  max: 3s     all: 200s  statements: 10  log: complete
//! examined: 1000 (10..5000)    sent: 1               full_scans: 50   access_known: 50
//! plan: SIMPLE customers ALL rows=1000000 actual=999 (one line a step)
//! table: customers rows=1000000 elapsed=50s writes=9 set: runs=3 total=90s max=31s rows=600000 told=no
//! ddl: CREATE TABLE customers (id INT PRIMARY KEY) ENGINE=InnoDB (one line a statement)
//! horizon: whole            peak: runs=3 total=50s waited=2s apart=1h   (the busiest minute)
//! stretch: 0 runs=60 examined=40 sent=20 time=2ms   (from that minute of a file on; lines of one minute are added up)
//! minute: 600 runs=15 examined=2000000 sent=20 time=3s   (the same of one minute, in which runs took longest)
//! offset: 100000 x3, 20 x47   (of how many runs; all runs that of `sql`)
//! bytes: 2000 (per run)     page: runs=40 total=2s sql=SELECT ... LIMIT ? (a query that ran beside, one a line)
//! day: 3 examined=30000 time=40ms runs=900 (what the median run of a day cost, one a line)
//! before.runs: 100  before.time: 10ms  before.examined: 40  before.sent: 1
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqleuth::model::course::CoursePoint;
use sqleuth::model::event::{Coverage, CoverageSource, DbTarget, Origin, PlanRow};
use sqleuth::model::id::{FingerprintId, ServiceName};
use sqleuth::model::offset::Offsets;
use sqleuth::model::sql::{Dialect, Parsed, Statement};
use sqleuth::model::stretch::Stretch;
use sqleuth::model::subject::{
    Baseline, Basis, Companion, Exemplar, Horizon, Latency, Load, ParameterLoad, Peak,
    QueryProfile, RowLoad, TableFacts, TotalLoad,
};
use sqleuth::model::time::{Interval, Timestamp};
use sqleuth::normalise::ddl::SchemaReader;
use sqleuth::normalise::{self, Normalised, Normaliser};

/// Lines by key; the last one of a key counts, but `plan`, `table`, `ddl` and `set` may come several times.
pub(crate) struct Notes {
    values: BTreeMap<String, Vec<String>>,
    used: std::cell::RefCell<std::collections::BTreeSet<String>>,
}

impl Notes {
    /// `own` replaces the lines of `base` that have the same key.
    pub(crate) fn new(base: &str, own: &str) -> Self {
        let mut values = BTreeMap::<String, Vec<String>>::new();
        for text in [base, own] {
            let mut fresh = BTreeMap::<String, Vec<String>>::new();
            for line in text.lines().filter(|l| !l.trim().is_empty()) {
                let (key, value) = line.split_once(':').expect("a line is `key: value`");
                let value = value.trim().to_owned();
                fresh.entry(key.trim().to_owned()).or_default().push(value);
            }
            values.extend(fresh);
        }
        Self {
            values,
            used: std::cell::RefCell::default(),
        }
    }

    pub(crate) fn all(&self, key: &str) -> &[String] {
        self.used.borrow_mut().insert(key.to_owned());
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// All lines of a key that may come several times.
    pub(crate) fn stated(&self, key: &str) -> impl Iterator<Item = &str> {
        let lines = self.all(key).iter().map(String::as_str);
        lines.filter(|value| *value != "-")
    }

    /// `-` takes back what the base says.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let last = self.all(key).last().map(String::as_str);
        last.filter(|value| *value != "-")
    }

    pub(crate) fn count(&self, key: &str) -> Option<u64> {
        let digits = |text: &str| text.replace('_', "").parse();
        self.get(key).map(|text| digits(text).expect(key))
    }

    pub(crate) fn time(&self, key: &str) -> Option<Duration> {
        self.get(key).map(duration)
    }

    pub(crate) fn yes(&self, key: &str) -> bool {
        self.get(key) == Some("yes")
    }

    /// A misspelt key would test nothing; one that is taken back tests nothing on purpose.
    pub(crate) fn assert_all_used(&self) {
        let used = self.used.borrow();
        let unused: Vec<_> = self
            .values
            .iter()
            .filter(|(_, lines)| lines.last().is_none_or(|line| line != "-"))
            .map(|(key, _)| key)
            .filter(|key| !used.contains(*key))
            .collect();
        assert!(unused.is_empty(), "unknown keys: {unused:?}");
    }
}

/// The profile that the notes describe.
pub(crate) fn build(base: &str, own: &str, horizon: Horizon) -> QueryProfile {
    let notes = Notes::new(base, own);
    let span = Interval {
        from: Timestamp::from_unix_secs(1_795_000_000),
        to: Timestamp::from_unix_secs(1_795_000_000)
            .plus(notes.time("span").unwrap_or(Duration::from_secs(60))),
    };
    let mut load = load(&notes, "");
    load.offsets = offsets(&notes, load.count);
    load.peak = notes.get("peak").map(|line| peak(span.from, line));
    load.stretches = stretches(&notes, span.from, "stretch");
    if let Some(peak) = &mut load.peak {
        peak.reading = stretches(&notes, span.from, "minute").pop();
    }
    let statement = Arc::new(statement(&notes));
    let profile = QueryProfile {
        statement: Arc::clone(&statement),
        service: ServiceName::new("shop"),
        target: DbTarget {
            system: dialect(&notes),
            namespace: "shop".into(),
            server: "db1".into(),
        },
        origin: Origin::Log,
        span,
        horizon: if notes.get("horizon") == Some("whole") {
            Horizon::Whole
        } else {
            horizon
        },
        total: TotalLoad {
            count: notes.count("all_runs").unwrap_or(load.count * 10),
            elapsed: notes.time("all").unwrap_or(load.elapsed.total * 2),
            statements: notes.count("statements").unwrap_or(10),
        },
        baseline: baseline(&notes, span),
        coverage: coverage(&notes),
        tables: tables(&notes, &statement),
        parameters: sets(&notes),
        plan: plan(&notes),
        exemplars: vec![Exemplar {
            end: span.from.plus(Duration::from_secs(1)),
            elapsed: load.elapsed.max,
            parameters: FingerprintId(1),
            rows_examined: load.rows_examined.map(|r| r.max),
            rows_returned: load.rows_returned.map(|r| r.max),
            trace: None,
        }],
        companions: notes
            .stated("page")
            .map(|line| page(&notes, line))
            .collect(),
        course: course(&notes),
        load,
    };
    notes.assert_all_used();
    profile
}

pub(crate) fn dialect(notes: &Notes) -> Dialect {
    match notes.get("dialect") {
        None | Some("mysql") => Dialect::Mysql,
        Some("postgres") => Dialect::Postgres,
        Some(_) => Dialect::Generic,
    }
}

/// What the normaliser makes of `sql`, unless it is to be taken for unreadable.
fn statement(notes: &Notes) -> Statement {
    let sql = notes.get("sql").expect("a profile has `sql`");
    let truncated = notes.yes("truncated");
    let statement = normalised(sql, dialect(notes), truncated);
    assert!(
        statement.shape().is_some() || truncated,
        "unreadable: {sql}"
    );
    if !notes.yes("opaque") {
        return statement;
    }
    let (kind, tables) = (statement.kind(), statement.tables().to_vec());
    let why = "syntax".to_owned();
    Statement {
        parsed: Parsed::Opaque { why, kind, tables },
        ..statement
    }
}

fn normalised(sql: &str, dialect: Dialect, truncated: bool) -> Statement {
    Statement::clone(&read(sql, dialect, truncated).statement)
}

fn read(sql: &str, dialect: Dialect, truncated: bool) -> Normalised {
    let mut normaliser = Normaliser::new(&normalise::Settings::default(), 0);
    normaliser.statement(sql.as_bytes(), dialect, truncated)
}

/// `100_000 x3, 20 x47`: rows skipped by how many runs; by all runs what the text says.
fn offsets(notes: &Notes, runs: u64) -> Option<Offsets> {
    let mut offsets = Offsets::default();
    let Some(line) = notes.get("offset") else {
        let sql = notes.get("sql").expect("a profile has `sql`");
        let offset = read(sql, dialect(notes), false).attributes.offset?;
        offsets.add(offset, runs);
        return Some(offsets);
    };
    for part in line.replace('_', "").split(", ") {
        let (offset, runs) = part.split_once(" x").expect("`100 x3`");
        let number = |text: &str| text.parse().expect("a number");
        offsets.add(number(offset), number(runs));
    }
    Some(offsets)
}

fn load(notes: &Notes, before: &str) -> Load {
    let key = |name: &str| format!("{before}{name}");
    let count = |name: &str| notes.count(&key(name));
    let runs = count("runs").unwrap_or(10);
    let cancelled = count("cancelled").unwrap_or(0);
    let flags = [
        "full_scans",
        "full_joins",
        "tmp_tables",
        "tmp_tables_on_disk",
        "filesorts",
        "filesorts_on_disk",
    ];
    let flags = flags.map(count);
    let flagged = flags.iter().any(Option::is_some);
    let [
        full_scans,
        full_joins,
        tmp_tables,
        on_disk,
        filesorts,
        filesorts_on_disk,
    ] = flags.map(Option::unwrap_or_default);
    Load {
        count: runs,
        peak: None,
        stretches: Vec::new(),
        untimed: 0,
        untimed_cuts: 0,
        errors: cancelled,
        cancelled,
        elapsed: latency(notes, before, runs),
        inner: Duration::ZERO,
        cancelled_elapsed: cut(notes, cancelled),
        lock: notes.time(&key("lock")),
        rows_examined: rows(notes.get(&key("examined")), runs),
        rows_returned: rows(notes.get(&key("sent")), runs),
        rows_affected: rows(notes.get(&key("affected")), runs),
        bytes_sent: rows(notes.get(&key("bytes")), runs),
        offsets: None,
        access_known: count("access_known").unwrap_or(if flagged { runs } else { 0 }),
        full_scans,
        full_joins,
        tmp_tables,
        tmp_tables_on_disk: on_disk,
        filesorts,
        filesorts_on_disk,
        merge_passes: count("merge_passes").unwrap_or(0),
        temp_bytes: count("temp_bytes").unwrap_or(0),
        temp_files: count("temp_files").unwrap_or(0),
    }
}

fn latency(notes: &Notes, before: &str, runs: u64) -> Latency {
    let time = |name: &str| notes.time(&format!("{before}{name}"));
    let p50 = time("time").unwrap_or(Duration::from_millis(10));
    let max = time("max").unwrap_or(p50);
    let runs = u32::try_from(runs).expect("few runs");
    let total = time("total").unwrap_or(p50 * runs);
    Latency {
        total,
        min: p50,
        p50,
        p95: max,
        p99: max,
        max,
    }
}

/// `cut: 30s (29s..31s)`: median, shortest and 95th percentile of the cut runs.
fn cut(notes: &Notes, cancelled: u64) -> Option<Latency> {
    let text = notes.get("cut")?;
    let (p50, range) = text.split_once(' ').unwrap_or((text, ""));
    let p50 = duration(p50);
    let range = range.trim_matches(['(', ')']).split_once("..");
    let (min, max) = range.map_or((p50, p50), |(a, b)| (duration(a), duration(b)));
    let total = p50 * u32::try_from(cancelled).expect("few");
    Some(Latency {
        total,
        min,
        p50,
        p95: max,
        p99: max,
        max,
    })
}

/// `1000 (10..5000)`: mean, smallest and largest per run.
fn rows(text: Option<&str>, runs: u64) -> Option<RowLoad> {
    let text = text?.replace('_', "");
    let (mean, range) = text.split_once(' ').unwrap_or((&text, ""));
    let mean: u64 = mean.parse().expect("rows are a number");
    let range = range.trim_matches(['(', ')']).split_once("..");
    let bound = |text: &str| text.parse::<u64>().expect("rows are a number");
    let (min, max) = range.map_or((mean, mean), |(a, b)| (bound(a), bound(b)));
    Some(RowLoad {
        runs,
        total: mean * runs,
        min,
        p95: max,
        max,
    })
}

fn baseline(notes: &Notes, span: Interval) -> Option<Baseline> {
    let basis = match notes.get("before.basis") {
        None | Some("previous hour") => Basis::PreviousHour,
        Some("same hour") => Basis::SameHour,
        Some(_) => Basis::BeforeDeploy,
    };
    let load = load(notes, "before.");
    let span = Interval {
        from: span.from.minus(Duration::from_secs(3600)),
        to: span.from,
    };
    notes
        .get("before.runs")
        .map(|_| Baseline { span, basis, load })
}

fn coverage(notes: &Notes) -> Coverage {
    match notes.get("log") {
        None | Some("complete") => Coverage {
            slower_than: Some(Duration::ZERO),
            one_in: None,
            known_by: CoverageSource::Stated,
        },
        Some("unknown") => Coverage::default(),
        Some(threshold) => Coverage {
            slower_than: Some(duration(threshold)),
            one_in: None,
            known_by: CoverageSource::Stated,
        },
    }
}

/// What the lines say, and the DDL of every table that one of `ddl` declares.
fn tables(notes: &Notes, statement: &Statement) -> Vec<TableFacts> {
    let mut tables: Vec<TableFacts> = notes.stated("table").map(table).collect();
    let mut reader = SchemaReader::default();
    for line in notes.stated("ddl") {
        let line = format!("{line};\n");
        reader.read("scenario", line.as_bytes()).expect("text");
    }
    let (schema, unread, _) = reader.finish();
    assert!(unread.is_empty(), "{unread:?}");
    for name in statement.tables() {
        let Some(found) = schema.find("shop", name) else {
            continue;
        };
        if let Some(known) = tables.iter_mut().find(|facts| facts.name == *name) {
            known.schema = Some(Arc::clone(found));
            continue;
        }
        tables.push(TableFacts {
            name: Arc::clone(name),
            schema: Some(Arc::clone(found)),
            rows: None,
            elapsed: Duration::ZERO,
            writes: 0,
        });
    }
    tables
}

fn table(line: &str) -> TableFacts {
    let (name, facts) = line.split_once(' ').expect("a table has facts");
    let facts = pairs(facts);
    TableFacts {
        name: name.into(),
        schema: None,
        rows: facts
            .get("rows")
            .map(|text| text.parse().expect("a number")),
        elapsed: facts
            .get("elapsed")
            .map_or(Duration::ZERO, |text| duration(text)),
        writes: facts
            .get("writes")
            .map_or(0, |text| text.parse().expect("a number")),
    }
}

/// What happened in a minute.
fn peak(from: Timestamp, line: &str) -> Peak {
    let facts = pairs(line);
    let time = |key: &str| facts.get(key).map(|text| duration(text));
    Peak {
        span: Interval {
            from,
            to: from.plus(Duration::from_secs(60)),
        },
        runs: facts["runs"].parse().expect("a number"),
        elapsed: duration(facts["total"]),
        waited: time("waited").unwrap_or_default(),
        apart: time("apart"),
        reading: None,
    }
}

/// `stretch: 0 runs=60 examined=40 sent=20 time=2ms`, one a line: what runs read from a minute of the file on. Lines of
/// one minute are added up.
fn stretches(notes: &Notes, from: Timestamp, key: &str) -> Vec<Stretch> {
    let mut by_minute: BTreeMap<u64, Stretch> = BTreeMap::new();
    for line in notes.stated(key) {
        let (minute, facts) = line.split_once(' ').expect("a stretch has facts");
        let facts = pairs(facts);
        let count = |key: &str| -> u64 { facts[key].replace('_', "").parse().expect("a number") };
        let minute = minute.parse().expect("a number of minutes");
        let at = from.plus(Duration::from_secs(60 * minute));
        let run = Stretch::of(
            at,
            count("examined"),
            count("sent"),
            duration(facts["time"]),
        );
        let told = run.times(u32::try_from(count("runs")).expect("a few runs"));
        let known = by_minute.entry(minute).or_default();
        *known = known.together(told);
    }
    by_minute.into_values().collect()
}

/// A page query that ran beside a count.
fn page(notes: &Notes, line: &str) -> Companion {
    let (facts, sql) = line.split_once(" sql=").expect("a page has `sql=`");
    let facts = pairs(facts);
    Companion {
        statement: Arc::new(normalised(sql, dialect(notes), false)),
        count: facts["runs"].parse().expect("a number"),
        elapsed: duration(facts["total"]),
    }
}

/// `day: 3 examined=30000 time=40ms runs=900`, one a line: what the median run of a day cost; `day: 3.5` is its noon.
fn course(notes: &Notes) -> Vec<CoursePoint> {
    let day = |line: &str| {
        let (day, facts) = line.split_once(' ').expect("a day has facts");
        let facts = pairs(facts);
        let after: f64 = day.parse().expect("a number of days");
        let number_of = |key: &str| facts.get(key).map(|t| t.replace('_', "").parse());
        CoursePoint {
            at: Timestamp::from_unix_secs(1_794_960_000)
                .plus(Duration::from_secs_f64(after * 86_400.0)),
            runs: number_of("runs").map_or(100, |n| n.expect("a number")),
            rows_examined: number_of("examined").expect("rows").expect("a number"),
            elapsed: duration(facts["time"]),
        }
    };
    notes.stated("day").map(day).collect()
}

fn sets(notes: &Notes) -> Vec<ParameterLoad> {
    let set = |(number, line): (u64, &str)| {
        let facts = pairs(line);
        let number_of = |key: &str| facts.get(key).map(|t| t.parse().expect("a number"));
        ParameterLoad {
            parameters: FingerprintId(if facts.get("told") == Some(&"no") {
                0
            } else {
                number
            }),
            count: number_of("runs").expect("a set has runs"),
            total: duration(facts["total"]),
            max: duration(facts["max"]),
            rows_examined: number_of("rows"),
        }
    };
    (1..).zip(notes.stated("set")).map(set).collect()
}

/// `STEP TABLE ACCESS key=value ...`, with `-` for an empty word and `_` for a blank in one.
fn plan(notes: &Notes) -> Option<Arc<[PlanRow]>> {
    let step = |line: &String| {
        let mut words = line.splitn(4, ' ');
        let mut word = || {
            Arc::from(
                words
                    .next()
                    .unwrap_or("-")
                    .replace('_', " ")
                    .trim_matches('-'),
            )
        };
        let (step, table, access) = (word(), word(), word());
        let facts = pairs(words.next().unwrap_or_default());
        let number_of = |key: &str| facts.get(key).map(|t| t.parse().expect("a number"));
        PlanRow {
            step,
            table,
            access,
            key: (*facts.get("key").unwrap_or(&"")).into(),
            rows: number_of("rows"),
            actual_rows: number_of("actual"),
            extra: "".into(),
        }
    };
    notes.get("plan")?;
    Some(notes.all("plan").iter().map(step).collect())
}

pub(crate) fn pairs(text: &str) -> BTreeMap<&str, &str> {
    text.split(' ')
        .filter_map(|pair| pair.split_once('='))
        .collect()
}

pub(crate) fn duration(text: &str) -> Duration {
    let signed: jiff::SignedDuration = text.parse().expect("a duration such as `10ms`");
    signed.try_into().expect("a duration is not negative")
}
