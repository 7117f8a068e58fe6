//! Slack's two doors: the Web API with a bot token, and an incoming webhook.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::alert::{AlertError, SendError, secret};

/// How long to wait when a server says "too many" but not how long.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);
/// No server makes us wait longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);
/// Most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest word of Slack that is kept.
const CODE_CHARS: usize = 60;

/// `[slack]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// File that holds a bot token with the scope `chat:write`: one message per incident, edited as it changes,
    /// with the evidence in its thread. Unset: no bot.
    pub token_file: Option<PathBuf>,
    /// File that holds the URL of an incoming webhook: one message when an incident fires, worsens, changes its lead or ends,
    /// because a webhook cannot edit. Unset: no webhook.
    pub webhook_file: Option<PathBuf>,
    /// Channel id or name for the bot; a webhook has its channel built in.
    pub channel: Option<String>,
    /// Base URL of the Web API. Change it for a proxy or a test.
    pub api_url: String,
    /// Longest wait for one answer. Slack answers within a second or two; a stuck connection must not hold up
    /// the next incident.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub timeout: Duration,
    /// Most new messages a minute; what is more is told in one digest. More than a handful nobody reads.
    pub max_new_per_minute: usize,
    /// How long a digest waits for more incidents to list.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub digest_hold: Duration,
    /// A message is given up after so many attempts; at the longest wait of five minutes, 300 are about a day.
    pub max_attempts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_file: None,
            webhook_file: None,
            channel: None,
            api_url: "https://slack.com/api".to_owned(),
            timeout: Duration::from_secs(10),
            max_new_per_minute: 6,
            digest_hold: Duration::from_secs(5),
            max_attempts: 300,
        }
    }
}

/// Which door, with its key.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Bot {
        token: SecretString,
        channel: String,
    },
    Webhook {
        url: SecretString,
    },
}

impl Door {
    /// Reads the secrets that the settings name; `None` when Slack is not configured.
    pub(crate) fn open(settings: &Settings) -> Result<Option<Self>, AlertError> {
        match (&settings.token_file, &settings.webhook_file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(AlertError::Settings {
                key: "slack.webhook_file",
                problem: "set either slack.token_file or slack.webhook_file, not both",
            }),
            (Some(path), None) => {
                let channel = settings.channel.as_deref().unwrap_or("").trim().to_owned();
                if channel.is_empty() {
                    return Err(AlertError::Settings {
                        key: "slack.channel",
                        problem: "slack.token_file needs the channel to post to",
                    });
                }
                check_url(&settings.api_url).ok_or(AlertError::Settings {
                    key: "slack.api_url",
                    problem: "must be an https URL, or an http URL of this machine",
                })?;
                let token = secret::read("slack.token_file", path)?;
                Ok(Some(Self::Bot { token, channel }))
            }
            (None, Some(path)) => {
                let url = secret::read("slack.webhook_file", path)?;
                check_url(url.expose_secret()).ok_or_else(|| AlertError::Unusable {
                    key: "slack.webhook_file",
                    path: path.clone(),
                    expected: "an https URL, or an http URL of this machine",
                })?;
                Ok(Some(Self::Webhook { url }))
            }
        }
    }
}

/// A token must not travel in clear text, except within the machine.
fn check_url(url: &str) -> Option<()> {
    let url = reqwest::Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_local = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
    (url.scheme() == "https" || (url.scheme() == "http" && is_local)).then_some(())
}

/// Sends JSON and understands the answers.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    api_url: String,
}

/// What Slack's Web API answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    pub(crate) channel: Option<String>,
    #[serde(default)]
    pub(crate) ts: Option<String>,
    #[serde(default)]
    pub(crate) team: Option<String>,
    #[serde(default)]
    pub(crate) user: Option<String>,
}

impl Transport {
    /// Makes the HTTP client: no redirects (they would carry the token elsewhere), bounded waits.
    pub(crate) fn new(settings: &Settings) -> Result<Self, AlertError> {
        // Another part of the program may have installed it already; either is the same provider.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let is_local = settings.api_url.starts_with("http://");
        let builder = reqwest::Client::builder()
            .user_agent(concat!("sqleuth/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout)
            .pool_max_idle_per_host(1);
        let builder = if is_local {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            http: builder.build().map_err(AlertError::Client)?,
            api_url: settings.api_url.trim_end_matches('/').to_owned(),
        })
    }

    /// Calls a method of the Web API.
    pub(crate) async fn call(
        &self,
        method: &str,
        token: &SecretString,
        body: &impl Serialize,
    ) -> Result<Answer, SendError> {
        let request = self
            .http
            .post(format!("{}/{method}", self.api_url))
            .bearer_auth(token.expose_secret())
            .json(body);
        let bytes = taken(request).await?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| SendError::Unexpected)?;
        if answer.ok {
            return Ok(answer);
        }
        let code = word(answer.error.as_deref().unwrap_or("unknown"));
        Err(SendError::Refused { code })
    }

    /// Posts to an incoming webhook; it answers `ok` and nothing to hold on to.
    pub(crate) async fn post(
        &self,
        url: &SecretString,
        body: &impl Serialize,
    ) -> Result<(), SendError> {
        taken(self.http.post(url.expose_secret()).json(body)).await?;
        Ok(())
    }
}

/// Sends and returns the body of a successful answer.
async fn taken(request: reqwest::RequestBuilder) -> Result<Vec<u8>, SendError> {
    let mut response = request.send().await.map_err(no_answer)?;
    let status = response.status();
    let retry_after = retry_after(&response);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        let room = MAX_ANSWER_BYTES.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= MAX_ANSWER_BYTES {
            break;
        }
    }
    if status.as_u16() == 429 {
        return Err(SendError::Busy { retry_after });
    }
    if !status.is_success() {
        let code = word(&String::from_utf8_lossy(&body));
        let status = status.as_u16();
        return Err(SendError::Status { status, code });
    }
    Ok(body)
}

/// The URL of a webhook is a secret, and reqwest would show it.
fn no_answer(error: reqwest::Error) -> SendError {
    SendError::NoAnswer(error.without_url())
}

fn retry_after(response: &reqwest::Response) -> Duration {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok());
    seconds.map_or(DEFAULT_RETRY_AFTER, |s| {
        Duration::from_secs(s).min(MAX_RETRY_AFTER)
    })
}

/// Slack's word for an error. Anything else, such as a proxy's page, may echo what was sent: it becomes empty.
fn word(text: &str) -> String {
    let word = text.trim();
    let is_word = word.len() <= CODE_CHARS
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_word {
        word.to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_travels_in_clear_text_only_within_the_machine() {
        for good in [
            "https://slack.com/api",
            "http://127.0.0.1:9/x",
            "http://[::1]:9",
        ] {
            assert!(check_url(good).is_some(), "{good}");
        }
        for bad in [
            "http://slack.com",
            "ftp://x",
            "slack",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(check_url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_a_plain_word_of_an_answer_is_kept() {
        assert_eq!(word(" invalid_auth\n"), "invalid_auth");
        assert_eq!(word("<html>xoxb-1</html>"), "");
        assert_eq!(word(&"a".repeat(61)), "");
    }

    #[test]
    fn a_bot_without_a_channel_is_refused() {
        let settings = Settings {
            token_file: Some(PathBuf::from("token")),
            ..Settings::default()
        };
        let error = Door::open(&settings).unwrap_err();
        assert!(error.to_string().starts_with("slack.channel: "));
    }

    #[test]
    fn settings_survive_toml() {
        let text = toml::to_string(&Settings::default()).unwrap();
        assert_eq!(
            toml::from_str::<Settings>(&text).unwrap(),
            Settings::default()
        );
    }
}
