//! Which code asks most, however many parts of it do.
//!
//! Of each key the values with the most runs are kept. When there is no room, the one with the fewest gives way to the
//! next, which takes its count over as a doubt (Metwally's Space-Saving): a value that has more than a share of
//! `1 / MAX_VALUES` is never lost, whatever came before it.

use crate::normalise::Tags;

/// Values of a key that are counted at a time.
const MAX_VALUES: usize = 16;

/// Runs by key and value.
#[derive(Debug, Clone, Default)]
pub struct TagCounts(Vec<Counted>);

#[derive(Debug, Clone)]
struct Counted {
    key: &'static str,
    value: Box<str>,
    /// Runs that it may have had.
    most: u64,
    /// Of them those that may have been of others.
    doubt: u64,
}

impl Counted {
    /// Runs that it had for sure.
    fn sure(&self) -> u64 {
        self.most - self.doubt
    }
}

impl TagCounts {
    /// Keys, values and the runs that they had for sure.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, u64)> {
        let counted = self.0.iter();
        counted.map(|counted| (counted.key, &*counted.value, counted.sure()))
    }

    pub(super) fn add(&mut self, tags: &Tags, runs: u64) {
        for (key, value) in tags.iter() {
            self.count(key, value, runs);
        }
    }

    /// Adds what was counted elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        for (key, value, runs) in other.iter() {
            self.count(key, value, runs);
        }
    }

    fn count(&mut self, key: &'static str, value: &str, runs: u64) {
        let of_key = || self.0.iter().filter(|counted| counted.key == key);
        let places = of_key().count();
        let mut known = self.0.iter_mut().filter(|counted| counted.key == key);
        if let Some(known) = known.find(|counted| &*counted.value == value) {
            known.most = known.most.saturating_add(runs);
            return;
        }
        if places < MAX_VALUES {
            self.0.push(Counted {
                key,
                value: Box::from(value),
                most: runs,
                doubt: 0,
            });
            return;
        }
        let least = self.0.iter_mut().filter(|counted| counted.key == key);
        if let Some(least) = least.min_by_key(|counted| counted.most) {
            least.value = Box::from(value);
            least.doubt = least.most;
            least.most = least.most.saturating_add(runs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_most_is_known_however_many_asked_before() {
        let mut counts = TagCounts::default();
        for n in 0..400 {
            counts.count("route", &format!("/r{n}"), 1);
            counts.count("action", "show", 1);
        }
        for _ in 0..300 {
            counts.count("route", "/all", 1);
        }
        let routes = || counts.iter().filter(|(key, ..)| *key == "route");
        assert_eq!(routes().count(), MAX_VALUES);
        let (_, most, runs) = routes().max_by_key(|(.., runs)| *runs).unwrap();
        assert_eq!((most, runs), ("/all", 300));
        assert!(counts.iter().any(|told| told == ("action", "show", 400)));
    }
}
