//! What pages and API read and write, apart from who keeps it.
//!
//! Reads block (the store is a file), so each runs on the blocking pool and never on the runtime. Writes are commands
//! to the one owner of incidents; an answer means that the change is durable.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::model::finding::Finding;
use crate::model::id::{FingerprintId, IncidentId};
use crate::model::incident::Incident;
use crate::model::time::Interval;
use crate::model::trace::Trace;
use crate::report::Lang;
use crate::serve::problem::Problem;
use crate::store::StoreError;
use crate::store::view::{
    FindingFilter, IncidentFilter, LoadPoint, Marker, Operation, Page, QueryDetail, QueryFilter,
    QueryRow, SourceRow, TraceFilter,
};

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The cursor is none that this list has given.
    #[error("the cursor is none that this list has given")]
    BadCursor,
    /// The store failed.
    #[error("the store cannot be read")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for ArchiveError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor => Self::BadCursor,
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

/// Result of a read.
pub type Read<T> = Result<T, ArchiveError>;

/// What was seen and decided so far. Every method blocks.
pub trait Archive: Send + Sync + 'static {
    /// Incidents, the newest first.
    fn incidents(&self, filter: &IncidentFilter) -> Read<Page<Incident>>;
    /// One incident.
    fn incident(&self, id: &IncidentId) -> Read<Option<Incident>>;
    /// Statements, the costliest first.
    fn queries(&self, filter: &QueryFilter) -> Read<Page<QueryRow>>;
    /// One statement in detail.
    fn query(&self, fingerprint: FingerprintId, within: Interval) -> Read<Option<QueryDetail>>;
    /// Findings, the newest first.
    fn findings(&self, filter: &FindingFilter) -> Read<Page<Finding>>;
    /// Load per step of the `top` costliest statements and of the rest together.
    fn load_series(&self, within: Interval, step: Duration, top: usize) -> Read<Vec<LoadPoint>>;
    /// Where the sources stand.
    fn sources(&self) -> Read<Vec<SourceRow>>;
    /// Deploys and other events, oldest first: the first thousand after `skip` of them.
    fn markers(&self, within: Interval, skip: u32) -> Read<Vec<Marker>>;
    /// One trace that shows a problem.
    fn trace(&self, id: u128) -> Read<Option<Trace>>;
    /// Such traces, the newest first.
    fn traces(&self, filter: &TraceFilter) -> Read<Vec<Trace>>;
    /// Who took part in them, sorted.
    fn trace_services(&self) -> Read<Vec<String>>;
    /// What a service did in them, sorted.
    fn trace_operations(&self, service: &str) -> Read<Vec<Operation>>;
    /// The postmortem of an incident as Markdown.
    fn postmortem(&self, incident: &Incident, lang: Lang) -> Read<String>;
}

/// A change that somebody asks for.
#[derive(Debug)]
pub enum Command {
    /// Somebody takes an incident.
    Acknowledge {
        /// Incident.
        id: IncidentId,
        /// Who.
        by: String,
        /// The incident as it is now; `None` when there is no such incident that is still open.
        reply: oneshot::Sender<Option<Incident>>,
    },
    /// Something happened that charts and timelines should show.
    Mark {
        /// What.
        marker: Marker,
        /// It is durable.
        reply: oneshot::Sender<()>,
    },
}

/// Runs one read on the blocking pool.
///
/// # Errors
/// What the archive says, as the caller may see it.
pub async fn read<T, F>(archive: &Arc<dyn Archive>, ask: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&dyn Archive) -> Read<T> + Send + 'static,
{
    let archive = Arc::clone(archive);
    let asked = tokio::task::spawn_blocking(move || ask(&*archive)).await;
    match asked {
        Ok(answer) => Ok(answer?),
        Err(panicked) => {
            tracing::error!(
                error = &panicked as &dyn std::error::Error,
                "a read panicked"
            );
            Err(Problem::internal())
        }
    }
}

/// Sends one command and waits until it is durable.
///
/// # Errors
/// 503 when the owner of incidents is busy or stopping.
pub async fn ask<T>(
    desk: &mpsc::Sender<Command>,
    command: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    desk.try_send(command(reply))
        .map_err(|_| Problem::busy("changes are not accepted just now; try again soon"))?;
    answer
        .await
        .map_err(|_| Problem::busy("sqleuth is stopping; try again when it is back"))
}
