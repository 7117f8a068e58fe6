//! Real SDKs as clients: small shops in Python and Node, with the instrumentations that people use, on real servers.
//!
//! Each shop has sick requests and their healthy twins; what is found must be the sick ones, by the right name, and
//! nothing else. tests/run installs the libraries, whose versions `clients/` pins.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::FAST;
use crate::support::daemon::Daemon;
use crate::support::distance::far;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::process::{Process, tied};
use crate::support::wait_for;

/// Database and port, on which a shop is to be.
type On = (&'static str, u16);

/// A shop, and how its SDK is set up.
struct Shop {
    service: &'static str,
    /// `orm`, `both` or `driver`; Node has no such choice.
    by: Option<&'static str>,
    protocol: &'static str,
    /// `OTEL_SEMCONV_STABILITY_OPT_IN`
    conventions: &'static str,
}

/// What a finding is about: service, detector, operation, template.
type Found = (String, String, String, String);

const LOAD: &str = "SELECT customers.id, customers.name FROM customers WHERE customers.id = ?";
const NAME: &str = "SELECT name FROM customers WHERE id = ?";
const INSERT: &str = "INSERT INTO letters (owner, body) VALUES (?, ?)";
const RETURNING: &str = "INSERT INTO letters (owner, body) VALUES (?, ?) RETURNING letters.id";

impl Shop {
    /// Opens the shop, waits until all its visitors have left, and says how many traces it sent.
    fn play(&self, on: On, daemon: &Daemon) -> u64 {
        let said = daemon.path(self.service);
        let out = std::fs::File::create(&said).expect("the test's directory can be written");
        let [grpc, http] = daemon.otlp_ports();
        let port = if self.protocol == "grpc" { grpc } else { http };
        let (mut command, by) = match self.by {
            Some(by) => (python(), vec![by]),
            None => (node(), Vec::new()),
        };
        let (database, server) = on;
        command
            .args([database, &server.to_string()])
            .args(by)
            .env("OTEL_SERVICE_NAME", self.service)
            .env("OTEL_SEMCONV_STABILITY_OPT_IN", self.conventions)
            // Milliseconds, below what a trace is waited for here.
            .env("OTEL_BSP_SCHEDULE_DELAY", "500")
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", self.protocol)
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("http://127.0.0.1:{port}"),
            )
            .env(
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                format!("http://127.0.0.1:{http}/v1/metrics"),
            )
            .stdin(Stdio::null())
            .stdout(out);
        let code = Process::start(&mut command).wait();
        let said = std::fs::read_to_string(said).expect("the shop wrote it");
        assert_eq!(code, Some(0), "{} failed: {said}", self.service);
        let said: Value = serde_json::from_str(&said).expect("a shop speaks JSON");
        said["traces"].as_u64().expect("a number of traces")
    }

    /// What is sick in it.
    fn sick(&self, (database, _): On) -> BTreeSet<Found> {
        let is_orm = self.by.is_some_and(|by| by != "driver");
        let load = if is_orm { LOAD } else { NAME };
        let insert = match database {
            "postgres" if is_orm => RETURNING,
            _ => INSERT,
        };
        let nap = match database {
            "postgres" => "SELECT pg_sleep(?)",
            _ => "SELECT sleep(?)",
        };
        let mut sick = vec![
            ("n-plus-one", "GET /orders/lazy", load),
            ("insert-loop", "POST /letters/loop", insert),
            ("batch-not-effective", "POST /letters/saved", insert),
            ("repeated-submission", "POST /letters/press", insert),
            ("slow-dependency", "GET /report", ""),
        ];
        // A driver of Python has no pool, and that of mysql2 has no spans.
        let is_pg = self.by.is_none() && database == "postgres";
        if is_pg {
            sick.push(("n-plus-one", "GET /orders/parallel", load));
        }
        if is_orm || is_pg {
            sick.push(("connection-wait", "GET /busy", nap));
        }
        let found = sick.into_iter().map(|(detector, operation, template)| {
            let [detector, operation, template] =
                [detector, operation, template].map(str::to_owned);
            (self.service.to_owned(), detector, operation, template)
        });
        found.collect()
    }
}

/// Where tests/run has put the libraries.
fn libraries() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = std::env::var_os("SQLEUTH_TEST_CLIENTS").map(PathBuf::from);
    let kept = || {
        let all = std::fs::read_dir(root.join("target")).ok()?.flatten();
        let mut paths = all.map(|entry| entry.path());
        paths.find(|path| path.join("whole").exists())
    };
    let found = told.or_else(kept);
    found.expect("tests/run has installed the libraries of the clients")
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/system/otlp/clients")
        .join(name)
}

fn python() -> std::process::Command {
    let mut command = tied("KILL", libraries().join("venv/bin/python"));
    command.arg(program("shop.py"));
    command
}

fn node() -> std::process::Command {
    let mut command = tied("KILL", "node");
    command
        .arg(program("shop.js"))
        .env("NODE_PATH", libraries().join("node_modules"));
    command
}

fn judged(daemon: &Daemon) -> u64 {
    let (_, metrics) = daemon.get("/metrics").expect("sqleuth answers");
    let told = metrics
        .lines()
        .find_map(|line| line.strip_prefix("sqleuth_traces_total "));
    told.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// All that is found in operations.
fn findings(daemon: &Daemon) -> Vec<Value> {
    let mut all = daemon.items("findings?from=1h&limit=500");
    all.retain(|finding| finding["operation"].is_string());
    all
}

fn keys(findings: &[Value]) -> BTreeSet<Found> {
    let keys = findings.iter().map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        (
            text("service"),
            text("detector"),
            text("operation"),
            text("template"),
        )
    });
    keys.collect()
}

/// Plays all shops and expects what is sick in them to be found, and nothing else.
fn expect_what_is_sick(shops: &[(Shop, On)]) -> (Daemon, Vec<Value>) {
    let config = format!("{FAST}[trace]\nquiet_after = \"1s\"\n");
    let daemon = Daemon::new(&config).with_otlp().start();
    let mut sent = 0;
    for (shop, on) in shops {
        sent += shop.play(*on, &daemon);
    }
    wait_for(&format!("the end of {sent} traces"), || {
        let judged = judged(&daemon);
        assert!(judged <= sent, "{judged} traces of {sent}");
        (judged == sent).then_some(())
    });
    let sick: BTreeSet<Found> = shops.iter().flat_map(|(shop, on)| shop.sick(*on)).collect();
    let (mut found, mut missing) = (Vec::new(), BTreeSet::new());
    wait_for("findings of all that is sick", || {
        found = findings(&daemon);
        let keys = keys(&found);
        let other: Vec<_> = keys.difference(&sick).collect();
        assert!(other.is_empty(), "not sick: {other:#?}");
        let now: BTreeSet<Found> = sick.difference(&keys).cloned().collect();
        if now != missing {
            println!("not found yet: {now:#?}");
            missing = now;
        }
        missing.is_empty().then_some(())
    });
    (daemon, found)
}

/// The evidence of one finding of a shop, by name.
fn observed(found: &[Value], service: &str, detector: &str, name: &str) -> Option<f64> {
    let of = |finding: &&Value| finding["service"] == service && finding["detector"] == detector;
    let finding = found.iter().find(of)?;
    let all = finding["evidence"].as_array()?;
    all.iter().find(|e| e["name"] == name)?["observed"].as_f64()
}

fn expect_no_values(daemon: &Daemon, found: &[Value]) {
    let told = [
        Value::from(found.to_vec()),
        Value::from(daemon.items("queries?from=1h&limit=500")),
        daemon.api("incidents"),
    ];
    for text in told.map(|told| told.to_string()) {
        assert!(
            !text.contains("letter 7") && !text.contains("hello"),
            "{text}"
        );
    }
}

#[test]
fn python_on_postgresql() {
    let server = Postgres::start(&[]);
    let on = ("postgres", far(server.port()));
    let shop = |service, by, protocol, conventions| Shop {
        service,
        by: Some(by),
        protocol,
        conventions,
    };
    let (daemon, found) = expect_what_is_sick(&[
        (shop("orm", "orm", "grpc", ""), on),
        (shop("both", "both", "http/protobuf", "database/dup"), on),
        (shop("driver", "driver", "grpc", "http/dup,database"), on),
    ]);
    // Four requests each, of thirty customers; what two instrumentations tell of counts once.
    super::expect_runs(&daemon, LOAD, 2 * 4 * 30);
    super::expect_runs(&daemon, NAME, 4 * 30);
    for service in ["orm", "both", "driver"] {
        let of = |detector, name| observed(&found, service, detector, name);
        assert_eq!(
            of("n-plus-one", "runs_per_request"),
            Some(30.0),
            "{service}"
        );
        assert_eq!(
            of("insert-loop", "runs_per_request"),
            Some(50.0),
            "{service}"
        );
        assert_eq!(
            of("repeated-submission", "repeated_requests"),
            Some(1.0),
            "{service}"
        );
        assert!(
            of("slow-dependency", "wait_per_request") >= Some(0.4),
            "{service}"
        );
    }
    expect_no_values(&daemon, &found);
}

#[test]
fn python_on_mariadb() {
    let server = MariaDb::start(&[]);
    let on = ("mysql", far(server.port()));
    let shop = |service, by, protocol, conventions| Shop {
        service,
        by: Some(by),
        protocol,
        conventions,
    };
    let (daemon, found) = expect_what_is_sick(&[
        (shop("both", "both", "grpc", "database"), on),
        (
            shop("driver", "driver", "http/protobuf", "http,database/dup"),
            on,
        ),
    ]);
    super::expect_runs(&daemon, LOAD, 4 * 30);
    super::expect_runs(&daemon, NAME, 4 * 30);
    assert_eq!(
        observed(&found, "both", "connection-wait", "requests_seen"),
        Some(20.0)
    );
    expect_no_values(&daemon, &found);
}

#[test]
fn node_on_both() {
    let (postgres, mariadb) = (Postgres::start(&[]), MariaDb::start(&[]));
    let postgres = ("postgres", far(postgres.port()));
    let mariadb = ("mysql", far(mariadb.port()));
    let shop = |service, protocol, conventions| Shop {
        service,
        by: None,
        protocol,
        conventions,
    };
    let (daemon, found) = expect_what_is_sick(&[
        (shop("pg", "http/json", "http"), postgres),
        (shop("pg-grpc", "grpc", ""), postgres),
        (shop("mysql2", "http/protobuf", "http/dup"), mariadb),
    ]);
    // One after the other, and on PostgreSQL at once as well.
    super::expect_runs(&daemon, NAME, (3 + 2) * 4 * 30);
    assert_eq!(
        observed(&found, "pg", "connection-wait", "requests_seen"),
        Some(20.0)
    );
    expect_no_values(&daemon, &found);
    let (_, metrics) = daemon.get("/metrics").expect("sqleuth answers");
    let tells = |line: &str| {
        line.starts_with("sqleuth_received")
            && line.contains("db.client.connection.pending_requests")
            && line.contains("service=\"pg\"")
    };
    assert!(metrics.lines().any(tells), "{metrics}");
}
