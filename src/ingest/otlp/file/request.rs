//! One request of a file, whatever it carries and however it is written.

use std::io::Read;

use bytes::Bytes;

use super::json::first_value;
use super::{Told, signal};
use crate::ingest::otlp::json::to_protobuf;
use crate::ingest::otlp::json_schema::{LOGS, METRICS, TRACES};
use crate::ingest::otlp::{logs, points, spans};
use crate::ingest::relay::Signal;

/// What a frame of zstd begins with.
pub(super) const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// 2^23 is what RFC 8878 asks of every decoder, and the most that a frame may make us keep.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Objects around a request, as an API answers it.
const MAX_WRAPPERS: usize = 2;

/// What an object of JSON begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A request.
    Signal(Signal),
    /// The answer of an API, with a request in it.
    Wrapper,
    /// A trace of Tempo.
    Tempo,
    /// Something else.
    Other,
}

/// The first key of an object.
pub(super) fn first_key(json: &[u8]) -> Option<Key> {
    let object = json.trim_ascii_start().strip_prefix(b"{")?;
    let key = object.trim_ascii_start().strip_prefix(b"\"")?;
    let key = key.get(..memchr::memchr(b'"', key)?)?;
    Some(match key {
        b"resourceSpans" | b"resource_spans" => Key::Signal(Signal::Traces),
        b"resourceLogs" | b"resource_logs" => Key::Signal(Signal::Logs),
        b"resourceMetrics" | b"resource_metrics" => Key::Signal(Signal::Metrics),
        b"result" | b"trace" => Key::Wrapper,
        b"batches" => Key::Tempo,
        _ => Key::Other,
    })
}

/// Tells what a request carries; what is packed may unpack to `max` bytes.
///
/// # Errors
/// Why it cannot be read; it holds no word of the request.
pub(super) fn requests(bytes: &[u8], max: usize, tell: &mut dyn FnMut(Told)) -> Result<(), String> {
    if bytes.starts_with(ZSTD) {
        return request(&unpacked(bytes, max)?, tell);
    }
    request(bytes, tell)
}

fn request(bytes: &[u8], tell: &mut dyn FnMut(Told)) -> Result<(), String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if first_key(bytes).is_some() {
        let (signal, body) = from_json(bytes)?;
        tell(read(signal, body)?);
        return Ok(());
    }
    let signal = signal::of(bytes).map_err(|why| format!("no request of OTLP: {why}"))?;
    if let Some(signal) = signal {
        tell(read(signal, Bytes::copy_from_slice(bytes))?);
    }
    Ok(())
}

fn from_json(mut json: &[u8]) -> Result<(Signal, Bytes), String> {
    for _ in 0..=MAX_WRAPPERS {
        match first_key(json) {
            Some(Key::Signal(signal)) => {
                let schema = match signal {
                    Signal::Traces => &TRACES,
                    Signal::Logs => &LOGS,
                    Signal::Metrics => &METRICS,
                };
                let body = to_protobuf(json, schema).map_err(|why| told(&why))?;
                return Ok((signal, Bytes::from(body)));
            }
            Some(Key::Wrapper) => {
                let inner = first_value(json).and_then(|range| json.get(range));
                json = inner.ok_or("there is no request in it")?;
            }
            Some(Key::Tempo | Key::Other) | None => break,
        }
    }
    Err("none of resourceSpans, resourceLogs and resourceMetrics is in it".to_owned())
}

/// Why JSON cannot be read: of what class, and where, but no word of it.
fn told(why: &serde_json::Error) -> String {
    let what = match why.classify() {
        serde_json::error::Category::Eof => "JSON that is cut",
        serde_json::error::Category::Syntax => "no JSON",
        serde_json::error::Category::Data | serde_json::error::Category::Io => "no request of OTLP",
    };
    format!("{what}, from column {} on", why.column())
}

fn read(signal: Signal, body: Bytes) -> Result<Told, String> {
    Ok(match signal {
        Signal::Traces => Told::Spans(spans::read(body).map_err(|why| why.to_string())?),
        Signal::Logs => Told::Logs(logs::read(&body).map_err(|why| why.to_string())?),
        Signal::Metrics => Told::Points(points::read(&body).map_err(|why| why.to_string())?),
    })
}

fn unpacked(packed: &[u8], max: usize) -> Result<Vec<u8>, String> {
    let broken = |why: std::io::Error| format!("packed badly: {why}");
    let mut reader = zstd::Decoder::with_buffer(packed).map_err(broken)?;
    reader.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
    let mut bytes = Vec::new();
    let most = (max as u64).saturating_add(1);
    reader.take(most).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() > max {
        return Err(format!("unpacks to more than {max} bytes"));
    }
    Ok(bytes)
}
