//! `log_line_prefix` as PostgreSQL's manual defines it (section "What to Log").

use super::prefix::{Fields, epoch, known, session_pid};
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;

/// A `log_line_prefix`, taken apart.
#[derive(Debug)]
pub(super) struct Template(Vec<Item>);

#[derive(Debug, PartialEq, Eq)]
enum Item {
    Text(Vec<u8>),
    /// `%p`: the letter.
    Escape(u8),
}

impl Template {
    /// Takes a setting apart; `None` when it tells nothing, or when two parts touch so that neither can be read.
    pub(super) fn new(setting: &str) -> Option<Self> {
        let mut items: Vec<Item> = Vec::new();
        let mut bytes = setting.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let mut escape = None;
            if byte == b'%' {
                while bytes
                    .next_if(|b| *b == b'-' || b.is_ascii_digit())
                    .is_some()
                {}
                escape = bytes.next();
            }
            match (escape, items.last_mut()) {
                (Some(letter), _) if letter != b'%' => items.push(Item::Escape(letter)),
                (_, Some(Item::Text(text))) => text.push(byte),
                _ => items.push(Item::Text(vec![byte])),
            }
        }
        let touching = items.windows(2).any(
            |pair| matches!(pair, [Item::Escape(a), Item::Escape(b)] if *a != b'q' && *b != b'q'),
        );
        (!touching && items.iter().any(|item| matches!(item, Item::Escape(_))))
            .then_some(Self(items))
    }

    /// Reads `prefix`; `None` when it was not written with this setting.
    pub(super) fn read<'a>(&self, prefix: &'a [u8], calendar: &mut Calendar) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        let mut rest = prefix;
        for (index, item) in self.0.iter().enumerate() {
            match item {
                // a process without session ends its prefix here
                Item::Escape(b'q') if rest.trim_ascii().is_empty() => return Some(fields),
                Item::Escape(b'q') => {}
                Item::Text(text) => rest = strip(rest, text)?,
                Item::Escape(letter) => {
                    let length = self.length(index, *letter, rest, calendar)?;
                    take(&mut fields, *letter, &rest[..length], calendar);
                    rest = &rest[length..];
                }
            }
        }
        Some(fields)
    }

    /// How long the value of the escape at `index` is.
    fn length(
        &self,
        index: usize,
        letter: u8,
        rest: &[u8],
        calendar: &mut Calendar,
    ) -> Option<usize> {
        if matches!(letter, b't' | b'm' | b's') {
            return calendar.date(rest).map(|(_, length)| length);
        }
        let text = self.0[index + 1..].iter().find_map(|item| match item {
            Item::Text(text) => Some(text),
            Item::Escape(_) => None,
        });
        match text {
            Some(text) => memchr::memmem::find(rest, text),
            None => Some(rest.trim_ascii_end().len()),
        }
    }
}

/// Takes `text` off the front; white space at the end of a prefix may be missing.
fn strip<'a>(rest: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = rest.strip_prefix(text) {
        return Some(rest);
    }
    let is_shortened = rest.len() < text.len() && text.trim_ascii_end() == rest.trim_ascii_end();
    is_shortened.then_some(b"")
}

fn take<'a>(fields: &mut Fields<'a>, letter: u8, value: &'a [u8], calendar: &mut Calendar) {
    let value = value.trim_ascii();
    match letter {
        b't' | b'm' => fields.at = calendar.date(value).map(|(at, _)| at),
        b'n' => fields.at = epoch(value).map(|(at, _)| at),
        b'u' => fields.user = known(value),
        b'd' => fields.database = known(value),
        b'h' | b'r' => fields.client = value.split(|b| *b == b'(').next().unwrap_or_default(),
        b'p' => {
            fields.pid = scan::whole(value)
                .and_then(|pid| u32::try_from(pid).ok())
                .unwrap_or(0);
        }
        b'c' if fields.pid == 0 => fields.pid = session_pid(value).unwrap_or(0),
        b'e' => fields.code = value,
        _ => {}
    }
}
