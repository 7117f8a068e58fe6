//! Cuts a stream into statements: at semicolons outside quotes and comments, or at NUL bytes.

use std::io::{self, BufRead};

use super::detect_dialect;
use super::statements::{Options, Separator};
use crate::model::sql::Dialect;

/// A longer statement is cut and marked as truncated; what is left of it is skipped.
const MAX_STATEMENT_BYTES: usize = 64 << 20;

/// A statement of the stream.
pub(super) struct Found<'a> {
    /// Its text, without the separator.
    pub(super) sql: &'a [u8],
    /// It was longer than a statement may be.
    pub(super) cut: bool,
}

/// Reads statements one by one and holds little more than one of them.
pub(super) struct Reader<R> {
    input: R,
    options: Options,
    dialect: Option<Dialect>,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R, options: Options) -> Self {
        Self {
            input,
            options,
            dialect: options.dialect,
            buffer: Vec::new(),
            start: 0,
            ended: false,
        }
    }

    /// The next statement that is more than white space and comments.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        loop {
            let rest = &self.buffer[self.start..];
            let (length, code) = self.end_of(rest);
            let separated = length < rest.len();
            if !separated && !self.ended {
                if rest.len() <= MAX_STATEMENT_BYTES {
                    self.fill()?;
                    continue;
                }
                self.skip_rest()?;
                let sql = &self.buffer[..MAX_STATEMENT_BYTES];
                return Ok(Some(Found { sql, cut: true }));
            }
            let from = self.start;
            self.start += length + usize::from(separated);
            if code {
                let cut = length > MAX_STATEMENT_BYTES;
                let sql = self.buffer[from..from + length.min(MAX_STATEMENT_BYTES)].trim_ascii();
                return Ok(Some(Found { sql, cut }));
            }
            if !separated {
                return Ok(None);
            }
        }
    }

    /// Where the first statement of `text` ends, and whether it says anything.
    fn end_of(&self, text: &[u8]) -> (usize, bool) {
        if self.options.separator == Separator::Nul {
            let length = memchr::memchr(0, text).unwrap_or(text.len());
            return (length, !text[..length].trim_ascii().is_empty());
        }
        statement_end(text, self.dialect.unwrap_or_default())
    }

    /// Reads as much again as is held, so that a long statement is looked through but a few times.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = self.buffer.len() * 2;
        loop {
            let more = self.input.fill_buf()?;
            let length = more.len();
            self.ended = length == 0;
            self.buffer.extend_from_slice(more);
            self.input.consume(length);
            if self.ended || self.buffer.len() >= wanted {
                break;
            }
        }
        if self.dialect.is_none() {
            self.dialect = Some(detect_dialect(&self.buffer));
        }
        Ok(())
    }

    /// Skips what is left of a statement that is too long: to the next separator at the end of a line.
    fn skip_rest(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.buffer.truncate(MAX_STATEMENT_BYTES);
        self.start = self.buffer.len();
        let nul = self.options.separator == Separator::Nul;
        let mut before = 0;
        loop {
            let more = self.input.fill_buf()?;
            self.ended = more.is_empty();
            let is_end = |&byte: &u8| {
                let line_end = std::mem::replace(&mut before, byte) == b';' && byte == b'\n';
                if nul { byte == 0 } else { line_end }
            };
            let end = more.iter().position(is_end);
            let length = end.map_or(more.len(), |at| at + 1);
            self.input.consume(length);
            if self.ended || end.is_some() {
                return Ok(());
            }
        }
    }
}

/// Index of the `;` that ends the first statement, and whether anything but space and comments is before it.
pub(super) fn statement_end(text: &[u8], dialect: Dialect) -> (usize, bool) {
    let mut at = 0;
    let mut code = false;
    while let Some(&byte) = text.get(at) {
        if byte == b';' {
            return (at, code);
        }
        let comment_end = comment(&text[at..], dialect);
        code |= comment_end.is_none() && byte > b' ' || text[at..].starts_with(b"/*!");
        at += match (comment_end, byte) {
            (Some(length), _) => length,
            (None, b'\'' | b'"' | b'`') => quoted(&text[at..], escapes(text, at, byte, dialect)),
            (None, b'$') if dialect != Dialect::Mysql => dollar_quoted(&text[at..]),
            _ => 1,
        };
    }
    (text.len(), code)
}

/// How a backslash reads inside the quote at `at`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Always,
    Never,
    /// It escapes a quote behind which the text goes on.
    Guess,
}

fn escapes(text: &[u8], at: usize, quote: u8, dialect: Dialect) -> Escapes {
    let escape_string = at > 0
        && matches!(text[at - 1], b'e' | b'E')
        && (at == 1 || !text[at - 2].is_ascii_alphanumeric());
    match dialect {
        _ if quote == b'`' => Escapes::Never,
        Dialect::Mysql => Escapes::Always,
        _ if quote == b'\'' && escape_string => Escapes::Always,
        Dialect::Postgres => Escapes::Never,
        Dialect::Generic => Escapes::Guess,
    }
}

/// Length of the quoted text that `text` starts with.
fn quoted(text: &[u8], escapes: Escapes) -> usize {
    let quote = text[0];
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        let next = text.get(at + 1).copied();
        let after = text.get(at + 2).copied().unwrap_or(b';');
        let ends_there = after <= b' ' || matches!(after, b',' | b';' | b')');
        let escaped = byte == b'\\'
            && match escapes {
                Escapes::Always => true,
                Escapes::Never => false,
                Escapes::Guess => next != Some(quote) || !ends_there,
            };
        if escaped || (byte == quote && next == Some(quote)) {
            at += 2;
        } else if byte == quote {
            return at + 1;
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Length of the dollar-quoted text that `text` starts with, or 1 if it is none.
fn dollar_quoted(text: &[u8]) -> usize {
    let Some(tag) = text[1..].iter().take(64).position(|&b| b == b'$') else {
        return 1;
    };
    let fence = &text[..tag + 2];
    let named = fence[1..=tag]
        .iter()
        .all(|&b| b.is_ascii_alphanumeric() || b == b'_');
    let numbered = fence.get(1).is_some_and(u8::is_ascii_digit);
    if !named || numbered {
        return 1;
    }
    let body = &text[fence.len()..];
    memchr::memmem::find(body, fence).map_or(text.len(), |at| at + 2 * fence.len())
}

/// Length of the comment that `text` starts with.
fn comment(text: &[u8], dialect: Dialect) -> Option<usize> {
    let to =
        |mark: &[u8]| memchr::memmem::find(text, mark).map_or(text.len(), |at| at + mark.len());
    let dashes = text.starts_with(b"--")
        && (dialect != Dialect::Mysql || text.get(2).is_none_or(|b| *b <= b' '));
    let hash = text.starts_with(b"#") && dialect == Dialect::Mysql;
    if dashes || hash {
        return Some(to(b"\n"));
    }
    if !text.starts_with(b"/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = text.get(at..at + 2) {
        match pair {
            b"/*" if depth == 0 || dialect == Dialect::Postgres => {
                depth += 1;
                at += 2;
            }
            b"*/" if depth == 1 => return Some(at + 2),
            b"*/" => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    Some(text.len())
}
