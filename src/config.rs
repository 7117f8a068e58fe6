//! The configuration file, as typed sections with safe defaults.
//!
//! `src/defaults.toml` lists every key with its default and what it means; a test keeps the two alike.
//! [`load`] reports every problem at once, each with file, line and fix.

pub mod load;

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::model::id::ServiceName;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[general]`
    pub general: General,
    /// `[listen]`
    pub listen: Listen,
    /// `[telemetry]`
    pub telemetry: Telemetry,
}

/// `[general]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct General {
    /// `service.name` of the application this sidecar runs beside.
    pub service: ServiceName,
    /// IANA time zone for messages and postmortems.
    pub time_zone: String,
    /// Language of messages.
    pub language: Language,
    /// Where people reach this sidecar's page; links in messages use it.
    pub public_url: Option<String>,
    /// Where people reach Jaeger.
    pub jaeger_url: Option<String>,
    /// Where people reach Grafana.
    pub grafana_url: Option<String>,
}

impl Default for General {
    fn default() -> Self {
        Self {
            service: ServiceName::new("unnamed"),
            time_zone: "UTC".to_owned(),
            language: Language::En,
            public_url: None,
            jaeger_url: None,
            grafana_url: None,
        }
    }
}

/// Language of messages and postmortems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

/// `[listen]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Page, API, metrics and health.
    pub http: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 7470)),
        }
    }
}

/// `[telemetry]`: what sqleuth tells of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Log filter in the syntax of `RUST_LOG`.
    pub log: String,
    /// Log lines as JSON.
    pub json: bool,
    /// OTLP/gRPC endpoint for sqleuth's own spans; none are made without it.
    pub otlp: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            json: false,
            otlp: None,
        }
    }
}
