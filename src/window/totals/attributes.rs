//! What the texts of a statement have beside its identity, over all runs.

mod tags;

use crate::model::offset::Offsets;
use crate::model::sql::Statement;
use crate::normalise::{Likes, TextAttributes};
use crate::window::sketch::Sketch;

pub use self::tags::TagCounts;

/// Sums of one statement; most have none.
#[derive(Debug, Clone, Default)]
pub struct AttributeSums {
    /// Values in the longest list of a run that has one.
    pub lists: Sketch,
    /// Rows in the longest run of them of a run that has one.
    pub rows: Sketch,
    /// Terms of the longest chain of OR.
    pub or_terms: u32,
    /// Set operations of the text that has most.
    pub set_operations: u32,
    /// Rows that runs skip.
    pub offsets: Option<Offsets>,
    /// Kinds of patterns.
    pub likes: Likes,
    /// Runs by what their comment says of the code that asked.
    pub tags: TagCounts,
}

impl AttributeSums {
    /// Takes note of a text that is new.
    pub(super) fn learn(known: &mut Option<Box<Self>>, statement: &Statement) {
        let Some(shape) = statement.shape() else {
            return;
        };
        let ops = shape.set_ops;
        let all = ops
            .union
            .saturating_add(ops.union_all)
            .saturating_add(ops.other);
        if all == 0 && ops.or_terms == 0 {
            return;
        }
        let known = known.get_or_insert_default();
        known.set_operations = known.set_operations.max(all);
        known.or_terms = known.or_terms.max(ops.or_terms);
    }

    /// Adds a run that stands for `weight` equal ones.
    pub(super) fn add(&mut self, text: &TextAttributes, weight: u32) {
        let weight = u64::from(weight.max(1));
        for (sketch, count) in [
            (&mut self.lists, text.repeats.longest_list),
            (&mut self.rows, text.repeats.rows),
        ] {
            if count > 0 {
                sketch.record(u64::from(count), weight);
            }
        }
        if let Some(offset) = text.offset {
            self.offsets.get_or_insert_default().add(offset, weight);
        }
        self.likes |= text.likes;
        if let Some(tags) = &text.tags {
            self.tags.add(tags, weight);
        }
    }

    /// Adds what was seen elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lists.merge(&other.lists);
        self.rows.merge(&other.rows);
        self.or_terms = self.or_terms.max(other.or_terms);
        self.set_operations = self.set_operations.max(other.set_operations);
        if let Some(offsets) = &other.offsets {
            self.offsets.get_or_insert_default().merge(offsets);
        }
        self.likes |= other.likes;
        self.tags.merge(&other.tags);
    }
}
