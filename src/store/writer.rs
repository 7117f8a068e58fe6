//! The one thread that writes: all that queued up during a commit is the next commit.
//!
//! While the disk is full the thread tries again and again with what it holds; the queue behind it fills, the
//! stages before it wait, and the log files are the buffer. Nothing is dropped and nothing grows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::store::change::Change;
use crate::store::embedded::Embedded;
use crate::store::lock::{self, StoreLock};
use crate::store::recover::{self, Recovered};
use crate::store::retention::Retention;
use crate::store::view::SourceGap;
use crate::store::{Settings, StoreError, schema};

/// Changes that may wait; about four minutes of windows.
const QUEUE_CHANGES: usize = 256;
/// Changes of one transaction.
const BATCH_CHANGES: usize = 64;
/// Between two tries of a commit that the disk refused.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Tries after the last sender has gone: a stop must end.
const LAST_TRIES: u32 = 5;

/// The open store, before its thread runs.
#[derive(Debug)]
pub struct Writer {
    embedded: Embedded,
    retention: Retention,
    lock: StoreLock,
    path: PathBuf,
    /// A change was not stored: those that build on it are refused.
    has_gap: bool,
}

/// Sends changes to the writer; cheap to clone. The writer ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    queue: mpsc::Sender<Request>,
    degraded: Arc<AtomicBool>,
}

/// A change on its way; resolves when it is durable.
#[derive(Debug)]
pub struct Committed(oneshot::Receiver<Result<(), StoreError>>);

#[derive(Debug)]
struct Request {
    change: Change,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Writer {
    /// Opens the store for this process alone, brings it to this version, and reads what a restart needs.
    ///
    /// Every notice is queued for each of `sinks`. A broken file is set aside and a fresh one begun; the clock
    /// only names it.
    pub fn open(
        settings: &Settings,
        sinks: Vec<Arc<str>>,
        clock: &Clock,
    ) -> Result<(Self, Recovered), StoreError> {
        lock::refuse_foreign(&settings.path)?;
        let lock = lock::take(&settings.path)?;
        let (connection, recovered) = match open_file(settings) {
            Err(StoreError::Database(error)) if is_broken(&error) => {
                let aside = lock::set_aside(&settings.path, clock)?;
                tracing::error!(
                    %error,
                    set_aside = %aside.display(),
                    "the store is broken: it was set aside and a fresh one is begun"
                );
                let (connection, mut recovered) = open_file(settings)?;
                recovered.set_aside = Some(aside);
                (connection, recovered)
            }
            opened => opened?,
        };
        let writer = Self {
            embedded: Embedded::new(connection, sinks),
            retention: Retention::new(settings),
            lock,
            path: settings.path.clone(),
            has_gap: false,
        };
        Ok((writer, recovered))
    }

    /// Records what is missing, before anything is written.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn note_gaps(&self, gaps: &[SourceGap]) -> Result<(), StoreError> {
        self.embedded.note_gaps(gaps)
    }

    /// Starts the thread. Join it after the last handle is gone: what was sent is then on disk.
    pub fn spawn(self) -> Result<(StoreHandle, JoinHandle<()>), StoreError> {
        let (queue, requests) = mpsc::channel(QUEUE_CHANGES);
        let degraded = Arc::new(AtomicBool::new(false));
        let handle = StoreHandle {
            queue,
            degraded: degraded.clone(),
        };
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || self.run(requests, &degraded))
            .map_err(|source| StoreError::File {
                path: "store-writer thread".into(),
                source,
            })?;
        Ok((handle, thread))
    }

    fn run(mut self, mut requests: mpsc::Receiver<Request>, degraded: &AtomicBool) {
        self.embedded.begin();
        let mut batch = Vec::with_capacity(BATCH_CHANGES);
        while requests.blocking_recv_many(&mut batch, BATCH_CHANGES) > 0 {
            self.refuse_beyond_gap(&mut batch);
            if batch.is_empty() {
                continue;
            }
            let span = tracing::info_span!("store", changes = batch.len()).entered();
            let outcome = self.commit_patiently(&batch, &requests, degraded);
            self.answer(&mut batch, outcome);
            drop(span);
            if let Err(error) = self.retention.keep(self.embedded.connection()) {
                tracing::warn!(%error, "old windows were not dropped; tried again later");
            }
        }
        self.embedded.close();
        drop(self.lock);
    }

    fn commit_patiently(
        &mut self,
        batch: &[Request],
        requests: &mpsc::Receiver<Request>,
        degraded: &AtomicBool,
    ) -> Result<(), StoreError> {
        let mut last_tries = 0;
        loop {
            let outcome = self.embedded.commit(batch.iter().map(|r| &r.change));
            let retry = outcome.as_ref().is_err_and(StoreError::is_retryable);
            let was_degraded = degraded.swap(retry, Ordering::Relaxed);
            match &outcome {
                Err(error) if retry && !was_degraded => {
                    let path = self.path.display();
                    tracing::error!(%error, %path, "the store cannot write; reading the logs waits for it");
                }
                Ok(()) if was_degraded => tracing::info!("the store writes again"),
                _ => {}
            }
            if requests.is_closed() || requests.sender_strong_count() == 0 {
                last_tries += 1;
            }
            if !retry || last_tries >= LAST_TRIES {
                return outcome;
            }
            thread::sleep(RETRY_EVERY);
        }
    }

    /// Tells everybody what became of their change. Where one change spoilt the batch, each is committed alone.
    fn answer(&mut self, batch: &mut Vec<Request>, outcome: Result<(), StoreError>) {
        let is_spoilt = outcome.is_err() && batch.len() > 1;
        let mut outcome = Some(outcome);
        for request in batch.drain(..) {
            let result = if is_spoilt {
                self.commit_alone(&request.change)
            } else {
                outcome.take().unwrap_or(Ok(()))
            };
            self.has_gap |= result.is_err() && request.change.builds_on_earlier();
            request.answer(result);
        }
    }

    fn commit_alone(&mut self, change: &Change) -> Result<(), StoreError> {
        if self.has_gap && change.builds_on_earlier() {
            return Err(StoreError::Stopped);
        }
        self.embedded.commit(std::iter::once(change))
    }

    /// A checkpoint beyond a change that was not stored would lose that change for good; without it, the next
    /// start reads the log again from before.
    fn refuse_beyond_gap(&self, batch: &mut Vec<Request>) {
        if !self.has_gap {
            return;
        }
        for request in batch.extract_if(.., |r| r.change.builds_on_earlier()) {
            request.answer(Err(StoreError::Stopped));
        }
    }
}

impl Request {
    fn answer(self, result: Result<(), StoreError>) {
        // The asker may have gone; the change is kept all the same.
        if let Err(Err(error)) = self.done.send(result) {
            tracing::error!(%error, "a change was not stored");
        }
    }
}

impl StoreHandle {
    /// Queues a change, waiting while the queue is full; resolves before it is durable.
    ///
    /// Cancel safe: no; a change whose sending is given up may be lost.
    pub async fn submit(&self, change: Change) -> Result<Committed, StoreError> {
        let (done, committed) = oneshot::channel();
        self.queue
            .send(Request { change, done })
            .await
            .map_err(|_| StoreError::Stopped)?;
        Ok(Committed(committed))
    }

    /// Commits a change; resolves when it is durable.
    ///
    /// Cancel safe: no; the change may or may not have been stored.
    pub async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.submit(change).await?.durable().await
    }

    /// [`StoreHandle::commit`] for a plain thread.
    pub fn commit_blocking(&self, change: Change) -> Result<(), StoreError> {
        let (done, committed) = oneshot::channel();
        self.queue
            .blocking_send(Request { change, done })
            .map_err(|_| StoreError::Stopped)?;
        committed
            .blocking_recv()
            .unwrap_or(Err(StoreError::Stopped))
    }

    /// The disk refuses to write; commits wait.
    pub fn is_degraded(&self) -> bool {
        self.degraded.load(Ordering::Relaxed)
    }
}

impl Committed {
    /// Resolves when the change is durable. Cancel safe: yes.
    pub async fn durable(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Stopped))
    }
}

fn open_file(settings: &Settings) -> Result<(rusqlite::Connection, Recovered), StoreError> {
    let path = &settings.path;
    lock::private_file(path).map_err(|source| StoreError::File {
        path: path.clone(),
        source,
    })?;
    let mut connection = rusqlite::Connection::open(path)?;
    schema::refuse_newer(&connection, path)?;
    schema::before_first_page(&connection)?;
    schema::prepare_writer(&connection)?;
    schema::migrate(&mut connection)?;
    let recovered = recover::recover(&mut connection)?;
    Ok((connection, recovered))
}

fn is_broken(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(
        error.sqlite_error_code(),
        Some(Code::NotADatabase | Code::DatabaseCorrupt)
    )
}
