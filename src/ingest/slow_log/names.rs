//! Databases, users and clients: a log repeats a few names, which are kept once.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::Entry;

/// Names remembered. A newer one takes the place of the one it falls on.
const SLOTS: usize = 256;

/// The names seen lately.
#[derive(Debug)]
pub struct Names {
    known: Box<[Arc<str>]>,
    /// Database, user and client of the run before: most runs have the same, which are found without a hash.
    last: [Arc<str>; 3],
}

impl Default for Names {
    fn default() -> Self {
        let none: Arc<str> = Arc::from("");
        Self {
            last: [none.clone(), none.clone(), none.clone()],
            known: vec![none; SLOTS].into_boxed_slice(),
        }
    }
}

impl Names {
    /// Database, user and client of a run, shared with those before it where they are known.
    pub fn of(&mut self, run: &Entry<'_>) -> &[Arc<str>; 3] {
        self.shared([&run.database, &run.user, &run.client])
    }

    /// The same names, shared with those before.
    pub fn shared(&mut self, names: [&str; 3]) -> &[Arc<str>; 3] {
        for (last, name) in self.last.iter_mut().zip(names) {
            if **last == *name {
                continue;
            }
            let slot = usize::try_from(xxh3_64(name.as_bytes()) % SLOTS as u64).unwrap_or(0);
            let known = &mut self.known[slot];
            if **known != *name {
                *known = Arc::from(name);
            }
            *last = Arc::clone(known);
        }
        &self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_whoever_came_in_between() {
        let mut names = Names::default();
        let first = names.shared(["shop", "app", ""]).clone();
        names.shared(["bank", "app", "web"]);
        let again = names.shared(["shop", "app", ""]);
        assert!(first.iter().zip(again).all(|(a, b)| Arc::ptr_eq(a, b)));
        assert_eq!(again.each_ref().map(|name| &**name), ["shop", "app", ""]);
    }

    #[test]
    fn any_number_of_names_takes_bounded_room() {
        let mut names = Names::default();
        for i in 0..10_000 {
            let name = i.to_string();
            assert_eq!(*names.shared([&name, "", ""])[0], *name);
        }
        assert_eq!(names.known.len(), SLOTS);
    }
}
