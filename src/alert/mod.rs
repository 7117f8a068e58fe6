//! Tells people: the outbox is read, messages are rendered and sent.
//!
//! ```text
//! store's outbox ─► Postman ─┬─ one message: Sink::deliver ───────────► Sent (with what was told)
//!     ▲                      ├─ a storm:     Sink::deliver_digest ────► Sent
//!     │                      └─ failed:      retry later, or dead letter
//!     └──────────────────────── settled in the store before the next ─┘
//! ```
//!
//! A message is settled after it was taken, never before: a crash in between repeats at most the message in
//! flight and loses none. Slack offers no cheap way to ask whether a message whose answer was lost has arrived
//! (`conversations.history` needs a scope that a notifier should not have), so it is sent again; every message
//! carries incident and revision as metadata, by which a reader of the channel can tell such a pair.

pub mod backoff;
pub mod blocks;
pub mod message;
pub mod news;
pub mod outbox;
pub mod secret;
pub mod slack;
mod text;
pub mod throttle;
pub mod told;
pub mod transport;

pub use transport::Settings;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::id::IncidentId;
use crate::model::incident::Incident;
use crate::model::time::Timestamp;

/// Why alerting cannot start, or cannot take new settings.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// A secret's file is missing or forbidden.
    #[error("{key}: {} cannot be read", path.display())]
    Unreadable {
        /// Configuration key that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A secret's file is there but does not hold what it should; its content is never shown.
    #[error("{key}: {} must hold {expected}", path.display())]
    Unusable {
        /// Configuration key that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// Settings that do not fit together.
    #[error("{key}: {problem}")]
    Settings {
        /// Configuration key.
        key: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client for slack cannot be made")]
    Client(#[source] reqwest::Error),
}

/// A row of the outbox with the incident as it stands now.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Row of the outbox.
    pub row: outbox::Row,
    /// The incident.
    pub incident: Incident,
}

/// What a letter needs of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Nothing: people know already.
    Nothing,
    /// A new message in the channel, which a storm may fold into a digest.
    New,
    /// An edit or a reply, which disturbs nobody.
    Amend,
}

/// Somebody who is told about incidents, after they are durable.
pub trait Sink: Send + 'static {
    /// Name of it in the outbox, in metrics and in logs.
    const NAME: &'static str;

    /// Says what a letter needs.
    fn plan(&self, letter: &Letter) -> Plan;

    /// Waits until a message may be sent. Cancel safe.
    fn ready(&mut self) -> impl Future<Output = ()> + Send;

    /// Tells one incident; returns what the store shall remember of it for the next time.
    ///
    /// After [`Delivered::Begun`] the same letter is delivered once more, with what was remembered.
    fn deliver(
        &mut self,
        letter: &Letter,
    ) -> impl Future<Output = Result<Delivered, Failure>> + Send;

    /// Tells many incidents in one message; returns what to remember of each, in order.
    fn deliver_digest(
        &mut self,
        letters: &[Letter],
    ) -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
}

/// How far a letter was told, with what the store shall remember of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// In full.
    Whole(String),
    /// The message stands and its thread is still due. It is remembered first: who is killed while the thread is
    /// told must not post the message again.
    Begun(String),
}

/// A message was not told in full.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: SendError,
    /// What the store shall remember, if part of it was told.
    pub remote: Option<String>,
}

/// Why a message was not taken. None of these shows a URL or a token.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Too many messages; the server says how long to wait.
    #[error("rate limited for {} s", retry_after.as_secs())]
    Busy {
        /// How long.
        retry_after: Duration,
    },
    /// No connection, no answer in time, or a torn one: it may or may not have been taken.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// An HTTP status that is neither success nor "too many".
    #[error("status {status} {code}")]
    Status {
        /// The status.
        status: u16,
        /// Slack's word, reduced to lower-case letters, digits and `_`.
        code: String,
    },
    /// Slack answered `ok: false`.
    #[error("refused: {code}")]
    Refused {
        /// Slack's word, reduced to lower-case letters, digits and `_`.
        code: String,
    },
    /// The answer is not what Slack's documentation says.
    #[error("the answer is not understood")]
    Unexpected,
}

impl SendError {
    /// Whether the same message may be taken later.
    pub fn is_retryable(&self) -> bool {
        const PASSING: [&str; 8] = [
            "ratelimited",
            "rate_limited",
            "internal_error",
            "fatal_error",
            "service_unavailable",
            "request_timeout",
            "team_added_to_org",
            "rollup_error",
        ];
        match self {
            Self::Busy { .. } | Self::NoAnswer(_) | Self::Unexpected => true,
            Self::Status { status, .. } => {
                *status >= 500 || *status == 408 || self.needs_a_person()
            }
            Self::Refused { code } => PASSING.contains(&code.as_str()) || self.needs_a_person(),
        }
    }

    /// Whether the key or the channel is at fault, not the message: once a person has mended that, it is taken.
    pub fn needs_a_person(&self) -> bool {
        const SETUP: [&str; 19] = [
            "invalid_auth",
            "not_authed",
            "token_revoked",
            "token_expired",
            "account_inactive",
            "missing_scope",
            "no_permission",
            "not_allowed_token_type",
            "access_denied",
            "ekm_access_denied",
            "enterprise_is_restricted",
            "org_login_required",
            "team_access_not_granted",
            "two_factor_setup_required",
            "restricted_action",
            "channel_not_found",
            "not_in_channel",
            "is_archived",
            "accesslimited",
        ];
        match self {
            // What a webhook answers when it, its app or its channel is switched off.
            Self::Status { status, .. } => matches!(status, 401 | 403 | 404 | 410),
            Self::Refused { code } => SETUP.contains(&code.as_str()),
            Self::Busy { .. } | Self::NoAnswer(_) | Self::Unexpected => false,
        }
    }

    /// How long the server asks to wait, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// The server's word, if it said one.
    pub fn code(&self) -> &str {
        match self {
            Self::Status { code, .. } | Self::Refused { code } => code,
            _ => "",
        }
    }
}

/// Counts of one sink, for `/metrics`.
#[derive(Debug, Default)]
pub struct SinkMetrics {
    /// Letters that were told, those included that needed nothing.
    pub sent: AtomicU64,
    /// Attempts that failed and will be repeated.
    pub failed: AtomicU64,
    /// Letters that were given up.
    pub dead: AtomicU64,
    /// Letters that a newer one of the same incident made needless.
    pub coalesced: AtomicU64,
    /// Digests sent instead of single messages.
    pub digests: AtomicU64,
    /// When the oldest unsent letter was queued, in nanoseconds since the epoch; 0 for none.
    oldest: AtomicU64,
}

impl SinkMetrics {
    /// `sqleuth_outbox_oldest_seconds`: how long the oldest unsent letter has waited; 0 for none.
    pub fn oldest_seconds(&self, now: Timestamp) -> f64 {
        let queued = self.oldest.load(Ordering::Relaxed);
        if queued == 0 {
            return 0.0;
        }
        now.since(Timestamp::from_unix_nanos(queued)).as_secs_f64()
    }

    /// `sqleuth_notifications_total`: how many letters or attempts ended in which way.
    pub fn totals(&self) -> [(&'static str, u64); 4] {
        [
            ("sent", &self.sent),
            ("failed", &self.failed),
            ("dead", &self.dead),
            ("coalesced", &self.coalesced),
        ]
        .map(|(result, counter)| (result, counter.load(Ordering::Relaxed)))
    }

    fn set_oldest(&self, queued: Option<Timestamp>) {
        let nanos = queued.map_or(0, Timestamp::as_unix_nanos);
        self.oldest.store(nanos, Ordering::Relaxed);
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The incident that a letter is about, for logs.
fn id(letter: &Letter) -> &IncidentId {
    &letter.incident.id
}
