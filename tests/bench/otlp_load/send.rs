//! One sender's connection, and what it was answered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tokio::runtime::Runtime;
use tonic::Code;
use tonic::transport::Channel;

/// An answer.
pub(crate) enum Sent {
    Accepted,
    /// To be sent again later.
    Refused,
    Wrong(String),
}

/// gRPC.
pub(crate) struct Grpc {
    runtime: Runtime,
    client: TraceServiceClient<Channel>,
}

impl Grpc {
    pub(crate) fn new(port: u16) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let address = format!("http://127.0.0.1:{port}");
        let client = runtime.block_on(TraceServiceClient::connect(address))?;
        Ok(Self { runtime, client })
    }

    pub(crate) fn send(&mut self, request: ExportTraceServiceRequest) -> Sent {
        match self.runtime.block_on(self.client.export(request)) {
            Ok(_) => Sent::Accepted,
            Err(status) if status.code() == Code::Unavailable => Sent::Refused,
            Err(status) => Sent::Wrong(status.to_string()),
        }
    }
}

/// HTTP/1.1, the connection kept.
pub(crate) struct Http {
    port: u16,
    stream: Option<BufReader<TcpStream>>,
}

impl Http {
    pub(crate) fn new(port: u16) -> Self {
        let stream = None;
        Self { port, stream }
    }

    pub(crate) fn send(&mut self, request: &ExportTraceServiceRequest) -> Sent {
        match self.exchange(&request.encode_to_vec()) {
            Ok(200) => Sent::Accepted,
            Ok(503) => {
                self.stream = None;
                Sent::Refused
            }
            Ok(status) => Sent::Wrong(format!("status {status}")),
            Err(error) => {
                // A refusal may close the connection while the body is still being written.
                self.stream = None;
                Sent::Wrong(format!("{error:#}"))
            }
        }
    }

    fn exchange(&mut self, body: &[u8]) -> anyhow::Result<u16> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(("127.0.0.1", self.port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                none.insert(BufReader::new(stream))
            }
        };
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(head.as_bytes())?;
        let written = stream.get_mut().write_all(body);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.is_empty() {
            written?;
        }
        let status = line.split(' ').nth(1).context("no answer")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(told) = header.strip_prefix("content-length:") {
                length = told.trim().parse()?;
            }
        }
        stream.take(length).read_to_end(&mut Vec::new())?;
        Ok(status)
    }
}
