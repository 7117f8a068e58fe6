//! Traffic: sessions of the server's own command-line client, each fed statements at a pace.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Sessions that run until they are dropped.
#[derive(Debug)]
pub struct Traffic {
    stop: Arc<AtomicBool>,
    sessions: Vec<(Child, JoinHandle<()>)>,
}

impl Traffic {
    /// Nobody asks anything yet.
    pub fn new() -> Self {
        Self {
            stop: Arc::default(),
            sessions: Vec::new(),
        }
    }

    /// Adds a session: `client` reads statements from its standard input; `statement(n)` is the n-th, and
    /// `rest` passes after each has been written. A client that cannot keep up is busy all the time.
    pub fn session(
        &mut self,
        mut client: Command,
        rest: Duration,
        statement: impl Fn(u64) -> String + Send + 'static,
    ) {
        let mut child = client
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the client is installed");
        let stdin = child.stdin.take().expect("standard input is a pipe");
        let stop = Arc::clone(&self.stop);
        let feeder = std::thread::spawn(move || feed(stdin, &stop, rest, statement));
        self.sessions.push((child, feeder));
    }
}

impl Drop for Traffic {
    /// Clients first: who waits for one to read goes on when it is gone.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for (client, _) in &mut self.sessions {
            let _gone = client.kill();
            let _reaped = client.wait();
        }
        for (_, feeder) in self.sessions.drain(..) {
            feeder.thread().unpark();
            let _ended = feeder.join();
        }
    }
}

fn feed(
    mut stdin: ChildStdin,
    stop: &AtomicBool,
    rest: Duration,
    statement: impl Fn(u64) -> String,
) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) || writeln!(stdin, "{};", statement(n)).is_err() {
            return;
        }
        std::thread::park_timeout(rest);
    }
}
