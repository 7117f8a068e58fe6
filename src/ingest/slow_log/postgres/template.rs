//! `log_line_prefix` as PostgreSQL's manual defines it (section "What to Log").

use super::prefix::{Fields, epoch, known, session_pid};
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;

/// Values of `%b` that hold a blank.
const BACKENDS: [&str; 14] = [
    "client backend",
    "autovacuum launcher",
    "autovacuum worker",
    "background writer",
    "background worker",
    "parallel worker",
    "logical replication launcher",
    "logical replication worker",
    "logical replication apply worker",
    "logical replication parallel worker",
    "logical replication tablesync worker",
    "slotsync worker",
    "io worker",
    "not initialized",
];

/// A `log_line_prefix`, taken apart.
#[derive(Debug)]
pub(super) struct Template(Vec<Item>);

#[derive(Debug, PartialEq, Eq)]
enum Item {
    Text(Vec<u8>),
    /// `%p`, or `%-10p`: the letter, and the least width.
    Escape(u8, usize),
}

impl Template {
    /// Takes a setting apart; `None` when it tells nothing, or when two parts touch so that neither can be read.
    pub(super) fn new(setting: &str) -> Option<Self> {
        let mut items: Vec<Item> = Vec::new();
        let mut bytes = setting.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let mut escape = None;
            if byte == b'%' {
                let mut width = 0_usize;
                while let Some(digit) = bytes.next_if(|b| *b == b'-' || b.is_ascii_digit()) {
                    let digit = usize::from(digit.wrapping_sub(b'0')) % 10;
                    width = width.saturating_mul(10).saturating_add(digit);
                }
                width = if width < 256 { width } else { 0 };
                escape = bytes.next().map(|letter| (letter, width));
            }
            match (escape, items.last_mut()) {
                (Some((letter, width)), _) if letter != b'%' => {
                    items.push(Item::Escape(letter, width));
                }
                (_, Some(Item::Text(text))) => text.push(byte),
                _ => items.push(Item::Text(vec![byte])),
            }
        }
        let is_unclear = |pair: &[Item]| match pair {
            [Item::Escape(a, _), Item::Escape(b, _)] => *b != b'q' && is_open_ended(*a),
            _ => false,
        };
        let tells = items.iter().any(|item| matches!(item, Item::Escape(..)));
        (tells && !items.windows(2).any(is_unclear)).then_some(Self(items))
    }

    /// Reads `prefix`; `None` when it was not written with this setting.
    pub(super) fn read<'a>(&self, prefix: &'a [u8], calendar: &mut Calendar) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        let mut rest = prefix;
        for (index, item) in self.0.iter().enumerate() {
            match item {
                // a process without session ends its prefix here
                Item::Escape(b'q', _) if rest.trim_ascii().is_empty() => return Some(fields),
                Item::Escape(b'q', _) => {}
                Item::Text(text) => rest = strip(rest, text)?,
                Item::Escape(b't' | b'm', 0) => {
                    let (at, length) = calendar.date(rest)?;
                    fields.at = Some(at);
                    rest = &rest[length..];
                }
                Item::Escape(letter, width) => {
                    let length = self.length(index, (*letter, *width), rest, calendar)?;
                    take(&mut fields, *letter, &rest[..length], calendar);
                    rest = &rest[length..];
                }
            }
        }
        Some(fields)
    }

    /// Whether the time comes first, and is told nowhere else.
    pub(super) fn has_time_first(&self) -> bool {
        let is_time = |item: &Item| matches!(item, Item::Escape(b't' | b'm' | b'n', _));
        let starts = matches!(self.0.first(), Some(Item::Escape(b't' | b'm', 0)));
        starts && !self.0[1..].iter().any(is_time)
    }

    /// How long the value of the escape at `index` is, blanks that make it wider included.
    fn length(
        &self,
        index: usize,
        (letter, width): (u8, usize),
        rest: &[u8],
        calendar: &mut Calendar,
    ) -> Option<usize> {
        let padding = if width == 0 {
            0
        } else {
            rest.iter().take_while(|b| **b == b' ').count()
        };
        let value = &rest[padding..];
        let length = match letter {
            b't' | b'm' | b's' => calendar.date(value)?.1,
            b'n' => epoch(value)?.1,
            letter if !is_open_ended(letter) => length_of(letter, value),
            _ => {
                let from = width.min(rest.len());
                let end = match self.next_text(index) {
                    Some(text) => from + find(&rest[from..], text)?,
                    None => rest.trim_ascii_end().len(),
                };
                return Some(end.max(words(letter, rest)));
            }
        };
        Some((padding + length).max(width.min(rest.len())))
    }

    fn next_text(&self, index: usize) -> Option<&[u8]> {
        self.0[index + 1..].iter().find_map(|item| match item {
            Item::Text(text) => Some(text.as_slice()),
            Item::Escape(..) => None,
        })
    }
}

/// Whether only what follows a value says where it ends.
fn is_open_ended(letter: u8) -> bool {
    !matches!(
        letter,
        b't' | b'm' | b's' | b'n' | b'p' | b'P' | b'l' | b'x' | b'Q' | b'e' | b'c' | b'v' | b'q'
    )
}

/// Length of a value that is made of few characters; it may be empty.
fn length_of(letter: u8, value: &[u8]) -> usize {
    let is_part = |b: &u8| match letter {
        b'e' => b.is_ascii_digit() || b.is_ascii_uppercase(),
        b'c' => b.is_ascii_hexdigit() || *b == b'.',
        b'v' => b.is_ascii_digit() || *b == b'/',
        b'Q' => b.is_ascii_digit() || *b == b'-',
        _ => b.is_ascii_digit(),
    };
    value.iter().take_while(|b| is_part(b)).count()
}

/// Length of a value that holds blanks itself: a kind of process, or a command.
fn words(letter: u8, rest: &[u8]) -> usize {
    match letter {
        b'b' => BACKENDS
            .iter()
            .find(|name| rest.starts_with(name.as_bytes()))
            .map_or(0, |name| name.len()),
        b'i' => {
            let is_part = |b: &u8| b.is_ascii_uppercase() || *b == b' ';
            let length = rest.iter().take_while(|b| is_part(b)).count();
            rest[..length].trim_ascii_end().len()
        }
        _ => 0,
    }
}

/// Where `text` begins, which is short: preparing a search would take longer than the search.
fn find(rest: &[u8], text: &[u8]) -> Option<usize> {
    let first = text.first()?;
    memchr::memchr_iter(*first, rest).find(|at| rest[*at..].starts_with(text))
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
