//! Several threads on one log, which come to the very same sums as one.
//!
//! ```text
//!                    ┌─ worker: parser, lexer, new statements ─┐
//! splitter ► pieces ─┤                                         ├─► sums, in the order of the log
//!    └─ helps when all batches are full ───────────────────────┘   (whoever finishes adds what is next)
//! ```
//!
//! Sums remember an order (the first text of a statement, the first names, who came before a run without a time). What
//! lies before, most of the work, needs none: see [`parts`](crate::ingest::slow_log::parts). A log that must be parsed
//! from its start comes as entries, and the workers begin behind the parser.

mod batch;
mod line;

use std::sync::Arc;
use std::thread;

use crate::cli::digest::summing::{Sink, Summing};
use crate::ingest::slow_log::Entry;
use crate::ingest::slow_log::offline::Crew;
use crate::ingest::slow_log::parts::{Part, Piece, Whole};
use crate::model::sql::Dialect;

use self::batch::Batch;
use self::line::{Hand, Line};

/// Runs `read` with a sink that `jobs` threads serve, this one included; all is added up when it returns.
pub(super) fn with_crew<R>(
    jobs: usize,
    summing: Summing,
    read: impl FnOnce(&mut dyn Sink) -> R,
) -> (R, Summing) {
    let line = Line::new(jobs, summing);
    let result = thread::scope(|scope| {
        for _ in 1..jobs {
            let (line, hand) = (&line, line.hand());
            scope.spawn(move || line.work(hand));
        }
        // Dropped when reading ends or panics: without it the workers would wait for ever.
        let mut feeder = Feeder {
            hand: line.hand(),
            batch: None,
            log: None,
            line: &line,
        };
        read(&mut feeder)
    });
    (result, line.into_sums())
}

/// Fills batches with what the parser tells.
struct Feeder<'a> {
    line: &'a Line,
    hand: Hand,
    batch: Option<Batch>,
    /// The log that comes in pieces.
    log: Option<(Dialect, Arc<Part>)>,
}

impl Sink for Feeder<'_> {
    fn add(&mut self, dialect: Dialect, entry: &mut Entry<'_>) {
        Crew::add(self, dialect, std::mem::take(entry));
    }

    fn crew(&mut self) -> Option<&mut dyn Crew> {
        Some(self)
    }
}

impl Crew for Feeder<'_> {
    fn begin(&mut self, dialect: Dialect, log: &Part) {
        self.pass_on();
        self.line.begin(log);
        self.log = Some((dialect, Arc::new(log.fork())));
    }

    fn room(&mut self) -> Vec<u8> {
        let dialect = self.log.as_ref().map(|(dialect, _)| *dialect);
        let mut batch = self
            .line
            .empty_batch(&mut self.hand, dialect.unwrap_or_default());
        let room = batch.take_room();
        self.batch = Some(batch);
        room
    }

    fn take(&mut self, piece: Piece) {
        if let (Some((_, part)), Some(batch)) = (&self.log, &mut self.batch) {
            batch.be_of(part, piece);
        }
        self.pass_on();
    }

    fn end(&mut self) -> Option<Whole> {
        self.log = None;
        self.line.end(&mut self.hand)
    }

    fn add(&mut self, dialect: Dialect, entry: Entry<'_>) {
        if self
            .batch
            .as_ref()
            .is_some_and(|batch| batch.is_full(dialect))
        {
            self.pass_on();
        }
        let Self {
            line, hand, batch, ..
        } = self;
        batch
            .get_or_insert_with(|| line.empty_batch(hand, dialect))
            .push(entry);
    }
}

impl Feeder<'_> {
    fn pass_on(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.line.put(batch);
        }
    }
}

impl Drop for Feeder<'_> {
    fn drop(&mut self) {
        self.pass_on();
        self.line.close();
        self.line.help(&mut self.hand);
    }
}
