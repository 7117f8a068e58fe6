//! Databases, users and clients: a log repeats a few names, which are kept once.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// Names remembered. A newer one takes the place of the one it falls on.
const SLOTS: usize = 256;

/// The names seen lately.
#[derive(Debug)]
pub struct Names(Box<[Arc<str>]>);

impl Default for Names {
    fn default() -> Self {
        Self(vec![Arc::from(""); SLOTS].into_boxed_slice())
    }
}

impl Names {
    /// The name, shared with those before it where it is known.
    pub(super) fn shared(&mut self, name: &str) -> Arc<str> {
        let slot = usize::try_from(xxh3_64(name.as_bytes()) % SLOTS as u64).unwrap_or(0);
        let known = &mut self.0[slot];
        if **known != *name {
            *known = Arc::from(name);
        }
        Arc::clone(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let mut names = Names::default();
        let first = names.shared("shop");
        assert!(Arc::ptr_eq(&first, &names.shared("shop")));
        assert_eq!(&*names.shared(""), "");
    }

    #[test]
    fn any_number_of_names_takes_bounded_room() {
        let mut names = Names::default();
        for i in 0..10_000 {
            assert_eq!(*names.shared(&i.to_string()), *i.to_string());
        }
        assert_eq!(names.0.len(), SLOTS);
    }
}
