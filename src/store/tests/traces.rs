//! Traces that show a problem.

use std::time::Duration;

use super::*;
use crate::model::trace::{Trace, example};
use crate::store::view::TraceFilter;

fn put(handle: &StoreHandle, trace: Trace) {
    handle
        .commit_blocking(Change::Trace(Box::new(trace)))
        .unwrap();
}

fn stored(traces: impl IntoIterator<Item = Trace>) -> (TempDir, Reader) {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    for trace in traces {
        put(&handle, trace);
    }
    close(handle, thread);
    let reader = Reader::open(&settings.path).unwrap();
    (dir, reader)
}

/// A trace that begins so many seconds later.
fn later(id: u128, seconds: u64) -> Trace {
    let mut trace = example::trace(id);
    for span in &mut trace.spans {
        span.start = span.start.plus(Duration::from_secs(seconds));
    }
    trace
}

fn ids(reader: &Reader, filter: TraceFilter) -> Vec<u128> {
    let filter = TraceFilter {
        limit: 10,
        ..filter
    };
    let found = reader.traces(&filter).unwrap();
    found.iter().map(|trace| trace.id).collect()
}

#[test]
fn a_trace_is_read_back_as_it_was() {
    let (_dir, reader) = stored([example::trace(7)]);
    assert_eq!(reader.trace(7).unwrap(), Some(example::trace(7)));
    assert_eq!(reader.trace(8).unwrap(), None);
}

#[test]
fn what_is_found_later_is_noted_beside_what_was_found_before() {
    let mut again = example::trace(7);
    again.notes[0].detector = Arc::from("slow-dependency");
    let (_dir, reader) = stored([example::trace(7), again]);
    let notes = reader.trace(7).unwrap().unwrap().notes;
    let detectors: Vec<&str> = notes.iter().map(|note| &*note.detector).collect();
    assert_eq!(detectors, ["n-plus-one", "slow-dependency"]);
}

#[test]
fn traces_are_searched_by_all_that_viewers_ask_for() {
    let (_dir, reader) = stored([example::trace(1), later(2, 60), later(3, 120)]);
    let of = |service: &str, operation: Option<&str>| TraceFilter {
        service: Some(service.to_owned()),
        operation: operation.map(str::to_owned),
        ..TraceFilter::default()
    };
    assert_eq!(
        ids(&reader, TraceFilter::default()),
        [3, 2, 1],
        "the newest first"
    );
    assert_eq!(ids(&reader, of("proxy", None)).len(), 3);
    assert_eq!(ids(&reader, of("shop", Some("GET /cart"))).len(), 3);
    assert_eq!(
        ids(&reader, of("shop", Some("GET"))),
        [0; 0],
        "that is of another service"
    );
    let tagged = |key: &str, value: &str| TraceFilter {
        tags: vec![(key.to_owned(), value.to_owned())],
        ..of("shop", None)
    };
    assert_eq!(ids(&reader, tagged("error", "true")).len(), 3);
    assert_eq!(ids(&reader, tagged("db.namespace", "shop")).len(), 3);
    assert_eq!(ids(&reader, tagged("error", "false")), [0; 0]);
    let lasting = |shortest, longest| TraceFilter {
        shortest: Some(Duration::from_millis(shortest)),
        longest: Some(Duration::from_millis(longest)),
        ..TraceFilter::default()
    };
    assert_eq!(ids(&reader, lasting(200, 200)).len(), 3);
    assert_eq!(ids(&reader, lasting(201, 900)), [0; 0]);
    let start = example::trace(1).interval().from;
    let within = TraceFilter {
        within: Some(Interval {
            from: start.plus(Duration::from_secs(60)),
            to: start.plus(Duration::from_secs(120)),
        }),
        ..TraceFilter::default()
    };
    assert_eq!(ids(&reader, within), [2]);
}

#[test]
fn services_and_their_operations_are_listed() {
    let (_dir, reader) = stored([example::trace(1)]);
    assert_eq!(reader.trace_services().unwrap(), ["proxy", "shop"]);
    let operations = reader.trace_operations("shop").unwrap();
    let named: Vec<_> = operations
        .iter()
        .map(|o| (o.name.as_str(), o.kind.as_str()))
        .collect();
    assert_eq!(named, [("GET /cart", "server"), ("SELECT shop", "client")]);
}

#[test]
fn traces_that_are_too_old_go_with_their_operations_and_the_others_stay() {
    let dir = TempDir::new().unwrap();
    let settings = Settings {
        retention: Duration::from_secs(3_600),
        ..settings(&dir)
    };
    let (handle, thread, _) = open(&settings);
    let mut old = later(1, 0);
    old.spans[0].maker = Arc::new(crate::model::span::SpanMaker {
        service: ServiceName::new("gone"),
        ..Default::default()
    });
    put(&handle, old);
    put(&handle, later(2, 7_000));
    let begun = example::trace(1).interval().from.as_unix_nanos() / 1_000_000_000;
    // by the clock of the data: the newest window is two hours on
    let window = window(begun + 7_200, b"");
    handle.commit_blocking(flush(vec![window])).unwrap();
    close(handle, thread);
    let reader = Reader::open(&settings.path).unwrap();
    assert_eq!(ids(&reader, TraceFilter::default()), [2]);
    assert_eq!(reader.trace(1).unwrap(), None);
    assert_eq!(reader.trace_services().unwrap(), ["proxy", "shop"]);
}
