//! Tells by the bytes of a protobuf request what it carries: traces, logs and metrics have the same outer messages.
//!
//! ```text
//! 1 ResourceX ─► 2 ScopeX ─► 2 Span       1 trace_id (16 bytes)  2 span_id (8 bytes)
//!                            2 LogRecord  1 time or 11 observed time (fixed64)
//!                            2 Metric     1 name  5, 7, 9, 10 or 11 data
//! ```

use crate::ingest::otlp::wire::{Fields, Malformed, Value};
use crate::ingest::relay::Signal;

/// Length of what only the beginning is known of, as far as it is looked at.
const TRACE_ID: usize = 16;
const SPAN_ID: usize = 8;

/// Metrics of one kind or another: gauge, sum, histogram, exponential histogram, summary.
const DATA: [u32; 5] = [5, 7, 9, 10, 11];

/// What a request carries; `None` for one that carries nothing.
///
/// # Errors
/// [`Malformed`] when it is no message.
pub(super) fn of(request: &[u8]) -> Result<Option<Signal>, Malformed> {
    let mut outer = Fields::of(request);
    while let Some((number, value)) = outer.next()? {
        if number != 1 {
            return Err(Malformed::Tag);
        }
        let mut resource = value.message()?;
        while let Some((number, value)) = resource.next()? {
            if number != 2 {
                continue;
            }
            let mut scope = value.message()?;
            while let Some((number, value)) = scope.next()? {
                if number == 2
                    && let Some(signal) = leaf(value.bytes()?)?
                {
                    return Ok(Some(signal));
                }
            }
        }
    }
    Ok(None)
}

fn leaf(message: &[u8]) -> Result<Option<Signal>, Malformed> {
    let mut fields = Fields::of(message);
    let (mut trace, mut span, mut name, mut data) = (false, false, false, false);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1 | 11, Value::Fixed64(_)) => return Ok(Some(Signal::Logs)),
            (1, Value::Bytes(id)) => (trace, name) = (id.len() == TRACE_ID, !id.is_empty()),
            (2, Value::Bytes(id)) => span = id.len() == SPAN_ID,
            (number, Value::Bytes(_)) if DATA.contains(&number) => data = true,
            _ => {}
        }
    }
    Ok(match () {
        () if trace && span => Some(Signal::Traces),
        () if name && data => Some(Signal::Metrics),
        () => None,
    })
}

/// Whether a file begins with a request, of which only a part may be known: a resource with an attribute that has a name,
/// or a whole request that carries something.
pub(super) fn begins_request(head: &[u8]) -> bool {
    if matches!(of(head), Ok(Some(_))) {
        return true;
    }
    let resource_spans = inner(head, 1);
    let resource = resource_spans.and_then(|message| inner(message, 1));
    let attribute = resource.and_then(|message| inner(message, 1));
    let key = attribute.and_then(|message| inner(message, 1));
    key.is_some_and(|key| {
        let is_of_name = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
        key.len() >= 3 && key.iter().all(is_of_name)
    })
}

/// The message that another begins with as its field `number`, as far as it is known.
fn inner(message: &[u8], number: u8) -> Option<&[u8]> {
    let (tag, rest) = message.split_first()?;
    if *tag != number << 3 | 2 {
        return None;
    }
    let digits = rest.iter().take(5).position(|byte| *byte < 0x80)?;
    let (length, body) = rest.split_at_checked(digits + 1)?;
    let length = length.iter().rev().fold(0_usize, |length, byte| {
        length << 7 | usize::from(byte & 0x7f)
    });
    Some(body.get(..length).unwrap_or(body))
}
