//! Sends requests on by HTTP, their bytes as they are.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use crate::clock::Clock;
use crate::forward::answer::{Answer, bounded};
use crate::forward::{Compression, ForwardError};
use crate::ingest::relay::{Encoding, Export, Signal};
use crate::model::time::Timestamp;

/// Most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A backend that speaks OTLP/HTTP.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    base: String,
    compression: Compression,
    clock: Clock,
}

impl Http {
    /// Connects at the first request.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(super) fn new(
        url: &str,
        headers: HeaderMap,
        compression: Compression,
        timeout: Duration,
        clock: Clock,
    ) -> Result<Self, ForwardError> {
        // Another part of the program may have installed it already; either is the same provider.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("sqleuth/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(timeout)
            .connect_timeout(timeout);
        let is_local = super::is_local(url);
        let builder = if is_local {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            client: builder.build().map_err(ForwardError::Http)?,
            base: url.trim_end_matches('/').to_owned(),
            compression,
            clock,
        })
    }

    /// Sends one request.
    pub(super) async fn send(&self, export: Export) -> Answer {
        let path = match export.signal {
            Signal::Traces => "v1/traces",
            Signal::Metrics => "v1/metrics",
            Signal::Logs => "v1/logs",
        };
        let kind = match export.encoding {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        let request = self
            .client
            .post(format!("{}/{path}", self.base))
            .header(CONTENT_TYPE, kind);
        let request = match self.compression {
            Compression::None => request.body(export.body),
            Compression::Gzip => match packed(&export.body) {
                Ok(body) => request.header(CONTENT_ENCODING, "gzip").body(body),
                Err(_) => request.body(export.body),
            },
        };
        match request.send().await {
            Ok(response) => self.answer(response, export.encoding).await,
            Err(error) if error.is_timeout() => Answer::later("no answer in time"),
            Err(_) => Answer::later("the backend cannot be reached"),
        }
    }

    async fn answer(&self, mut response: reqwest::Response, encoding: Encoding) -> Answer {
        let status = response.status();
        if !status.is_success() {
            let retry_after = response.headers().get(RETRY_AFTER);
            let told = retry_after.and_then(|value| value.to_str().ok());
            return refusal(status, told.and_then(|told| wait(told, self.clock.now())));
        }
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                return Answer::Taken { rejected: 0 };
            }
        }
        match encoding {
            Encoding::Protobuf => Answer::of_protobuf(&body),
            Encoding::Json => Answer::of_json(&body),
        }
    }
}

fn refusal(status: StatusCode, after: Option<Duration>) -> Answer {
    let why = format!("HTTP status {}", status.as_u16());
    let may_come_again = match status.as_u16() {
        429 | 502 | 503 | 504 => true,
        // The way is not well: see `answer`.
        300..=399 | 401 | 403..=405 | 407 | 408 => true,
        _ => false,
    };
    if may_come_again {
        Answer::Later { after, why }
    } else {
        Answer::Refused { why }
    }
}

/// `Retry-After`: seconds, or a date.
fn wait(told: &str, now: Timestamp) -> Option<Duration> {
    let told = told.trim();
    if let Ok(seconds) = told.parse() {
        return Some(bounded(Duration::from_secs(seconds)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(told);
    let seconds = u64::try_from(date.ok()?.as_second()).ok()?;
    Some(bounded(Timestamp::from_unix_secs(seconds).since(now)))
}

fn packed(body: &Bytes) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_says_which_statuses_may_come_again() {
        let is_later = |status| {
            let status = StatusCode::from_u16(status).unwrap();
            matches!(refusal(status, None), Answer::Later { .. })
        };
        for status in [429, 502, 503, 504] {
            assert!(is_later(status), "{status}");
        }
        for status in [400, 413, 422, 500, 501] {
            assert!(!is_later(status), "{status}");
        }
        for status in [301, 401, 403, 404, 405] {
            assert!(is_later(status), "the way is not well: {status}");
        }
    }

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let now = Timestamp::from_unix_secs(784_111_770);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(wait("120", now), Some(Duration::from_secs(120)));
        assert_eq!(wait(date, now), Some(Duration::from_secs(7)));
        assert_eq!(wait("soon", now), None);
        assert_eq!(wait("999999999", now), Some(Duration::from_secs(300)));
    }
}
