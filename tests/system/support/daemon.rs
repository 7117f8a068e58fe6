//! The real binary with a configuration of the test's.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use super::port::Port;
use super::process::{Process, tied};
use super::{PATIENCE, wait_for};

/// `sqleuth run`, with a store that survives restarts within the test.
#[derive(Debug)]
pub struct Daemon {
    dir: TempDir,
    port: Port,
    /// For gRPC and for HTTP.
    otlp: Option<[Port; 2]>,
    config: String,
    wrapper: Vec<String>,
    process: Option<Process>,
}

/// What the page answered.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Status line and header lines, in lower case.
    pub head: String,
    /// Body.
    pub body: String,
}

impl Daemon {
    /// Prepares a configuration: `[listen]` and `[store]` are added to what is given.
    pub fn new(config: &str) -> Self {
        Self::at(Port::take(), config)
    }

    /// The same, where the test has to know the port before.
    pub fn at(port: Port, config: &str) -> Self {
        Self {
            dir: TempDir::new().expect("a temporary directory"),
            port,
            otlp: None,
            config: config.to_owned(),
            wrapper: Vec::new(),
            process: None,
        }
    }

    /// Takes OTLP, on ports that are free.
    pub fn with_otlp(mut self) -> Self {
        self.otlp = Some([Port::take(), Port::take()]);
        self
    }

    /// Where it takes OTLP: gRPC, HTTP.
    pub fn otlp_ports(&self) -> [u16; 2] {
        let ports = self.otlp.as_ref().expect("the test takes OTLP");
        ports.each_ref().map(Port::number)
    }

    /// Its ports for OTLP in the configuration: none is opened where a test does not ask for it.
    fn otlp(&self) -> String {
        let port = |port: Option<&Port>| {
            port.map_or_else(
                || "off".to_owned(),
                |port| format!("127.0.0.1:{}", port.number()),
            )
        };
        let [grpc, http] = [0, 1].map(|at| port(self.otlp.as_ref().map(|ports| &ports[at])));
        format!("otlp_grpc = \"{grpc}\"\notlp_http = \"{http}\"\n")
    }

    /// Starts it by a program that becomes it, such as `env` or `setpriv`.
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// Writes another configuration, which it does not know of before it is told.
    pub fn configure(&mut self, config: &str) {
        config.clone_into(&mut self.config);
        let text = format!(
            "{config}\n[listen]\nhttp = \"127.0.0.1:{}\"\n{}[store]\npath = \"{}\"\n",
            self.port.number(),
            self.otlp(),
            self.path("store.db").display()
        );
        std::fs::write(self.path("sqleuth.toml"), text)
            .expect("the test's directory can be written");
    }

    /// Writes another configuration and tells it by SIGHUP; returns once it logs `answer` for it.
    pub fn reload(&mut self, config: &str, answer: &str) {
        self.configure(config);
        let known = self.log().matches(answer).count();
        self.process().signal("HUP");
        wait_for(answer, || {
            (self.log().matches(answer).count() > known).then_some(())
        });
        self.wait_until_ready();
    }

    /// Starts it and waits until it is ready.
    pub fn start(mut self) -> Self {
        self.restart();
        self
    }

    /// Starts it (again, if it has been killed) and waits until it is ready.
    pub fn restart(&mut self) {
        self.launch();
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        wait_for("readiness of sqleuth", || {
            let running = self.process.as_mut().is_some_and(Process::is_running);
            assert!(running, "sqleuth ended: {}", self.log());
            self.get("/readyz").filter(|(status, _)| *status == 200)
        });
    }

    /// Starts it and does not wait.
    pub fn launch(&mut self) {
        self.configure(&self.config.clone());
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log file");
        let mut words: Vec<&OsStr> = self.wrapper.iter().map(OsStr::new).collect();
        words.push(OsStr::new(env!("CARGO_BIN_EXE_sqleuth")));
        let process = Process::start(
            tied("KILL", words[0])
                .args(&words[1..])
                .arg("run")
                .arg("--config")
                .arg(self.path("sqleuth.toml"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log),
        );
        self.process = Some(process);
    }

    /// A file in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it has been started")
    }

    /// Kills it as the kernel would.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it has been started");
        process.signal("KILL");
        process.wait();
    }

    /// Asks it to end; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.process
            .take()
            .expect("it has been started")
            .stop("TERM")
    }

    /// Status and body of a GET; `None` if nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = self.ask("GET", path, &[], "")?;
        Some((answer.status, answer.body))
    }

    /// Sends a request with more header lines and a JSON body; `None` if nobody answers.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port.number())).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let more: String = headers.iter().flat_map(|line| [*line, "\r\n"]).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{more}\r\n{body}",
            self.port.number(),
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let head = head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            unchunk(body)
        } else {
            body.to_owned()
        };
        Some(Answer { status, head, body })
    }

    /// JSON of an API path below `/api/v1/`.
    pub fn api(&self, path: &str) -> Value {
        // Busy, or too slow for once: that is an answer to ask again.
        let (status, body) = wait_for(&format!("answer to {path}"), || {
            let answer = self
                .get(&format!("/api/v1/{path}"))
                .expect("sqleuth answers");
            (!matches!(answer.0, 503 | 504)).then_some(answer)
        });
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("the API speaks JSON")
    }

    /// The `items` of a list below `/api/v1/`.
    pub fn items(&self, path: &str) -> Vec<Value> {
        self.api(path)["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }
}

fn unchunk(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || size > tail.len() {
            break;
        }
        whole.push_str(&tail[..size]);
        rest = tail[size..].trim_start_matches("\r\n");
    }
    whole
}
