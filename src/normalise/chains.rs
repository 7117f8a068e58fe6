//! Drops what repeats in very long texts while they are read: branches of a set operation, alternatives of an OR, arms of
//! a CASE, items of a list, rows.
//!
//! `fold` drops them in any case, and keeps as many of one shape as are kept here. What this adds is that the stream does
//! not fill up with them, so that a text is read to its end however long it is. How much went is counted.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::fold::{CONDITION_ENDS, KEPT_TERMS};
use super::stream::{FIRST_TEXT_BYTE, SIGN, Stream, WORD};
use crate::model::sql::SetOps;

/// What stands in shorter streams is folded when they have been read.
pub(super) const LONG_STREAM_BYTES: usize = 64 * 1024;

/// No parenthesis opens there.
const OUTERMOST: usize = usize::MAX;

/// Words that join branches in another way.
const OTHER_SET_OPERATIONS: [&str; 3] = ["except", "intersect", "minus"];
/// Words behind which no arm of the same CASE follows, and the one that begins another.
const NO_ARMS: [&str; 5] = ["case", "else", "end", "select", "union"];

/// What a chain is joined by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    Union,
    Or,
    When,
    Comma,
}

impl Joint {
    /// Links of one shape that are kept.
    fn kept(self) -> u8 {
        match self {
            Self::Union | Self::Or => KEPT_TERMS,
            Self::When | Self::Comma => 1,
        }
    }

    /// Words that are in no link of such a chain.
    fn ends(self) -> &'static [&'static str] {
        match self {
            Self::Union => &OTHER_SET_OPERATIONS,
            Self::Or => &CONDITION_ENDS,
            Self::When => &NO_ARMS,
            Self::Comma => &[],
        }
    }
}

/// A chain that is being read.
#[derive(Debug, Default)]
struct Chain {
    /// Where the parenthesis around it opens, [`OUTERMOST`] if there is none; `None` when no chain is read.
    around: Option<usize>,
    /// Where its last link begins, with what joins it to the one before.
    start: usize,
    /// How often each link was seen, by its hash.
    seen: HashMap<u128, u8>,
    dropped: u32,
}

/// The chains of a text, and how much of them was dropped.
#[derive(Debug, Default)]
pub(super) struct Chains {
    open: [Chain; 4],
    rows: HashMap<u128, u8>,
    union: u32,
    union_all: u32,
    or_terms: u32,
}

impl Chains {
    /// What was read behind `start` was taken back.
    fn forget_behind(&mut self, start: usize) {
        for chain in &mut self.open {
            chain.around = chain.around.filter(|_| chain.start <= start);
        }
    }

    /// What is missing from the stream, so that its bytes alone do not tell one text from another.
    pub(super) fn dropped(&self) -> u128 {
        u128::from(self.union) << 64 | u128::from(self.union_all) << 32 | u128::from(self.or_terms)
    }

    /// `found` and what was dropped.
    pub(super) fn add_to(&self, found: SetOps) -> SetOps {
        SetOps {
            union: found.union.saturating_add(self.union),
            union_all: found.union_all.saturating_add(self.union_all),
            or_terms: found.or_terms.saturating_add(self.or_terms),
            ..found
        }
    }
}

impl Stream {
    /// Whether so much was read that it matters what repeats.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.out.len() > LONG_STREAM_BYTES
    }

    /// What was written from `at` on joins two links of a chain.
    #[cold]
    pub(super) fn joins(&mut self, joint: Joint, at: usize) {
        let frame = self.frames.last();
        let lists = frame.is_some_and(|frame| frame.list);
        if self.frames.len() != self.depth || joint == Joint::Comma && !lists {
            return;
        }
        let around = frame.map_or(OUTERMOST, |frame| frame.start);
        let chains = self.chains.get_or_insert_default();
        let chain = &mut chains.open[joint as usize];
        let link = self.out.get(chain.start..at).unwrap_or_default();
        if chain.around != Some(around) || !is_link(link, joint) {
            *chain = Chain {
                around: Some(around),
                start: at,
                ..Chain::default()
            };
            return;
        }
        let seen = chain.seen.entry(xxh3_128(link)).or_default();
        if *seen < joint.kept() {
            *seen += 1;
            chain.start = at;
            return;
        }
        chain.dropped = chain.dropped.saturating_add(1);
        let (start, dropped, all) = (
            chain.start,
            chain.dropped,
            link.starts_with(b"\x01union\x01all"),
        );
        match joint {
            Joint::Or => chains.or_terms = chains.or_terms.max(dropped),
            Joint::Union if all => chains.union_all = chains.union_all.saturating_add(1),
            Joint::Union => chains.union = chains.union.saturating_add(1),
            Joint::When | Joint::Comma => {}
        }
        self.drop_link(start, at);
    }

    fn drop_link(&mut self, start: usize, end: usize) {
        self.out.drain(start..end);
        if self.last_row.1 > start {
            self.last_row = (0, 0);
        }
        self.doubtful_from = self.doubtful_from.map(|from| from.min(start));
        self.forget_links_behind(start);
    }

    fn forget_links_behind(&mut self, start: usize) {
        if let Some(chains) = &mut self.chains {
            chains.forget_behind(start);
        }
    }

    /// Whether the row that begins at `start`, behind others if it `is_next`, is like one of them.
    #[cold]
    pub(super) fn is_known_row(&mut self, start: usize, is_next: bool) -> bool {
        let chains = self.chains.get_or_insert_default();
        if !is_next {
            chains.rows.clear();
        }
        let seen = chains.rows.entry(xxh3_128(&self.out[start..]));
        let count = seen.or_default();
        *count = count.saturating_add(1);
        *count > 1
    }

    /// A row was taken back: what follows begins where it began.
    pub(super) fn forget_row(&mut self, end: usize) {
        self.out.truncate(end);
        self.forget_links_behind(end);
    }
}

/// Whether `tokens`, from one joint to the next, are one link of the chain and no more.
fn is_link(tokens: &[u8], joint: Joint) -> bool {
    let mut depth = 0_usize;
    let mut rest = tokens;
    while let Some((&tag, body)) = rest.split_first() {
        let end = body.iter().position(|&b| b < FIRST_TEXT_BYTE);
        let (text, tail) = body.split_at(end.unwrap_or(body.len()));
        let ends = match (tag, text) {
            (SIGN, b"(" | b"[") => {
                depth += 1;
                false
            }
            (SIGN, b")" | b"]") => {
                let closes_more = depth == 0;
                depth = depth.saturating_sub(1);
                closes_more
            }
            (SIGN, b";") => true,
            (SIGN, b",") => depth == 0 && matches!(joint, Joint::Or | Joint::When),
            (WORD, word) => depth == 0 && joint.ends().iter().any(|end| end.as_bytes() == word),
            _ => false,
        };
        if ends {
            return false;
        }
        rest = tail;
    }
    !tokens.is_empty()
}
