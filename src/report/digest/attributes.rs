//! What the texts of a statement have beside its identity, as the document has it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::offset::Offsets;
use crate::window::AttributeSums;
use crate::window::sketch::Sketch;

/// Lists and rows as long as the text that had them, and what else its fingerprint leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Attributes {
    /// Values in the longest list (`IN`, `ANY`, `ARRAY`) of a run; `None` where no run had one.
    pub list: Option<Lengths>,
    /// Rows that a run wrote or compared at once; `None` where no run told any.
    pub rows: Option<Lengths>,
    /// Terms of the longest chain of `OR`; 0 for none.
    pub or_terms: u32,
    /// Set operations of the text that has most.
    pub set_operations: u32,
    /// Kinds of patterns of `LIKE`: `exact`, `prefix`, `suffix`, `contains`.
    pub like: Vec<&'static str>,
    /// Rows that runs skip by `OFFSET`, by the power of ten that they reach.
    pub offset: Vec<Skipped>,
    /// What comments say of the code that asks (`route`, `controller`, `action` ...), the most frequent first; of very
    /// many values of a key only those.
    pub tags: BTreeMap<&'static str, Vec<Tagged>>,
}

/// How long something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// Of the run in the middle.
    pub p50: u64,
    /// Of the longest.
    pub max: u64,
}

/// Runs that skip about as many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Rows, at least: 0, or a power of ten.
    pub at_least: u64,
    /// Runs.
    pub count: u64,
}

/// Runs whose comment has a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tagged {
    /// Its value, without what may be data.
    pub value: String,
    /// Runs that surely had it.
    pub count: u64,
}

impl Attributes {
    /// What was summed up.
    pub fn of(sums: &AttributeSums) -> Self {
        let mut tags: BTreeMap<&'static str, Vec<Tagged>> = BTreeMap::new();
        for (key, value, count) in sums.tags.iter() {
            let value = value.to_owned();
            tags.entry(key).or_default().push(Tagged { value, count });
        }
        for tagged in tags.values_mut() {
            tagged.sort_by(|a, b| (b.count, &a.value).cmp(&(a.count, &b.value)));
        }
        Self {
            list: lengths(&sums.lists),
            rows: lengths(&sums.rows),
            or_terms: sums.or_terms,
            set_operations: sums.set_operations,
            like: sums.likes.names().collect(),
            offset: sums.offsets.iter().flat_map(skipped).collect(),
            tags,
        }
    }
}

fn skipped(offsets: &Offsets) -> impl Iterator<Item = Skipped> + '_ {
    let told = offsets.by_power().filter(|(_, count)| *count > 0);
    told.map(|(at_least, count)| Skipped { at_least, count })
}

fn lengths(sketch: &Sketch) -> Option<Lengths> {
    (sketch.count() > 0).then(|| Lengths {
        p50: sketch.percentile(50),
        max: sketch.max(),
    })
}
