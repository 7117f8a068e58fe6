//! Several threads on one log, which come to the very same sums as one.
//!
//! ```text
//!      ┌─ hand: next piece, parser, lexer, new statements ─┐
//! log ─┤                                                   ├─► sums, in the order of the log
//!      └─ hand: next piece, ...                           ─┘   (whoever finishes adds what is next)
//! ```
//!
//! Each hand does the whole work on a piece that it has split off itself, so that a core works on what it has at hand.
//! Sums remember an order (the first text of a statement, the first names, who came before a run without a time). What
//! lies before, most of the work, needs none: see [`parts`](crate::ingest::slow_log::parts). A log that must be parsed
//! from its start comes as entries, and the workers begin behind the parser.

mod batch;
mod hand;
mod line;

use std::sync::{Arc, Mutex};
use std::thread;

use crate::cli::digest::summing::{Sink, Summing};
use crate::ingest::slow_log::Entry;
use crate::ingest::slow_log::offline::Crew;
use crate::ingest::slow_log::parts::{Part, Pieces, Whole};
use crate::model::sql::Dialect;

use self::batch::Batch;
use self::hand::Hand;
use self::line::{InPieces, Line};

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
}

impl Sink for Feeder<'_> {
    fn add(&mut self, dialect: Dialect, entry: &mut Entry<'_>) {
        Crew::add(self, dialect, entry);
    }

    fn crew(&mut self) -> Option<&mut dyn Crew> {
        Some(self)
    }
}

impl Crew for Feeder<'_> {
    fn begin(&mut self, dialect: Dialect, log: &Part, pieces: Arc<Mutex<dyn Pieces>>) {
        self.pass_on();
        let part = Arc::new(log.fork());
        self.line.begin(InPieces {
            dialect,
            part,
            pieces,
        });
    }

    fn read_next(&mut self) -> bool {
        self.line.read_next(&mut self.hand)
    }

    fn end(&mut self) -> Option<Whole> {
        self.line.end(&mut self.hand)
    }

    fn add(&mut self, dialect: Dialect, entry: &mut Entry<'_>) {
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
