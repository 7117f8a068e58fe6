//! Reads the `log_line_prefix` of a line: by the setting when it is known, else by what its parts look like.

use super::level::{Known, Level, Parts, severity_of, verbose};
use super::seen::{Seen, Who};
use super::template::Template;
use super::{layout, message};
use crate::ingest::slow_log::zone::Calendar;
use crate::ingest::slow_log::{Next, scan};
use crate::model::time::Timestamp;

/// Prefixes that the setting is learned from, and how few will do when the log ends.
const SAMPLE: usize = 16;
const MIN_SAMPLE: usize = 2;

/// What a prefix tells; empty, or 0 for the process, when it does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) at: Option<Timestamp>,
    pub(super) pid: u32,
    pub(super) user: &'a [u8],
    pub(super) database: &'a [u8],
    pub(super) client: &'a [u8],
    pub(super) code: &'a [u8],
}

/// Reader of prefixes.
#[derive(Debug, Default)]
pub(in crate::ingest::slow_log) struct Prefix {
    template: Option<Template>,
    /// Prefixes of one session are the same but for the time, with which they start.
    repeats: bool,
    seen: Seen,
    /// The setting that was learned.
    learned: Option<String>,
    /// Nothing is to be learned any more.
    is_settled: bool,
    /// Prefixes to learn from, and the byte of the file up to which they were looked for.
    sample: Vec<Vec<u8>>,
    looked_until: u64,
    /// The line behind the last record.
    pub(super) ahead: Option<Ahead>,
}

/// A line that was looked at to see that it is another record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    /// The byte of the file where it starts.
    pub(super) from: u64,
    pub(super) parts: Parts,
    /// With its line end.
    pub(super) length: usize,
}

/// Whether a `log_line_prefix` tells something, and can be read.
pub fn is_prefix(setting: &str) -> bool {
    Template::new(setting).is_some()
}

impl Prefix {
    /// `log_line_prefix`, when it is known.
    pub(in crate::ingest::slow_log) fn new(setting: Option<&str>) -> Self {
        let template = setting.and_then(Template::new);
        Self {
            is_settled: template.is_some(),
            repeats: repeats(template.as_ref()),
            template,
            ..Self::default()
        }
    }

    /// Goes on with this setting.
    fn follow(&mut self, setting: Option<&str>) {
        self.template = setting.and_then(Template::new);
        self.repeats = repeats(self.template.as_ref());
        self.seen = Seen::default();
    }

    /// What is known of the line at this byte of the file.
    pub(super) fn take_ahead(&mut self, from: u64) -> Option<Ahead> {
        self.ahead.take().filter(|ahead| ahead.from == from)
    }

    /// The parts of a line. Most start like one before it, so that none is searched for.
    pub(super) fn parts(&self, line: &[u8], calendar: &mut Calendar) -> Option<Parts> {
        let parts = self.parts_as_before(line, calendar);
        parts.or_else(|| severity_of(line))
    }

    /// The parts of a line that starts like one before it; it may go on behind its end.
    #[inline]
    pub(super) fn parts_as_before(&self, line: &[u8], calendar: &mut Calendar) -> Option<Parts> {
        let (at, date) = calendar.date_as_before(line).filter(|_| self.repeats)?;
        let (slot, length) = self.seen.start_of(&line[date..])?;
        Parts::behind(line, date + length, Known { at, date, slot })
    }

    /// Learns the setting from the records in `buffer`, which starts at the byte `offset` of the file.
    pub(super) fn learn(&mut self, buffer: &[u8], offset: u64, next: Next, zone: &Calendar) {
        let known = usize::try_from(self.looked_until.saturating_sub(offset)).unwrap_or(0);
        let mut at = known.min(buffer.len());
        while !self.is_settled && self.sample.len() < SAMPLE {
            let Some(length) = scan::line_length(&buffer[at..]) else {
                break;
            };
            if let Some(prefix) = prefix_of_session(&buffer[at..at + length]) {
                self.sample.push(prefix.to_vec());
            }
            at += length;
        }
        self.looked_until = offset + at as u64;
        let is_enough =
            self.sample.len() >= SAMPLE || (next == Next::End && self.sample.len() >= MIN_SAMPLE);
        if is_enough && !self.is_settled {
            let sample = std::mem::take(&mut self.sample);
            self.learned = layout::learn(&sample, &mut zone.clone());
            self.follow(self.learned.clone().as_deref());
            self.is_settled = true;
        }
    }

    /// The setting that was learned, for a restart.
    pub(super) fn learned(&self) -> Option<&str> {
        self.learned.as_deref()
    }

    /// Goes on with a setting that was learned.
    pub(super) fn restore(&mut self, learned: Option<String>) {
        if let Some(setting) = learned.filter(|_| !self.is_settled) {
            self.follow(Some(&setting));
            self.is_settled = self.template.is_some();
            self.learned = Some(setting);
        }
    }

    /// Whose record has the prefix of a line, when it was seen before.
    #[inline]
    pub(super) fn who(&self, line: &[u8], parts: Parts) -> Option<&Who> {
        let known = parts.known?;
        self.seen
            .who(known.slot, line.get(known.date..parts.prefix)?)
    }

    /// What the prefix of a line tells.
    pub(super) fn fields<'a>(
        &mut self,
        line: &'a [u8],
        parts: Parts,
        calendar: &mut Calendar,
    ) -> Fields<'a> {
        let known = parts.known.and_then(|known| {
            let fields = self
                .seen
                .at(known.slot, line.get(known.date..parts.prefix)?)?;
            Some(Fields {
                at: Some(known.at),
                ..fields
            })
        });
        known.unwrap_or_else(|| self.read(line, parts.prefix, calendar))
    }

    /// Reads the prefix of a line, which ends there; one that was seen with another time needs no more than the time.
    fn read<'a>(&mut self, line: &'a [u8], end: usize, calendar: &mut Calendar) -> Fields<'a> {
        let prefix = &line[..end];
        let Some((at, date)) = calendar.date(prefix).filter(|_| self.repeats) else {
            return self.read_anew(prefix, calendar);
        };
        let (text, length) = (&line[date..], end - date);
        let fields = self.seen.get(text, length).unwrap_or_else(|| {
            let fields = self.read_anew(prefix, calendar);
            self.seen.put(text, length, &fields);
            fields
        });
        Fields {
            at: Some(at),
            ..fields
        }
    }

    fn read_anew<'a>(&self, prefix: &'a [u8], calendar: &mut Calendar) -> Fields<'a> {
        self.template
            .as_ref()
            .and_then(|template| template.read(prefix, calendar))
            .unwrap_or_else(|| guess(prefix, calendar))
    }
}

fn repeats(template: Option<&Template>) -> bool {
    template.is_none_or(Template::has_time_first)
}

/// The prefix of a record that a session wrote, with a statement in it: others tell no user.
fn prefix_of_session(line: &[u8]) -> Option<&[u8]> {
    let parts = severity_of(line)?;
    let text = line.get(parts.message..)?;
    let text = verbose(text).map_or(text, |(_, message)| message);
    let is_session = parts.level == Level::Log && message::is_wanted(text);
    is_session.then(|| parts.prefix(line))
}

/// Tells the parts of a prefix by their looks.
fn guess<'a>(prefix: &'a [u8], calendar: &mut Calendar) -> Fields<'a> {
    let mut fields = Fields::default();
    let mut rest = prefix;
    if let Some((at, behind)) = date(prefix, calendar) {
        fields.at = Some(at);
        rest = &prefix[behind..];
    }
    let words = || rest.split(|b| b" ,;|:\t[]".contains(b));
    // a number alone may be that of the line
    let session = || words().find_map(session_pid);
    fields.pid = bracketed_pid(rest).or_else(session).unwrap_or(0);
    for word in words() {
        if !word.is_empty() {
            word_of(&mut fields, word);
        }
    }
    fields
}

/// Finds the date, and where the rest of the prefix starts.
fn date(prefix: &[u8], calendar: &mut Calendar) -> Option<(Timestamp, usize)> {
    let mut before = 0_u8;
    for (at, byte) in prefix.iter().enumerate() {
        let starts_number = byte.is_ascii_digit() && !before.is_ascii_digit();
        before = *byte;
        if !starts_number {
            continue;
        }
        let text = &prefix[at..];
        if let Some((time, length)) = calendar.date(text).or_else(|| epoch(text)) {
            return Some((time, at + length));
        }
    }
    None
}

/// `%n`: `1795289218.608`.
pub(super) fn epoch(text: &[u8]) -> Option<(Timestamp, usize)> {
    let (secs, 10) = scan::leading_whole(text)? else {
        return None;
    };
    let fraction = text.get(10..)?.strip_prefix(b".")?;
    let (millis, 3) = scan::leading_whole(fraction)? else {
        return None;
    };
    let at = Timestamp::from_unix_millis(secs.saturating_mul(1000).saturating_add(millis));
    Some((at, 14))
}

/// `[24085]` or `[24085-1]`.
fn bracketed_pid(text: &[u8]) -> Option<u32> {
    memchr::memchr_iter(b'[', text).find_map(|at| {
        let (pid, length) = scan::leading_whole(&text[at + 1..])?;
        let end = text.get(at + 1 + length)?;
        u32::try_from(pid)
            .ok()
            .filter(|_| matches!(end, b']' | b'-'))
    })
}

/// Takes one word for what it looks like most.
fn word_of<'a>(fields: &mut Fields<'a>, word: &'a [u8]) {
    if let Some(at) = memchr::memchr(b'=', word) {
        key_value(fields, &word[..at], &word[at + 1..]);
    } else if memchr::memchr(b'@', word).is_some() {
        user_at_database(fields, word);
    } else if let Some(open) = memchr::memchr(b'(', word).filter(|_| word.ends_with(b")")) {
        fields.client = &word[..open];
    } else if let Some(pid) = number(word) {
        if fields.pid == 0 {
            fields.pid = pid;
        }
    } else if is_code(word) {
        fields.code = word;
    }
    // `57014` is a number too, and five digits that are not the process
    if fields.code.is_empty() && is_code(word) && number(word) != Some(fields.pid) {
        fields.code = word;
    }
}

fn key_value<'a>(fields: &mut Fields<'a>, key: &[u8], value: &'a [u8]) {
    match key {
        b"user" | b"u" if memchr::memchr(b'@', value).is_some() => user_at_database(fields, value),
        b"user" | b"u" => fields.user = known(value),
        b"db" | b"database" | b"d" => fields.database = known(value),
        b"client" | b"host" | b"remote" | b"h" | b"r" => {
            fields.client = value.split(|b| *b == b'(').next().unwrap_or_default();
        }
        b"pid" | b"p" => fields.pid = number(value).unwrap_or(fields.pid),
        b"code" | b"state" | b"sqlstate" | b"e" => fields.code = value,
        _ => {}
    }
}

/// `%u@%d`, with `/%a` or a client behind it.
fn user_at_database<'a>(fields: &mut Fields<'a>, word: &'a [u8]) {
    let Some(at) = memchr::memchr(b'@', word) else {
        return;
    };
    fields.user = known(&word[..at]);
    let database = &word[at + 1..];
    let end = database.iter().position(|b| matches!(b, b'/' | b'('));
    fields.database = known(&database[..end.unwrap_or(database.len())]);
}

/// `[unknown]` of a session that has not logged in yet; its brackets may have been taken off.
pub(super) fn known(name: &[u8]) -> &[u8] {
    match name {
        b"unknown" | b"[unknown]" => b"",
        _ => name,
    }
}

fn number(word: &[u8]) -> Option<u32> {
    scan::whole(word).and_then(|pid| u32::try_from(pid).ok())
}

/// `%c`: hexadecimal start time and process, `6b01f082.5e15`.
pub(super) fn session_pid(word: &[u8]) -> Option<u32> {
    let dot = memchr::memchr(b'.', word)?;
    let started = &word[..dot];
    if started.len() != 8 || !started.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pid = std::str::from_utf8(&word[dot + 1..]).ok()?;
    u32::from_str_radix(pid, 16).ok()
}

/// Whether a word is like a SQLSTATE of an error: five characters, the first two a class that errors have.
pub(super) fn is_code(word: &[u8]) -> bool {
    const CLASSES: [&[u8; 2]; 24] = [
        b"08", b"0A", b"21", b"22", b"23", b"24", b"25", b"26", b"28", b"2D", b"34", b"3D", b"3F",
        b"40", b"42", b"44", b"53", b"54", b"55", b"57", b"58", b"P0", b"XX", b"F0",
    ];
    let plain = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    word.len() == 5
        && word.iter().all(plain)
        && CLASSES.iter().any(|class| word.starts_with(*class))
}

#[cfg(test)]
mod tests;
