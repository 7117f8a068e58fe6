//! What people and init systems do to a daemon: reload, refuse, log in, look, stop.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::log::{Entry, FAST, Log, count};
use crate::support::collector::Collector;
use crate::support::daemon::Daemon;
use crate::support::port::Port;
use crate::support::wait_for;

/// What the daemon says when an app begins to work.
const RUNS: &str = "sqleuth runs";
const READ: &str = "read-token-0123456789";
const ADMIN: &str = "admin-token-0123456789";

struct Scene {
    dir: tempfile::TempDir,
    log: Log,
}

fn scene() -> Scene {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let log = Log::create(dir.path().join("slow.log"));
    Scene { dir, log }
}

fn full_scans(daemon: &Daemon) -> usize {
    let findings = daemon.items("findings?from=1h");
    let is_scan = |finding: &&serde_json::Value| finding["detector"] == "full-scan";
    findings.iter().filter(is_scan).count()
}

fn expect_count(daemon: &Daemon, text: &str, runs: u64) {
    let mut seen = None;
    wait_for(&format!("{runs} runs of {text}"), || {
        let now = count(daemon, text);
        if seen.replace(now) != Some(now) {
            println!("{now} of {runs} runs of {text}");
        }
        (now == runs).then_some(())
    });
}

/// Runs it to its end; returns its exit code.
fn ends(daemon: &mut Daemon) -> Option<i32> {
    daemon.launch();
    daemon.process().wait()
}

#[test]
fn a_reload_applies_a_threshold_and_keeps_counts_exact() {
    let Scene { mut log, dir: _dir } = scene();
    let blind = format!(
        "{}{FAST}[detect.full-scan]\nmin_rows = 10000000\n",
        log.config()
    );
    let seeing = format!(
        "{}{FAST}[detect.full-scan]\nmin_rows = 10000\n",
        log.config()
    );
    let mut daemon = Daemon::new(&blind).start();
    let mut scan = |n| {
        for _ in 0..n {
            log.entry(Entry::scan("SELECT id FROM orders WHERE note = 'x'"));
        }
    };
    scan(40);
    expect_count(&daemon, "orders", 40);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(full_scans(&daemon), 0, "a million rows are below the limit");
    for _ in 0..4 {
        scan(25);
        daemon.reload(&blind, RUNS);
        scan(25);
    }
    daemon.reload(&seeing, RUNS);
    scan(40);
    wait_for("finding", || (full_scans(&daemon) > 0).then_some(()));
    expect_count(&daemon, "orders", 280);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(count(&daemon, "orders"), 280, "nothing is counted later");
}

#[test]
fn a_broken_configuration_is_refused_with_every_problem_and_the_old_one_stays() {
    let Scene { mut log, dir } = scene();
    let good = log.config();
    let mut daemon = Daemon::new(&good).start();
    log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1"));
    expect_count(&daemon, "apples", 1);

    let broken = "[general]\nservise = \"shop\"\nlanguage = \"fr\"\n[lisen]\na = 1\n";
    daemon.reload(broken, "configuration refused, the old one stays");
    let said = daemon.log();
    for problem in [
        "did you mean `service`?",
        "`general.language`",
        "did you mean `listen`?",
    ] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
    log.entry(Entry::quick("SELECT a FROM apples WHERE id = 2"));
    expect_count(&daemon, "apples", 2);

    let missing = dir.path().join("no-such-token");
    let unworkable = format!(
        "{good}[slack]\ntoken_file = \"{}\"\nchannel = \"C1\"\n",
        missing.display()
    );
    daemon.reload(
        &unworkable,
        "the new configuration does not work, the old one stays",
    );
    assert!(daemon.log().contains("no-such-token"), "{}", daemon.log());
    log.entry(Entry::quick("SELECT a FROM apples WHERE id = 3"));
    expect_count(&daemon, "apples", 3);
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
}

#[test]
fn a_taken_port_ends_the_start_and_names_address_and_key() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = taken.local_addr().expect("a bound socket has an address");
    let variable = format!("SQLEUTH__LISTEN__HTTP={address}");
    let mut daemon = Daemon::new("").under(&["env", &variable]);
    assert_eq!(ends(&mut daemon), Some(1), "{}", daemon.log());
    let said = daemon.log();
    assert!(
        said.contains(&address.to_string()) && said.contains("listen.http"),
        "{said}"
    );
}

#[test]
fn other_machines_are_not_let_in_without_a_token() {
    let variable = format!("SQLEUTH__LISTEN__HTTP=0.0.0.0:{}", Port::take().number());
    let mut daemon = Daemon::new("").under(&["env", &variable]);
    assert_eq!(ends(&mut daemon), Some(64), "{}", daemon.log());
    let said = daemon.log();
    assert!(
        said.contains("listen.http") && said.contains("auth.read_token_file"),
        "{said}"
    );
}

#[test]
fn unknown_keys_and_bad_values_are_all_told_before_anything_starts() {
    let mut daemon = Daemon::new(
        "[general]\nservise = \"shop\"\n[[slow_log]]\npth = \"/a\"\nformat = \"oracle\"\n[stor]\npath = \"b\"\n[window]\nlength = \"soon\"\n",
    );
    assert_eq!(ends(&mut daemon), Some(64), "{}", daemon.log());
    let said = daemon.log();
    for problem in ["servise", "pth", "oracle", "stor", "window.length"] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
    assert!(!daemon.path("store.db").exists(), "nothing was begun");
}

fn with_tokens(scene: &Scene) -> String {
    let file = |name: &str, token: &str| {
        let path = scene.dir.path().join(name);
        std::fs::write(&path, token).expect("the test's directory can be written");
        path.display().to_string()
    };
    format!(
        "{}{FAST}[auth]\nread_token_file = \"{}\"\nadmin_token_file = \"{}\"\n",
        scene.log.config(),
        file("read", READ),
        file("admin", ADMIN)
    )
}

#[test]
fn with_tokens_readers_read_and_only_the_admin_takes_an_incident() {
    let mut scene = scene();
    let port = Port::take();
    let variable = format!("SQLEUTH__LISTEN__HTTP=0.0.0.0:{}", port.number());
    let config = with_tokens(&scene);
    let daemon = Daemon::at(port, &config).under(&["env", &variable]).start();
    let ask = |method, path: &str, token: Option<&str>, body| {
        let header = token.map(|token| format!("authorization: Bearer {token}"));
        let headers: Vec<&str> = header.iter().map(String::as_str).collect();
        daemon
            .ask(method, path, &headers, body)
            .expect("sqleuth answers")
    };
    for path in ["/api/v1/incidents", "/api/v1/queries", "/metrics"] {
        assert_eq!(ask("GET", path, None, "").status, 401, "{path}");
        assert_eq!(
            ask("GET", path, Some("guessed-token-0123456789"), "").status,
            401,
            "{path}"
        );
        assert_eq!(ask("GET", path, Some(READ), "").status, 200, "{path}");
        assert_eq!(ask("GET", path, Some(ADMIN), "").status, 200, "{path}");
    }
    let page = ask("GET", "/", None, "");
    assert!(
        page.status == 303 && page.head.contains("location: /login"),
        "{}",
        page.head
    );

    let id = wait_for("incident", || {
        scene
            .log
            .entry(Entry::scan("SELECT id FROM orders WHERE note = 'x'"));
        let list = ask("GET", "/api/v1/incidents", Some(READ), "").body;
        let list: serde_json::Value = serde_json::from_str(&list).ok()?;
        list["items"][0]["id"].as_str().map(str::to_owned)
    });
    let ack = format!("/api/v1/incidents/{id}/ack");
    let body = "{\"by\":\"kim\"}";
    assert_eq!(ask("POST", &ack, None, body).status, 401);
    assert_eq!(ask("POST", &ack, Some(READ), body).status, 403);
    let taken = ask("POST", &ack, Some(ADMIN), body);
    assert_eq!(taken.status, 200, "{}", taken.body);
    let kept = ask("GET", &format!("/api/v1/incidents/{id}"), Some(READ), "").body;
    assert!(kept.contains("\"acknowledged_by\":\"kim\""), "{kept}");
    for secret in [READ, ADMIN] {
        assert!(!daemon.log().contains(secret), "tokens are not logged");
    }
}

#[test]
fn a_stop_drains_in_time_and_the_next_start_goes_on_where_it_ended() {
    let Scene { mut log, dir: _dir } = scene();
    let mut daemon = Daemon::new(&log.config()).start();
    for round in 1..=3 {
        (0..500).for_each(|_| log.entry(Entry::quick("SELECT a FROM apples WHERE id = 1")));
        assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
        assert_eq!(daemon.log().matches("sqleuth has stopped").count(), round);
        daemon.restart();
    }
    expect_count(&daemon, "apples", 1500);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(count(&daemon, "apples"), 1500, "nothing is counted later");
}

#[test]
fn its_own_work_arrives_as_spans() {
    let Scene { mut log, dir: _dir } = scene();
    let collector = Collector::start();
    let config = format!(
        "{}{FAST}[telemetry]\nlog = \"debug\"\notlp = \"{}\"\n",
        log.config(),
        collector.endpoint()
    );
    let mut daemon = Daemon::new(&config).start();
    wait_for("incident", || {
        log.entry(Entry::scan("SELECT id FROM orders WHERE note = 'x'"));
        (!daemon.items("incidents").is_empty()).then_some(())
    });
    for name in ["normalise", "detect", "incident", "store"] {
        wait_for(&format!("span {name}"), || {
            collector.has_span(name).then_some(())
        });
    }
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    assert!(collector.has_text("service.name") && collector.has_text("sqleuth"));
    assert!(!daemon.log().contains("were not sent"), "{}", daemon.log());
}

#[test]
fn metrics_please_promtool_and_speak_openmetrics_when_asked() {
    let Scene { mut log, dir: _dir } = scene();
    let daemon = Daemon::new(&format!("{}{FAST}", log.config())).start();
    wait_for("incident", || {
        log.entry(Entry::scan("SELECT id FROM orders WHERE note = 'x'"));
        (!daemon.items("incidents").is_empty()).then_some(())
    });
    let classic = daemon
        .ask("GET", "/metrics", &[], "")
        .expect("sqleuth answers");
    assert!(
        classic
            .head
            .contains("content-type: text/plain; version=0.0.4"),
        "{}",
        classic.head
    );
    for name in [
        "sqleuth_statements_total",
        "sqleuth_statement_seconds_bucket",
        "sqleuth_incidents{",
    ] {
        assert!(classic.body.contains(name), "{name}: {}", classic.body);
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed (tests/run does it)");
    let mut input = promtool.stdin.take().expect("a pipe");
    input
        .write_all(classic.body.as_bytes())
        .expect("promtool reads");
    drop(input);
    let said = promtool.wait_with_output().expect("promtool ends");
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );

    let accept = "accept: application/openmetrics-text; version=1.0.0";
    let open = daemon
        .ask("GET", "/metrics", &[accept], "")
        .expect("sqleuth answers");
    assert!(
        open.head
            .contains("content-type: application/openmetrics-text"),
        "{}",
        open.head
    );
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
}
