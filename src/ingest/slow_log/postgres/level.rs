//! Finds the word before a message, `LOG` or `DETAIL`, which says where the prefix ends.

use super::Severity;
use super::prefix::is_code;
use crate::model::time::Timestamp;

/// A severity stands within this part of a line: a prefix is short.
pub(super) const MAX_PREFIX_BYTES: usize = 1024;

/// What stands behind a severity.
const COLON: &[u8] = b":  ";

/// The longest of these words.
const LONGEST: usize = b"STATEMENT".len();

/// What a line is, by the word before its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Log,
    /// `WARNING`, `NOTICE`, `INFO`, `DEBUG1` ...
    Note,
    /// `ERROR`, `FATAL`, `PANIC`.
    Error,
    Statement,
    Detail,
    Context,
    /// `HINT` and others, of which nothing is read.
    More,
}

impl Level {
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::Log | Self::Note => Severity::Note,
            Self::Error => Severity::Error,
            Self::Statement => Severity::Statement,
            Self::Detail | Self::Context | Self::More => Severity::Detail,
        }
    }
}

/// The parts of a first line.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest::slow_log) struct Parts {
    /// Where the prefix ends.
    pub(super) prefix: usize,
    pub(super) level: Level,
    /// Where the message starts.
    pub(super) message: usize,
    /// Its prefix, but for the time, was seen before.
    pub(super) known: Option<Known>,
}

/// What is known of a line whose prefix was seen before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) at: Timestamp,
    /// Length of the time.
    pub(super) date: usize,
    /// Where the rest of the prefix was seen.
    pub(super) slot: u8,
}

impl Parts {
    /// The prefix of the line that these are the parts of.
    pub(super) fn prefix(self, line: &[u8]) -> &[u8] {
        line.get(..self.prefix).unwrap_or_default()
    }

    /// The same without its digits, which differ from record to record of one process.
    pub(in crate::ingest::slow_log) fn shape(self, line: &[u8]) -> Vec<u8> {
        let is_kept = |b: &u8| !b.is_ascii_digit();
        self.prefix(line).iter().copied().filter(is_kept).collect()
    }

    /// Whether it is part of the record before it.
    pub(in crate::ingest::slow_log) fn is_detail(self) -> bool {
        matches!(
            self.level.severity(),
            Severity::Statement | Severity::Detail
        )
    }

    /// The parts of another line with the prefix of `line`, whose parts these are, its time included.
    #[inline]
    pub(super) fn repeated(self, line: &[u8], other: &[u8]) -> Option<Self> {
        let known = self.known?;
        let is_same = other.starts_with(self.prefix(line));
        is_same.then(|| Self::behind(other, self.prefix, known))?
    }

    /// The parts of a line whose prefix ends at `prefix`, as it was known to do.
    #[inline]
    pub(super) fn behind(line: &[u8], prefix: usize, known: Known) -> Option<Self> {
        let text = line.get(prefix..)?;
        let (level, length) = if text.starts_with(b"LOG:  ") {
            (Level::Log, b"LOG".len())
        } else {
            let colon = text.iter().take(LONGEST + 1).position(|b| *b == b':')?;
            let is_word = text[colon..].starts_with(COLON);
            (level(&text[..colon]).filter(|_| is_word)?, colon)
        };
        Some(Self {
            prefix,
            level,
            message: prefix + length + COLON.len(),
            known: Some(known),
        })
    }
}

/// Finds the severity of a line; `None` for a line that has none, as the lines that continue another.
pub(in crate::ingest::slow_log) fn severity_of(line: &[u8]) -> Option<Parts> {
    if line.first() == Some(&b'\t') {
        return None;
    }
    let head = &line[..line.len().min(MAX_PREFIX_BYTES)];
    // none of the colons in a date stands behind a severity
    let from = if starts_with_date(head) { 19 } else { 0 };
    let mut colons = memchr::memchr_iter(b':', &head[from..]);
    colons.find_map(|colon| {
        let colon = from + colon;
        if !head[colon..].starts_with(COLON) {
            return None;
        }
        let letters = head[..colon]
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            .count();
        let (word, level) = last_word(&head[colon - letters..colon])?;
        Some(Parts {
            prefix: colon - word.len(),
            level,
            message: colon + COLON.len(),
            known: None,
        })
    })
}

/// The severity that `letters` end with: a prefix without a blank at its end touches it, `worker1LOG`.
fn last_word(letters: &[u8]) -> Option<(&[u8], Level)> {
    let from = letters.len().saturating_sub(LONGEST);
    (from..letters.len()).find_map(|at| Some((&letters[at..], level(&letters[at..])?)))
}

/// `log_error_verbosity = verbose` writes the SQLSTATE before the message: `00000: duration: 1 ms ...`.
pub(super) fn verbose(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (code, message) = (text.get(..5)?, text.get(5..)?.strip_prefix(b": ")?);
    let is_note = code.starts_with(b"0") && code.iter().all(u8::is_ascii_alphanumeric);
    (is_note || is_code(code)).then_some((code, message))
}

/// `2026-11-21 19:26:58`
fn starts_with_date(head: &[u8]) -> bool {
    let is_date = |date: &[u8; 19]| {
        let marks = [date[4], date[7], date[10], date[13], date[16]];
        let digits = [date[0], date[14], date[17]];
        marks == *b"-- ::" && digits.iter().all(u8::is_ascii_digit)
    };
    head.first_chunk().is_some_and(is_date)
}

fn level(word: &[u8]) -> Option<Level> {
    Some(match word {
        b"LOG" => Level::Log,
        b"WARNING" | b"NOTICE" | b"INFO" | b"DEBUG" => Level::Note,
        b"DEBUG1" | b"DEBUG2" | b"DEBUG3" | b"DEBUG4" | b"DEBUG5" => Level::Note,
        b"ERROR" | b"FATAL" | b"PANIC" => Level::Error,
        b"STATEMENT" => Level::Statement,
        b"DETAIL" => Level::Detail,
        b"CONTEXT" => Level::Context,
        b"HINT" | b"QUERY" | b"LOCATION" | b"BACKTRACE" => Level::More,
        _ => return None,
    })
}
