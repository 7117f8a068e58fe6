//! Why a request is not taken, and how the protocol says so.
//!
//! A sender must know two things: whether to send the same again, and when. Rules:
//! <https://opentelemetry.io/docs/specs/otlp/#failures>.

use std::time::Duration;

use http::StatusCode;

/// Senders that were refused come back after this long; more than the intake needs to get free, less than an SDK keeps.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "no such service: OTLP is POST /v1/traces, /v1/logs or /v1/metrics, or one of the three services of gRPC"
    )]
    Path,
    #[error("OTLP is sent by POST")]
    Method,
    #[error(
        "the content type must be application/x-protobuf, application/json or application/grpc"
    )]
    MediaType,
    #[error("the encoding must be gzip, zstd or none")]
    Encoding,
    #[error("send `Authorization: Bearer TOKEN` with the token of auth.ingest_token_file")]
    Token,
    #[error("the request is malformed: {0}")]
    Malformed(String),
    #[error("the request is longer than {0} bytes, unpacked (listen.otlp_max_message)")]
    TooLarge(usize),
    #[error("{0}")]
    TooMany(String),
    #[error("the request came too slowly")]
    Slow,
    #[error("busy: send it again later")]
    Busy,
}

impl Refusal {
    /// The status of HTTP.
    pub(super) fn http(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) | Self::TooMany(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code of `google.rpc.Code`.
    pub(super) fn grpc(&self) -> u32 {
        match self {
            Self::Malformed(_) => 3,
            Self::Slow => 4,
            Self::TooLarge(_) | Self::TooMany(_) => 8,
            Self::Path | Self::Method | Self::MediaType | Self::Encoding => 12,
            Self::Busy => 14,
            Self::Token => 16,
        }
    }

    /// When the same may be sent again; `None`: never.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Busy).then_some(RETRY_AFTER)
    }
}

impl From<crate::ingest::otlp::budget::Exhausted> for Refusal {
    fn from(_: crate::ingest::otlp::budget::Exhausted) -> Self {
        Self::Busy
    }
}

impl From<crate::ingest::otlp::spans::Unreadable> for Refusal {
    fn from(why: crate::ingest::otlp::spans::Unreadable) -> Self {
        use crate::ingest::otlp::spans::Unreadable;
        match why {
            Unreadable::Malformed(_) => Self::Malformed(why.to_string()),
            Unreadable::TooMany => Self::TooMany(why.to_string()),
        }
    }
}
