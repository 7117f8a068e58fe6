//! A Slack Web API on loopback that remembers every call.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::wait_for;

/// One call of the Web API.
#[derive(Debug, Clone)]
pub struct Call {
    /// `chat.postMessage`, `chat.update`, or the webhook's path.
    pub method: String,
    /// Body.
    pub body: Value,
}

impl Call {
    /// A message of its own: neither an edit nor a reply in a thread.
    pub fn is_parent(&self) -> bool {
        self.method == "chat.postMessage" && self.body.get("thread_ts").is_none_or(Value::is_null)
    }

    /// The incident that it is about.
    pub fn incident(&self) -> &str {
        let incident = &self.body["metadata"]["event_payload"]["incident"];
        incident.as_str().unwrap_or_default()
    }

    /// An edit of an earlier message.
    pub fn is_edit(&self) -> bool {
        self.method == "chat.update"
    }
}

/// The server; it ends with the test process.
#[derive(Debug, Clone)]
pub struct Slack {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    raw: Vec<u8>,
    /// Connections that were taken and are not at their end yet.
    open: usize,
}

impl Slack {
    /// Starts to listen.
    pub fn start() -> Self {
        Self::start_slow(Duration::ZERO)
    }

    /// Takes each call at once and answers it so much later.
    pub fn start_slow(late: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let slack = Self {
            address,
            state: Arc::default(),
        };
        let state = Arc::clone(&slack.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                state.lock().expect("no test panics inside").open += 1;
                std::thread::spawn(move || {
                    serve(stream, &state, late);
                    state.lock().expect("no test panics inside").open -= 1;
                });
            }
        });
        slack
    }

    /// Waits until all is heard that was said by those who have hung up since.
    pub fn settle(&self) {
        // Calls are taken in turn: once this one is answered, every one before it was taken.
        let mut call = TcpStream::connect(self.address).expect("the fake listens");
        let said = call.write_all(b"GET /hello HTTP/1.1\r\n\r\n");
        said.and_then(|()| call.read_exact(&mut [0]))
            .expect("the fake answers");
        drop(call);
        wait_for("end of every call", || {
            let state = self.state.lock().expect("no test panics inside");
            (state.open == 0).then_some(())
        });
    }

    /// For `slack.api_url`.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The URL of an incoming webhook that ends with `secret`.
    pub fn webhook(&self, secret: &str) -> String {
        format!("http://{}/services/T1/B1/{secret}", self.address)
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state
            .lock()
            .expect("no test panics inside")
            .calls
            .clone()
    }

    /// Messages of their own.
    pub fn parents(&self) -> Vec<Call> {
        self.calls().into_iter().filter(Call::is_parent).collect()
    }

    /// Every byte that was received.
    pub fn raw(&self) -> Vec<u8> {
        self.state
            .lock()
            .expect("no test panics inside")
            .raw
            .clone()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>, late: Duration) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = request(&mut reader, state) {
        let (status, answer) = answer(&path, &body, state);
        std::thread::sleep(late);
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\nretry-after: 1\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if writer
            .write_all(head.as_bytes())
            .and_then(|()| writer.write_all(text.as_bytes()))
            .is_err()
        {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead, state: &Mutex<State>) -> Option<(String, Vec<u8>)> {
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        state.lock().ok()?.raw.extend_from_slice(line.as_bytes());
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            line.split(' ').nth(1)?.clone_into(&mut path);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    state.lock().ok()?.raw.extend_from_slice(&body);
    Some((path, body))
}

fn answer(path: &str, body: &[u8], state: &Mutex<State>) -> (u16, Value) {
    let mut state = state.lock().expect("no test panics inside");
    let number = state.calls.len();
    let method = path.rsplit('/').next().unwrap_or_default().to_owned();
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let ts = body
        .get("ts")
        .cloned()
        .unwrap_or_else(|| json!(format!("1700000000.{number:06}")));
    let answer = json!({"ok": true, "channel": "C1", "ts": ts});
    state.calls.push(Call { method, body });
    (200, answer)
}
