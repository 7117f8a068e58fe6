//! What the tests with real servers share: private servers, a fake Slack, the daemon itself.
//!
//! Everything listens on loopback, on ports that were free a moment ago, in a directory that goes with the test.

pub mod collector;
pub mod daemon;
pub mod mariadb;
pub mod postgres;
pub mod process;
pub mod slack;

use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A loopback port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Asks `ready` until it answers, and fails the test after `patience` with what was awaited.
pub fn wait_for<T>(what: &str, patience: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begin.elapsed() < patience, "no {what} within {patience:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the test runs as root; PostgreSQL refuses to, so it is started as `postgres` then.
pub fn is_root() -> bool {
    std::process::Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}
