//! The command line as people meet it: what is printed, on which stream, and the exit code.

#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/cut.rs"]
mod cut;
#[path = "cli/identity.rs"]
mod identity;
#[path = "cli/lookalikes.rs"]
mod lookalikes;
#[path = "cli/opaque.rs"]
mod opaque;
#[path = "cli/otlp.rs"]
mod otlp;
#[path = "cli/page.rs"]
mod page;
#[path = "cli/paging.rs"]
mod paging;
#[path = "cli/progress.rs"]
mod progress;
#[path = "cli/recorded.rs"]
mod recorded;
#[path = "cli/recorded_mysql.rs"]
mod recorded_mysql;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/truth.rs"]
mod truth;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Fixtures of real servers, with the format of each.
const REAL: [(&str, &str); 5] = [
    ("mariadb-10.11-verbose.log.xz", "mysql-slow"),
    ("mariadb-10.11-plain.log.xz", "mysql-slow"),
    ("postgres-15-stderr.log.xz", "postgres-stderr"),
    ("postgres-15-csvlog.csv.xz", "postgres-csv"),
    ("postgres-15-jsonlog.json.xz", "postgres-json"),
];

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/logs").join(name)
}

fn sqleuth(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqleuth"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    sqleuth(args).output().expect("the binary runs")
}

/// Gives `input` to the standard input.
fn run_with(args: &[&str], input: &[u8]) -> Output {
    let mut command = sqleuth(args);
    command.stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the binary ends");
    writer.join().expect("writing does not panic");
    output
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The one document that `digest --format json` prints.
fn digest(args: &[&str]) -> Value {
    let output = run(&[&["digest", "--format", "json"], args].concat());
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "", "nothing to complain about");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn name(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

fn unpacked(fixture_name: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let packed = File::open(fixture(fixture_name)).expect("the fixture is there");
    liblzma::read::XzDecoder::new(packed)
        .read_to_end(&mut text)
        .expect("the fixture unpacks");
    text
}

/// A slow log of `(statement, seconds, rows examined)`, a second apart.
fn slow_log(entries: &[(&str, f64, u64)]) -> String {
    use std::fmt::Write as _;
    let mut log = String::new();
    for (n, (sql, seconds, rows)) in entries.iter().enumerate() {
        let start = 1_795_255_200 + n;
        writeln!(
            log,
            "# User@Host: app[app] @ web1 []\n# Thread_id: 3  Schema: shop  QC_hit: No\n\
             # Query_time: {seconds:.6}  Lock_time: 0.001000  Rows_sent: 1  Rows_examined: {rows}\n\
             SET timestamp={start};\n{sql};"
        )
        .expect("memory can be written");
    }
    log
}

fn file(dir: &TempDir, name: &str, content: &[u8]) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("the test's directory can be written");
    path.to_str().expect("paths of tests are UTF-8").to_owned()
}

/// A slow log of these runs, as a file.
fn logged(dir: &TempDir, entries: &[(&str, f64, u64)]) -> String {
    file(dir, "slow.log", slow_log(entries).as_bytes())
}

/// What `digest` finds in a log of this text.
fn findings(log: &str) -> Vec<Value> {
    let dir = TempDir::new().expect("a directory");
    let path = file(&dir, "slow.log", log.as_bytes());
    let report = digest(&[&path]);
    report["findings"].as_array().expect("findings").clone()
}

fn keys(value: &Value) -> Vec<&str> {
    let map = value.as_object().expect("an object");
    map.keys().map(String::as_str).collect()
}

fn has_keys(value: &Value, wanted: &[&str]) {
    let found = keys(value);
    for key in wanted {
        assert!(found.contains(key), "no {key} in {found:?}");
    }
}

const TIMES: [&str; 7] = ["total", "min", "mean", "p50", "p95", "p99", "max"];

#[test]
fn the_json_of_a_digest_has_every_key_of_its_contract() {
    let report = digest(&[name(&fixture("mariadb-10.11-verbose.log.xz"))]);
    assert_eq!(report["version"], 1);
    has_keys(&report, &["version", "source", "queries", "findings"]);
    let source = [
        "files",
        "format",
        "bytes",
        "entries",
        "statements",
        "unparsed_entries",
        "opaque_statements",
        "from",
        "to",
    ];
    has_keys(&report["source"], &source);
    let queries = report["queries"].as_array().expect("a list");
    assert!(queries.len() > 20);
    for query in queries {
        let id = query["fingerprint"].as_str().expect("text");
        assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        let lists = ["databases", "users", "clients", "tables", "findings"];
        assert!(lists.iter().all(|list| query[list].is_array()), "{query}");
        for time in ["time_s", "lock_s"] {
            has_keys(&query[time], &TIMES);
            assert!(TIMES.iter().all(|key| query[time][key].is_f64()), "{query}");
        }
        for rows in ["rows_examined", "rows_sent", "rows_affected", "bytes_sent"] {
            has_keys(&query[rows], &["total", "mean", "p95", "max"]);
        }
        let counts = ["count", "errors", "full_scans"];
        assert!(counts.iter().all(|key| query[key].is_u64()), "{query}");
        has_keys(
            query,
            &[
                "template",
                "dialect",
                "kind",
                "share",
                "first_seen",
                "last_seen",
            ],
        );
    }
}

#[test]
fn what_a_log_does_not_tell_is_null() {
    let report = digest(&[name(&fixture("postgres-15-stderr.log.xz"))]);
    let queries = report["queries"].as_array().expect("a list");
    let begin = queries.iter().find(|q| q["template"] == "BEGIN");
    let begin = begin.expect("transactions are in the log");
    for unknown in ["lock_s", "rows_examined", "rows_sent", "bytes_sent"] {
        assert!(begin[unknown].is_null(), "{unknown}: {begin}");
    }
}

#[test]
fn a_finding_tells_its_evidence_and_its_remedy() {
    let dir = TempDir::new().expect("a temporary directory");
    let scans = [("SELECT name FROM c WHERE email = 'a'", 0.8, 400_000); 30];
    let path = logged(&dir, &scans);
    let report = digest(&[&path]);
    let found = &report["findings"][0];
    assert_eq!(found["detector"], "full-scan");
    assert_eq!(found["fingerprint"], report["queries"][0]["fingerprint"]);
    has_keys(
        &found["evidence"][0],
        &["kind", "name", "observed", "threshold", "unit"],
    );
    let remedy = &found["remedies"][0];
    assert_eq!(remedy["sql"], "CREATE INDEX idx_c_email ON c (email);");
    assert_eq!(remedy["safety"], "needs-review");
    assert_eq!(report["queries"][0]["findings"][0], "full-scan");
    assert!(!report.to_string().contains("'a'"), "no literal");
}

/// `Query_time` of every entry, added up without any of sqleuth's parsers.
fn seconds_of_mysql(log: &str) -> (u64, f64) {
    let times = log
        .lines()
        .filter_map(|line| line.strip_prefix("# Query_time: "));
    times.fold((0, 0.0), |(n, sum), rest| {
        let seconds: f64 = rest
            .split_whitespace()
            .next()
            .and_then(|t| t.parse().ok())
            .expect("a time");
        (n + 1, sum + seconds)
    })
}

fn time_of(report: &Value) -> f64 {
    let queries = report["queries"].as_array().expect("a list");
    let totals = queries.iter().map(|q| q["time_s"]["total"].as_f64());
    totals.map(|t| t.expect("a number")).sum()
}

fn runs_of(report: &Value) -> u64 {
    let queries = report["queries"].as_array().expect("a list");
    queries.iter().filter_map(|q| q["count"].as_u64()).sum()
}

#[test]
fn the_sums_are_those_of_the_log() {
    for fixture_name in ["mariadb-10.11-verbose.log.xz", "mariadb-10.11-plain.log.xz"] {
        let (headers, seconds) = seconds_of_mysql(&text(&unpacked(fixture_name)));
        let report = digest(&[name(&fixture(fixture_name))]);
        // The recordings are cut in the middle of their last entry, which may have its header.
        let entries = report["source"]["entries"].as_u64().expect("a number");
        assert!(
            headers - entries <= 1,
            "{headers} headers, {entries} entries"
        );
        assert!((time_of(&report) - seconds).abs() < 0.001, "{fixture_name}");
        assert_eq!(runs_of(&report), entries, "{fixture_name}");
    }
}

#[test]
fn shares_add_up_and_the_costliest_statement_is_first() {
    for (fixture_name, format) in REAL {
        let report = digest(&[name(&fixture(fixture_name))]);
        assert_eq!(report["source"]["format"], format);
        assert_eq!(runs_of(&report), report["source"]["statements"]);
        let queries = report["queries"].as_array().expect("a list");
        let number = |q: &Value, key: &str| q[key].as_f64().expect("a number");
        let shares: f64 = queries.iter().map(|q| number(q, "share")).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{fixture_name}: {shares}");
        let costs: Vec<f64> = queries
            .iter()
            .map(|q| number(&q["time_s"], "total"))
            .collect();
        assert!(costs.is_sorted_by(|a, b| a >= b), "{fixture_name}");
        for query in queries {
            let time = |key| number(&query["time_s"], key);
            let order = ["min", "p50", "p95", "p99", "max"].map(time);
            assert!(order.is_sorted(), "{query}");
        }
    }
}

#[test]
fn a_log_in_two_files_is_the_same_as_in_one() {
    let dir = TempDir::new().expect("a temporary directory");
    let whole = unpacked("mariadb-10.11-verbose.log.xz");
    let middle = memchr::memmem::find(&whole[whole.len() / 2..], b"\n# User@Host:")
        .map(|at| whole.len() / 2 + at + 1)
        .expect("an entry begins in the second half");
    let all = file(&dir, "all", &whole);
    let halves = [
        file(&dir, "1", &whole[..middle]),
        file(&dir, "2", &whole[middle..]),
    ];
    let one = digest(&[&all]);
    let two = digest(&[&halves[0], &halves[1]]);
    for key in ["bytes", "entries", "statements", "from", "to"] {
        assert_eq!(one["source"][key], two["source"][key], "{key}");
    }
    assert_eq!(one["queries"], two["queries"]);
    assert_eq!(one["findings"], two["findings"]);
}

#[test]
fn a_packed_log_and_a_pipe_give_the_same_report() {
    let dir = TempDir::new().expect("a temporary directory");
    let plain = unpacked("mariadb-10.11-plain.log.xz");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).expect("memory can be written");
    let gz = gz.finish().expect("memory can be written");
    let zst = zstd::encode_all(plain.as_slice(), 1).expect("zstd packs");
    let wanted = digest(&[name(&fixture("mariadb-10.11-plain.log.xz"))]);
    for path in [
        file(&dir, "gz", &gz),
        file(&dir, "zst", &zst),
        file(&dir, "plain", &plain),
    ] {
        assert_eq!(digest(&[&path])["queries"], wanted["queries"], "{path}");
    }
    let piped = run_with(&["digest", "--format", "json", "-"], &gz);
    let piped: Value = serde_json::from_slice(&piped.stdout).expect("one JSON document");
    assert_eq!(piped["queries"], wanted["queries"]);
    assert_eq!(piped["source"]["files"][0], "-");
}

#[test]
fn a_packed_log_that_is_cut_is_told_in_part() {
    let dir = TempDir::new().expect("a temporary directory");
    let plain = unpacked("mariadb-10.11-plain.log.xz");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).expect("memory can be written");
    let gz = gz.finish().expect("memory can be written");
    let path = file(&dir, "cut.gz", &gz[..gz.len() / 2]);
    let output = run(&["digest", "--format", "json", &path]);
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("cut.gz"));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert!(runs_of(&report) > 100);
    assert_eq!(runs_of(&report), report["source"]["statements"]);
}

#[test]
fn what_cannot_be_read_is_named_and_fails() {
    let dir = TempDir::new().expect("a temporary directory");
    let binary = file(&dir, "binary", b"\x7fELF\x02\x01\x01\0\0\0\0\0\xff\xfe");
    let zeros = file(&dir, "zeros", &[0; 4096]);
    let missing = dir.path().join("missing");
    for path in [&binary, &zeros, name(&missing)] {
        let output = run(&["digest", path]);
        assert_eq!(code(&output), Some(1), "{path}");
        assert_eq!(text(&output.stdout), "", "{path}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(path), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn a_bad_file_beside_a_good_one_is_a_partial_report() {
    let good = fixture("mysql-odd.log");
    let output = run(&["digest", name(&good), "/nonexistent/slow.log"]);
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("/nonexistent/slow.log"));
    assert!(text(&output.stdout).contains("Statements by total time"));
    assert!(text(&output.stdout).contains("Partial: not all of the input was read."));
}

#[test]
fn what_matches_nothing_does_not_take_the_rest_along() {
    let dir = TempDir::new().expect("a temporary directory");
    let good = fixture("mysql-odd.log");
    let nothing = dir.path().join("no*match.log");
    let output = run(&["digest", name(&good), name(&nothing), name(dir.path())]);
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stdout).contains("Statements by total time"));
    let told = text(&output.stderr);
    assert_eq!(told.matches("no file in").count(), 2, "{told}");
    let output = run(&["digest", name(dir.path())]);
    assert_eq!(code(&output), Some(1));
    assert!(text(&output.stderr).contains("no file in"));
}

#[test]
fn the_same_log_under_two_names_is_summed_up_once() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = slow_log(&[("SELECT 1", 0.0, 0); 60]);
    let path = file(&dir, "slow.log", log.as_bytes());
    let link = dir.path().join("current.log");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    let output = run(&["digest", "--format", "json", name(dir.path()), &path]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(runs_of(&report), 60);
    assert_eq!(code(&output), Some(0));
    let told = text(&output.stderr);
    assert_eq!(told.matches("has the same content").count(), 2, "{told}");
}

#[test]
fn two_digests_of_one_log_are_the_same_to_the_byte() {
    let log = fixture("mariadb-10.11-verbose.log.xz");
    let once = || run(&["digest", "--format", "json", name(&log)]).stdout;
    assert!(once() == once());
}

#[test]
fn a_digest_obeys_the_configuration_and_the_environment() {
    let dir = TempDir::new().expect("a temporary directory");
    let entries = [("SELECT name FROM c WHERE email = 'a'", 0.8, 400_000); 30];
    let log = logged(&dir, &entries);
    let args = ["digest", "--format", "json", &log];
    let slugs = |output: &Output| -> Vec<String> {
        let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
        let found = report["findings"].as_array().expect("a list");
        let slugs = found.iter().filter_map(|f| f["detector"].as_str());
        slugs.map(str::to_owned).collect()
    };
    let usual = slugs(&run(&args));
    let scan = usual.iter().find(|slug| *slug == "full-scan");
    assert!(scan.is_some(), "{usual:?}");
    let without = |slugs: &[String]| slugs.iter().all(|slug| slug != "full-scan");
    let output = sqleuth(&args)
        .env("SQLEUTH__DETECT__FULL_SCAN__ENABLED", "false")
        .output()
        .expect("it runs");
    assert!(without(&slugs(&output)));
    let config = file(
        &dir,
        "sqleuth.toml",
        b"[general]\nlanguage = \"ko\"\n[detect.full-scan]\nenabled = false\n",
    );
    let output = run(&[&args[..], &["--config", &config]].concat());
    assert!(without(&slugs(&output)));
    let page = run(&["digest", "--config", &config, &log]);
    assert!(text(&page.stdout).contains("총 실행 시간별 문장"));
}

/// Detectors that a digest says were blind.
fn blind(path: &str) -> Vec<String> {
    let report = digest(&[path]);
    let blind = report["source"]["not_judged"].as_array().expect("a list");
    let slugs = blind.iter().filter_map(|b| b["detector"].as_str());
    slugs.map(str::to_owned).collect()
}

#[test]
fn a_detector_that_saw_nothing_of_most_of_the_time_is_named() {
    let dir = TempDir::new().expect("a temporary directory");
    let line = |n: usize, millis: u32, sql: &str| {
        let (minute, second) = (n / 60, n % 60);
        format!(
            "2026-11-21 10:{minute:02}:{second:02}.000 UTC [7] shop@shop LOG:  duration: {millis}.000 ms  statement: {sql}\n"
        )
    };
    // the fast one is so light that the scan detector has nothing to ask about it
    let light = (0..60).map(|n| line(n, 1, "SELECT * FROM orders WHERE id = 1"));
    let heavy = (60..120).map(|n| line(n, 5_000, "SELECT * FROM events WHERE kind = 1"));
    let log: String = light.chain(heavy).collect();
    let blind = blind(&file(&dir, "postgresql.log", log.as_bytes()));
    assert!(blind.iter().any(|slug| slug == "full-scan"), "{blind:?}");
    assert!(!blind.iter().any(|slug| slug == "deadlock"), "{blind:?}");
}

#[test]
fn a_log_that_cannot_carry_errors_leaves_their_detectors_blind() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = slow_log(&[("SELECT 1", 0.1, 1); 60]);
    let blind = blind(&file(&dir, "slow.log", log.as_bytes()));
    for slug in ["connection-refusal", "deadlock", "error-burst"] {
        assert!(blind.iter().any(|b| b == slug), "no {slug} in {blind:?}");
    }
}

#[test]
fn an_outage_without_a_statement_is_told_in_every_form() {
    let dir = TempDir::new().expect("a temporary directory");
    let line = |n: u32| {
        let (minute, second) = (n / 60 % 60, n % 60);
        format!(
            "2026-11-21 10:{minute:02}:{second:02}.000 UTC [{n}] shop@shop FATAL:  sorry, too many clients already\n"
        )
    };
    let log: String = (0..600).map(line).collect();
    let path = file(&dir, "postgresql.log", log.as_bytes());
    for format in ["text", "md", "html"] {
        let output = run(&["digest", "--format", format, &path]);
        let page = text(&output.stdout);
        for told in ["Fix first", "600 errors", "onnection"] {
            assert!(page.contains(told), "no {told} in the {format}:\n{page}");
        }
        assert!(page.to_lowercase().contains("critical"), "{page}");
    }
}

#[test]
fn an_empty_log_is_no_failure() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = file(&dir, "empty", b"");
    let output = run(&["digest", &path]);
    assert_eq!(code(&output), Some(0));
    assert!(text(&output.stdout).contains("No statement was found."));
    assert_eq!(text(&output.stderr), format!("sqleuth: {path} is empty\n"));
    let output = run(&["digest", "--format", "json", &path]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(report["queries"], Value::Array(Vec::new()));
}

#[test]
fn a_directory_and_a_pattern_are_read_as_their_files() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = std::fs::read_to_string(fixture("mysql-odd.log")).expect("the fixture is readable");
    for (rotated, port) in [("slow.log", "3307"), ("slow.log.1", "3308")] {
        // of another server each: the same content would be read once
        file(&dir, rotated, log.replace("3306", port).as_bytes());
    }
    let one = digest(&[&file(&dir, "other", log.as_bytes())]);
    let pattern = dir.path().join("slow.log*");
    let both = digest(&[name(&pattern)]);
    file(&dir, "notes.txt", b"nothing of a log\n");
    let output = run(&["digest", "--format", "json", name(dir.path())]);
    assert_eq!(
        code(&output),
        Some(0),
        "a file that is no log is no failure"
    );
    assert!(text(&output.stderr).contains("notes.txt"));
    let all: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let entries = |report: &Value| report["source"]["entries"].as_u64();
    assert_eq!(entries(&both), entries(&one).map(|n| 2 * n));
    assert_eq!(entries(&all), entries(&one).map(|n| 3 * n));
}

#[test]
fn logs_of_different_servers_are_mixed() {
    let [mysql, .., postgres] = REAL.map(|(log, _)| fixture(log));
    let report = digest(&[name(&mysql), name(&postgres)]);
    assert_eq!(report["source"]["format"], "mixed");
    let queries = report["queries"].as_array().expect("a list");
    for dialect in ["mysql", "postgres"] {
        assert!(queries.iter().any(|q| q["dialect"] == dialect), "{dialect}");
    }
}

#[test]
fn bad_usage_is_64() {
    let log = fixture("mysql-odd.log");
    let log = name(&log);
    let wrong: &[&[&str]] = &[
        &["digest"],
        &["digest", "--input", "oracle", log],
        &["digest", "--since", "yesterday", log],
        &["digest", "--since", "1h", "--until", "2h", log],
        &["digest", "--top", "many", log],
        &["digest", "--top", "0", log],
        &["digest", "--since", "90", log],
        &["digest", "--config", "/nonexistent.toml", log],
        &["digest", "--jobs", "0", log],
        &["digest", "--jobs", "65", log],
        &["fingerprint", "--dialect", "oracle"],
        &["nonsense"],
    ];
    for args in wrong {
        let output = run(args);
        assert_eq!(
            code(&output),
            Some(64),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
}

/// One of a directory of logs is no log any more; another file has a name of its own.
#[test]
fn a_rotated_log_that_cannot_be_read_makes_the_report_partial() {
    for (other, expected) in [("slow.log.1", 2), ("notes.txt", 0)] {
        let dir = TempDir::new().expect("a temporary directory");
        logged(&dir, &[("SELECT 1", 0.0, 0)]);
        file(&dir, other, b"what is this?\n");
        let output = run(&["digest", "--format", "json", name(dir.path())]);
        assert_eq!(code(&output), Some(expected), "{other}");
        assert!(text(&output.stderr).contains(other));
    }
}

/// `log_destination = 'stderr,csvlog'`, of which csvlog was switched on later.
#[test]
fn a_server_that_writes_its_log_in_two_formats_is_counted_once() {
    let dir = TempDir::new().expect("a temporary directory");
    let stderr = |second: u8| {
        format!(
            "2026-11-21 19:26:{second}.000 UTC [7] app@shop LOG:  duration: 9.500 ms  statement: SELECT {second}\n"
        )
    };
    let csv = |second: u8| {
        format!(
            "2026-11-21 19:26:{second}.000 UTC,\"app\",\"shop\",7,\"[local]\",6b01f082.7,1,\"SELECT\",2026-11-21 19:26:00 UTC,1/2,0,\
             LOG,00000,\"duration: 9.500 ms  statement: SELECT {second}\",,,,,,,,,\"psql\",\"client backend\",,0\n"
        )
    };
    let all: String = (10..20).map(stderr).collect();
    file(&dir, "postgresql-Sat.log", all.as_bytes());
    file(
        &dir,
        "postgresql-Sat.csv",
        (14..20).map(csv).collect::<String>().as_bytes(),
    );
    let output = run(&["digest", "--format", "json", name(dir.path())]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(runs_of(&report), 10);
    assert_eq!(report["source"]["entries"], 10);
    assert!(text(&output.stderr).contains("has the same records"));
    assert_eq!(code(&output), Some(0));
}

/// What the log does not say of itself can be said.
#[test]
fn the_zone_the_prefix_and_the_database_of_a_log_can_be_given() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = "2026-11-21 19:26:10.000 IST app,[7] LOG:  duration: 9.500 ms  statement: SELECT 1\n"
        .repeat(3);
    let path = file(&dir, "postgresql.log", log.as_bytes());
    let output = run(&["digest", "--format", "json", &path]);
    assert!(
        text(&output.stderr).contains("dates of IST")
            && text(&output.stderr).contains("--time-zone")
    );
    let report = digest(&[
        "--time-zone",
        "Asia/Kolkata",
        "--log-line-prefix",
        "%m %u,[%p] ",
        "--database",
        "shop",
        &path,
    ]);
    assert_eq!(report["source"]["to"], "2026-11-21T13:56:10Z");
    let query = &report["queries"][0];
    assert_eq!(
        (&query["users"][0], &query["databases"][0]),
        (&"app".into(), &"shop".into())
    );
    for bad in [["--time-zone", "Mars"], ["--log-line-prefix", "none"]] {
        assert_eq!(
            code(&run(&["digest", bad[0], bad[1], &path])),
            Some(64),
            "{bad:?}"
        );
    }
}

#[test]
fn the_wrong_format_is_told_by_name() {
    let log = fixture("mysql-odd.log");
    let output = run(&["digest", "--input", "postgres-csv", name(&log)]);
    assert_eq!(code(&output), Some(1));
    assert!(text(&output.stderr).contains("it looks like mysql-slow"));
}

#[test]
fn since_and_until_cut_a_piece_out() {
    let dir = TempDir::new().expect("a temporary directory");
    let path = logged(&dir, &[("SELECT 1", 0.0, 0); 60]);
    let runs = |args: &[&str]| runs_of(&digest(&[args, &[path.as_str()]].concat()));
    // The log begins at 10:00:00.
    assert_eq!(runs(&["--since", "2026-11-21 10:00:10"]), 50);
    assert_eq!(runs(&["--until", "2026-11-21T10:00:10Z"]), 10);
    let piece = [
        "--since",
        "2026-11-21 10:00:10",
        "--until",
        "2026-11-21 10:00:30",
    ];
    assert_eq!(runs(&piece), 20);
    let piece = ["--since", "2026-11-21 10:00:10", "--until", "10:00:30"];
    assert_eq!(runs(&piece), 20, "the end is of the day of the beginning");
    let page = run(&[&["digest"], &piece[..], &[&path]].concat());
    let understood = "from 2026-11-21 10:00:10 UTC to before 2026-11-21 10:00:30 UTC";
    assert!(text(&page.stdout).contains(understood));
}

#[test]
fn top_shortens_the_list_and_says_so() {
    let log = fixture("mariadb-10.11-plain.log.xz");
    let report = digest(&["--top", "3", name(&log)]);
    assert_eq!(report["queries"].as_array().map(Vec::len), Some(3));
    let page = text(&run(&["digest", "--top", "3", name(&log)]).stdout);
    assert!(page.contains("--top shows more"), "{page}");
}

#[test]
fn a_page_is_a_hundred_columns_wide_and_tells_each_thing_once() {
    let dir = TempDir::new().expect("a temporary directory");
    let mut entries = vec![("SELECT name FROM c WHERE email = 'a'", 0.8, 400_000); 30];
    let long = format!("SELECT {} FROM t", "a_long_name, ".repeat(40) + "b");
    entries.push((&long, 0.1, 1));
    let path = logged(&dir, &entries);
    let page = text(&run(&["digest", &path]).stdout);
    for line in page.lines().filter(|line| !line.contains(&path)) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let parts = [
        "Fix first",
        "Statements by total time",
        "In detail",
        "Notes",
    ];
    let parts = parts.map(|part| page.find(part).expect("every part is there"));
    assert!(parts.is_sorted(), "{page}");
    let fix_first = &page[parts[0]..parts[1]];
    for told_once in ["A large table is read", "CREATE INDEX"] {
        assert_eq!(fix_first.matches(told_once).count(), 1, "{page}");
        assert_eq!(page.matches(told_once).count(), 2, "in brief and in full");
    }
}

#[test]
fn a_report_for_a_ticket_and_one_for_a_browser_are_made_in_both_languages() {
    let log = fixture("mariadb-10.11-verbose.log.xz");
    let report = |format, lang| {
        let output = run(&["digest", "--format", format, "--lang", lang, name(&log)]);
        assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(report("md", "en").contains("## Statements by total time"));
    assert!(report("md", "ko").contains("## 총 실행 시간별 문장"));
    let html = report("html", "ko");
    assert!(html.starts_with("<!doctype html>\n<html lang=\"ko\">"));
    assert!(html.trim_end().ends_with("</html>"));
    assert_eq!(
        code(&run(&["digest", "--lang", "fr", name(&log)])),
        Some(64)
    );
}

#[test]
fn a_time_ago_is_reckoned_from_now_and_an_end_is_left_out() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = slow_log(&[("SELECT 1", 0.0, 0); 60]);
    let path = file(&dir, "slow.log", log.as_bytes());
    let runs = |args: &[&str]| runs_of(&digest(&[args, &[path.as_str()]].concat()));
    // The log begins at 10:00:00; its end is that of the last run, and an end is exclusive.
    assert_eq!(runs(&["--since", "2026-11-21T10:00:59Z"]), 1);
    assert_eq!(runs(&["--until", "2026-11-21T10:00:59Z"]), 59);
    assert_eq!(runs(&["--since", "2026-11-21T19:00:30+09:00"]), 30);
    assert_eq!(
        runs(&["--since", "900000h"]),
        60,
        "before all time is no limit"
    );
    let output = run(&["digest", "--until", "1970-01-02", &path]);
    assert!(
        text(&output.stdout).contains("60 runs lie outside"),
        "{output:?}"
    );
    let report = digest(&["--until", "2026-11-21 10:00:10", &path]);
    assert_eq!(report["source"]["outside"], 50);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let log = fixture("mariadb-10.11-plain.log.xz");
    let mut child = sqleuth(&["digest", "--format", "json", name(&log)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(
        (code(&output), text(&output.stderr)),
        (Some(0), String::new())
    );
}

/// Peak resident memory of a running process, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

#[test]
fn a_statement_of_any_size_is_read_in_little_memory() {
    let mut child = sqleuth(&["digest", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let head = slow_log(&[("SELECT 1", 0.1, 1), ("SELECT '", 0.2, 2)]);
    let head = head.trim_end().trim_end_matches(';');
    stdin.write_all(head.as_bytes()).expect("it reads");
    let block = vec![b'x'; 1 << 16];
    for _ in 0..(256 << 20) / block.len() {
        stdin.write_all(&block).expect("it reads");
    }
    let peak = peak_kib(child.id());
    stdin.write_all(b"';\n").expect("it reads");
    stdin
        .write_all(slow_log(&[("SELECT 3", 0.3, 3)]).as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(runs_of(&report), 3, "{report}");
    assert!(peak < 64 << 10, "{peak} KiB");
}

/// Parameters are told by a hash whose key is of this run alone.
fn without_keyed_hashes(report: &str) -> String {
    const KEY: &str = "\"parameters\":\"";
    let mut parts = report.split(KEY);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| {
        told + KEY + part.get(16..).unwrap_or(part)
    })
}

/// What `digest` prints of one log, whatever the number of threads.
fn same_for_any_number_of_jobs(jobs: &[&str], log: &str) -> String {
    let of = |jobs: &&str| {
        let output = run(&["digest", "--format", "json", "--jobs", jobs, log]);
        let report = without_keyed_hashes(&text(&output.stdout));
        (report, text(&output.stderr), code(&output))
    };
    let wanted = of(&"1");
    for jobs in jobs {
        assert!(of(jobs) == wanted, "{jobs} jobs tell otherwise of {log}");
    }
    wanted.0
}

#[test]
fn any_number_of_jobs_tells_the_same_of_real_logs() {
    let dir = TempDir::new().expect("a directory");
    for (fixture_name, _) in REAL {
        // Several batches.
        let whole = unpacked(fixture_name).repeat(2);
        let log = file(&dir, fixture_name, &whole);
        let report = same_for_any_number_of_jobs(&["2", "3", "7"], &log);
        assert!(report.contains("fingerprint"), "{fixture_name}: {report}");
    }
}

#[test]
fn any_number_of_jobs_tells_the_same_of_hostile_logs() {
    let dir = TempDir::new().expect("a directory");
    let verbose = unpacked("mariadb-10.11-verbose.log.xz");
    let noise: Vec<u8> = (0..1_u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let giant = slow_log(&[
        ("SELECT 1", 0.1, 1),
        (&format!("SELECT '{}'", "x".repeat(3 << 20)), 0.2, 2),
        ("SELEC oops ((", 0.3, 3),
    ]);
    let mut broken = verbose[..verbose.len() / 2].to_vec();
    broken.extend_from_slice(&noise);
    broken.extend_from_slice(&verbose);
    let timeless = text(&verbose).replace("SET timestamp", "SET insert_id");
    for (name, content) in [
        ("noise.log", noise.as_slice()),
        ("giant.log", giant.as_bytes()),
        ("broken.log", broken.as_slice()),
        ("timeless.log", timeless.as_bytes()),
        ("cut.log", &verbose[..verbose.len() / 3]),
    ] {
        same_for_any_number_of_jobs(&["2", "7"], &file(&dir, name, content));
    }
}

#[test]
fn many_statements_are_all_told_and_by_any_number_of_jobs_alike() {
    const STATEMENTS: u32 = 9_000;
    let letters = |mut n: u32| {
        let mut name = String::new();
        while n > 0 {
            name.extend(char::from_u32(u32::from(b'a') + n % 26));
            n /= 26;
        }
        name
    };
    let name_of = |n| format!("SELECT note FROM t_{} WHERE id = {n}", letters(n));
    let texts: Vec<String> = (1..=STATEMENTS)
        .chain(1..=STATEMENTS)
        .map(name_of)
        .collect();
    let entries: Vec<_> = texts.iter().map(|sql| (sql.as_str(), 0.001, 1)).collect();
    let dir = TempDir::new().expect("a directory");
    let log = logged(&dir, &entries);
    let report = same_for_any_number_of_jobs(&["2"], &log);
    let report: Value = serde_json::from_str(&report).expect("one JSON document");
    let queries = report["queries"].as_array().expect("a list");
    let twice = queries.iter().filter(|query| query["count"] == 2).count();
    assert_eq!((queries.len(), twice), (9_000, 9_000));
    let page = text(&run(&["digest", &log]).stdout);
    assert!(page.contains("The other 8,985 statements take"), "{page}");
}

#[test]
fn an_interrupt_tells_what_was_read_and_says_that_it_is_partial() {
    for jobs in ["1", "2"] {
        let mut child = sqleuth(&["digest", "--format", "json", "--jobs", jobs, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        let log = unpacked("mariadb-10.11-plain.log.xz");
        // More than a pipe holds: when it is written, reading has begun, hence the signal is listened for.
        stdin.write_all(&log).expect("it reads");
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.expect("kill runs").success());
        // It looks at the signal between two reads.
        // Its report may be longer than a pipe holds: it is read while the log is still written.
        let writer = std::thread::spawn(move || while stdin.write_all(&log).is_ok() {});
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("writing does not panic");
        assert_eq!(code(&output), Some(2));
        assert!(text(&output.stderr).contains("interrupted"));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!(report["source"]["partial"], true);
        assert!(runs_of(&report) > 0);
    }
}

#[test]
fn fingerprints_are_one_line_per_statement_in_order() {
    let sql = b"SELECT 1; -- nothing\nSELECT * FROM t WHERE a = 'x;y';; UPDATE t SET a = 2";
    let output = run_with(&["fingerprint", "--format", "json"], sql);
    assert_eq!(code(&output), Some(0));
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("select"), Some("select"), Some("update")]);
    for line in &lines {
        let wanted = [
            "fingerprint",
            "template",
            "kind",
            "tables",
            "opaque",
            "truncated",
        ];
        has_keys(line, &wanted);
    }
    assert_eq!(lines[1]["tables"][0], "t");
}

#[test]
fn statements_with_semicolons_may_be_separated_by_nul() {
    let output = run_with(&["fingerprint", "--null"], b"SELECT ';'\0SELECT 2\0");
    assert_eq!(text(&output.stdout).lines().count(), 2);
    let ids = text(&output.stdout);
    let ids: Vec<_> = ids.lines().map(|line| line.split(' ').next()).collect();
    assert_eq!(ids[0], ids[1], "the same statement but for its literal");
}

#[test]
fn explain_lists_detectors_and_helps_with_a_typo() {
    let list = text(&run(&["explain"]).stdout);
    for line in list.lines() {
        let slug = line.split(' ').next().expect("a slug");
        let output = run(&["explain", slug]);
        assert_eq!(code(&output), Some(0), "{slug}");
        assert!(text(&output.stdout).contains("How it decides"), "{slug}");
    }
    let output = run(&["explain", "ful-scan"]);
    assert_eq!(code(&output), Some(1));
    assert!(text(&output.stderr).contains("did you mean full-scan?"));
}

#[test]
fn the_printed_defaults_are_a_valid_configuration() {
    let dir = TempDir::new().expect("a temporary directory");
    let defaults = run(&["defaults"]);
    assert_eq!(code(&defaults), Some(0));
    let path = file(&dir, "sqleuth.toml", &defaults.stdout);
    let output = sqleuth(&["check", &path])
        .current_dir(dir.path())
        .output()
        .expect("the binary runs");
    let page = text(&output.stdout);
    assert_eq!(code(&output), Some(0), "{page}");
    assert!(page.contains("every key is understood"), "{page}");
    assert!(page.contains("listen.otlp_grpc: 127.0.0.1:4317"), "{page}");
}

#[test]
fn check_says_what_to_mend() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = logged(&dir, &[("SELECT 1", 0.1, 1)]);
    let store = dir.path().join("store.db");
    let config = |format: &str| {
        let store = name(&store);
        format!(
            "[store]\npath = \"{store}\"\n[[slow_log]]\npath = \"{log}\"\nformat = \"{format}\"\n"
        )
    };
    let good = run(&["check", &file(&dir, "good.toml", config("auto").as_bytes())]);
    assert_eq!(code(&good), Some(0), "{}", text(&good.stdout));
    let other = file(&dir, "other.toml", config("postgres-csv").as_bytes());
    let other = run(&["check", &other]);
    assert_eq!(code(&other), Some(2));
    assert!(text(&other.stdout).contains("looks like mysql-slow"));
    let typo = run(&[
        "check",
        &file(&dir, "typo.toml", b"[stoer]\npath = \"x\"\n"),
    ]);
    assert_eq!(code(&typo), Some(64), "{}", text(&typo.stderr));
    assert!(text(&typo.stderr).contains("stoer"));
}

#[test]
fn incidents_without_a_store_say_how_to_name_one() {
    let dir = TempDir::new().expect("a temporary directory");
    let output = sqleuth(&["incidents"])
        .current_dir(dir.path())
        .output()
        .expect("the binary runs");
    assert_eq!(code(&output), Some(1));
    assert!(text(&output.stderr).contains("--config"));
    assert!(
        !dir.path().join("sqleuth.db").exists(),
        "nothing is created"
    );
}

#[test]
fn a_digest_of_a_real_log_tells_of_every_shape_and_habit_and_of_no_look_alike() {
    let log = fixture("mariadb-10.11-shapes.log.xz");
    let log = log.to_str().expect("the checkout's path is UTF-8");
    let output = run(&["digest", "--format", "json", log]);
    assert_eq!(code(&output), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a JSON document");
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let statements = list("queries");
    let template = |finding: &Value| {
        let mut statements = statements.iter();
        let its = statements.find(|q| q["fingerprint"] == finding["fingerprint"]);
        its.map_or_else(String::new, |q| q["template"].to_string())
    };
    let told: Vec<(String, String)> = list("findings")
        .iter()
        .map(|f| {
            (
                f["detector"].as_str().unwrap_or_default().to_owned(),
                template(f),
            )
        })
        .collect();
    for (detector, table) in [
        ("deep-offset", "FROM posts"),
        ("random-order", "FROM draws"),
        ("non-sargable", "FROM visits"),
        ("heavy-column", "FROM articles"),
        ("unbounded-aggregate", "FROM ledger"),
        ("needless-count", "FROM orders"),
        // of the reads of `sales` no minute is busy enough to matter
        ("cacheable-read", "FROM orders"),
        ("data-growth", "FROM queue"),
    ] {
        let found = told.iter().any(|(d, t)| d == detector && t.contains(table));
        assert!(found, "{detector} {table}: {told:#?}");
    }
    let place = |detector: &str| {
        let mut told = told.iter();
        told.position(|(d, t)| d == detector && t.contains("FROM visits"))
    };
    assert!(
        place("non-sargable") < place("full-scan"),
        "the cause comes first: {told:#?}"
    );
    let wrong: Vec<_> = told
        .iter()
        .filter(|(_, t)| t.contains("FROM well"))
        .collect();
    assert!(wrong.is_empty(), "false alarms: {wrong:#?}");
}
