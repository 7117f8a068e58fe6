//! What the prefixes seen lately told: a session writes the same before each of its records, but for the time.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::prefix::Fields;
use crate::ingest::slow_log::scan::{self, place};

/// Prefixes remembered. A newer one takes the place of the one it falls on.
const SLOTS: usize = 256;

/// Their starts are told apart by so many bytes.
const START_BYTES: usize = 24;

/// Longer prefixes are read anew each time, so that a hostile log cannot fill the memory.
const MAX_BYTES: usize = 128;

/// The prefixes seen lately, without their time.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By the hash of the whole prefix.
    told: Vec<Told>,
    /// Where the prefix stands that the hash of its start found last.
    by_start: Vec<u8>,
}

/// Whose records have a prefix.
#[derive(Debug, Clone, Default)]
pub(super) struct Who {
    pub(super) pid: u32,
    pub(super) user: Box<str>,
    pub(super) database: Box<str>,
    pub(super) client: Box<str>,
}

/// Where in a prefix its fields stand, and what they come to.
#[derive(Debug, Clone, Default)]
struct Told {
    prefix: Box<[u8]>,
    who: Who,
    user: Range<usize>,
    database: Range<usize>,
    client: Range<usize>,
    code: Range<usize>,
}

impl Seen {
    /// Where the prefix stands that `text` starts with, and its length, when it was the last with that start.
    #[inline]
    pub(super) fn start_of(&self, text: &[u8]) -> Option<(u8, usize)> {
        let slot = *self.by_start.get(start_slot(text)?)?;
        let prefix = &*self.told.get(usize::from(slot))?.prefix;
        let is_known = !prefix.is_empty() && text.starts_with(prefix);
        is_known.then_some((slot, prefix.len()))
    }

    /// Whose records have `prefix`, which was seen to stand there.
    #[inline]
    pub(super) fn who(&self, slot: u8, prefix: &[u8]) -> Option<&Who> {
        let told = self.told.get(usize::from(slot))?;
        (*told.prefix == *prefix).then_some(&told.who)
    }

    /// Whose records have `prefix`, when it was seen lately.
    #[inline]
    pub(super) fn who_of(&self, prefix: &[u8]) -> Option<&Who> {
        self.who(slot(prefix), prefix)
    }

    /// Remembers whose records have `prefix`.
    pub(super) fn know(&mut self, prefix: &[u8], who: Who) {
        if prefix.is_empty() || prefix.len() > MAX_BYTES {
            return;
        }
        self.told.resize(SLOTS, Told::default());
        self.told[usize::from(slot(prefix))] = Told {
            prefix: prefix.into(),
            who,
            ..Told::default()
        };
    }

    /// What `prefix` tells, which was seen to stand there.
    #[inline]
    pub(super) fn at<'a>(&self, slot: u8, prefix: &'a [u8]) -> Option<Fields<'a>> {
        let told = self.told.get(usize::from(slot))?;
        let text = |place: &Range<usize>| prefix.get(place.clone()).unwrap_or_default();
        (*told.prefix == *prefix).then(|| Fields {
            at: None,
            pid: told.who.pid,
            user: text(&told.user),
            database: text(&told.database),
            client: text(&told.client),
            code: text(&told.code),
        })
    }

    /// What the prefix of this length tells that `text` starts with, when it was seen lately.
    pub(super) fn get<'a>(&mut self, text: &'a [u8], length: usize) -> Option<Fields<'a>> {
        let prefix = text.get(..length)?;
        let slot = slot(prefix);
        let fields = self.at(slot, prefix)?;
        self.remember_start(text, slot);
        Some(fields)
    }

    /// Remembers what the prefix of this length tells that `text` starts with.
    pub(super) fn put(&mut self, text: &[u8], length: usize, fields: &Fields<'_>) {
        let prefix = text.get(..length).unwrap_or_default();
        // one that is known holds no line end, so that none is searched for in it
        let is_line = memchr::memchr(b'\n', prefix).is_none();
        if prefix.is_empty() || prefix.len() > MAX_BYTES || !is_line {
            return;
        }
        let name = |name: &[u8]| scan::name(name).into();
        self.told.resize(SLOTS, Told::default());
        self.by_start.resize(SLOTS, 0);
        let slot = slot(prefix);
        self.told[usize::from(slot)] = Told {
            prefix: prefix.into(),
            who: Who {
                pid: fields.pid,
                user: name(fields.user),
                database: name(fields.database),
                client: name(fields.client),
            },
            user: place(prefix, fields.user),
            database: place(prefix, fields.database),
            client: place(prefix, fields.client),
            code: place(prefix, fields.code),
        };
        self.remember_start(text, slot);
    }

    fn remember_start(&mut self, text: &[u8], slot: u8) {
        let start = start_slot(text);
        if let Some(known) = start.and_then(|start| self.by_start.get_mut(start)) {
            *known = slot;
        }
    }
}

fn slot(prefix: &[u8]) -> u8 {
    xxh3_64(prefix).to_le_bytes()[0]
}

/// A quick hash of a start that tells most sessions apart: where a prefix ends is not known yet.
#[inline]
fn start_slot(text: &[u8]) -> Option<usize> {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let start: &[u8; START_BYTES] = text.first_chunk()?;
    let hash = start.chunks_exact(8).fold(0_u64, |hash, word| {
        let word = word.first_chunk().copied().map_or(0, u64::from_le_bytes);
        (hash.rotate_left(29) ^ word).wrapping_mul(MIX)
    });
    Some(usize::from(hash.to_le_bytes()[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_was_seen_tells_the_same_again() {
        let text = b" [7] app@shop LOG:  duration: 1 ms";
        let prefix = &text[..14];
        let fields = Fields {
            at: None,
            pid: 7,
            user: &prefix[5..8],
            database: &prefix[9..13],
            client: b"",
            code: b"",
        };
        let mut seen = Seen::default();
        assert_eq!(seen.get(text, prefix.len()), None);
        assert_eq!(seen.start_of(text), None);
        seen.put(text, prefix.len(), &fields);
        let (slot, length) = seen.start_of(text).unwrap();
        assert_eq!(length, prefix.len());
        assert_eq!(seen.at(slot, prefix).as_ref(), Some(&fields));
        assert_eq!(seen.at(slot, b" [8] app@shop "), None);
        assert_eq!(seen.get(text, prefix.len()), Some(fields));
        assert_eq!(seen.get(b" [8] app@shop ", prefix.len()), None);
    }

    #[test]
    fn any_number_of_prefixes_takes_bounded_room() {
        let mut seen = Seen::default();
        for pid in 0..10_000 {
            let text = format!("[{pid}]");
            seen.put(text.as_bytes(), text.len(), &Fields::default());
        }
        seen.put(&[b'x'; MAX_BYTES + 1], MAX_BYTES + 1, &Fields::default());
        assert_eq!(seen.told.len(), SLOTS);
        assert!(seen.told.iter().all(|told| told.prefix.len() <= MAX_BYTES));
    }
}
