//! `[forward]`

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::forward::{ForwardError, headers, is_local};

/// `[forward]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where received OTLP goes on to, its bytes untouched: `http://127.0.0.1:14317`. Unset: nothing is forwarded.
    pub otlp: Option<String>,
    /// `grpc` or `http/protobuf`. Unset: by the port, as port 4318 and a URL with a path are of HTTP.
    pub protocol: Option<Protocol>,
    /// File of headers that go with each request, a `name: value` a line. Unset: none.
    pub headers_file: Option<PathBuf>,
    /// How requests are packed on their way: `gzip`, or `none`, which is cheaper within a machine.
    pub compression: Compression,
    /// Longest wait for one answer.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub timeout: Duration,
    /// Folder that keeps what the backend does not take at once, literals and all, readable by its owner alone. Unset:
    /// senders wait for the backend, and are told when it takes nothing.
    pub queue_path: Option<PathBuf>,
    /// Most bytes in that folder; then senders are refused. 1 GiB holds ten minutes of 2,000 spans a second.
    pub queue_max_bytes: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            otlp: None,
            protocol: None,
            headers_file: None,
            compression: Compression::None,
            timeout: Duration::from_secs(10),
            queue_path: None,
            queue_max_bytes: ByteSize::gib(1),
        }
    }
}

/// How the backend is spoken to; the words of `OTEL_EXPORTER_OTLP_PROTOCOL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// OTLP/gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// OTLP/HTTP.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// How requests are packed; the words of `OTEL_EXPORTER_OTLP_COMPRESSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
}

impl Settings {
    /// Whether the URL and the headers can be used.
    ///
    /// # Errors
    /// What is wrong, naming the key or the file.
    pub fn check(&self) -> Result<(), ForwardError> {
        if let Some(url) = self.checked_url()? {
            headers::read(self, url)?;
        }
        Ok(())
    }

    /// Whether requests would come back by one of these ports of this machine.
    pub fn returns_to(&self, mut ports: impl Iterator<Item = u16>) -> bool {
        let url = self.otlp.as_deref().filter(|url| is_local(url));
        let url = url.and_then(|url| reqwest::Url::parse(url).ok());
        let port = url.and_then(|url| url.port_or_known_default());
        port.is_some_and(|port| ports.any(|own| own == port))
    }

    /// The URL; `None` when nothing is forwarded.
    pub(super) fn checked_url(&self) -> Result<Option<&str>, ForwardError> {
        let Some(url) = self.otlp.as_deref() else {
            return Ok(None);
        };
        let told = reqwest::Url::parse(url);
        let is_url =
            told.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if is_url {
            return Ok(Some(url));
        }
        Err(ForwardError::Settings {
            key: "forward.otlp",
            problem: format!("{url:?} is no URL; write it like http://127.0.0.1:14317"),
        })
    }

    /// How to speak to `url`.
    pub(super) fn protocol_of(&self, url: &str) -> Protocol {
        self.protocol.unwrap_or_else(|| {
            let told = reqwest::Url::parse(url).ok();
            let is_http = told.is_some_and(|url| url.port() == Some(4318) || url.path() != "/");
            if is_http {
                Protocol::HttpProtobuf
            } else {
                Protocol::Grpc
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_and_the_path_tell_the_protocol() {
        let settings = Settings::default();
        for (url, protocol) in [
            ("http://127.0.0.1:4317", Protocol::Grpc),
            ("http://127.0.0.1:4318", Protocol::HttpProtobuf),
            ("https://tempo.example.com/otlp", Protocol::HttpProtobuf),
            ("https://tempo.example.com", Protocol::Grpc),
        ] {
            assert_eq!(settings.protocol_of(url), protocol, "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_its_key() {
        for url in ["nowhere", "ftp://x", "127.0.0.1:4317", "http://"] {
            let settings = Settings {
                otlp: Some(url.to_owned()),
                ..Settings::default()
            };
            let error = settings.checked_url().unwrap_err().to_string();
            assert!(
                error.starts_with("forward.otlp: ") && error.contains("write it like"),
                "{error}"
            );
        }
    }

    #[test]
    fn settings_survive_toml() {
        let settings = Settings {
            protocol: Some(Protocol::HttpProtobuf),
            ..Settings::default()
        };
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
    }
}
