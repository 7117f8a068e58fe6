//! `/healthz` and `/readyz`: alive, and willing to take work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::State;
use axum::http::StatusCode;

use crate::serve::Site;

/// Anything else means that it is still starting.
const READY: u8 = 1;
const DRAINING: u8 = 2;

/// Whether this process takes work; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<AtomicU8>);

impl Health {
    /// Still starting: alive, not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every stage runs.
    pub fn set_ready(&self) {
        self.0.store(READY, Ordering::Release);
    }

    /// It stops: nothing new should be sent here.
    pub fn set_draining(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    fn readiness(&self) -> (StatusCode, &'static str) {
        match self.0.load(Ordering::Acquire) {
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
    (status = 503, description = "starting or draining", body = String),
))]
pub(super) async fn readyz(State(site): State<Site>) -> (StatusCode, &'static str) {
    site.health.readiness()
}
