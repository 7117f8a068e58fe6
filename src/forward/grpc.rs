//! Sends requests on by gRPC, their bytes as they are.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::forward::answer::{Answer, bounded};
use crate::forward::{Compression, ForwardError};
use crate::ingest::relay::Signal;

/// A backend that speaks OTLP/gRPC.
#[derive(Debug, Clone)]
pub(super) struct Grpc {
    channel: Channel,
    headers: MetadataMap,
    compression: Compression,
    timeout: Duration,
}

impl Grpc {
    /// Connects at the first request, and again whenever it must.
    ///
    /// # Errors
    /// When the URL is none, or the machine has no certificates to trust.
    pub(super) fn new(
        url: &str,
        headers: MetadataMap,
        compression: Compression,
        timeout: Duration,
    ) -> Result<Self, ForwardError> {
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(ForwardError::Grpc)?
            .connect_timeout(timeout)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .user_agent(concat!("sqleuth/", env!("CARGO_PKG_VERSION")))
            .map_err(ForwardError::Grpc)?;
        if url.starts_with("https://") {
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(ForwardError::Grpc)?;
        }
        Ok(Self {
            channel: endpoint.connect_lazy(),
            headers,
            compression,
            timeout,
        })
    }

    /// Sends one request.
    pub(super) async fn send(&self, signal: Signal, body: Bytes) -> Answer {
        match tokio::time::timeout(self.timeout, self.call(signal, body)).await {
            Ok(Ok(body)) => Answer::of_protobuf(&body),
            Ok(Err(status)) => answer(&status),
            Err(_elapsed) => Answer::later("no answer in time"),
        }
    }

    async fn call(&self, signal: Signal, body: Bytes) -> Result<Bytes, Status> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        if self.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let unreachable = |error: tonic::transport::Error| Status::from_error(Box::new(error));
        client.ready().await.map_err(unreachable)?;
        let mut request = tonic::Request::new(body);
        *request.metadata_mut() = self.headers.clone();
        let answer = client.unary(request, path(signal), AsItIs).await?;
        Ok(answer.into_inner())
    }
}

fn path(signal: Signal) -> PathAndQuery {
    PathAndQuery::from_static(match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    })
}

fn answer(status: &Status) -> Answer {
    let details = status.get_details_retry_info();
    let after = details.and_then(|info| info.retry_delay).map(bounded);
    let code = status.code();
    let never_arrived = std::error::Error::source(status).is_some();
    let may_come_again = match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => after.is_some(),
        // The way is not well: see `answer`.
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented | Code::NotFound => {
            true
        }
        _ => never_arrived,
    };
    let why = if never_arrived {
        "the backend cannot be reached".to_owned()
    } else {
        format!("grpc-status {} ({code:?})", code as i32)
    };
    if may_come_again {
        Answer::Later { after, why }
    } else {
        Answer::Refused { why }
    }
}

/// Messages that are bytes already.
#[derive(Debug, Clone, Copy)]
struct AsItIs;

impl Codec for AsItIs {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsItIs {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for AsItIs {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn is_later(status: &Status) -> bool {
        matches!(answer(status), Answer::Later { .. })
    }

    #[test]
    fn the_protocol_says_which_codes_may_come_again() {
        for code in [1, 4, 10, 11, 14, 15] {
            assert!(is_later(&Status::new(Code::from_i32(code), "")), "{code}");
        }
        for code in [2, 3, 6, 9, 13, 8] {
            assert!(!is_later(&Status::new(Code::from_i32(code), "")), "{code}");
        }
    }

    #[test]
    fn exhaustion_may_come_again_when_the_backend_says_when() {
        let wait = Duration::from_secs(7);
        let details = ErrorDetails::with_retry_info(Some(wait));
        let status = Status::with_error_details(Code::ResourceExhausted, "", details);
        let Answer::Later { after, .. } = answer(&status) else {
            panic!("{status:?}");
        };
        assert_eq!(after, Some(wait));
    }

    #[test]
    fn a_wrong_token_costs_nothing_that_was_acknowledged() {
        assert!(is_later(&Status::unauthenticated("")));
        assert!(is_later(&Status::permission_denied("")));
    }

    #[test]
    fn the_words_of_a_backend_are_not_repeated() {
        let Answer::Refused { why } = answer(&Status::invalid_argument("name = 'secret'")) else {
            panic!("it may not come again");
        };
        assert_eq!(why, "grpc-status 3 (InvalidArgument)");
    }
}
