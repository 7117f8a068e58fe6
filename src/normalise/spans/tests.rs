//! What becomes of spans, written as OTLP/JSON.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::ingest::otlp::json::to_protobuf;
use crate::ingest::otlp::json_schema::TRACES;
use crate::ingest::otlp::{source_id, spans};
use crate::model::event::DbTarget;
use crate::model::id::ServiceName;
use crate::model::sql::Dialect;
use crate::normalise::Settings;

fn attributes(of: &Value) -> Value {
    let pairs = of.as_object().unwrap().iter();
    let pairs = pairs.map(|(key, value)| match value {
        Value::String(text) => json!({"key": key, "value": {"stringValue": text}}),
        number => json!({"key": key, "value": {"intValue": number}}),
    });
    pairs.collect()
}

/// A client span of one second with these attributes, and more fields of its own.
fn span(name: &str, about: &Value, more: &Value) -> Value {
    let mut span = json!({
        "traceId": "0000000000000000000000000000000a", "spanId": "00000000000000ff", "name": name, "kind": 3,
        "startTimeUnixNano": "1795288972000000000", "endTimeUnixNano": "1795288973000000000",
        "attributes": attributes(about),
    });
    for (key, value) in more.as_object().unwrap() {
        span[key] = value.clone();
    }
    span
}

fn normalised(spans: &[Value]) -> EventBatch {
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&json!({"service.name": "shop", "telemetry.sdk.language": "python"}))},
        "scopeSpans": [{"scope": {"name": "psycopg2"}, "spans": spans}],
    }]});
    let protobuf = to_protobuf(request.to_string().as_bytes(), &TRACES).unwrap();
    let batch = spans::read(Bytes::from(protobuf)).unwrap();
    let source = Arc::new(SourceMeta {
        id: source_id(),
        service: ServiceName::new("unnamed"),
        target: DbTarget::default(),
    });
    let mut normaliser = Normaliser::new(&Settings::default(), 7);
    normaliser.spans(&batch, 0..spans.len(), &source, Mark::default())
}

fn callers(batch: &EventBatch) -> Vec<Caller> {
    let entries = batch.spans.iter().filter_map(|span| match span.work {
        SpanWork::Entry { caller, .. } => Some(caller),
        _ => None,
    });
    entries.collect()
}

fn postgres(sql: &str) -> Value {
    json!({"db.system": "postgresql", "db.statement": sql, "db.name": "shop|public", "server.address": "db1",
        "server.port": 5433, "db.user": "app"})
}

#[test]
fn a_database_span_is_a_run_and_a_span_that_names_it() {
    let about = postgres("SELECT name FROM users WHERE id = 42");
    let batch = normalised(&[span("SELECT shop", &about, &json!({}))]);
    let event = &batch.events[0];
    assert_eq!(
        event.statement.template.as_str(),
        "SELECT name FROM users WHERE id = ?"
    );
    assert_eq!(
        (event.origin, event.service.as_str()),
        (Origin::Span, "shop")
    );
    assert_eq!(event.target.system, Dialect::Postgres);
    assert_eq!(
        (
            &*event.target.namespace,
            &*event.target.server,
            &*event.user
        ),
        ("shop", "db1:5433", "app")
    );
    assert_eq!(
        event.trace,
        Some(TraceRef {
            trace: 10,
            span: 255
        })
    );
    assert_eq!(event.elapsed, Duration::from_secs(1));
    assert_eq!(event.end, Timestamp::from_unix_secs(1_795_288_973));
    let told = &batch.spans[0];
    assert_eq!(told.work, SpanWork::Query { run: 0, batch: 0 });
    assert_eq!((told.parent, &*told.name), (None, "SELECT shop"));
    assert_eq!(
        (&*told.maker.scope, &*told.maker.language),
        ("psycopg2", "python")
    );
}

fn assert_work(name: &str, about: &Value, more: &Value, work: &SpanWork) {
    let batch = normalised(&[span(name, about, more)]);
    assert_eq!(&batch.spans[0].work, work, "{name} {about}");
    assert!(batch.events.is_empty() && batch.errors.is_empty(), "{name}");
}

#[test]
fn who_asks_for_a_connection_asks_no_statement() {
    let (client, internal) = (json!({}), json!({"kind": 1}));
    let pool = |pool: &str| SpanWork::Connection {
        pool: Arc::from(pool),
    };
    let postgres = json!({"db.system.name": "postgresql", "server.address": "db1"});
    assert_work("pg-pool.connect", &postgres, &client, &pool("db1"));
    assert_work(
        "connect",
        &json!({"db.system": "mysql"}),
        &client,
        &pool(""),
    );
    let hikari = "HikariDataSource.getConnection";
    assert_work(hikari, &json!({}), &internal, &pool(""));
    let untold = json!({"db.system": "postgresql"});
    assert_work("COMMIT", &untold, &client, &SpanWork::Internal);
    assert_work("render", &json!({}), &internal, &SpanWork::Internal);
}

#[test]
fn whom_a_span_asks_is_told_by_its_system() {
    let client = json!({});
    let peer = |name: &str, system: &str| SpanWork::Peer {
        name: Arc::from(name),
        system: Arc::from(system),
    };
    let redis =
        json!({"db.system": "redis", "db.statement": "GET cart:7", "net.peer.name": "cache"});
    assert_work("GET", &redis, &client, &peer("cache", "redis"));
    let http = json!({"http.request.method": "GET", "server.address": "rates.example"});
    assert_work("GET", &http, &client, &peer("rates.example", "http"));
    let old = json!({"http.url": "http://me:kanarie@rates.example:81/a?b=kanarie"});
    assert_work("GET", &old, &client, &peer("rates.example", "http"));
    let nameless = json!({"url.full": "https://[::1]:8443/a"});
    assert_work("GET", &nameless, &client, &peer("[::1]:8443", "http"));
    let no_url = json!({"http.url": "rates"});
    assert_work("GET", &no_url, &client, &peer("", "http"));
    let rpc = json!({"rpc.system": "grpc", "server.address": "rates"});
    assert_work("Rates/Get", &rpc, &client, &peer("rates", "rpc"));
    let queue = json!({"messaging.destination.name": "orders"});
    let sends = json!({"kind": 4});
    assert_work("send", &queue, &sends, &peer("orders", "messaging"));
    let answered = json!({"http.status_code": 500});
    let entry = SpanWork::Entry {
        caller: Caller::Unknown,
        status: 500,
    };
    assert_work("GET /orders", &answered, &json!({"kind": 2}), &entry);
}

#[test]
fn an_entry_is_named_by_its_route_and_who_asks_is_only_ever_compared() {
    let about = |user: &str| json!({"http.route": "/orders/{id}", "http.request.method": "POST", "enduser.id": user});
    let server = json!({"kind": 2});
    let batch = normalised(&[
        span("POST", &about("alice"), &server),
        span("POST", &about("alice"), &server),
        span("POST", &about("bob"), &server),
    ]);
    let callers = callers(&batch);
    assert!(matches!(callers[0], Caller::Named(_)), "{callers:?}");
    assert!(callers[0] == callers[1] && callers[0] != callers[2]);
    assert_eq!(&*batch.spans[0].name, "POST /orders/{id}");
}

#[test]
fn an_address_tells_a_caller_apart_from_others_where_no_name_is_told() {
    let server = json!({"kind": 2});
    let browser = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";
    let phone = "Mozilla/5.0 (iPhone) Safari/605.1";
    let batch = normalised(&[
        span(
            "POST",
            &json!({"net.peer.ip": "10.0.0.7", "http.user_agent": browser}),
            &server,
        ),
        span(
            "POST",
            &json!({"client.address": "10.0.0.7", "network.peer.address": "10.0.0.1", "user_agent.original": browser}),
            &server,
        ),
        span(
            "POST",
            &json!({"client.address": "10.0.0.7", "user_agent.original": phone}),
            &server,
        ),
        span(
            "POST",
            &json!({"client.address": "10.0.0.7", "user_agent.original": "curl/8"}),
            &server,
        ),
        span(
            "POST",
            &json!({"client.address": "10.0.0.7", "session.id": "s1"}),
            &server,
        ),
    ]);
    let callers = callers(&batch);
    assert!(matches!(callers[0], Caller::Browser { .. }), "{callers:?}");
    assert_eq!(callers[0], callers[1]);
    let (Caller::Browser { address, .. }, Caller::Browser { address: same, .. }) =
        (callers[1], callers[2])
    else {
        panic!("{callers:?}");
    };
    assert!(address == same && callers[1] != callers[2]);
    assert!(matches!(callers[3], Caller::Program(_)), "{callers:?}");
    assert!(matches!(callers[4], Caller::Named(_)), "{callers:?}");
}

#[test]
fn a_failure_is_an_error_of_its_statement_however_it_is_told() {
    let exception = json!({"status": {"code": 2}, "events": [{"name": "exception", "attributes": attributes(&json!({
        "exception.type": "psycopg2.errors.UndefinedColumn", "exception.message": "column \"note\" does not exist"}))}]});
    let described = json!({"status": {"code": 2, "message": "(psycopg2.errors.UndefinedColumn) column \"note\" does not exist"}});
    let coded = |code: &str| {
        let mut about = postgres("SELECT note FROM users");
        about["db.response.status_code"] = json!(code);
        about
    };
    let plain = postgres("SELECT note FROM users");
    for (about, more) in [
        (&plain, &exception),
        (&plain, &described),
        (&coded("42703"), &json!({})),
    ] {
        let batch = normalised(&[span("SELECT", about, more)]);
        let error = &batch.errors[0];
        assert_eq!(
            (error.family.class, &*error.family.code),
            (ErrorClass::Schema, "42703"),
            "{about} {more}"
        );
        assert_eq!(error.origin, Origin::Span);
        assert_eq!(
            batch.events[0].outcome,
            Outcome::Error {
                code: Arc::from("42703")
            }
        );
    }
    let well = normalised(&[span("SELECT", &coded("00000"), &json!({}))]);
    assert_eq!(
        (well.events[0].outcome.clone(), well.errors.len()),
        (Outcome::Ok, 0)
    );
    let cut = normalised(&[span("SELECT", &coded("57014"), &json!({}))]);
    assert_eq!(
        cut.events[0].outcome,
        Outcome::Cancelled {
            code: Arc::from("57014")
        }
    );
}

#[test]
fn a_connection_that_was_refused_is_an_error_without_a_run() {
    let failed = json!({"status": {"code": 2, "message": "(1040, 'Too many connections')"}});
    let batch = normalised(&[span("connect", &json!({"db.system": "mysql"}), &failed)]);
    assert!(batch.events.is_empty());
    assert_eq!(batch.errors[0].family.class, ErrorClass::ConnectionRefused);
}

#[test]
fn no_literal_of_a_span_goes_on() {
    let secret = "hunter2secret";
    let sql = format!("SELECT * FROM users WHERE name = '{secret}'");
    let failed = json!({"status": {"code": 2, "message": format!("Duplicate entry '{secret}' for key 'PRIMARY'")},
        "events": [{"name": "exception", "attributes": attributes(&json!({
            "exception.type": "IntegrityError", "exception.message": format!("(1062, \"Duplicate entry '{secret}' for key\")")}))}]});
    let mut about = postgres(&sql);
    about["db.system"] = json!("mysql");
    about["enduser.id"] = json!(secret);
    let entry = json!({"kind": 2});
    let batch = normalised(&[
        span(&sql, &about, &failed),
        span(&format!("GET /a?token={secret}"), &about, &entry),
        span(
            "GET",
            &json!({"db.system": "redis", "db.statement": secret, "user.id": secret}),
            &failed,
        ),
    ]);
    assert_eq!(
        (batch.events.len(), batch.errors.len(), batch.spans.len()),
        (1, 1, 3)
    );
    let all = format!("{:?} {:?} {:?}", batch.events, batch.errors, batch.spans);
    assert!(!all.contains(secret), "{all}");
}

#[test]
fn a_span_that_ends_before_it_begins_took_no_time() {
    let turned = json!({"startTimeUnixNano": "20", "endTimeUnixNano": "10"});
    let batch = normalised(&[span("a", &postgres("SELECT 1"), &turned)]);
    assert_eq!(
        (batch.spans[0].elapsed, batch.events[0].elapsed),
        (Duration::ZERO, Duration::ZERO)
    );
    assert_eq!(batch.events[0].end, Timestamp::from_unix_nanos(20));
}

#[test]
fn a_long_request_goes_on_in_parts_and_its_mark_with_the_last() {
    let one = span("a", &json!({}), &json!({}));
    let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": vec![one; 2 * PART + 1]}]}]});
    let protobuf = to_protobuf(request.to_string().as_bytes(), &TRACES).unwrap();
    let batch = spans::read(Bytes::from(protobuf)).unwrap();
    let source = Arc::new(SourceMeta {
        id: source_id(),
        service: ServiceName::new("unnamed"),
        target: DbTarget::default(),
    });
    let mut normaliser = Normaliser::new(&Settings::default(), 7);
    let mark = Mark {
        bytes: 9,
        ..Mark::default()
    };
    let parts: Vec<_> = normaliser.parts(&batch, &source, mark).collect();
    let told: Vec<_> = parts
        .iter()
        .map(|p| (p.spans.len(), p.mark.bytes))
        .collect();
    assert_eq!(told, [(PART, 0), (PART, 0), (1, 9)]);
    assert_eq!(parts[0].spans[0].maker.service.as_str(), "unnamed");
}
