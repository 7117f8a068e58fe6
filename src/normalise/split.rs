//! Cuts a stream into statements: at semicolons outside quotes and comments, or at NUL bytes.

use std::io::{self, BufRead};

use super::marks::is_word_byte;
use super::quoting::{
    comment_end, dollar_fence, escape_string_end, may_start_comment, widest_comment_end,
};
use super::statements::{Options, Separator};
use super::{copy, detect_dialect};
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
    /// Rows of a COPY come next.
    copies: bool,
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
            copies: false,
        }
    }

    /// The next statement that is more than white space and comments.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        if std::mem::take(&mut self.copies) {
            self.skip_rows()?;
        }
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
            if let Some(code) = code {
                self.copies = self.takes_rows(&self.buffer[from + code..from + length]);
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
    fn end_of(&self, text: &[u8]) -> (usize, Option<usize>) {
        if self.options.separator == Separator::Nul {
            let length = memchr::memchr(0, text).unwrap_or(text.len());
            let code = !text[..length].trim_ascii().is_empty();
            return (length, code.then_some(0));
        }
        statement_end(text, self.dialect.unwrap_or_default())
    }

    fn takes_rows(&self, statement: &[u8]) -> bool {
        self.options.separator == Separator::Semicolon
            && self.dialect != Some(Dialect::Mysql)
            && copy::takes_rows(statement)
    }

    /// Skips the rows of a COPY without keeping them.
    fn skip_rows(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..];
            if let Some(length) = copy::rows_end(rest) {
                self.start += length;
                return Ok(());
            }
            // The mark that ends them may stand across two blocks.
            self.start += rest.len().saturating_sub(copy::END.len());
            if self.ended {
                self.start = self.buffer.len();
                return Ok(());
            }
            self.fill()?;
        }
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

/// Index of the `;` that ends the first statement, and where its code begins, if it has any.
pub(super) fn statement_end(text: &[u8], dialect: Dialect) -> (usize, Option<usize>) {
    let mut at = 0;
    let mut code = None;
    while let Some(&byte) = text.get(at) {
        if byte == b';' {
            return (at, code);
        }
        let comment_end = comment(text, at, dialect);
        if comment_end.is_none() && byte > b' ' || text[at..].starts_with(b"/*!") {
            code.get_or_insert(at);
        }
        at = match (comment_end, byte) {
            (Some(end), _) => end,
            (None, b'\'' | b'"' | b'`') => at + quoted(&text[at..], escapes(byte, dialect)),
            (None, b'$') => dollar_quoted(text, at, dialect),
            _ if is_word_byte(byte) => word_end(text, at),
            _ => at + 1,
        };
    }
    (text.len(), code)
}

/// Where the word that starts at `at` ends, with the string that it is the prefix of.
fn word_end(text: &[u8], at: usize) -> usize {
    let length = text[at..].iter().position(|&b| !is_word_byte(b));
    let end = length.map_or(text.len(), |length| at + length);
    let escapes = matches!(text[at..end], [b'e' | b'E']) && text.get(end) == Some(&b'\'');
    if escapes {
        return escape_string_end(text, end + 1).1;
    }
    end
}

/// How a backslash reads inside the quote at `at`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Always,
    Never,
    /// It escapes a quote behind which the text goes on.
    Guess,
}

fn escapes(quote: u8, dialect: Dialect) -> Escapes {
    match dialect {
        _ if quote == b'`' => Escapes::Never,
        Dialect::Mysql => Escapes::Always,
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

/// Where the dollar-quoted text at `at` ends, or the word if it is none.
fn dollar_quoted(text: &[u8], at: usize, dialect: Dialect) -> usize {
    let Some(length) = dollar_fence(text, at) else {
        return word_end(text, at);
    };
    let (fence, body) = text[at..].split_at(length);
    match memchr::memmem::find(body, fence) {
        Some(inside) => at + length + inside + length,
        None if dialect == Dialect::Mysql => word_end(text, at),
        None => text.len(),
    }
}

/// Where the comment at `at` ends, if there is one.
fn comment(text: &[u8], at: usize, dialect: Dialect) -> Option<usize> {
    let rest = &text[at..];
    let dashes = rest.starts_with(b"--")
        && (dialect != Dialect::Mysql || rest.get(2).is_none_or(|b| *b <= b' '));
    let hash = rest.starts_with(b"#")
        && match dialect {
            Dialect::Mysql => true,
            Dialect::Postgres => false,
            Dialect::Generic => may_start_comment(text, at),
        };
    if dashes || hash {
        return Some(memchr::memchr(b'\n', rest).map_or(text.len(), |length| at + length + 1));
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let end = match dialect {
        Dialect::Generic => widest_comment_end(text, at + 2),
        _ => comment_end(text, at + 2, dialect == Dialect::Postgres),
    };
    Some(end.unwrap_or(text.len()))
}
