//! What the tests with real servers share: private servers, a fake Slack, the daemon itself.
//!
//! Everything listens on loopback, on ports that are the test's own, in a directory that goes with the test.

pub mod collector;
pub mod daemon;
pub mod distance;
pub mod mariadb;
pub mod port;
pub mod postgres;
pub mod process;
pub mod slack;

use std::time::{Duration, Instant};

/// How long anything may take that must happen: only a failing test waits so long, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Asks `ready` until it answers, and fails the test after [`PATIENCE`] with what was awaited.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
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
