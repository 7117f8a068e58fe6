//! Adds the runs of texts that their log had cut to those of their statements, when all of the log is known.
//!
//! A cut text has sums of its own until then, whatever its identity: ended where it was cut, it may be another statement
//! of the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::hash::of_key;
use super::texts::Texts;
use super::{Packed, Runs, Totals};
use crate::model::id::FingerprintId;
use crate::model::sql::{Statement, StatementKey, StatementRef};
use crate::normalise::{Opening, Tokens};

/// Seed of what is no statement of its own.
const CUT: u64 = 0x6375_7420_7465_7874;

/// What a cut text is the beginning of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Of no text of the log.
    None,
    /// Of the statement in this slot alone.
    Slot(u32),
    /// Of several, and nobody knows of which.
    Several,
}

/// What texts of one identity, which had been cut, turned out to be; `None` where they are not all the same.
pub(super) type Names = BTreeMap<StatementKey, Option<StatementRef>>;

/// Where the statement of a cut text is found: by its beginning, too.
pub(super) fn place_of_cut(cut: &Statement, tokens: &Tokens) -> u64 {
    let opening = tokens.opening().map_or(0, Opening::number);
    xxh3_64_with_seed(&opening.to_le_bytes(), CUT ^ of_key(cut.key()))
}

impl Totals {
    /// Gives each cut text to the one statement that begins like it; what is the beginning of several stays apart from
    /// all of them. Nothing can be added to the sums after that.
    pub fn join(&mut self) {
        if self.cuts.is_empty() {
            return;
        }
        let families = self.families();
        let mut by_key = self.whole();
        let cuts = std::mem::take(&mut self.cuts);
        let mut gone: HashSet<u32> = HashSet::new();
        let mut names: Vec<(StatementKey, u32)> = Vec::new();
        for (&cut, opening) in &cuts {
            let key = self.slots[cut as usize].key();
            let family = opening.and_then(|opening| families.get(&opening));
            let into = match family {
                Some(Family::Slot(whole)) => *whole,
                Some(Family::Several) => {
                    let is_taken = by_key
                        .get(&key)
                        .is_some_and(|slot| !cuts.contains_key(slot));
                    let own = if is_taken { apart(key) } else { key };
                    self.slots[cut as usize].fingerprint = own.fingerprint;
                    *by_key.entry(own).or_insert(cut)
                }
                // In other words it may still be known.
                Some(Family::None) | None => *by_key.entry(key).or_insert(cut),
            };
            if into != cut {
                self.pour(cut, into);
                gone.insert(cut);
            }
            names.push((key, into));
        }
        let names = self.names(&names);
        self.errors.join(&names);
        self.let_go(&gone);
    }

    /// The whole statements by their keys.
    fn whole(&self) -> HashMap<StatementKey, u32> {
        let slots = (0..).zip(&self.slots);
        let whole = slots.filter(|(index, _)| !self.cuts.contains_key(index));
        whole.map(|(index, slot)| (slot.key(), index)).collect()
    }

    /// What each beginning of a cut text is the beginning of.
    fn families(&self) -> BTreeMap<Opening, Family> {
        let openings = self.cuts.values().flatten();
        let mut families: BTreeMap<Opening, Family> =
            openings.map(|opening| (*opening, Family::None)).collect();
        let is_complete = self.whole_texts.each_opening(|opening, slot| {
            if let Some(family) = families.get_mut(&opening) {
                *family = match *family {
                    Family::None => Family::Slot(slot),
                    Family::Slot(known) if known == slot => Family::Slot(known),
                    Family::Slot(_) | Family::Several => Family::Several,
                };
            }
        });
        if !is_complete {
            for family in families.values_mut() {
                *family = Family::Several;
            }
        }
        families
    }

    /// Adds what one statement did to another.
    fn pour(&mut self, from: u32, into: u32) {
        let (from, into) = (from as usize, into as usize);
        let runs = std::mem::replace(&mut self.slots[from].runs, Runs::Packed(Packed::default()));
        let mut sums = self.slots[into].runs.sums(&self.names).into_owned();
        sums.merge(&runs.sums(&self.names));
        self.slots[into].runs = Runs::Summed(Box::new(sums));
        if self.slots[into].opaque > 0 {
            // Where the whole text can be read, its beginning is read, too.
            self.slots[into].opaque += self.slots[from].opaque;
        }
        if let Some(attributes) = self.slots[from].attributes.take() {
            let known = self.slots[into].attributes.get_or_insert_default();
            known.merge(&attributes);
        }
    }

    /// The names that statements of errors have now.
    fn names(&self, cuts: &[(StatementKey, u32)]) -> Names {
        let asked = self.errors.cut_statements();
        let mut slots: BTreeMap<StatementKey, Option<u32>> = BTreeMap::new();
        for (key, slot) in cuts.iter().filter(|(key, _)| asked.contains(key)) {
            let known = slots.entry(*key).or_insert(Some(*slot));
            *known = known.filter(|known| known == slot);
        }
        let mut shelf = self.shelf.reader();
        let mut named = |index: u32| {
            let slot = &self.slots[index as usize];
            shelf.statement(slot.place, slot.fingerprint)
        };
        let names = slots.into_iter();
        names
            .map(|(key, slot)| (key, slot.map(&mut named)))
            .collect()
    }

    fn let_go(&mut self, gone: &HashSet<u32>) {
        let mut index = 0..;
        self.slots
            .retain(|_| index.next().is_none_or(|index| !gone.contains(&index)));
        self.texts.clear();
        self.whole_texts = Texts::default();
        self.by_key.clear();
        for (index, slot) in (0..).zip(&self.slots) {
            self.by_key.insert(of_key(slot.key()), index);
        }
    }
}

/// The identity of a text that was cut where a statement ends that it need not be.
fn apart(key: StatementKey) -> StatementKey {
    let cut = xxh3_64_with_seed(&key.fingerprint.0.to_le_bytes(), CUT);
    StatementKey {
        fingerprint: FingerprintId(cut),
        ..key
    }
}
