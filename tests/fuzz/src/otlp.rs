//! Requests of OTLP.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use sqleuth::ingest::otlp::file::{self, Format, Summary};
use sqleuth::ingest::otlp::json::{most_of, to_protobuf};
use sqleuth::ingest::otlp::json_schema::{LOGS, TRACES};
use sqleuth::ingest::otlp::{logs, source_id, spans};
use sqleuth::ingest::slow_log::offline::Source;
use sqleuth::ingest::{Mark, SourceMeta};
use sqleuth::model::event::DbTarget;
use sqleuth::model::id::ServiceName;
use sqleuth::model::span::SpanWork;
use sqleuth::normalise::{Normaliser, Settings};

thread_local! {
    static NORMALISER: RefCell<Normaliser> = RefCell::new(Normaliser::new(&Settings::default(), 0));
}

/// Longest request of a file: short, so that what is too long is met.
const MAX_REQUEST: usize = 4 << 10;

/// Any bytes are read or refused, as protobuf and as JSON, and what is read is whole: each span once, and each names a run
/// that is there. JSON makes no more of itself than it says.
pub fn otlp(data: &[u8]) {
    traces(Bytes::copy_from_slice(data));
    drop(logs::read(data));
    if let Ok(request) = to_protobuf(data, &TRACES) {
        assert!(request.len() <= most_of(data.len()) + data.len());
        traces(Bytes::from(request));
    }
    if let Ok(request) = to_protobuf(data, &LOGS) {
        logs::read(&request).expect("what we write can be read");
    }
    files(data);
}

/// Any bytes are read to their end as a file of every format, and each byte of it once.
fn files(data: &[u8]) {
    file::sniff(data);
    for format in [Format::Json, Format::Framed, Format::Bare] {
        let bytes = std::io::Cursor::new(data.to_vec());
        let source = Source::of(Path::new("-"), bytes);
        let mut summary = Summary::default();
        let (mut go_on, mut told) = (|_| ControlFlow::Continue(()), 0);
        let tell = &mut |_| told += 1;
        let done = file::read(
            source,
            (format, MAX_REQUEST),
            &mut summary,
            &mut go_on,
            tell,
        );
        done.expect("memory can be read");
        assert_eq!(summary.bytes, data.len() as u64);
        assert!(told <= summary.requests, "a request carries one thing");
    }
}

fn traces(request: Bytes) {
    let length = request.len();
    let Ok(batch) = spans::read(request) else {
        return;
    };
    assert!(batch.spans.len() <= length, "a span takes at least a byte");
    let source = Arc::new(SourceMeta {
        id: source_id(),
        service: ServiceName::default(),
        target: DbTarget::default(),
    });
    NORMALISER.with_borrow_mut(|normaliser| {
        let told = normaliser.spans(&batch, 0..batch.spans.len(), &source, Mark::default());
        assert_eq!(told.spans.len(), batch.spans.len());
        let runs = told.spans.iter().filter_map(|span| match span.work {
            SpanWork::Query { run, .. } => Some(run),
            _ => None,
        });
        assert!(runs.eq(0..u32::try_from(told.events.len()).expect("few")));
    });
}
