//! Who asked and where: a few names per statement, in bounded memory.

use std::sync::Arc;

/// Names that are kept per role.
const MAX_PER_ROLE: usize = 16;

/// Longer names are cut here, so that a hostile log cannot store novels.
const MAX_NAME_BYTES: usize = 128;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A database or schema the statement ran on.
    Database,
    /// A database user.
    User,
    /// A client host.
    Client,
}

/// A small sorted set. The first [`MAX_PER_ROLE`] names of a role stay; of the rest is known that there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names {
    kept: Vec<(Role, Arc<str>)>,
    /// A bit for each role of which a name was left out.
    left_out: u8,
}

impl Names {
    #[inline]
    pub(super) fn note(&mut self, role: Role, name: &Arc<str>) {
        // most runs have the names of the run before, which sources keep once
        let is_known = |(r, n): &(Role, Arc<str>)| Arc::ptr_eq(n, name) && *r == role;
        if !name.is_empty() && !self.kept.iter().any(is_known) {
            self.keep(role, name);
        }
    }

    fn keep(&mut self, role: Role, name: &Arc<str>) {
        let Err(at) = self.position(role, name) else {
            return;
        };
        if self.kept.iter().filter(|(r, _)| *r == role).count() >= MAX_PER_ROLE {
            self.left_out |= 1 << role as u8;
            return;
        }
        if name.len() > MAX_NAME_BYTES {
            let mut end = MAX_NAME_BYTES;
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            return self.note(role, &Arc::from(&name[..end]));
        }
        self.kept.reserve_exact(1);
        self.kept.insert(at, (role, name.clone()));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.left_out |= other.left_out;
        for (role, name) in &other.kept {
            self.note(*role, name);
        }
    }

    pub(super) fn of(&self, role: Role) -> Vec<Arc<str>> {
        let in_role = self.kept.iter().filter(|(r, _)| *r == role);
        in_role.map(|(_, name)| name.clone()).collect()
    }

    /// Whether there were more names than are kept.
    pub(super) fn has_more(&self, role: Role) -> bool {
        self.left_out >> role as u8 & 1 == 1
    }

    fn position(&self, role: Role, name: &str) -> Result<usize, usize> {
        self.kept
            .binary_search_by(|(r, n)| (*r, &**n).cmp(&(role, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_unique_and_bounded() {
        let mut names = Names::default();
        for i in (0..100).rev() {
            names.note(Role::User, &Arc::from(format!("u{i:02}")));
            names.note(Role::User, &Arc::from(format!("u{i:02}")));
        }
        let users = names.of(Role::User);
        assert_eq!(users.len(), MAX_PER_ROLE);
        assert!(users.is_sorted());
        assert!(names.of(Role::Client).is_empty());
        assert!(names.has_more(Role::User) && !names.has_more(Role::Client));
    }

    #[test]
    fn a_novel_is_cut_at_a_character() {
        let mut names = Names::default();
        names.note(Role::Client, &Arc::from("ü".repeat(1_000)));
        names.note(Role::Client, &Arc::from("ü".repeat(1_000)));
        assert_eq!(names.of(Role::Client), [Arc::from("ü".repeat(64))]);
    }
}
