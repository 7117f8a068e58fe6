//! Reads files of OTLP: what the Collector's file exporter writes, or one request by itself.
//!
//! ```text
//! file ─► sniff ─┬─ JSON    one request a line, or one over several lines ─┐
//!                ├─ framed  length, request; length, request ...           ├─► Told { spans, logs, points }
//!                └─ bare    one request, as protobuf ──────────────────────┘
//! ```
//!
//! A request that cannot be read, or is longer than the live receiver takes, is counted and passed over; memory holds one
//! request at a time. Layout: <https://pkg.go.dev/github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter>.

mod cursor;
mod framed;
mod json;
mod request;
mod signal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::ControlFlow;

use self::cursor::Cursor;
use self::request::requests;
use crate::ingest::otlp::logs::LogBatch;
use crate::ingest::otlp::points::Points;
use crate::ingest::otlp::spans::SpanBatch;
use crate::ingest::slow_log::offline::{OfflineError, Source, TellProgress};

/// What could not be read is told of so many requests; the rest is counted.
const UNREAD_TOLD: usize = 5;

/// How requests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, as a rule one request a line.
    Json,
    /// Protobuf, each request behind its length.
    Framed,
    /// Protobuf, one request.
    Bare,
}

impl Format {
    /// The name in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "otlp-json",
            Self::Framed | Self::Bare => "otlp-proto",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What tells of traces, and is no OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// What the page of Jaeger saves, and its API answers.
    Jaeger,
    /// Spans of Zipkin.
    Zipkin,
    /// A trace as Tempo's API answers.
    Tempo,
}

impl Foreign {
    /// What it is, and what to do.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jaeger => {
                "traces as Jaeger's page saves them, which is no OTLP: take the trace from /api/v3/traces/ID of the same \
                 server, which is, or record with the file exporter of a Collector"
            }
            Self::Zipkin => {
                "spans of Zipkin, which are no OTLP: record with the zipkin receiver and the file exporter of a Collector"
            }
            Self::Tempo => {
                "a trace as the first API of Tempo tells it: take it from /api/v2/traces/ID, or record with the file \
                 exporter of a Collector"
            }
        }
    }
}

/// What the head of a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// It is OTLP.
    Otlp(Format),
    /// It is something else that tells of traces.
    Foreign(Foreign),
}

/// Tells by the first bytes of a file, some KiB of them, whether it holds OTLP.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let otlp = |format| Some(Sniffed::Otlp(format));
    if let Some(told) = json::sniff(head) {
        return Some(told);
    }
    if framed::is_framed(head) {
        return otlp(Format::Framed);
    }
    signal::begins_request(head).then_some(Sniffed::Otlp(Format::Bare))
}

/// What one request holds.
#[derive(Debug)]
pub enum Told {
    /// Spans.
    Spans(SpanBatch),
    /// Log records.
    Logs(LogBatch),
    /// Metrics.
    Points(Points),
}

/// What a file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Requests that were read.
    pub requests: u64,
    /// Requests that could not be read.
    pub unread: u64,
    /// The first of them.
    pub first_unread: Vec<Unread>,
}

/// A request that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it begins.
    pub at: Spot,
    /// Why.
    pub why: String,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// Line of a text, from 1 on.
    Line(u64),
    /// Byte of what is no text, from 0 on.
    Byte(u64),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Spot::Line(line) => write!(f, "line {line}: {}", self.why),
            Spot::Byte(byte) => write!(f, "byte {byte}: {}", self.why),
        }
    }
}

/// What comes next in a file.
enum Piece {
    /// Bytes of the buffer that are one request.
    Whole(std::ops::Range<usize>),
    /// No request.
    Unread(String),
}

/// Reads a file to its end, and tells each of its requests. None is longer than `max` bytes, unpacked.
///
/// # Errors
/// When it cannot be read to its end; what was told before stays told.
pub fn read(
    source: Source,
    (format, max): (Format, usize),
    summary: &mut Summary,
    tell_progress: TellProgress<'_>,
    tell: &mut dyn FnMut(Told),
) -> Result<(), OfflineError> {
    let mut cursor = Cursor::new(source, max);
    loop {
        let next = match format {
            Format::Json => json::next(&mut cursor),
            Format::Framed => framed::next(&mut cursor),
            Format::Bare => framed::all(&mut cursor),
        };
        let Some((at, piece)) = next else {
            break;
        };
        let done = match piece {
            Piece::Whole(range) => requests(cursor.bytes(range), max, tell),
            Piece::Unread(why) => Err(why),
        };
        match done {
            Ok(()) => summary.requests += 1,
            Err(why) => summary.lack(Unread { at, why }),
        }
        summary.bytes = cursor.consumed();
        if tell_progress(cursor.position()) == ControlFlow::Break(()) {
            return Ok(());
        }
    }
    summary.bytes = cursor.consumed();
    cursor.end()
}

impl Summary {
    fn lack(&mut self, unread: Unread) {
        self.unread += 1;
        if self.first_unread.len() < UNREAD_TOLD {
            self.first_unread.push(unread);
        }
    }
}
