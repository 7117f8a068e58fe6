//! `sqleuth fingerprint`: splits a stream into statements and writes one line for each.

use std::io::{self, BufRead, Write};

use serde::Serialize;

use super::{Normaliser, Settings, detect_dialect};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, Parsed, TableName};

/// A longer statement is cut and marked as truncated.
const MAX_STATEMENT_BYTES: usize = 64 << 20;

/// What stands between statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Separator {
    /// `;` outside quotes and comments.
    #[default]
    Semicolon,
    /// A NUL byte.
    Nul,
}

/// Options of the command.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `None` guesses for each statement.
    pub dialect: Option<Dialect>,
    /// What stands between statements.
    pub separator: Separator,
    /// JSON lines instead of text.
    pub json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    fingerprint: FingerprintId,
    template: &'a str,
    kind: &'static str,
    tables: &'a [TableName],
    opaque: bool,
    truncated: bool,
}

/// Writes one line for each statement of `input`, in order.
pub fn fingerprint_stream(
    mut input: impl BufRead,
    mut out: impl Write,
    settings: &Settings,
    options: Options,
) -> io::Result<()> {
    let mut normaliser = Normaliser::new(settings, 0);
    let mut emit = |sql: &[u8]| -> io::Result<()> {
        let cut = sql.len() > MAX_STATEMENT_BYTES;
        let sql = &sql[..sql.len().min(MAX_STATEMENT_BYTES)];
        let dialect = options.dialect.unwrap_or_else(|| detect_dialect(sql));
        let found = normaliser.statement(sql, dialect, cut);
        let statement = &found.statement;
        let line = Line {
            fingerprint: statement.fingerprint,
            template: statement.template.as_str(),
            kind: statement.kind().as_str(),
            tables: statement.tables(),
            opaque: matches!(statement.parsed, Parsed::Opaque { .. }),
            truncated: statement.truncated,
        };
        if !options.json {
            out.write_all(&hex(line.fingerprint))?;
            out.write_all(b"  ")?;
            out.write_all(line.template.as_bytes())?;
            return out.write_all(b"\n");
        }
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")
    };
    if options.separator == Separator::Nul {
        let mut sql = Vec::new();
        while input.read_until(0, &mut sql)? > 0 {
            if sql.last() == Some(&0) {
                sql.pop();
            }
            if !sql.trim_ascii().is_empty() {
                emit(&sql)?;
            }
            sql.clear();
        }
    } else {
        let mut text = Vec::new();
        input.read_to_end(&mut text)?;
        let dialect = options.dialect.unwrap_or_else(|| detect_dialect(&text));
        for sql in split_statements(&text, dialect) {
            emit(sql)?;
        }
    }
    out.flush()
}

/// The digits of a fingerprint as it prints; a formatter takes as long as the lexer does for a short statement.
fn hex(fingerprint: FingerprintId) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(fingerprint.0.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    digits
}

/// The statements of `text` without their semicolons; those of only white space and comments are left out.
pub fn split_statements(text: &[u8], dialect: Dialect) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (end, code) = statement_end(rest, dialect);
            let (sql, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            if code {
                return Some(sql.trim_ascii());
            }
        }
        None
    })
}

/// Index of the `;` that ends the first statement, and whether anything but space and comments is before it.
fn statement_end(text: &[u8], dialect: Dialect) -> (usize, bool) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_it_prints() {
        for fingerprint in [0, 1, 0x00c0_ffee_1234_5678, u64::MAX].map(FingerprintId) {
            assert_eq!(hex(fingerprint), fingerprint.to_string().as_bytes());
        }
    }
}
