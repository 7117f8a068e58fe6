//! Answers, in the words of HTTP and of gRPC, protobuf or JSON.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::refusal::Refusal;
use crate::ingest::otlp::wire::write;

/// How a sender speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// HTTP, protobuf.
    Protobuf,
    /// HTTP, JSON.
    Json,
    /// gRPC.
    Grpc,
}

/// What became of a request that was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Items of it that were not.
    pub(super) rejected: u64,
}

/// What is said of items that are rejected.
const REJECTED: &str = "spans without a valid trace id and span id are not kept";
/// Encodings of messages that are taken.
const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip,zstd,identity");

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("accept-encoding");
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

impl Wire {
    /// The answer to a request.
    pub(super) fn answer(self, result: Result<Taken, Refusal>) -> Response<Reply> {
        match (self, result) {
            (Self::Grpc, Ok(taken)) => grpc_taken(taken),
            (Self::Grpc, Err(why)) => grpc_refused(&why),
            (_, Ok(taken)) => self.respond(StatusCode::OK, self.success(taken)),
            (_, Err(why)) => self.refused(&why),
        }
    }

    fn respond(self, status: StatusCode, body: Bytes) -> Response<Reply> {
        let mut response = Response::new(Reply::of(body));
        *response.status_mut() = status;
        let content_type = match self {
            Self::Json => "application/json",
            _ => "application/x-protobuf",
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }

    fn success(self, taken: Taken) -> Bytes {
        match self {
            Self::Json if taken.rejected == 0 => Bytes::from_static(b"{}"),
            Self::Json => serde_json::json!({
                "partialSuccess": { "rejectedSpans": taken.rejected.to_string(), "errorMessage": REJECTED }
            })
            .to_string()
            .into(),
            _ => export_response(taken),
        }
    }

    fn refused(self, why: &Refusal) -> Response<Reply> {
        let body = match self {
            Self::Json => serde_json::json!({ "code": why.grpc(), "message": why.to_string() })
                .to_string()
                .into(),
            _ => status(why),
        };
        let mut response = self.respond(why.http(), body);
        let headers = response.headers_mut();
        if let Some(after) = why.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        match why {
            Refusal::Method => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
            Refusal::Token => {
                drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Refusal::Encoding => drop(headers.insert(ACCEPT_ENCODING, ACCEPTED)),
            _ => {}
        }
        response
    }
}

fn grpc_taken(taken: Taken) -> Response<Reply> {
    let message = export_response(taken);
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or_default());
    framed.put(message);
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    grpc(Reply {
        data: Some(framed.freeze()),
        trailers: Some(trailers),
    })
}

/// An answer without a message has its trailers among the headers.
fn grpc_refused(why: &Refusal) -> Response<Reply> {
    let mut response = grpc(Reply::default());
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(why.grpc()));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(&why.to_string())) {
        headers.insert(GRPC_MESSAGE, message);
    }
    if let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(status(why))) {
        headers.insert(GRPC_DETAILS, details);
    }
    response
}

fn grpc(reply: Reply) -> Response<Reply> {
    let mut response = Response::new(reply);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    response
}

/// `grpc-message` is percent-encoded: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.
fn percent_encoded(message: &str) -> String {
    let encoded = message.bytes().map(|byte| match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// `Export…ServiceResponse`: empty on full success. Fields are alike for spans, points and records.
fn export_response(taken: Taken) -> Bytes {
    let mut response = Vec::new();
    if taken.rejected > 0 {
        let mut partial = Vec::new();
        write::varint(&mut partial, 1, taken.rejected);
        write::bytes(&mut partial, 2, REJECTED.as_bytes());
        write::bytes(&mut response, 1, &partial);
    }
    response.into()
}

/// `google.rpc.Status`, with `RetryInfo` where it may be sent again.
fn status(why: &Refusal) -> Bytes {
    let mut status = Vec::new();
    write::varint(&mut status, 1, u64::from(why.grpc()));
    write::bytes(&mut status, 2, why.to_string().as_bytes());
    if let Some(after) = why.retry_after() {
        let mut any = Vec::new();
        write::bytes(&mut any, 1, RETRY_INFO.as_bytes());
        write::bytes(&mut any, 2, &retry_info(after));
        write::bytes(&mut status, 3, &any);
    }
    status.into()
}

fn retry_info(after: Duration) -> Vec<u8> {
    let (mut delay, mut info) = (Vec::new(), Vec::new());
    write::varint(&mut delay, 1, after.as_secs());
    write::varint(&mut delay, 2, u64::from(after.subsec_nanos()));
    write::bytes(&mut info, 1, &delay);
    info
}

/// The body of an answer: at most one piece of data, and trailers.
#[derive(Debug, Default)]
pub(super) struct Reply {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Reply {
    fn of(body: Bytes) -> Self {
        Self {
            data: (!body.is_empty()).then_some(body),
            trailers: None,
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        let next = data.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(next.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}
