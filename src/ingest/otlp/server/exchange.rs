//! One request and its answer.
//!
//! ```text
//! path, method, content type, token ─► body (bounded) ─► unpack, JSON ─► spans::read ─► intake ─► answer
//!              └───────────────────────── Refusal ◄──────────────────────────┘
//! ```
//!
//! Either port takes either protocol: which one it is, the content type tells.

use bytes::{Buf, Bytes};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body::Body;

use super::body::{self, Packing};
use super::receiver::Receiver;
use super::refusal::Refusal;
use super::reply::{Reply, Taken, Wire};
use crate::ingest::otlp::budget::Share;
use crate::ingest::otlp::json::{most_of, to_protobuf};
use crate::ingest::otlp::json_schema::{LOGS, METRICS, Message, TRACES};
use crate::ingest::otlp::logs::{self, LogBatch};
use crate::ingest::otlp::points::{self, Points};
use crate::ingest::otlp::spans::{self, SpanBatch};
use crate::ingest::otlp::wire::Malformed;
use crate::ingest::relay::{Encoding, Export, Signal};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// What is sent, by the path of a request.
fn signal_of(path: &str, wire: Wire) -> Option<Signal> {
    let path = path.trim_end_matches('/');
    if wire == Wire::Grpc {
        return match path.strip_prefix("/opentelemetry.proto.collector.")? {
            "trace.v1.TraceService/Export" => Some(Signal::Traces),
            "logs.v1.LogsService/Export" => Some(Signal::Logs),
            "metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
            _ => None,
        };
    }
    match path {
        "/v1/traces" => Some(Signal::Traces),
        "/v1/logs" => Some(Signal::Logs),
        "/v1/metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn schema_of(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

/// What was read.
enum Read {
    Spans(SpanBatch),
    Logs(LogBatch, Share),
    Metrics(Points),
}

/// Plain bodies up to this are read where they came in: shorter than a hand-over to another thread.
const SHORT: usize = 1 << 20;

/// A request after its body has come.
struct Came {
    bytes: Bytes,
    packing: Packing,
    wire: Wire,
    signal: Signal,
    share: Share,
}

/// Answers one request.
pub(super) async fn answer<B>(receiver: Receiver, request: Request<B>) -> Response<Reply>
where
    B: Body<Data: Buf, Error: std::error::Error>,
{
    let (wire, result) = match wire_of(request.headers()) {
        Some(wire) => (wire, receive(&receiver, request, wire).await),
        None => (Wire::Protobuf, Err(unspoken(&request))),
    };
    receiver.count(&result);
    wire.answer(result)
}

/// What is wrong with a request whose content type is none of ours: first of all its path or method.
fn unspoken<B>(request: &Request<B>) -> Refusal {
    routed(request, Wire::Protobuf)
        .err()
        .unwrap_or(Refusal::MediaType)
}

async fn receive<B>(receiver: &Receiver, request: Request<B>, wire: Wire) -> Result<Taken, Refusal>
where
    B: Body<Data: Buf, Error: std::error::Error>,
{
    let signal = routed(&request, wire)?;
    if !receiver.admits(bearer(request.headers())) {
        return Err(Refusal::Token);
    }
    let came = come(receiver, request, wire, signal).await?;
    let bytes = came.bytes.len() as u64;
    let (read, export) = read(receiver, came).await?;
    if let Some(export) = export {
        receiver.pass(export).await?;
    }
    match read {
        Read::Spans(spans) => receiver.spans(spans, bytes).await,
        Read::Logs(logs, share) => {
            let taken = receiver.logs(logs, bytes).await;
            drop(share);
            taken
        }
        Read::Metrics(points) => Ok(receiver.metrics(points)),
    }
}

/// The content type: which protocol it is.
fn wire_of(headers: &HeaderMap) -> Option<Wire> {
    let told = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = told.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("application/x-protobuf") || is("application/protobuf") {
        return Some(Wire::Protobuf);
    }
    if is("application/json") {
        return Some(Wire::Json);
    }
    (is("application/grpc") || is("application/grpc+proto")).then_some(Wire::Grpc)
}

fn routed<B>(request: &Request<B>, wire: Wire) -> Result<Signal, Refusal> {
    let signal = signal_of(request.uri().path(), wire).ok_or(Refusal::Path)?;
    if request.method() != Method::POST {
        return Err(Refusal::Method);
    }
    Ok(signal)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let told = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = told.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

async fn come<B>(
    receiver: &Receiver,
    request: Request<B>,
    wire: Wire,
    signal: Signal,
) -> Result<Came, Refusal>
where
    B: Body<Data: Buf, Error: std::error::Error>,
{
    let bounds = receiver.bounds();
    let header = match wire {
        Wire::Grpc => GRPC_ENCODING,
        _ => CONTENT_ENCODING,
    };
    let told = request.headers().get(header);
    let packing = Packing::of(told.map_or(b"", |value| value.as_bytes()))?;
    let mut share = bounds.budget.share()?;
    let body = request.into_body();
    let (bytes, packing) = match wire {
        Wire::Grpc => match body::message(body, &mut share, bounds).await? {
            (_, true) if packing == Packing::None => {
                return Err(Refusal::Malformed(
                    "the message is packed, and no grpc-encoding says how".to_owned(),
                ));
            }
            (bytes, true) => (bytes, packing),
            (bytes, false) => (bytes, Packing::None),
        },
        _ => (body::collect(body, &mut share, bounds).await?, packing),
    };
    Ok(Came {
        bytes,
        packing,
        wire,
        signal,
        share,
    })
}

/// Reads what has come, on a thread that may block when that takes long.
async fn read(receiver: &Receiver, came: Came) -> Result<(Read, Option<Export>), Refusal> {
    let is_short = came.packing == Packing::None
        && came.wire != Wire::Json
        && came.signal == Signal::Traces
        && came.bytes.len() <= SHORT;
    if is_short {
        return read_now(receiver, came);
    }
    // few at a time: an unpacker keeps memory of its own
    let _place = receiver.place_to_unpack().await?;
    let reading = receiver.clone();
    tokio::task::spawn_blocking(move || read_now(&reading, came))
        .await
        .map_err(|_panic| Refusal::Malformed("the request cannot be read".to_owned()))?
}

fn read_now(receiver: &Receiver, came: Came) -> Result<(Read, Option<Export>), Refusal> {
    let bounds = receiver.bounds();
    let mut share = came.share;
    let mut bytes = body::unpack(came.bytes, came.packing, &mut share, bounds)?;
    let relayed = receiver.relayed(came.wire);
    let json = (relayed == Some(Encoding::Json)).then(|| bytes.clone());
    if came.wire == Wire::Json {
        bounds.budget.try_grow(&mut share, most_of(bytes.len()))?;
        let protobuf = to_protobuf(&bytes, schema_of(came.signal));
        let protobuf = protobuf.map_err(|why| Refusal::Malformed(why.to_string()))?;
        if json.is_none() {
            share.shrink(bytes.len());
        }
        bytes = Bytes::from(protobuf);
    }
    let export = relayed.map(|encoding| Export {
        signal: came.signal,
        encoding,
        body: json.unwrap_or_else(|| bytes.clone()),
    });
    Ok((understand(receiver, came.signal, bytes, share)?, export))
}

fn understand(
    receiver: &Receiver,
    signal: Signal,
    bytes: Bytes,
    mut share: Share,
) -> Result<Read, Refusal> {
    let malformed = |why: Malformed| Refusal::Malformed(why.to_string());
    match signal {
        Signal::Logs => Ok(Read::Logs(logs::read(&bytes).map_err(malformed)?, share)),
        Signal::Metrics => Ok(Read::Metrics(points::read(&bytes).map_err(malformed)?)),
        Signal::Traces => {
            let mut batch = spans::read(bytes)?;
            let budget = &receiver.bounds().budget;
            budget.try_grow(&mut share, batch.records_size())?;
            batch.hold(share);
            Ok(Read::Spans(batch))
        }
    }
}
