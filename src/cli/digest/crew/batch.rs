//! Runs on their way from the log to the sums, with room that is used again.

use std::sync::Arc;

use crate::cli::digest::summing::{LoggedRun, NewText, Who};
use crate::ingest::RawRun;
use crate::ingest::slow_log::buffer::Buffer;
use crate::ingest::slow_log::parts::{Guess, Inherited, Outcome, Part, Piece};
use crate::ingest::slow_log::{Entry, Names};
use crate::model::event::Access;
use crate::model::sql::Dialect;
use crate::normalise::Text;

/// A batch is full with so much text or so many runs: a fifth of a millisecond of work, hence threads seldom meet.
const MAX_BYTES: usize = 128 << 10;
const MAX_RUNS: usize = 1_024;

/// A run's asker is looked for among so many of those before.
const LATE_ASKERS: usize = 16;

/// What was told of a run.
#[derive(Debug)]
struct Kept {
    /// Where its text ends.
    end: usize,
    /// Which of the askers asked.
    asker: usize,
    /// Of the run, where it takes no room of its own: that would come from one thread and go back to another.
    access: Option<Access>,
    run: RawRun<()>,
}

/// What was found out of a text; its statement when that may be new.
pub(super) type Told = (Text, Option<Box<NewText>>);

/// Runs in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// How many batches came before.
    pub(super) number: u64,
    pub(super) dialect: Dialect,
    /// The texts, one after the other.
    sql: Vec<u8>,
    runs: Vec<Kept>,
    /// Who asked: once for many runs.
    askers: Vec<Who>,
    /// What was found out of each text.
    pub(super) texts: Vec<Told>,
    /// The piece of the log that the runs were read from.
    read: Option<(Piece, Outcome)>,
    /// Runs that have the database of those before the piece.
    without_database: Vec<usize>,
    /// Runs that ended when those before the piece did.
    without_time: Vec<usize>,
    /// Room of a piece.
    room: Buffer,
    /// Shared among the runs of this batch alone: threads that count references to the same name wait for each other.
    names: Names,
}

impl Batch {
    /// The same for texts of a dialect.
    pub(super) fn of(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// No more fits in, or not of that dialect.
    pub(super) fn is_full(&self, dialect: Dialect) -> bool {
        self.sql.len() >= MAX_BYTES || self.runs.len() >= MAX_RUNS || self.dialect != dialect
    }

    pub(super) fn push(&mut self, entry: &mut Entry<'_>) {
        if entry.lacks_database {
            self.without_database.push(self.runs.len());
        }
        if entry.end.is_none() {
            self.without_time.push(self.runs.len());
        }
        let who = self.names.of(entry);
        let late = self.askers.len().saturating_sub(LATE_ASKERS);
        let known = self.askers[late..].iter().rposition(|a| is_same(a, who));
        let asker = known.map_or(self.askers.len(), |known| late + known);
        if known.is_none() {
            self.askers.push(who.clone());
        }
        self.sql.extend_from_slice(&entry.sql);
        let access = entry.access.take().map(|access| *access);
        self.runs.push(Kept {
            end: self.sql.len(),
            asker,
            access,
            run: entry.take_run([(); 3]),
        });
    }

    /// Room for a piece.
    pub(super) fn take_room(&mut self) -> Buffer {
        std::mem::take(&mut self.room)
    }

    /// Reads its runs from a piece of the log.
    pub(super) fn read(
        &mut self,
        (part, piece): (&mut Part, Piece),
        guess: Guess,
        tell: &mut dyn FnMut(&Entry<'_>) -> Told,
    ) {
        let outcome = part.read(&piece, guess, &mut |entry| {
            self.texts.push(tell(entry));
            self.push(entry);
        });
        self.read = Some((piece, outcome));
    }

    /// The piece that its runs were read from, and what that came to.
    pub(super) fn take_read(&mut self) -> Option<(Piece, Outcome)> {
        self.read.take()
    }

    /// Takes over the room of a piece that is done with, and gives back what a giant statement took.
    pub(super) fn reuse(&mut self, piece: Piece) {
        self.room = piece.text;
        self.room.shrink_to(2 * MAX_BYTES);
    }

    /// Completes the runs by what was told before them.
    pub(super) fn inherit(&mut self, inherited: &Inherited) {
        // an asker, and the same with the database
        let mut completed = None;
        for index in self.without_database.drain(..) {
            let Some(Kept { asker, .. }) = self.runs.get_mut(index) else {
                continue;
            };
            let known = completed.filter(|(known, _)| known == asker);
            let (_, whole) = known.unwrap_or_else(|| {
                let [_, user, client] = self.askers[*asker].clone();
                let database = Arc::clone(&inherited.database);
                self.askers.push([database, user, client]);
                (*asker, self.askers.len() - 1)
            });
            completed = Some((*asker, whole));
            *asker = whole;
        }
        for index in self.without_time.drain(..) {
            if let Some(Kept { run, .. }) = self.runs.get_mut(index) {
                run.end = inherited.time;
            }
        }
    }

    /// Names who asked as the sums do, which know a name that they have seen by its place.
    pub(super) fn name(&mut self, names: &mut Names) {
        for who in &mut self.askers {
            let [database, user, client] = &*who;
            *who = names.shared([database, user, client]).clone();
        }
    }

    /// Each text, and what was told of its run.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&[u8], LoggedRun<'_>)> {
        let mut start = 0;
        self.runs.iter().filter_map(move |kept| {
            let sql = self.sql.get(start..kept.end).unwrap_or_default();
            start = kept.end;
            let logged = LoggedRun {
                run: &kept.run,
                access: kept.access.as_ref(),
                who: self.askers.get(kept.asker)?,
            };
            Some((sql, logged))
        })
    }

    /// Empties it, and gives back what a giant statement took.
    pub(super) fn clear(&mut self) {
        self.sql.clear();
        self.sql.shrink_to(2 * MAX_BYTES);
        self.runs.clear();
        self.askers.clear();
        self.texts.clear();
        self.without_database.clear();
        self.without_time.clear();
        self.read = None;
    }
}

/// Whether these are not only equal, but the same.
fn is_same(one: &Who, other: &Who) -> bool {
    one.iter().zip(other).all(|(a, b)| Arc::ptr_eq(a, b))
}
