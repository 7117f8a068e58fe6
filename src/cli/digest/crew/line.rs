//! Batches between threads: a bounded number of them goes round.
//!
//! ```text
//! free ─► (parser fills) ─► full ─► (a hand identifies) ─► identified ─► (in order: added up) ─► free
//! ```

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, TryLockError,
};
use std::thread;

use crate::cli::digest::crew::batch::Batch;
use crate::cli::digest::summing::{Identifier, Sink, Summing};
use crate::ingest::slow_log::Entry;
use crate::ingest::slow_log::parts::{Guess, Part, Whole};
use crate::model::sql::Dialect;
use crate::normalise::TextId;

/// Texts that a hand knows to be known, without asking.
const REMEMBERED: usize = 4_096;

/// What the threads share.
#[derive(Debug)]
pub(super) struct Line {
    stock: Mutex<Stock>,
    /// There is a full batch, or there will be no more.
    full: Condvar,
    /// There is a free batch, or a hand was lost.
    free: Condvar,
    identified: Mutex<Identified>,
    summing: Mutex<Summing>,
    /// The log that is read in parts.
    log: Mutex<Option<Whole>>,
    /// What its parts take for given.
    guess: Mutex<Guess>,
    /// Texts whose statement has been added to the sums.
    known: RwLock<HashSet<TextId>>,
    max_batches: usize,
}

#[derive(Debug, Default)]
struct Stock {
    free: Vec<Batch>,
    full: VecDeque<Batch>,
    made: usize,
    put: u64,
    /// Of those, so many have been added up.
    added: u64,
    is_closed: bool,
    is_lost: bool,
}

#[derive(Debug, Default)]
struct Identified {
    waiting: BTreeMap<u64, Batch>,
    next: u64,
}

/// What one thread works with.
#[derive(Debug)]
pub(super) struct Hand {
    identifier: Identifier,
    remembered: Vec<Option<TextId>>,
    /// Reads parts of the log that the first was made for.
    part: Option<(Arc<Part>, Part)>,
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
            known: RwLock::default(),
            // Each hand has one, and while one of them fills others and adds up what is done, there must be enough for the rest.
            max_batches: 2 * jobs + 4,
        }
    }

    pub(super) fn hand(&self) -> Hand {
        Hand {
            identifier: lock(&self.summing).identifier(),
            remembered: vec![None; REMEMBERED],
            part: None,
        }
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

    /// A log follows that is read in parts.
    pub(super) fn begin(&self, part: &Part) {
        *lock(&self.guess) = Guess::default();
        *lock(&self.log) = Some(part.whole());
    }

    /// The log has ended: helps until all of it is added up.
    pub(super) fn end(&self, hand: &mut Hand) -> Option<Whole> {
        let mut stock = lock(&self.stock);
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
            return wait(&self.free, stock);
        };
        drop(stock);
        self.process(batch, hand);
        lock(&self.stock)
    }

    /// There are no more batches.
    pub(super) fn close(&self) {
        lock(&self.stock).is_closed = true;
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
        hand.read(&mut batch, &self.guess);
        self.identify(&mut batch, hand);
        let number = batch.number;
        lock(&self.identified).waiting.insert(number, batch);
        self.add_up();
    }

    /// The first time that a text comes, its statement goes with it.
    fn identify(&self, batch: &mut Batch, hand: &mut Hand) {
        let mut texts = std::mem::take(&mut batch.texts);
        for (sql, run, _) in batch.runs() {
            let text = hand.identifier.read(sql, batch.dialect, run.truncated);
            let is_new =
                run.is_run() && hand.remember(text.id) && !read(&self.known).contains(&text.id);
            let statement = is_new.then(|| hand.identifier.statement_of(&text));
            texts.push((text, statement));
        }
        batch.texts = texts;
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
                stock.free.push(batch);
                stock.added += 1;
                drop(stock);
                self.free.notify_one();
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
        for ((sql, run, who), (text, statement)) in batch.runs().zip(&batch.texts) {
            if !summing.wants(run.end, run.weight) {
                continue;
            }
            summing.fail(sql, batch.dialect, run, who);
            if !run.is_run() {
                continue;
            }
            let is_new = summing.add(text, (run, who), |identifier| match statement {
                Some(new) => new.clone(),
                // The sums remember no more texts, or what a hand knows was in no log.
                None => identifier.identify(sql, batch.dialect, run.truncated),
            });
            if is_new {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known.insert(text.id);
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

impl Hand {
    /// Reads the runs of a batch, if they have not been read.
    fn read(&mut self, batch: &mut Batch, guess: &Mutex<Guess>) {
        let Some(of) = batch.reader() else { return };
        let known = self.part.take().filter(|(known, _)| Arc::ptr_eq(known, of));
        let (_, part) = self
            .part
            .insert(known.unwrap_or_else(|| (Arc::clone(of), of.fork())));
        let guess = *lock(guess);
        batch.read(part, guess);
    }

    /// Takes note of a text; false when it was the last one noted in its place.
    fn remember(&mut self, text: TextId) -> bool {
        let place = text.spread(REMEMBERED);
        self.remembered[place].replace(text) != Some(text)
    }
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
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(shared: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(signal: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    signal.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
