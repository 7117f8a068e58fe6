//! Files as exporters write them, and as users have them.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::ingest::otlp::json::to_protobuf;
use crate::ingest::otlp::json_schema::{LOGS, METRICS, TRACES};
use crate::ingest::slow_log::offline::Source;

const MAX: usize = 1 << 20;

fn spans(id: u64) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"{id:016x}","name":"SELECT","kind":3,"startTimeUnixNano":"1","endTimeUnixNano":"2"}}]}}]}}]}}"#
    )
}

const RECORD: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"hello"}}]}]}]}"#;
const POINT: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"jvm.memory.used","gauge":{"dataPoints":[{"asInt":"7"}]}}]}]}]}"#;

/// Spans, log records and metrics that a file tells, and what it came to.
fn told(bytes: &[u8]) -> ([u64; 3], Summary) {
    let Some(Sniffed::Otlp(format)) = sniff(bytes) else {
        panic!("it is no OTLP");
    };
    told_as(format, bytes)
}

fn told_as(format: Format, bytes: &[u8]) -> ([u64; 3], Summary) {
    let source = Source::of(Path::new("x"), std::io::Cursor::new(bytes.to_vec()));
    let (mut counts, mut summary) = ([0; 3], Summary::default());
    read(
        source,
        (format, MAX),
        &mut summary,
        &mut |_| ControlFlow::Continue(()),
        &mut |told| match told {
            Told::Spans(batch) => counts[0] += batch.spans.len() as u64,
            Told::Logs(batch) => counts[1] += batch.records,
            Told::Points(points) => counts[2] += points.readings.len() as u64,
        },
    )
    .unwrap();
    (counts, summary)
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for message in messages {
        file.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        file.extend_from_slice(message);
    }
    file
}

fn messages() -> [Vec<u8>; 3] {
    [
        to_protobuf(spans(1).as_bytes(), &TRACES).unwrap(),
        to_protobuf(RECORD.as_bytes(), &LOGS).unwrap(),
        to_protobuf(POINT.as_bytes(), &METRICS).unwrap(),
    ]
}

#[test]
fn lines_of_all_signals_are_told_apart() {
    let file = [&spans(1), RECORD, POINT, &spans(2), ""].join("\n");
    let (counts, summary) = told(file.as_bytes());
    assert_eq!(counts, [2, 1, 1]);
    assert_eq!((summary.requests, summary.unread), (4, 0));
    assert_eq!(summary.bytes, file.len() as u64);
}

#[test]
fn framed_protobuf_of_all_signals_is_told_apart() {
    let file = framed(&messages());
    assert_eq!(sniff(&file), Some(Sniffed::Otlp(Format::Framed)));
    let (counts, summary) = told(&file);
    assert_eq!((counts, summary.unread), ([1, 1, 1], 0));
}

#[test]
fn requests_that_are_packed_one_by_one_are_read() {
    let plain = [spans(1).into_bytes(), messages()[0].clone()];
    let packed = plain.map(|message| zstd::encode_all(&message[..], 3).unwrap());
    let (counts, summary) = told(&framed(&packed));
    assert_eq!((counts, summary.unread), ([2, 0, 0], 0));
}

#[test]
fn a_request_that_unpacks_to_too_much_is_passed_over() {
    let mut bomb = zstd::Encoder::new(Vec::new(), 3).unwrap();
    bomb.write_all(&vec![b' '; 2 * MAX]).unwrap();
    let file = framed(&[bomb.finish().unwrap(), messages()[0].clone()]);
    let (counts, summary) = told(&file);
    assert_eq!((counts, summary.unread), ([1, 0, 0], 1));
}

#[test]
fn one_request_by_itself_is_read() {
    for message in messages() {
        assert_eq!(sniff(&message), Some(Sniffed::Otlp(Format::Bare)));
        assert_eq!(told(&message).0.iter().sum::<u64>(), 1);
    }
    let value: serde_json::Value = serde_json::from_str(&spans(1)).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    for document in [pretty.clone(), pretty.clone() + "\n" + &pretty] {
        let (counts, summary) = told(document.as_bytes());
        assert_eq!((counts[0], summary.unread), (summary.requests, 0));
    }
}

#[test]
fn the_answer_of_an_api_is_read() {
    for wrapper in ["result", "trace"] {
        let answer = format!(r#"{{"{wrapper}": {}}}"#, spans(1));
        assert_eq!(told(answer.as_bytes()).0, [1, 0, 0]);
    }
}

#[test]
fn a_torn_last_line_is_counted_and_nothing_else_is_lost() {
    let whole = [spans(1), spans(2), spans(3)].join("\n");
    let (counts, summary) = told(&whole.as_bytes()[..whole.len() - 9]);
    assert_eq!((counts[0], summary.unread), (2, 1));
    assert_eq!(summary.first_unread[0].at, Spot::Line(3));
    let whole = framed(&[messages()[0].clone(), messages()[0].clone()]);
    let (counts, summary) = told(&whole[..whole.len() - 9]);
    assert_eq!((counts[0], summary.unread), (1, 1));
}

#[test]
fn a_line_torn_in_the_middle_costs_only_itself() {
    let torn = &spans(2)[..60];
    let file = [&spans(1), torn, &spans(3), "garbage", &spans(4)].join("\n");
    let (counts, summary) = told(file.as_bytes());
    assert_eq!((counts[0], summary.unread), (3, 2));
    assert_eq!(summary.first_unread[0].at, Spot::Line(2));
    assert_eq!(summary.first_unread[1].at, Spot::Line(4));
    // a rotated file may begin in the middle of a line
    let file = format!("anId\":\"7\"}}]}}]}}]}}\n{}\n", spans(1));
    let (counts, summary) = told(file.as_bytes());
    assert_eq!((counts[0], summary.unread), (1, 1));
}

#[test]
fn a_request_that_is_too_long_is_passed_over_and_said_to_be() {
    let long = spans(2).replace("SELECT", &"x".repeat(2 * MAX));
    let file = [&spans(1), long.as_str(), &spans(3)].join("\n");
    let (counts, summary) = told(file.as_bytes());
    assert_eq!((counts[0], summary.unread), (2, 1));
    let why = summary.first_unread[0].to_string();
    assert!(why.starts_with("line 2: longer than 1.0 MiB"), "{why}");
    let long = to_protobuf(long.as_bytes(), &TRACES).unwrap();
    let file = framed(&[messages()[0].clone(), long, messages()[0].clone()]);
    let (counts, summary) = told(&file);
    assert_eq!((counts[0], summary.unread), (2, 1));
}

#[test]
fn what_is_no_otlp_is_not_taken_for_it() {
    for other in [
        &b""[..],
        b"\n\n\n\n\n",
        b"\n# Time: 2026-11-22T10:00:00Z\n",
        b"# Time: 2026-11-22T10:00:00Z\n# Query_time: 1.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 1\nSELECT 1;\n",
        b"{\"timestamp\":\"2026-11-21 19:26:58.608 UTC\",\"error_severity\":\"LOG\",\"message\":\"resourceSpans\"}\n",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0",
        b"\0\0\0\x02\x0a\0",
        b"{}",
    ] {
        assert_eq!(sniff(other), None, "{}", String::from_utf8_lossy(other));
    }
}

#[test]
fn other_tracers_are_named() {
    let jaeger = br#"{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"2"}]}]}"#;
    let zipkin = br#"[{"traceId":"1","id":"2","localEndpoint":{"serviceName":"shop"}}]"#;
    let tempo = br#"{"batches":[{"resource":{}}]}"#;
    let cases = [
        (&jaeger[..], Foreign::Jaeger),
        (zipkin, Foreign::Zipkin),
        (tempo, Foreign::Tempo),
    ];
    for (head, foreign) in cases {
        assert_eq!(sniff(head), Some(Sniffed::Foreign(foreign)));
    }
}

#[test]
fn why_a_request_is_not_read_holds_no_word_of_it() {
    let file = format!(
        "{}\n{{\"resourceSpans\":[{{\"scopeSpans\":\"secret\"}}]}}\n{{\"secret\":1}}\nsecret\n{{\"resourceSpans\": secret}}",
        spans(1)
    );
    let (_, summary) = told(file.as_bytes());
    assert!(summary.unread >= 3, "{summary:?}");
    for unread in &summary.first_unread {
        assert!(!unread.to_string().contains("secret"), "{unread}");
    }
}

proptest! {
    #[test]
    fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..2_000), lead in 0..4_usize) {
        let lead = [&b""[..], b"{\"resourceSpans\":[", b"\0\0\0\x20\x0a", b"\x0a\x10\x0a\x0e"][lead];
        let file = [lead, &bytes].concat();
        sniff(&file);
        for format in [Format::Json, Format::Framed, Format::Bare] {
            let (_, summary) = told_as(format, &file);
            prop_assert_eq!(summary.bytes, file.len() as u64);
        }
    }
}
