//! `/healthz` and `/readyz`: alive, and willing to take work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use axum::extract::State;
use axum::http::StatusCode;

use crate::serve::Site;

/// Anything else means that it is still starting.
const READY: u8 = 1;
const DRAINING: u8 = 2;

/// Whether this process takes work; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    phase: AtomicU8,
    /// What is read cannot be kept, hence nothing is read.
    store_waits: AtomicBool,
}

impl Health {
    /// Still starting: alive, not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every stage runs.
    pub fn set_ready(&self) {
        self.0.phase.store(READY, Ordering::Release);
    }

    /// It stops: nothing new should be sent here.
    pub fn set_draining(&self) {
        self.0.phase.store(DRAINING, Ordering::Release);
    }

    /// The store cannot write for now, and what is read would be lost.
    pub fn set_store_waits(&self, waits: bool) {
        self.0.store_waits.store(waits, Ordering::Release);
    }

    fn readiness(&self) -> (StatusCode, &'static str) {
        match self.0.phase.load(Ordering::Acquire) {
            READY if self.0.store_waits.load(Ordering::Acquire) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store cannot write, and no log is read until it can\n",
            ),
            READY => (StatusCode::OK, "ready\n"),
            DRAINING => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        }
    }
}

/// Alive as long as it answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "alive", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready to take work.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "ready", body = String),
    (status = 503, description = "starting, draining, or waiting for the store to write", body = String),
))]
pub(super) async fn readyz(State(site): State<Site>) -> (StatusCode, &'static str) {
    site.health.readiness()
}
