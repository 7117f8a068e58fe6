//! A backend that spans go on to: it refuses most requests, and counts each span that it takes once.

use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// Of ten requests, so many are refused.
const REFUSED: u64 = 7;

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Ids of the spans that were taken.
    spans: HashSet<Vec<u8>>,
    /// Spans that were taken before.
    pub(crate) again: u64,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
}

impl Seen {
    pub(crate) fn spans(&self) -> u64 {
        self.spans.len() as u64
    }
}

/// It ends with the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backend(Arc<Mutex<Seen>>);

impl Backend {
    /// Begins to listen.
    pub(crate) fn listen(&self, port: u16) -> anyhow::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, routes).await
            })
        });
        Ok(())
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(backend): State<Backend>, body: Bytes) -> StatusCode {
    let mut seen = backend.seen();
    seen.requests += 1;
    if seen.requests % 10 < REFUSED {
        seen.refused += 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|of| of.scope_spans);
    for span in scopes.flat_map(|of| of.spans) {
        let is_new = seen.spans.insert(span.span_id);
        seen.again += u64::from(!is_new);
    }
    StatusCode::OK
}
