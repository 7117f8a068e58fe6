//! What the page of a digest tells, and how exactly.

use tempfile::TempDir;

use super::{code, digest, file, logged, run, slow_log, text};

/// The report for a terminal.
fn page(args: &[&str]) -> String {
    let output = run(&[&["digest"], args].concat());
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn one_client_is_never_two_at_once_where_the_log_has_whole_seconds() {
    let dir = TempDir::new().expect("a temporary directory");
    // one after the other, so that each begins up to a second after what the log says
    let (mut log, mut tenths) = (String::new(), 9_u64);
    for _ in 0..60 {
        let entry = slow_log(&[("SELECT a FROM t WHERE b = 1", 0.7, 10)]);
        let stamp = format!("SET timestamp={}", 1_795_255_200 + tenths / 10);
        log += &entry.replace("SET timestamp=1795255200", &stamp);
        tenths += 7;
    }
    let log = file(&dir, "slow.log", log.as_bytes());
    let told = page(&[&log]);
    assert!(told.contains("about 1 around"), "{told}");
    assert!(told.contains("whole seconds"), "{told}");
    let exact = "# Time: 2026-11-21T10:00:0N.123456Z\n# User@Host: a[a] @ w []  Id: 8\n\
        # Query_time: 0.700000  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 1\nSET timestamp=1795255200;\nSELECT 1;\n";
    let log: String = (0..8).map(|n| exact.replace('N', &n.to_string())).collect();
    let log = file(&dir, "exact.log", log.as_bytes());
    let told = page(&[&log]);
    assert!(
        !told.contains("about ") && !told.contains("whole seconds"),
        "{told}"
    );
}

#[test]
fn what_tells_no_time_is_at_no_time_of_another_file() {
    let dir = TempDir::new().expect("a temporary directory");
    let line = |prefix: &str| format!("{prefix}LOG:  duration: 500.0 ms  statement: SELECT 1\n");
    let timed = (0..30).map(|n| line(&format!("2026-11-21 10:00:{n:02}.250 UTC [71] app@shop ")));
    let timed = file(&dir, "a.log", timed.collect::<String>().as_bytes());
    let untimed = file(&dir, "b.log", line("").repeat(200).as_bytes());
    let alone = page(&[&timed]);
    let period = |told: &str| {
        told.lines()
            .find(|line| line.contains("at once"))
            .map(str::to_owned)
    };
    assert!(period(&alone).is_some(), "{alone}");
    let both = page(&[&timed, &untimed]);
    assert!(both.contains("230 runs"), "{both}");
    assert_eq!(period(&both), period(&alone));
}

#[test]
fn statements_of_one_name_are_told_apart_in_the_table() {
    let dir = TempDir::new().expect("a temporary directory");
    let columns = |of: &str| {
        (0..20)
            .map(|n| format!("{of}_{n}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let [a, b] =
        ["alpha", "beta"].map(|of| format!("SELECT {} FROM orders WHERE id = 1", columns(of)));
    let log = logged(&dir, &[(&a, 2.0, 1), (&b, 1.0, 1)]);
    let told = page(&[&log]);
    let (_, table) = told
        .split_once("Statements by total time")
        .expect("there is a table");
    let (table, _) = table.split_once("In detail").expect("the details follow");
    for query in digest(&[&log])["queries"].as_array().expect("queries") {
        let id = query["fingerprint"].as_str().expect("an id");
        assert!(table.contains(&id[..8]), "{id}: {table}");
    }
}

#[test]
fn what_the_server_did_is_of_the_time_that_was_asked_for() {
    let dir = TempDir::new().expect("a temporary directory");
    let hour = |hour: u32| {
        format!(
            "2026-11-21 {hour}:00:00.000 UTC [71] app@shop LOG:  duration: 1.0 ms  statement: SELECT 1\n\
             2026-11-21 {hour}:00:01.000 UTC [9] LOG:  checkpoint complete: wrote 9 buffers (0.1%); 0 WAL file(s) added, \
             0 removed, 0 recycled; write=2.0 s, sync=1.0 s, total=3.0 s; sync files=7, longest=1.0 s, average=0.004 s\n"
        )
    };
    let log: String = [10, 11, 12].map(hour).concat();
    let log = file(&dir, "postgresql.log", log.as_bytes());
    let checkpoints = |args: &[&str]| {
        digest(&[args, &[&log]].concat())["source"]["server"]["checkpoints"]["count"].clone()
    };
    assert_eq!(checkpoints(&[]), 3);
    assert_eq!(checkpoints(&["--since", "2026-11-21T10:30:00Z"]), 2);
    assert_eq!(
        checkpoints(&[
            "--since",
            "2026-11-21T10:30:00Z",
            "--until",
            "2026-11-21T11:30:00Z"
        ]),
        1
    );
}

#[test]
fn plans_that_are_not_read_are_told_and_their_runs_count() {
    let dir = TempDir::new().expect("a temporary directory");
    // as PostgreSQL 15 writes it
    let run = |n: u32| {
        format!(
            "2026-11-21 10:00:{n:02}.000 UTC [71] app@shop LOG:  duration: 40.0 ms  plan:\n\
             \t<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n\
             \t  <Query-Text>select a from t where b &lt; {n}</Query-Text>\n\
             \t  <Plan>\n\t    <Node-Type>Seq Scan</Node-Type>\n\t  </Plan>\n\t</explain>\n"
        )
    };
    let log: String = (10..30).map(run).collect();
    let log = file(&dir, "postgresql.log", log.as_bytes());
    let report = digest(&[&log]);
    assert_eq!(report["queries"][0]["count"], 20);
    assert_eq!(
        report["queries"][0]["template"],
        "SELECT a FROM t WHERE b < ?"
    );
    assert_eq!(report["source"]["unparsed_entries"], 0);
    assert_eq!(report["source"]["unread_plans"], 20);
    assert!(page(&[&log]).contains("20 plans of auto_explain in XML or YAML"));
}

#[test]
fn a_rate_limit_that_the_log_does_not_tell_can_be_given() {
    let dir = TempDir::new().expect("a temporary directory");
    let log = slow_log(&[("SELECT a FROM t WHERE b = 1", 0.5, 10)]);
    let log = file(&dir, "slow.log", log.repeat(20).as_bytes());
    let query = |args: &[&str]| digest(&[args, &[&log]].concat())["queries"][0].clone();
    assert_eq!(query(&[])["count"], 20);
    let limited = query(&["--rate-limit", "10"]);
    assert_eq!(
        (&limited["count"], &limited["time_s"]["total"]),
        (&200.into(), &100.0.into())
    );
    assert_eq!(query(&["--rate-limit", "10", "--jobs", "2"]), limited);
    assert_eq!(query(&["--rate-limit", "5000"])["count"], 100_000);
    let report = digest(&["--rate-limit", "10", &log]);
    assert_eq!(report["source"]["one_in"], 10);
    let told = page(&["--rate-limit", "10", &log]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("One run in 10 is in the log") && !told.contains("Nearly every run"),
        "{told}"
    );
    assert_eq!(code(&run(&["digest", "--rate-limit", "0", &log])), Some(64));
}
