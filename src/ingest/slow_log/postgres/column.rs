//! One part of many prefixes, and which escape of `log_line_prefix` may have written it.

use std::collections::HashMap;

use super::prefix::is_code;
use crate::ingest::slow_log::scan;

/// What the values of one part have in common.
pub(super) struct Column<'a> {
    /// The text before and behind.
    pub(super) before: &'a [u8],
    pub(super) behind: &'a [u8],
    pub(super) values: Vec<&'a [u8]>,
}

impl Column<'_> {
    fn all(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        let mut told = self.values.iter().filter(|v| !v.is_empty()).peekable();
        told.peek().is_some() && told.all(|value| is(value))
    }

    pub(super) fn is_number(&self) -> bool {
        self.all(|v| v.iter().all(u8::is_ascii_digit))
    }

    pub(super) fn is_one(&self) -> bool {
        self.all(|v| v == b"1")
    }

    /// Whether it goes up with each line, as `%l` does, and a process does not: with each line of one process that another
    /// column tells, or, where none may, by one from most lines to the next.
    pub(super) fn counts_lines(&self, others: &[&Self]) -> bool {
        let numbers: Option<Vec<u64>> = self.values.iter().map(|v| scan::whole(v)).collect();
        let Some(numbers) = numbers else {
            return false;
        };
        if others.is_empty() {
            let steps = numbers
                .windows(2)
                .filter(|two| two[0].checked_add(1) == Some(two[1]));
            // `[%p]` of programs that connect for each statement goes up by one, too
            let is_bracketed = self.before.ends_with(b"[");
            return !is_bracketed && steps.count() * 2 >= numbers.len().max(2);
        }
        let mut others = others.iter().filter(|other| other.may_be_process());
        others.any(|process| {
            let (up, rest) = process.steps_within(&numbers);
            up > 0 && rest == 0
        })
    }

    /// Whether no value is as small as the number of a connection's first lines: a server has started more processes
    /// before its first session.
    pub(super) fn may_be_process(&self) -> bool {
        self.all(|v| v.len() > 1)
    }

    /// From how many lines to the next one of the same value the numbers of another column go up, and how often not.
    fn steps_within(&self, numbers: &[u64]) -> (usize, usize) {
        let mut last: HashMap<&[u8], u64> = HashMap::new();
        let (mut up, mut rest) = (0, 0);
        for (value, number) in self.values.iter().zip(numbers) {
            match last.insert(value, *number) {
                Some(before) if *number > before => up += 1,
                Some(_) => rest += 1,
                None => {}
            }
        }
        (up, rest)
    }

    /// Whether it may be a user or a database: not a command (`%i`), nor a kind of process (`%b`).
    pub(super) fn is_name(&self) -> bool {
        let is_other = |v: &[u8]| {
            let is_command = v.iter().all(|b| b.is_ascii_uppercase() || *b == b' ');
            is_command || matches!(v, b"client" | b"backend" | b"worker" | b"launcher")
        };
        !self.all(is_other)
    }

    /// The letter that the word before it says.
    pub(super) fn by_key(&self) -> Option<u8> {
        let key = self.before.strip_suffix(b"=")?;
        let start = key
            .iter()
            .rposition(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        let key = key[start.map_or(0, |s| s + 1)..].to_ascii_lowercase();
        Some(match key.as_slice() {
            b"user" | b"u" | b"usr" | b"username" => b'u',
            b"db" | b"database" | b"d" | b"dbname" => b'd',
            b"client" | b"host" | b"remote" | b"h" | b"r" | b"ip" => b'r',
            b"pid" | b"p" | b"process" => b'p',
            b"code" | b"state" | b"sqlstate" | b"e" => b'e',
            _ => b'a',
        })
    }

    pub(super) fn by_looks(&self) -> Option<u8> {
        let is_host = |v: &[u8]| {
            let host = v.split(|b| *b == b'(').next().unwrap_or_default();
            let text = std::str::from_utf8(host).unwrap_or_default();
            v == b"[local]" || v.ends_with(b")") || text.parse::<std::net::IpAddr>().is_ok()
        };
        let is_state = |v: &[u8]| v == b"00000" || is_code(v);
        if self.all(is_host) {
            return Some(b'r');
        }
        if self.all(is_state) && self.values.contains(&b"00000".as_slice()) {
            return Some(b'e');
        }
        if self.all(|v| v.iter().all(|b| b.is_ascii_digit() || *b == b'/') && v.contains(&b'/')) {
            return Some(b'v');
        }
        None
    }
}
