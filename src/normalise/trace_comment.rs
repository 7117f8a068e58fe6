//! Finds the W3C `traceparent` that sqlcommenter writes into a comment.

use memchr::memmem;

use crate::model::event::TraceRef;

/// `00-` trace `-` span `-` flags.
const TRACEPARENT_BYTES: usize = 55;

/// The trace context in a comment; `None` for an invalid or an all-zero one, as W3C Trace Context demands.
pub(super) fn trace_ref(comment: &[u8]) -> Option<TraceRef> {
    let name = memmem::find(comment, b"traceparent")?;
    let value = comment.get(name + b"traceparent".len()..)?;
    let start = value.iter().position(u8::is_ascii_hexdigit)?;
    let value = value.get(start..start + TRACEPARENT_BYTES)?;
    let value = std::str::from_utf8(value).ok()?;
    let mut parts = value.split('-');
    let (_version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    if trace.len() != 32 || span.len() != 16 {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok()?;
    let span = u64::from_str_radix(span, 16).ok()?;
    (trace != 0 && span != 0).then_some(TraceRef { trace, span })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlcommenter_tag_gives_trace_and_span() {
        let comment = b"/*traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/";
        let found = trace_ref(comment).unwrap();
        assert_eq!(found.span, 0xc532_cb40_98ac_3dd2);
    }

    #[test]
    fn a_cut_or_zero_tag_gives_nothing() {
        assert!(trace_ref(b"/* traceparent='00-5bd66ef5").is_none());
        let zero = format!("traceparent='00-{:032}-{:016}-01'", 0, 0);
        assert!(trace_ref(zero.as_bytes()).is_none());
    }
}
