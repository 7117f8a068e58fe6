//! What the prefixes seen lately told: a session writes the same before each of its records, but for the time.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::prefix::Fields;
use crate::ingest::slow_log::scan::place;

/// Prefixes remembered. A newer one takes the place of the one it falls on.
const SLOTS: usize = 256;

/// Longer prefixes are read anew each time, so that a hostile log cannot fill the memory.
const MAX_BYTES: usize = 128;

/// The prefixes seen lately, without their time.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<Told>);

/// Where in a prefix its fields stand.
#[derive(Debug, Clone, Default)]
struct Told {
    prefix: Box<[u8]>,
    pid: u32,
    user: Range<usize>,
    database: Range<usize>,
    client: Range<usize>,
    code: Range<usize>,
}

impl Seen {
    /// What `prefix` tells, when it was seen lately.
    pub(super) fn get<'a>(&self, prefix: &'a [u8]) -> Option<Fields<'a>> {
        let told = self.0.get(slot(prefix))?;
        let text = |place: &Range<usize>| prefix.get(place.clone()).unwrap_or_default();
        (*told.prefix == *prefix).then(|| Fields {
            at: None,
            pid: told.pid,
            user: text(&told.user),
            database: text(&told.database),
            client: text(&told.client),
            code: text(&told.code),
        })
    }

    /// Remembers what `prefix` tells.
    pub(super) fn put(&mut self, prefix: &[u8], fields: &Fields<'_>) {
        if prefix.is_empty() || prefix.len() > MAX_BYTES {
            return;
        }
        self.0.resize(SLOTS, Told::default());
        self.0[slot(prefix)] = Told {
            prefix: prefix.into(),
            pid: fields.pid,
            user: place(prefix, fields.user),
            database: place(prefix, fields.database),
            client: place(prefix, fields.client),
            code: place(prefix, fields.code),
        };
    }
}

fn slot(prefix: &[u8]) -> usize {
    usize::try_from(xxh3_64(prefix) % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_was_seen_tells_the_same_again() {
        let prefix = b" [7] app@shop ";
        let fields = Fields {
            at: None,
            pid: 7,
            user: &prefix[5..8],
            database: &prefix[9..13],
            client: b"",
            code: b"",
        };
        let mut seen = Seen::default();
        assert_eq!(seen.get(prefix), None);
        seen.put(prefix, &fields);
        assert_eq!(seen.get(&prefix.clone()), Some(fields));
        assert_eq!(seen.get(b" [8] app@shop "), None);
    }

    #[test]
    fn any_number_of_prefixes_takes_bounded_room() {
        let mut seen = Seen::default();
        for pid in 0..10_000 {
            seen.put(format!("[{pid}]").as_bytes(), &Fields::default());
        }
        seen.put(&[b'x'; MAX_BYTES + 1], &Fields::default());
        assert_eq!(seen.0.len(), SLOTS);
        assert!(seen.0.iter().all(|told| told.prefix.len() <= MAX_BYTES));
    }
}
