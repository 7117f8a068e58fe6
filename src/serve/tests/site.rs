//! A running server on a free port, and a client of few words.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::canned::{self, Canned};
use crate::clock::Clock;
use crate::detect::catalogue;
use crate::metrics::Metrics;
use crate::model::id::SourceId;
use crate::model::incident::Incident;
use crate::report::{Lang, example};
use crate::serve::archive::{Archive, Command};
use crate::serve::{Auth, Health, Live, Parts, bind, run};

/// A running server; it ends with the test.
pub(super) struct TestSite {
    pub(super) address: SocketAddr,
    pub(super) health: Health,
    pub(super) live: Live,
    pub(super) stop: CancellationToken,
    pub(super) tasks: JoinSet<()>,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

impl TestSite {
    pub(super) async fn start() -> Self {
        Self::with(Canned::new(), Auth::default()).await
    }

    pub(super) async fn with(archive: Canned, auth: Auth) -> Self {
        Self::of(archive, auth, Lang::En).await
    }

    pub(super) async fn in_language(lang: Lang) -> Self {
        Self::of(Canned::new(), Auth::default(), lang).await
    }

    async fn of(archive: Canned, auth: Auth, lang: Lang) -> Self {
        Self::following(archive, auth, lang, None, Metrics::new()).await
    }

    /// Serves what is known while `followed` logs are read, which `metrics` tells of.
    pub(super) async fn following(
        archive: Canned,
        auth: Auth,
        lang: Lang,
        followed: Option<Vec<SourceId>>,
        metrics: Metrics,
    ) -> Self {
        let archive: Arc<dyn Archive> = Arc::new(archive);
        let (desk, commands) = mpsc::channel(4);
        let parts = Parts {
            archive: Arc::clone(&archive),
            desk,
            followed,
            metrics,
            clock: Clock::manual(canned::now()),
            style: example::style(lang),
            detectors: catalogue::ALL,
            auth: Arc::new(auth),
            health: Health::new(),
            live: Live::new(),
        };
        let (health, live) = (parts.health.clone(), parts.live.clone());
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, stop) = (listener.address(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(own_incidents(commands, archive));
        let serving = run(listener, parts, stop.clone());
        tasks.spawn(async { serving.await.unwrap() });
        Self {
            address,
            health,
            live,
            stop,
            tasks,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    pub(super) async fn post_json(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("Content-Type", "application/json")], body)
            .await
    }

    /// Sends one request; `Host` is the true one unless it is among the headers.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let host = self.address.to_string();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head = head + "Host: " + &host + "\r\n";
        }
        for (name, value) in headers {
            head = head + name + ": " + value + "\r\n";
        }
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// Stands for the owner of incidents: takes whatever is open.
async fn own_incidents(mut commands: mpsc::Receiver<Command>, archive: Arc<dyn Archive>) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Acknowledge { id, by, reply } => {
                let known: Option<Incident> = archive.incident(&id).unwrap();
                let taken = known
                    .filter(|i| i.resolved_at.is_none())
                    .map(|incident| Incident {
                        acknowledged_by: Some(by),
                        ..incident
                    });
                reply.send(taken).unwrap();
            }
            Command::Mark { reply, .. } => reply.send(()).unwrap(),
        }
    }
}
