//! Adds the runs of texts that their log had cut to those of their statements, when all of the log is known.

use std::collections::HashSet;

use super::hash::of_key;
use super::{Packed, Runs, Sums, Totals};
use crate::model::sql::{StatementKey, StatementRef};

impl Totals {
    /// Each statement on the left was a part of the one on the right. Nothing can be added to the sums after that.
    pub fn join(&mut self, cuts: impl IntoIterator<Item = (StatementKey, StatementRef)>) {
        let mut gone: HashSet<StatementKey> = HashSet::new();
        for (cut, whole) in cuts {
            let Some(from) = self.by_key.get(&of_key(cut)).map(|&index| index as usize) else {
                continue;
            };
            let into = self.slot_for(&whole).index();
            if from == into || !gone.insert(cut) {
                continue;
            }
            let runs =
                std::mem::replace(&mut self.slots[from].runs, Runs::Packed(Packed::default()));
            let mut sums = self.slots[into].runs.sums(&self.names).into_owned();
            sums.merge(&runs.sums(&self.names));
            self.slots[into].runs = Runs::Summed(Box::new(sums));
            if let Some(attributes) = self.slots[from].attributes.take() {
                let known = self.slots[into].attributes.get_or_insert_default();
                known.merge(&attributes);
            }
        }
        if gone.is_empty() {
            return;
        }
        self.slots.retain(|slot| !gone.contains(&slot.key()));
        self.texts.clear();
        self.by_key.clear();
        for (index, slot) in self.slots.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            self.by_key.insert(of_key(slot.key()), index);
        }
    }
}

impl Sums {
    fn merge(&mut self, other: &Self) {
        self.stats.merge(&other.stats);
        self.lock.merge(&other.lock);
        self.course.merge(&other.course);
        self.minutes.merge(&other.minutes);
    }
}
