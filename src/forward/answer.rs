//! What a backend says of a request.
//!
//! Which answers may be tried again is the protocol's: <https://opentelemetry.io/docs/specs/otlp/#failures-1> and
//! `#failures-2`. We depart from it where the request is well and the way is not: a wrong token, path or port may be
//! mended while the request waits, and a request that was acknowledged is not thrown away for it.

use std::time::Duration;

use prost::Message;

/// No backend makes us wait longer.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The backend has it; `rejected` of its items it did not like.
    Taken {
        /// Spans, data points or log records.
        rejected: u64,
    },
    /// The backend will never take it.
    Refused {
        /// Its word for why: a status code.
        why: String,
    },
    /// Not now.
    Later {
        /// What the backend asks for.
        after: Option<Duration>,
        /// Why: a status code, or what the network says.
        why: String,
    },
}

impl Answer {
    pub(super) fn later(why: impl Into<String>) -> Self {
        Self::Later {
            after: None,
            why: why.into(),
        }
    }

    /// What a good answer says, as protobuf.
    pub(super) fn of_protobuf(body: &[u8]) -> Self {
        // What cannot be read is taken all the same: the status said so.
        let told = Response::decode(body).unwrap_or_default();
        let rejected = told.partial_success.map_or(0, |partial| partial.rejected);
        Self::Taken {
            rejected: u64::try_from(rejected).unwrap_or(0),
        }
    }

    /// What a good answer says, as JSON.
    pub(super) fn of_json(body: &[u8]) -> Self {
        let told: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let partial = told.get("partialSuccess").and_then(|told| told.as_object());
        let counts = partial.into_iter().flatten();
        let rejected = counts
            .filter(|(key, _)| key.starts_with("rejected"))
            .filter_map(|(_, count)| match count {
                serde_json::Value::String(digits) => digits.parse().ok(),
                number => number.as_u64(),
            });
        Self::Taken {
            rejected: rejected.sum(),
        }
    }
}

/// How long a backend may make us wait.
pub(super) fn bounded(wait: Duration) -> Duration {
    wait.min(MAX_WAIT)
}

/// `ExportTraceServiceResponse`, and those of metrics and logs, which have the same fields.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<Partial>,
}

#[derive(Clone, PartialEq, Message)]
struct Partial {
    #[prost(int64, tag = "1")]
    rejected: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_items_are_read_in_both_encodings() {
        assert_eq!(Answer::of_protobuf(b""), Answer::Taken { rejected: 0 });
        assert_eq!(
            Answer::of_protobuf(b"\x0a\x02\x08\x07"),
            Answer::Taken { rejected: 7 }
        );
        for (body, rejected) in [
            ("{}", 0),
            ("", 0),
            ("not json", 0),
            (r#"{"partialSuccess":null}"#, 0),
            (
                r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#,
                3,
            ),
            (r#"{"partialSuccess":{"rejectedLogRecords":4}}"#, 4),
        ] {
            assert_eq!(
                Answer::of_json(body.as_bytes()),
                Answer::Taken { rejected },
                "{body}"
            );
        }
    }
}
