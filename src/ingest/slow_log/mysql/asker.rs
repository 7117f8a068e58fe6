//! Reads who asked, `root[root] @ localhost [127.0.0.1]`: entry after entry the same few.

use std::ops::Range;

use crate::ingest::slow_log::scan;

/// A longer text is read anew each time, so that a hostile log cannot fill the memory.
const MAX_BYTES: usize = 256;

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asker<'a> {
    pub(super) user: &'a [u8],
    /// The host, or else its address.
    pub(super) client: &'a [u8],
}

/// Who was told last.
#[derive(Debug, Default)]
pub(super) struct LastAsker {
    /// Up to the bracket behind the address; empty when nobody was told yet.
    text: Vec<u8>,
    user: Range<usize>,
    client: Range<usize>,
}

impl LastAsker {
    /// Reads what stands behind `User@Host:`, and gives back what stands behind the address.
    pub(super) fn read<'a>(&mut self, text: &'a [u8]) -> (Asker<'a>, &'a [u8]) {
        if let Some(told) = self.again(text) {
            return told;
        }
        let (asker, rest) = read(text);
        let Some(rest) = rest else {
            return (asker, b"");
        };
        let told = &text[..text.len() - rest.len()];
        if told.len() <= MAX_BYTES {
            told.clone_into(&mut self.text);
            self.user = scan::place(told, asker.user);
            self.client = scan::place(told, asker.client);
        }
        (asker, rest)
    }

    /// The same, when it is who was told last.
    #[inline]
    pub(super) fn again<'a>(&self, text: &'a [u8]) -> Option<(Asker<'a>, &'a [u8])> {
        let rest = text.strip_prefix(&*self.text)?;
        let asker = Asker {
            user: &text[self.user.clone()],
            client: &text[self.client.clone()],
        };
        (!self.text.is_empty()).then_some((asker, rest))
    }
}

/// Who asked, and what stands behind the address, where there is one.
fn read(text: &[u8]) -> (Asker<'_>, Option<&[u8]>) {
    let at = memchr::memchr_iter(b'@', text).find(|at| parts_host(text, *at));
    let (user, rest) = at.map_or((text, b"" as &[u8]), |at| (&text[..at], &text[at + 1..]));
    let name = split_at(user, b'[').map_or(user, |(name, _)| name);
    let bracket = split_at(rest, b'[');
    let closed = bracket.and_then(|(_, behind)| split_at(behind, b']'));
    let host = bracket.map_or(rest, |(host, _)| host).trim_ascii();
    let address = closed.map(|(address, _)| address);
    let client = match address.or(bracket.map(|(_, behind)| behind)) {
        Some(address) if host.is_empty() => address.trim_ascii(),
        _ => host,
    };
    let asker = Asker {
        user: name.trim_ascii(),
        client,
    };
    (asker, closed.map(|(_, rest)| rest))
}

/// Whether the `@` at `at` stands between a user and a host.
fn parts_host(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1] == b' ' && text.get(at + 1) == Some(&b' ')
}

/// What stands before and behind the first `mark`.
fn split_at(text: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    memchr::memchr(mark, text).map(|at| (&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asker_is_told_the_same_whoever_was_told_before() {
        let texts = [
            "app[app] @ web1 [10.0.0.1]",
            "app[app] @ web1 [10.0.0.1]  Id: 8",
            "app[app] @ web1 [10.0.0.1]5]",
            "app[app] @ web1 [10.0.0.1",
            "app[app] @ web1]",
            "app[app] @ web1] [10.0.0.2]",
            "app[app] @  [10.0.0.3]",
            "app[app] @  [10.0.0.3",
            "app[app] @ ",
            "app] @ x]",
            "app",
            "",
        ];
        for first in texts {
            for second in texts {
                let mut last = LastAsker::default();
                last.read(first.as_bytes());
                let (asker, rest) = read(second.as_bytes());
                let expected = (asker, rest.unwrap_or_default());
                assert_eq!(last.read(second.as_bytes()), expected, "{first}, {second}");
            }
        }
    }

    #[test]
    fn a_long_asker_is_not_remembered() {
        let long = format!("{} @ web1 [10.0.0.1]", "a".repeat(MAX_BYTES));
        let mut last = LastAsker::default();
        assert_eq!(last.read(long.as_bytes()).0.client, b"web1");
        assert_eq!(last.text, b"");
    }
}
