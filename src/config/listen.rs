//! `[listen]`

use std::net::{Ipv4Addr, SocketAddr};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::value;

/// `[listen]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// OTLP over gRPC; `None`: nobody listens.
    #[serde(with = "value::port")]
    pub otlp_grpc: Option<SocketAddr>,
    /// OTLP over HTTP; `None`: nobody listens.
    #[serde(with = "value::port")]
    pub otlp_http: Option<SocketAddr>,
    /// Longest message of OTLP, unpacked.
    pub otlp_max_message: ByteSize,
    /// Memory that all messages of OTLP in flight may take together.
    pub otlp_memory: ByteSize,
    /// Page, API, metrics and health.
    pub http: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            otlp_grpc: Some(loopback(4317)),
            otlp_http: Some(loopback(4318)),
            otlp_max_message: ByteSize::mib(64),
            otlp_memory: ByteSize::mib(96),
            http: loopback(7470),
        }
    }
}

impl Listen {
    /// The ports for OTLP that are on, by their keys.
    pub fn otlp(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let ports = [
            ("listen.otlp_grpc", self.otlp_grpc),
            ("listen.otlp_http", self.otlp_http),
        ];
        ports
            .into_iter()
            .filter_map(|(key, port)| Some((key, port?)))
    }
}
