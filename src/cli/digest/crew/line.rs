//! Batches between threads: a bounded number of them goes round.
//!
//! ```text
//! free ─► (a hand fills from a piece of the log, and identifies) ──────┬─► identified ─► (in order: added up) ─► free
//! free ─► (the parser of a whole log fills) ─► full ─► (a hand identifies)
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use crate::cli::digest::crew::batch::Batch;
use crate::cli::digest::crew::hand::{Hand, Known};
use crate::cli::digest::summing::{NewText, Sink, Summing};
use crate::ingest::slow_log::Entry;
use crate::ingest::slow_log::parts::{Guess, Part, Pieces, Whole};
use crate::model::sql::Dialect;

/// What the threads share.
pub(super) struct Line {
    stock: Mutex<Stock>,
    /// There is a full batch or a log in pieces, or there will be no more.
    full: Condvar,
    /// There is a free batch, or a hand was lost.
    free: Condvar,
    identified: Mutex<Identified>,
    summing: Mutex<Summing>,
    /// The log that is read in parts.
    log: Mutex<Option<Whole>>,
    /// What its parts take for given.
    guess: Mutex<Guess>,
    known: Known,
    max_batches: usize,
}

/// A log that is read in pieces.
#[derive(Clone)]
pub(super) struct InPieces {
    pub(super) dialect: Dialect,
    pub(super) part: Arc<Part>,
    pub(super) pieces: Arc<Mutex<dyn Pieces>>,
}

#[derive(Default)]
struct Stock {
    log: Option<InPieces>,
    free: Vec<Batch>,
    full: VecDeque<Batch>,
    made: usize,
    put: u64,
    /// Of those, so many have been added up.
    added: u64,
    /// Threads that wait for a free batch.
    waiting: usize,
    is_closed: bool,
    is_lost: bool,
}

#[derive(Debug, Default)]
struct Identified {
    waiting: BTreeMap<u64, Batch>,
    next: u64,
}

impl InPieces {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.part, &other.part)
    }
}

impl Line {
    pub(super) fn new(jobs: usize, summing: Summing) -> Self {
        Self {
            stock: Mutex::default(),
            full: Condvar::new(),
            free: Condvar::new(),
            identified: Mutex::default(),
            summing: Mutex::new(summing),
            log: Mutex::default(),
            guess: Mutex::default(),
            known: Known::default(),
            // Each hand has one, and while one of them fills others and adds up what is done, there must be enough for the rest.
            max_batches: 2 * jobs + 4,
        }
    }

    pub(super) fn hand(&self) -> Hand {
        Hand::new(lock(&self.summing).identifier())
    }

    /// An empty batch; helps while there is none.
    pub(super) fn empty_batch(&self, hand: &mut Hand, dialect: Dialect) -> Batch {
        let mut stock = lock(&self.stock);
        loop {
            if let Some(batch) = stock.free.pop() {
                return batch.of(dialect);
            }
            if stock.made < self.max_batches || stock.is_lost {
                stock.made += 1;
                return Batch::default().of(dialect);
            }
            stock = self.help_or_wait(stock, hand);
        }
    }

    /// Hands a batch over; their order is that of the log.
    pub(super) fn put(&self, mut batch: Batch) {
        let mut stock = lock(&self.stock);
        if stock.is_lost {
            // What comes behind a lost batch is never added up, and must not be kept until then.
            return;
        }
        batch.number = stock.put;
        stock.put += 1;
        stock.full.push_back(batch);
        self.full.notify_one();
    }

    /// A log follows that is read in pieces.
    pub(super) fn begin(&self, log: InPieces) {
        *lock(&self.guess) = Guess::default();
        *lock(&self.log) = Some(log.part.whole());
        lock(&self.stock).log = Some(log);
        self.full.notify_all();
    }

    /// Splits the next piece off the log, and does what is to be done with it; false when there is none.
    pub(super) fn read_next(&self, hand: &mut Hand) -> bool {
        let Some(log) = lock(&self.stock).log.clone() else {
            return false;
        };
        let mut batch = self.empty_batch(hand, log.dialect);
        let mut pieces = lock(&log.pieces);
        let piece = pieces.next_piece(batch.take_room());
        let mut stock = lock(&self.stock);
        let Some(piece) = piece.filter(|_| !stock.is_lost) else {
            // Somebody may have been late, and the next log have begun.
            stock.log = stock.log.take().filter(|now| !now.is(&log));
            self.set_free(stock, batch);
            return false;
        };
        // Before anybody else splits a piece off: numbers are in the order of the log.
        batch.number = stock.put;
        stock.put += 1;
        drop(stock);
        drop(pieces);
        let guess = *lock(&self.guess);
        hand.read(&mut batch, (&log.part, piece, guess), &self.known);
        self.pass_on(batch);
        true
    }

    /// The log has ended: helps until all of it is added up.
    pub(super) fn end(&self, hand: &mut Hand) -> Option<Whole> {
        let mut stock = lock(&self.stock);
        stock.log = None;
        while stock.added < stock.put && !stock.is_lost {
            stock = self.help_or_wait(stock, hand);
        }
        drop(stock);
        lock(&self.log).take()
    }

    /// Processes the next batch, or waits for others to be done with one.
    fn help_or_wait<'s>(
        &'s self,
        mut stock: MutexGuard<'s, Stock>,
        hand: &mut Hand,
    ) -> MutexGuard<'s, Stock> {
        let Some(batch) = stock.full.pop_front() else {
            stock.waiting += 1;
            stock = wait(&self.free, stock);
            stock.waiting -= 1;
            return stock;
        };
        drop(stock);
        self.process(batch, hand);
        lock(&self.stock)
    }

    fn set_free(&self, mut stock: MutexGuard<'_, Stock>, batch: Batch) {
        stock.free.push(batch);
        let is_awaited = stock.waiting > 0;
        drop(stock);
        if is_awaited {
            self.free.notify_all();
        }
    }

    /// There are no more batches.
    pub(super) fn close(&self) {
        let mut stock = lock(&self.stock);
        stock.is_closed = true;
        stock.log = None;
        drop(stock);
        self.full.notify_all();
    }

    /// What a worker does until the line is closed and empty.
    pub(super) fn work(&self, mut hand: Hand) {
        let _alarm = Alarm(self);
        let mut stock = lock(&self.stock);
        loop {
            stock = match stock.full.pop_front() {
                Some(batch) => {
                    drop(stock);
                    self.process(batch, &mut hand);
                    lock(&self.stock)
                }
                None if stock.log.is_some() => {
                    drop(stock);
                    self.read_next(&mut hand);
                    lock(&self.stock)
                }
                None if stock.is_closed => return,
                None => wait(&self.full, stock),
            };
        }
    }

    /// Works off what waits, and waits for nothing.
    pub(super) fn help(&self, hand: &mut Hand) {
        loop {
            let next = lock(&self.stock).full.pop_front();
            let Some(batch) = next else { return };
            self.process(batch, hand);
        }
    }

    /// The sums, when every hand has gone.
    pub(super) fn into_sums(self) -> Summing {
        let summing = self.summing.into_inner();
        summing.unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self, mut batch: Batch, hand: &mut Hand) {
        hand.identify(&mut batch, &self.known);
        self.pass_on(batch);
    }

    fn pass_on(&self, batch: Batch) {
        let number = batch.number;
        lock(&self.identified).waiting.insert(number, batch);
        self.add_up();
    }

    /// Adds up what is next, unless somebody else is at it, who will then see what has come in the meantime.
    fn add_up(&self) {
        loop {
            let mut summing = match self.summing.try_lock() {
                Ok(summing) => summing,
                Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => return,
            };
            while let Some(mut batch) = self.next() {
                self.add(&mut batch, &mut summing);
                batch.clear();
                let mut stock = lock(&self.stock);
                stock.added += 1;
                self.set_free(stock, batch);
            }
            drop(summing);
            if !lock(&self.identified).has_next() {
                return;
            }
        }
    }

    fn next(&self) -> Option<Batch> {
        lock(&self.identified).take_next()
    }

    fn add(&self, batch: &mut Batch, summing: &mut Summing) {
        if let Some(log) = &mut *lock(&self.log) {
            let holds = settle(log, batch, summing);
            *lock(&self.guess) = log.guess();
            if !holds {
                return;
            }
        }
        batch.name(summing.names());
        for ((sql, logged), (text, statement)) in batch.runs().zip(&batch.texts) {
            let run = logged.run;
            if !summing.wants(run.end, run.weight) {
                continue;
            }
            summing.fail(sql, batch.dialect, logged);
            if !run.is_run() {
                continue;
            }
            let is_new = summing.add(text, logged, |identifier| match statement {
                Some(new) => NewText::clone(new),
                // The sums remember no more texts, or what a hand knows was in no log.
                None => identifier.identify(sql, batch.dialect, run.truncated),
            });
            if is_new {
                self.known.add(text.id);
            }
        }
    }
}

/// Makes the next batch what the log tells in its place; false when that had to be read again, and has been added.
fn settle(log: &mut Whole, batch: &mut Batch, summing: &mut Summing) -> bool {
    let Some((piece, outcome)) = batch.take_read() else {
        return true;
    };
    let inherited = log.follow(&piece, outcome);
    if let Some(inherited) = &inherited {
        batch.inherit(inherited);
    } else {
        let dialect = batch.dialect;
        let tell = &mut |mut entry: Entry<'_>| Sink::add(summing, dialect, &mut entry);
        log.read(&piece, tell);
    }
    batch.reuse(piece);
    inherited.is_some()
}

impl Identified {
    fn has_next(&self) -> bool {
        self.waiting.contains_key(&self.next)
    }

    fn take_next(&mut self) -> Option<Batch> {
        let batch = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(batch)
    }
}

/// Goes off when a worker panics: its batch will never come back, and nobody may wait for it.
struct Alarm<'a>(&'a Line);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.stock).is_lost = true;
            self.0.free.notify_all();
        }
    }
}

/// What a panic leaves behind is not looked at: the panic goes on when the threads are joined.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(signal: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    signal.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
