//! Where links lead: the incident's page, a trace in Jaeger, a dashboard in Grafana.

use crate::model::id::IncidentId;
use crate::model::time::Interval;

/// Slack refuses longer URLs.
const MAX_URL_CHARS: usize = 3_000;

/// Base URLs; a link whose base is not configured, or is no web address, is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// `general.public_url`: where people reach this sqleuth.
    pub public_url: Option<String>,
    /// `general.jaeger_url`.
    pub jaeger_url: Option<String>,
    /// `general.grafana_url`.
    pub grafana_url: Option<String>,
}

impl Links {
    /// The incident's page.
    pub fn incident(&self, id: &IncidentId) -> Option<String> {
        let base = base(self.public_url.as_deref())?;
        bounded(format!("{base}/incidents/{}", encode(id.as_str())))
    }

    /// What a detector sees and how it decides.
    pub fn detector(&self, slug: &str) -> Option<String> {
        let base = base(self.public_url.as_deref())?;
        bounded(format!("{base}/detectors/{}", encode(slug)))
    }

    /// One trace in Jaeger, by its 32 hex digits.
    pub fn trace(&self, trace_id: &str) -> Option<String> {
        let base = base(self.jaeger_url.as_deref())?;
        let is_id = trace_id.len() == 32 && trace_id.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_id {
            return None;
        }
        bounded(format!("{base}/trace/{trace_id}"))
    }

    /// The shipped dashboard over an interval.
    pub fn dashboard(&self, over: Interval) -> Option<String> {
        let base = base(self.grafana_url.as_deref())?;
        let (from, to) = (over.from.as_unix_millis(), over.to.as_unix_millis());
        bounded(format!("{base}/d/sqleuth?from={from}&to={to}"))
    }
}

fn base(url: Option<&str>) -> Option<&str> {
    let url = url?.trim();
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '|' | '`'));
    (is_web && is_plain).then(|| url.trim_end_matches('/'))
}

fn bounded(url: String) -> Option<String> {
    (url.len() <= MAX_URL_CHARS).then_some(url)
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(byte));
        }
    }
    out
}

fn hex(byte: u8) -> String {
    format!("{byte:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn links_stand_on_their_base() {
        let links = Links {
            public_url: Some("https://ops.example/sqleuth/".to_owned()),
            jaeger_url: Some("http://jaeger:16686".to_owned()),
            grafana_url: None,
        };
        let id = IncidentId::new("INC-20261121-1");
        assert_eq!(
            links.incident(&id).unwrap(),
            "https://ops.example/sqleuth/incidents/INC-20261121-1"
        );
        assert!(links.trace(&"a".repeat(32)).is_some());
        assert!(links.dashboard(Interval::default()).is_none());
    }

    #[test]
    fn only_web_addresses_become_links() {
        for base in [
            "javascript:alert(1)",
            "https://x|y",
            "ftp://x",
            "https://a b",
        ] {
            let links = Links {
                public_url: Some(base.to_owned()),
                grafana_url: Some(base.to_owned()),
                ..Links::default()
            };
            assert_eq!(links.incident(&IncidentId::new("x")), None, "{base}");
        }
    }

    #[test]
    fn what_is_not_a_trace_id_is_no_link() {
        let links = Links {
            jaeger_url: Some("http://jaeger".to_owned()),
            ..Links::default()
        };
        assert_eq!(links.trace("../../x"), None);
        assert_eq!(
            links.dashboard(Interval {
                from: Timestamp::EPOCH,
                to: Timestamp::EPOCH
            }),
            None
        );
    }
}
