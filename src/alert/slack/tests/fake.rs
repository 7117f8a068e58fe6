//! A Slack on loopback that checks what it is sent and fails as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

/// What to answer instead of success.
#[derive(Debug, Clone)]
pub(super) enum Mood {
    /// 429 with `Retry-After`.
    Busy(u64),
    /// A status with this word as its body.
    Status(u16, &'static str),
    /// 200 with `ok: false`.
    Refuse(&'static str),
    /// No answer within any patience.
    Silence,
    /// 302 to somewhere else.
    Redirect,
}

/// One request that came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) token: String,
    pub(super) body: Value,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Fake {
    requests: Arc<Mutex<Vec<Request>>>,
    moods: Arc<Mutex<VecDeque<Mood>>>,
}

impl Fake {
    /// Starts it on a free port; returns its base URL.
    pub(super) async fn start() -> (Self, String) {
        let fake = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(fake.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (fake, url)
    }

    /// The next requests are answered so, in order, and later ones with success.
    pub(super) fn next(&self, moods: impl IntoIterator<Item = Mood>) {
        self.moods.lock().unwrap().extend(moods);
    }

    /// All requests so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Messages that were asked to stand in the channel of their own.
    pub(super) fn parents(&self) -> usize {
        let is_parent =
            |r: &&Request| r.method == "chat.postMessage" && r.body.get("thread_ts").is_none();
        self.requests().iter().filter(is_parent).count()
    }
}

async fn answer(
    State(fake): State<Fake>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if uri.path() != "/auth.test" {
        check(&body);
    }
    let number = {
        let mut requests = fake.requests.lock().unwrap();
        let token = headers.get("authorization").and_then(|t| t.to_str().ok());
        requests.push(Request {
            method: uri.path().trim_start_matches('/').to_owned(),
            token: token.unwrap_or_default().to_owned(),
            body: body.clone(),
        });
        requests.len()
    };
    let mood = fake.moods.lock().unwrap().pop_front();
    match mood {
        None if uri.path() == "/hook" => "ok".into_response(),
        None => {
            let ts = body["ts"]
                .as_str()
                .map_or(format!("{number}.0001"), str::to_owned);
            Json(json!({"ok": true, "channel": "C0DE", "ts": ts})).into_response()
        }
        Some(Mood::Busy(seconds)) => {
            let wait = [("retry-after", seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, wait).into_response()
        }
        Some(Mood::Status(code, word)) => {
            (StatusCode::from_u16(code).unwrap(), word).into_response()
        }
        Some(Mood::Refuse(error)) => Json(json!({"ok": false, "error": error})).into_response(),
        Some(Mood::Silence) => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::OK.into_response()
        }
        Some(Mood::Redirect) => {
            (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response()
        }
    }
}

/// Slack's own checks; a message that breaks one ends the test.
fn check(body: &Value) {
    let text = body["text"].as_str().unwrap();
    assert!(!text.is_empty() && text.chars().count() < 4_000);
    let blocks = body["blocks"].as_array().cloned().unwrap_or_default();
    assert!(blocks.len() <= 20);
    let total: usize = blocks.iter().map(|b| b.to_string().chars().count()).sum();
    assert!(total <= 13_200, "{total}");
    for block in &blocks {
        if block["type"] == "header" {
            assert_eq!(block["text"]["type"], "plain_text");
            assert!(block["text"]["text"].as_str().unwrap().chars().count() <= 150);
        }
        if let Some(text) = block["text"]["text"].as_str() {
            assert!((1..=3_000).contains(&text.chars().count()));
        }
    }
}
