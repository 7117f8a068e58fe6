//! Reads the outbox, decides what is sent when, and settles each letter before the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use crate::alert::backoff::Backoff;
use crate::alert::throttle::{Storm, Verdict};
use crate::alert::transport::Settings;
use crate::alert::{Delivered, Failure, Letter, Plan, SendError, Sink, SinkMetrics, count, id};
use crate::clock::Clock;
use crate::model::id::IncidentId;
use crate::model::incident::Incident;
use crate::model::time::Timestamp;
use crate::store::{Change, Delivery, Reader, StoreError, StoreHandle};

pub use crate::store::view::OutboxRow as Row;

/// How often the outbox is looked at when nobody says that something is new.
const POLL: Duration = Duration::from_secs(2);

/// Most letters whose outcome could not be stored yet; beyond it nothing more is sent.
const MAX_UNSETTLED: usize = 256;

/// Where letters come from and where their outcome is kept.
pub trait Source: Send + Sync + 'static {
    /// Rows to be told by `sink` now, the longest waiting first.
    fn due(
        &self,
        now: Timestamp,
        sink: &'static str,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
    /// When the oldest unsent row was queued, due or not.
    fn oldest(
        &self,
        sink: &'static str,
    ) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;
    /// The incident as it stands now.
    fn incident(
        &self,
        id: IncidentId,
    ) -> impl Future<Output = Result<Option<Incident>, StoreError>> + Send;
    /// Keeps what became of a row; durable on return.
    fn settle(
        &self,
        row: i64,
        result: Delivery,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The store's outbox.
#[derive(Debug, Clone)]
pub struct StoreOutbox {
    reader: Reader,
    writer: StoreHandle,
}

impl StoreOutbox {
    /// Reads by `reader`, writes by `writer`.
    pub fn new(reader: Reader, writer: StoreHandle) -> Self {
        Self { reader, writer }
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = self.reader.clone();
        let answer = tokio::task::spawn_blocking(move || query(&reader)).await;
        match answer {
            Ok(found) => found,
            // The runtime is going down: there is nothing to read any more.
            Err(_) => Err(StoreError::Stopped),
        }
    }
}

impl Source for StoreOutbox {
    async fn due(&self, now: Timestamp, sink: &'static str) -> Result<Vec<Row>, StoreError> {
        self.read(move |reader| reader.outbox_due(now, sink)).await
    }

    async fn oldest(&self, sink: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |reader| reader.outbox_oldest(sink)).await
    }

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.read(move |reader| reader.incident(&id)).await
    }

    async fn settle(&self, id: i64, result: Delivery) -> Result<(), StoreError> {
        self.writer
            .commit(Change::OutboxResult { id, result })
            .await
    }
}

/// How patient a postman is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Waits between attempts.
    pub backoff: Backoff,
    /// A letter is given up after so many; at the longest wait of five minutes 300 are about a day.
    pub max_attempts: u32,
    /// Most new messages a minute.
    pub max_new_per_minute: usize,
    /// How long a digest waits for more incidents.
    pub digest_hold: Duration,
}

/// Brings letters from the outbox to one sink, one after the other.
#[derive(Debug)]
pub struct Postman<S, O> {
    sink: S,
    outbox: O,
    clock: Clock,
    patience: Patience,
    storm: Storm,
    /// Since when new messages are held back.
    held_since: Option<Instant>,
    /// What became of letters while the store could not keep it: they must not be sent again.
    unsettled: BTreeMap<i64, Delivery>,
    metrics: Arc<SinkMetrics>,
}

impl From<&Settings> for Patience {
    fn from(settings: &Settings) -> Self {
        Self {
            backoff: Backoff::default(),
            max_attempts: settings.max_attempts,
            max_new_per_minute: settings.max_new_per_minute,
            digest_hold: settings.digest_hold,
        }
    }
}

impl<S: Sink, O: Source> Postman<S, O> {
    /// A postman for one sink.
    pub fn new(sink: S, outbox: O, clock: Clock, patience: Patience) -> Self {
        Self {
            sink,
            outbox,
            clock,
            patience,
            storm: Storm::new(patience.max_new_per_minute, patience.digest_hold),
            held_since: None,
            unsettled: BTreeMap::new(),
            metrics: Arc::default(),
        }
    }

    /// Its counts.
    pub fn metrics(&self) -> Arc<SinkMetrics> {
        Arc::clone(&self.metrics)
    }

    /// Works until told to stop; `wake` says that the outbox has something new.
    ///
    /// A message in flight when the stop comes is finished and settled, so that it is not repeated.
    pub async fn run(mut self, wake: Arc<Notify>, stop: CancellationToken) {
        loop {
            self.round(&stop).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Tells everything that is due.
    pub(super) async fn round(&mut self, stop: &CancellationToken) {
        if !self.settle_late().await {
            return;
        }
        let letters = match self.letters().await {
            Ok(letters) => letters,
            Err(e) => {
                return warn!(
                    error = &e as &dyn std::error::Error,
                    "outbox cannot be read"
                );
            }
        };
        let (new, rest): (Vec<_>, Vec<_>) = letters
            .into_iter()
            .partition(|letter| self.sink.plan(letter) == Plan::New);
        for letter in rest {
            if !self.turn(stop).await {
                return;
            }
            self.tell(letter).await;
        }
        self.tell_new(new, stop).await;
        self.show_oldest().await;
    }

    /// New messages: each, or one digest, or none now.
    async fn tell_new(&mut self, new: Vec<Letter>, stop: &CancellationToken) {
        if new.is_empty() {
            self.held_since = None;
            return;
        }
        let held = self.held_since.get_or_insert_with(Instant::now).elapsed();
        let verdict = self.storm.judge(new.len(), held);
        if verdict == Verdict::Hold {
            return;
        }
        self.held_since = None;
        if verdict == Verdict::Digest && new.len() > 1 {
            if self.turn(stop).await {
                self.tell_digest(&new).await;
            }
            return;
        }
        for letter in new {
            if !self.turn(stop).await {
                return;
            }
            if self.tell(letter).await {
                self.storm.count();
            }
        }
    }

    /// Waits for the sink's pace; `false` when it is time to stop.
    async fn turn(&mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = self.sink.ready() => true,
        }
    }

    /// Letters that are due, one for each incident: of several only the newest is worth sending.
    async fn letters(&mut self) -> Result<Vec<Letter>, StoreError> {
        let due = self.outbox.due(self.clock.now(), S::NAME).await?;
        let mut newest: BTreeMap<IncidentId, u64> = BTreeMap::new();
        for row in &due {
            let revision = newest.entry(row.incident.clone()).or_default();
            *revision = row.revision.max(*revision);
        }
        let mut letters = Vec::new();
        for row in due {
            if self.unsettled.contains_key(&row.id) {
                continue;
            }
            if newest.get(&row.incident) != Some(&row.revision) {
                count(&self.metrics.coalesced);
                self.settle(row.id, Delivery::Needless).await;
                continue;
            }
            if let Some(incident) = self.outbox.incident(row.incident.clone()).await? {
                letters.push(Letter { row, incident });
            } else {
                let error = "the incident is gone".to_owned();
                self.settle(row.id, Delivery::Dead { error }).await;
            }
        }
        Ok(letters)
    }

    /// Tells one letter; `true` if people were told.
    async fn tell(&mut self, mut letter: Letter) -> bool {
        if self.sink.plan(&letter) == Plan::Nothing {
            self.settle(letter.row.id, Delivery::Needless).await;
            return false;
        }
        let span = info_span!("alert", sink = S::NAME, incident = %id(&letter));
        match self.deliver(&mut letter).instrument(span).await {
            Ok(remote) => {
                count(&self.metrics.sent);
                info!(sink = S::NAME, incident = %id(&letter), "told");
                let delivered = sent(remote, self.clock.now());
                self.settle(letter.row.id, delivered).await;
                true
            }
            Err(failure) => {
                let partly = failure.remote.is_some();
                self.failed(&letter, &failure.error, failure.remote).await;
                partly
            }
        }
    }

    /// Brings a letter to its end; the store hears in between that its message stands.
    async fn deliver(&mut self, letter: &mut Letter) -> Result<String, Failure> {
        let begun = match self.sink.deliver(letter).await? {
            Delivered::Whole(remote) => return Ok(remote),
            Delivered::Begun(remote) => remote,
        };
        let standing = Delivery::Begun {
            remote: begun.clone(),
        };
        self.settle(letter.row.id, standing).await;
        letter.row.remote = Some(begun.clone());
        match self.sink.deliver(letter).await {
            Ok(Delivered::Whole(remote) | Delivered::Begun(remote)) => Ok(remote),
            Err(Failure { error, remote }) => Err(Failure {
                error,
                remote: remote.or(Some(begun)),
            }),
        }
    }

    async fn tell_digest(&mut self, letters: &[Letter]) {
        match self.sink.deliver_digest(letters).await {
            Ok(remotes) => {
                self.storm.count();
                count(&self.metrics.digests);
                info!(
                    sink = S::NAME,
                    incidents = letters.len(),
                    "told in a digest"
                );
                for (letter, remote) in letters.iter().zip(remotes) {
                    count(&self.metrics.sent);
                    let delivered = sent(remote, self.clock.now());
                    self.settle(letter.row.id, delivered).await;
                }
            }
            Err(failure) => {
                for letter in letters {
                    self.failed(letter, &failure.error, None).await;
                }
            }
        }
    }

    /// Puts a letter back, or gives it up.
    async fn failed(&mut self, letter: &Letter, error: &SendError, remote: Option<String>) {
        let attempts = letter.row.attempts.saturating_add(1);
        let said = error.to_string();
        if !error.is_retryable() || attempts >= self.patience.max_attempts {
            count(&self.metrics.dead);
            error!(sink = S::NAME, incident = %id(letter), attempts, error = said, "given up: nobody is told");
            self.settle(letter.row.id, Delivery::Dead { error: said })
                .await;
            return;
        }
        count(&self.metrics.failed);
        let wait = match error.retry_after() {
            Some(wait) => wait,
            // Asking often mends no key; asking now and then finds it mended.
            None if error.needs_a_person() => self.patience.backoff.cap,
            None => (self.patience.backoff).wait(attempts, letter.row.incident.as_str()),
        };
        warn!(sink = S::NAME, incident = %id(letter), attempts, wait = ?wait, error = said, "not told yet");
        let retry = Delivery::Retry {
            at: self.clock.now().plus(wait),
            error: said,
            remote,
        };
        self.settle(letter.row.id, retry).await;
    }

    /// Keeps what became of a row; if the store cannot, it is remembered here and tried again.
    async fn settle(&mut self, row: i64, result: Delivery) {
        match self.outbox.settle(row, result.clone()).await {
            // A later word on the same row makes an earlier one needless.
            Ok(()) => drop(self.unsettled.remove(&row)),
            Err(e) => {
                warn!(
                    row,
                    error = &e as &dyn std::error::Error,
                    "outcome not stored yet"
                );
                self.unsettled.insert(row, result);
            }
        }
    }

    /// Stores what could not be stored; `false` when so much is left that nothing more should be sent.
    async fn settle_late(&mut self) -> bool {
        for (row, result) in std::mem::take(&mut self.unsettled) {
            self.settle(row, result).await;
        }
        self.unsettled.len() < MAX_UNSETTLED
    }

    async fn show_oldest(&self) {
        if let Ok(oldest) = self.outbox.oldest(S::NAME).await {
            self.metrics.set_oldest(oldest);
        }
    }
}

fn sent(remote: String, at: Timestamp) -> Delivery {
    Delivery::Sent {
        remote: Some(remote),
        at,
    }
}
