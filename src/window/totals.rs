//! All of a file as one window (`sqleuth digest`), in a few hundred bytes for each of 100,000 statements.
//!
//! ```text
//! text ─► slot ─┬─ few runs: kept as they were told, packed   (packed)
//!               └─ many: summed up                            (QueryStats)
//! statement ─► shelf: compressed, read again for the report   (shelf)
//! cut text  ─► slot of its own, until all texts are known     (join)
//! ```

mod attributes;
mod blocks;
mod compact;
mod errors;
mod hash;
mod join;
mod packed;
mod shelf;
mod sums;
mod tables;
#[cfg(test)]
mod tests;
mod texts;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::event::{Coverage, QueryEvent};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, Parsed, Statement, StatementKey, StatementKind};
use crate::model::time::{Interval, Timestamp};
use crate::normalise::{Opening, TextAttributes, TextId, Tokens};
use crate::window::curve::Curve;
use crate::window::query::Detail;
use crate::window::run::Run;
use crate::window::table::{SPARSE_FROM, Scope, other_statements, tells};

pub use self::attributes::{AttributeSums, TagCounts};
use self::blocks::Place;
pub use self::errors::ErrorTotals;
use self::hash::Hashed;
use self::packed::{NameBook, Packed};
use self::shelf::Shelf;
pub use self::sums::Sums;
use self::texts::Texts;
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

    fn number(self) -> u32 {
        self.0 & !Self::OPAQUE
    }

    fn index(self) -> usize {
        self.number() as usize
    }

    fn is_opaque(self) -> bool {
        self.0 & Self::OPAQUE != 0
    }
}

/// Sums per statement over everything observed, whatever database it ran on.
#[derive(Debug, Default)]
pub struct Totals {
    texts: HashMap<TextId, SlotId, Hashed>,
    /// By [`hash::of_key`], texts that were cut by [`join::place_of_cut`].
    by_key: HashMap<u64, u32, Hashed>,
    slots: Vec<Slot>,
    shelf: Shelf,
    whole_texts: Texts,
    /// Slots of texts that were cut, and what they begin with.
    cuts: BTreeMap<u32, Option<Opening>>,
    names: NameBook,
    /// Of the first run, without its database.
    scope: Option<Arc<Scope>>,
    seen: Option<Interval>,
    curve: Curve,
    runs: u64,
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
    /// Runs of texts that the parser could not read.
    opaque: u64,
    /// What its texts have beside the identity; most have nothing.
    attributes: Option<Box<AttributeSums>>,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    Packed(Packed),
    Summed(Box<Sums>),
}

impl Totals {
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
    pub fn admit(&mut self, text: TextId, statement: &Statement, tokens: &Tokens) -> SlotId {
        let slot = self.slot_for(statement, tokens);
        if let Some(slot) = self.slots.get_mut(slot.index()) {
            AttributeSums::learn(&mut slot.attributes, statement);
        }
        let is_known = self.texts.len() < MAX_TEXTS;
        if is_known {
            self.texts.insert(text, slot);
        }
        match (statement.truncated, is_known) {
            (true, _) => {}
            (false, true) => self.whole_texts.keep(slot.number(), tokens),
            (false, false) => self.whole_texts.lack(),
        }
        slot
    }

    /// Adds one run of a statement that somebody has identified, of a source that cuts no text.
    pub fn observe(&mut self, event: &QueryEvent) {
        self.settle(|| Scope::of(event));
        let statement = &event.statement;
        let is_opaque = matches!(statement.parsed, Parsed::Opaque { .. });
        let place = hash::of_key(statement.key());
        let index = self.slot_at(place, statement);
        let slot = SlotId::new(index, is_opaque);
        self.add(slot, &Run::from(event));
        let text = TextAttributes {
            offset: event.offset,
            ..TextAttributes::default()
        };
        self.note(slot, &text, event.weight);
    }

    /// Adds one run. One that does not tell its end is of no time: the run before may be of another file, hours away.
    pub fn add(&mut self, slot: SlotId, run: &Run<'_>) {
        let end = run.end;
        if end != Timestamp::EPOCH {
            let seen = Interval {
                from: end.minus(run.elapsed),
                to: end,
            };
            self.seen = Some(self.seen.map_or(seen, |known| known.hull(seen)));
        }
        let weight = u64::from(run.weight.max(1));
        self.runs = self.runs.saturating_add(weight);
        if run.nesting.is_inside {
            self.nested = self.nested.saturating_add(weight);
        }
        let detail = if self.slots.len() <= SPARSE_FROM {
            Detail::Full
        } else {
            Detail::Sparse
        };
        let is_opaque = slot.is_opaque();
        if let Some(slot) = self.slots.get_mut(slot.index()) {
            if is_opaque {
                slot.opaque = slot.opaque.saturating_add(weight);
            }
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
        let opaque = self.slots.iter().map(|slot| slot.opaque);
        opaque.fold(0, u64::saturating_add)
    }

    /// Runs inside others: those of a function, which its own run counts for too.
    pub fn nested(&self) -> u64 {
        self.nested
    }

    /// All of it, to be judged and told statement by statement: all at once take more memory than the sums.
    pub fn view(&self, coverage: Coverage) -> TotalView<'_> {
        TotalView::new(self, coverage)
    }

    fn slot_for(&mut self, statement: &Statement, tokens: &Tokens) -> SlotId {
        let is_opaque = matches!(statement.parsed, Parsed::Opaque { .. });
        let place = if statement.truncated {
            join::place_of_cut(statement, tokens)
        } else {
            hash::of_key(statement.key())
        };
        let is_known = self.by_key.contains_key(&place);
        let index = self.slot_at(place, statement);
        let has_room = self.by_key.contains_key(&place);
        if statement.truncated && has_room && !is_known {
            self.cuts.insert(index, tokens.opening());
        }
        SlotId::new(index, is_opaque)
    }

    /// Which sums a statement has.
    fn slot_at(&mut self, place: u64, statement: &Statement) -> u32 {
        if let Some(&index) = self.by_key.get(&place) {
            if let Some(slot) = self.slots.get_mut(index as usize)
                && tells(statement) > slot.told
            {
                slot.told = tells(statement);
                slot.place = self.shelf.put(statement);
            }
            return index;
        }
        if self.slots.len() >= MAX_STATEMENTS || self.shelf.is_full() {
            return self.overflow();
        }
        self.push(place, statement)
    }

    /// Where all goes that finds no room of its own.
    fn overflow(&mut self) -> u32 {
        let other = other_statements();
        let place = hash::of_key(other.key());
        match self.by_key.get(&place) {
            Some(&index) => index,
            None => self.push(place, &other),
        }
    }

    fn push(&mut self, place: u64, statement: &Statement) -> u32 {
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.by_key.insert(place, index);
        self.slots.push(Slot {
            fingerprint: statement.fingerprint,
            dialect: statement.dialect,
            place: self.shelf.put(statement),
            kind: statement.kind(),
            told: tells(statement),
            opaque: 0,
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
