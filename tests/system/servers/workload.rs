//! Traffic: sessions of the server's own command-line client, each fed statements at a pace.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Sessions that run until they are dropped.
#[derive(Debug)]
pub struct Traffic {
    stop: Arc<AtomicBool>,
    sessions: Vec<JoinHandle<()>>,
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
    /// `rest` passes after each has been written.
    pub fn session(
        &mut self,
        mut client: Command,
        rest: Duration,
        statement: impl Fn(u64) -> String + Send + 'static,
    ) {
        let stop = Arc::clone(&self.stop);
        self.sessions.push(std::thread::spawn(move || {
            let mut child = client
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the client is installed");
            feed(&mut child, &stop, rest, statement);
            let _gone = child.kill();
            let _reaped = child.wait();
        }));
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for session in self.sessions.drain(..) {
            let _ended = session.join();
        }
    }
}

fn feed(child: &mut Child, stop: &AtomicBool, rest: Duration, statement: impl Fn(u64) -> String) {
    let Some(mut stdin) = child.stdin.take() else {
        return;
    };
    for n in 0.. {
        if stop.load(Ordering::Relaxed) || writeln!(stdin, "{};", statement(n)).is_err() {
            return;
        }
        std::thread::sleep(rest);
    }
}
