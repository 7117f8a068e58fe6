//! All of a file as one window (`sqleuth digest`), in a few hundred bytes for each of 100,000 statements.
//!
//! ```text
//! text ─► slot ─┬─ few runs: kept as they were told, packed   (packed)
//!               └─ many: summed up                            (QueryStats)
//! statement ─► shelf: compressed, read again for the report   (shelf)
//! ```

mod attributes;
mod errors;
mod hash;
mod join;
mod packed;
mod shelf;
mod tables;
#[cfg(test)]
mod tests;
mod view;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::model::course::CoursePoint;
use crate::model::event::{Coverage, QueryEvent};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, Parsed, Statement, StatementKey, StatementKind};
use crate::model::subject::{Latency, Load, Peak, PeakReading};
use crate::model::time::{Interval, Timestamp};
use crate::normalise::{TextAttributes, TextId};
use crate::window::course::sampler::Sampler;
use crate::window::curve::Curve;
use crate::window::minutes::{Minutes, Spent};
use crate::window::names::Role;
use crate::window::query::{Detail, QueryStats, latency, nanos};
use crate::window::run::Run;
use crate::window::sketch::Sketch;
use crate::window::table::{SPARSE_FROM, Scope, other_statements, tells};

pub use self::attributes::AttributeSums;
pub use self::errors::ErrorTotals;
use self::hash::Hashed;
use self::packed::{NameBook, Packed};
use self::shelf::{Place, Shelf};
pub use self::view::{Total, TotalView};

/// Distinct statements that are kept apart; the rest is summed up as one.
const MAX_STATEMENTS: usize = 200_000;

/// Texts whose statement is known by the text alone; one statement may have many.
const MAX_TEXTS: usize = 2 * MAX_STATEMENTS;

/// Which sums the runs of a text go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotId(u32);

impl SlotId {
    /// Set for texts that the parser could not read.
    const OPAQUE: u32 = 1 << 31;

    fn new(index: u32, is_opaque: bool) -> Self {
        Self(index | if is_opaque { Self::OPAQUE } else { 0 })
    }

    fn index(self) -> usize {
        (self.0 & !Self::OPAQUE) as usize
    }

    fn is_opaque(self) -> bool {
        self.0 & Self::OPAQUE != 0
    }
}

/// Sums per statement over everything observed, whatever database it ran on.
#[derive(Debug, Default)]
pub struct Totals {
    texts: HashMap<TextId, SlotId, Hashed>,
    /// By [`hash::of_key`].
    by_key: HashMap<u64, u32, Hashed>,
    slots: Vec<Slot>,
    shelf: Shelf,
    names: NameBook,
    /// Of the first run, without its database.
    scope: Option<Arc<Scope>>,
    seen: Option<Interval>,
    curve: Curve,
    previous: Timestamp,
    runs: u64,
    opaque: u64,
    /// Runs inside others.
    nested: u64,
    /// Errors, of the runs and of what is no run.
    pub errors: ErrorTotals,
}

/// One statement: where it is, and its runs.
#[derive(Debug)]
struct Slot {
    fingerprint: FingerprintId,
    dialect: Dialect,
    place: Place,
    kind: StatementKind,
    /// How much the text on the shelf tells of its values.
    told: u32,
    /// What its texts have beside the identity; most have nothing.
    attributes: Option<Box<AttributeSums>>,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    Packed(Packed),
    Summed(Box<Sums>),
}

/// What one statement did.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// Sums.
    pub stats: QueryStats,
    /// Waits for locks: windows keep their sum alone, a report shows how they are spread.
    lock: Sketch,
    course: Sampler,
    minutes: Minutes,
}

impl Totals {
    /// Adds one run.
    pub fn observe(&mut self, event: &QueryEvent) {
        self.settle(|| Scope::of(event));
        let slot = self.slot_for(&event.statement);
        self.add(slot, &Run::from(event));
    }

    /// Says who asks where, unless that is known already; the database is left out.
    pub fn settle(&mut self, scope: impl FnOnce() -> Scope) {
        self.scope.get_or_insert_with(|| {
            let mut scope = scope();
            scope.target.namespace = Arc::from("");
            Arc::new(scope)
        });
    }

    /// Where the runs of a text go, when its statement is known.
    #[inline]
    pub fn slot(&self, text: TextId) -> Option<SlotId> {
        self.texts.get(&text).copied()
    }

    /// Takes note of the statement of a text. The first text that tells most of its values stays its text.
    pub fn admit(&mut self, text: TextId, statement: &Statement) -> SlotId {
        let slot = self.slot_for(statement);
        if let Some(slot) = self.slots.get_mut(slot.index()) {
            AttributeSums::learn(&mut slot.attributes, statement);
        }
        if self.texts.len() < MAX_TEXTS {
            self.texts.insert(text, slot);
        }
        slot
    }

    /// Adds one run. One that does not tell its end takes that of the run before.
    pub fn add(&mut self, slot: SlotId, run: &Run<'_>) {
        let end = match run.end {
            Timestamp::EPOCH => self.previous,
            told => told,
        };
        self.previous = end;
        if end != Timestamp::EPOCH {
            let seen = Interval {
                from: end.minus(run.elapsed),
                to: end,
            };
            self.seen = Some(self.seen.map_or(seen, |known| known.hull(seen)));
        }
        let weight = u64::from(run.weight.max(1));
        self.runs = self.runs.saturating_add(weight);
        if slot.is_opaque() {
            self.opaque = self.opaque.saturating_add(weight);
        }
        if run.nesting.is_inside {
            self.nested = self.nested.saturating_add(weight);
        }
        let detail = if self.slots.len() <= SPARSE_FROM {
            Detail::Full
        } else {
            Detail::Sparse
        };
        if let Some(slot) = self.slots.get_mut(slot.index()) {
            if end != Timestamp::EPOCH {
                self.curve.observe(end, slot.kind, run.own(), run.weight);
            }
            slot.runs.add(run, end, detail, &mut self.names);
        }
    }

    /// Takes note of what the text of a run has beside the identity of its statement.
    pub fn note(&mut self, slot: SlotId, text: &TextAttributes, weight: u32) {
        if text.is_plain() {
            return;
        }
        if let Some(slot) = self.slots.get_mut(slot.index()) {
            slot.attributes.get_or_insert_default().add(text, weight);
        }
    }

    /// Distinct statements.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The first and the last instant that something is told of.
    pub fn seen(&self) -> Option<Interval> {
        match (self.seen, self.errors.seen()) {
            (Some(runs), Some(errors)) => Some(runs.hull(errors)),
            (runs, errors) => runs.or(errors),
        }
    }

    /// Run time over time.
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// Runs, multiplied back where the log samples.
    pub fn count(&self) -> u64 {
        self.runs
    }

    /// Runs of texts that the parser could not read.
    pub fn opaque(&self) -> u64 {
        self.opaque
    }

    /// Runs inside others: those of a function, which its own run counts for too.
    pub fn nested(&self) -> u64 {
        self.nested
    }

    /// All of it, to be judged and told statement by statement: all at once take more memory than the sums.
    pub fn view(&self, coverage: Coverage) -> TotalView<'_> {
        TotalView::new(self, coverage)
    }

    fn slot_for(&mut self, statement: &Statement) -> SlotId {
        let is_opaque = matches!(statement.parsed, Parsed::Opaque { .. });
        if let Some(&index) = self.by_key.get(&hash::of_key(statement.key())) {
            if let Some(slot) = self.slots.get_mut(index as usize)
                && tells(statement) > slot.told
            {
                slot.told = tells(statement);
                slot.place = self.shelf.put(statement);
            }
            return SlotId::new(index, is_opaque);
        }
        let is_full = self.slots.len() >= MAX_STATEMENTS || self.shelf.is_full();
        let index = if is_full {
            self.overflow()
        } else {
            self.push(statement)
        };
        SlotId::new(index, is_opaque)
    }

    /// Where all goes that finds no room of its own.
    fn overflow(&mut self) -> u32 {
        let other = other_statements();
        match self.by_key.get(&hash::of_key(other.key())) {
            Some(&index) => index,
            None => self.push(&other),
        }
    }

    fn push(&mut self, statement: &Statement) -> u32 {
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.by_key.insert(hash::of_key(statement.key()), index);
        self.slots.push(Slot {
            fingerprint: statement.fingerprint,
            dialect: statement.dialect,
            place: self.shelf.put(statement),
            kind: statement.kind(),
            told: tells(statement),
            attributes: None,
            runs: Runs::Packed(Packed::default()),
        });
        index
    }
}

impl Slot {
    fn key(&self) -> StatementKey {
        StatementKey {
            fingerprint: self.fingerprint,
            dialect: self.dialect,
        }
    }
}

impl Runs {
    /// Adds a run to those that are kept one by one; when there is no room, all of them are summed up.
    fn add(&mut self, run: &Run<'_>, end: Timestamp, detail: Detail, names: &mut NameBook) {
        if let Self::Packed(packed) = self {
            if packed.push(run, end, detail, names) {
                return;
            }
            *self = Self::Summed(Box::new(packed.sums(names)));
        }
        if let Self::Summed(sums) = self {
            sums.add(run, end, detail);
        }
    }

    fn sums(&self, names: &NameBook) -> Cow<'_, Sums> {
        match self {
            Self::Packed(packed) => Cow::Owned(packed.sums(names)),
            Self::Summed(sums) => Cow::Borrowed(sums),
        }
    }
}

impl Sums {
    fn add(&mut self, run: &Run<'_>, end: Timestamp, detail: Detail) {
        self.stats.observe(*run, end, detail);
        self.stats.note_name(Role::Database, run.database);
        if let Some(rows) = run.rows.examined.filter(|_| end != Timestamp::EPOCH) {
            self.course.note(end, rows, run.elapsed);
        }
        if let Some(lock) = run.lock {
            let weight = u64::from(run.weight.max(1));
            self.lock.record(nanos(lock), weight);
        }
        if end != Timestamp::EPOCH {
            let (sent, changed) = (run.rows.returned, run.rows.affected);
            let spent = Spent {
                elapsed: run.own(),
                lock: run.lock.unwrap_or_default(),
                examined: run.rows.examined,
                answered: sent.unwrap_or(0).saturating_add(changed.unwrap_or(0)),
                weight: run.weight,
            };
            self.minutes.add(end, &spent);
        }
    }

    /// What a detector reads.
    pub(super) fn load(&self) -> Load {
        let peak = self.minutes.peak().map(|peak| Peak {
            reading: self.reading(),
            ..peak
        });
        Load {
            peak,
            ..self.stats.load()
        }
    }

    /// What the runs of the busiest minute read, against what is usual.
    fn reading(&self) -> Option<PeakReading> {
        /// With fewer runs chance may have put several heavy ones into one minute of a day.
        const FEW: u64 = 20;
        let read = self.minutes.read()?;
        let (skipped, usual) = if read.runs < FEW { (0, 95) } else { (25, 75) };
        Some(PeakReading {
            runs: read.runs,
            most: read.all_but(skipped),
            examined: read.examined,
            answered: read.answered,
            usual: self.stats.examined.percentile(usual),
        })
    }

    /// What a run cost, half hour by half hour or in longer steps; runs without a time have no part in it.
    pub(super) fn course(&self) -> Vec<CoursePoint> {
        self.course.points()
    }

    /// How long the runs waited for locks; `None` when none told.
    pub fn lock(&self) -> Option<Latency> {
        (self.lock.count() > 0).then(|| latency(&self.lock))
    }
}
