//! `sqleuth fingerprint`: splits a stream into statements and writes one line for each.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde::Serialize;

use super::split::{Found, Reader, statement_end};
use super::{Likes, Normalised, Normaliser, Repeats, Settings, Tags, copy, detect_dialect};
use crate::model::id::FingerprintId;
use crate::model::sql::{Dialect, Parsed, SetOps, TableName};

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
    attributes: Attributes,
}

/// What the text has beside the identity of its statement.
#[derive(Serialize)]
struct Attributes {
    #[serde(flatten)]
    repeats: Repeats,
    set_operations: u32,
    or_terms: u32,
    like: Likes,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    tags: Option<Arc<Tags>>,
}

impl Attributes {
    fn of(found: &Normalised) -> Self {
        let shape = found.statement.shape();
        let sum = |ops: SetOps| {
            ops.union
                .saturating_add(ops.union_all)
                .saturating_add(ops.other)
        };
        Self {
            repeats: found.attributes.repeats,
            like: found.attributes.likes,
            offset: found.attributes.offset,
            tags: found.attributes.tags.clone(),
            or_terms: shape.map_or(0, |shape| shape.set_ops.or_terms),
            set_operations: shape.map_or(0, |shape| sum(shape.set_ops)),
        }
    }
}

/// Writes one line for each statement of `input`, in order, as soon as it is read.
pub fn fingerprint_stream(
    input: impl BufRead,
    mut out: impl Write,
    settings: &Settings,
    options: Options,
) -> io::Result<()> {
    let mut normaliser = Normaliser::new(settings, 0);
    let mut reader = Reader::new(input, options);
    while let Some(Found { sql, cut }) = reader.next()? {
        let dialect = options.dialect.unwrap_or_else(|| detect_dialect(sql));
        let found = normaliser.statement(sql, dialect, cut);
        write_line(&mut out, &found, options.json)?;
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

fn write_line(mut out: impl Write, found: &Normalised, json: bool) -> io::Result<()> {
    let statement = &found.statement;
    let line = Line {
        fingerprint: statement.fingerprint,
        template: statement.template.as_str(),
        kind: statement.kind().as_str(),
        tables: statement.tables(),
        opaque: matches!(statement.parsed, Parsed::Opaque { .. }),
        truncated: statement.truncated,
        attributes: Attributes::of(found),
    };
    if !json {
        out.write_all(&hex(line.fingerprint))?;
        out.write_all(b"  ")?;
        out.write_all(line.template.as_bytes())?;
        return out.write_all(b"\n");
    }
    serde_json::to_writer(&mut out, &line)?;
    out.write_all(b"\n")
}

/// The statements of `text` without their semicolons; those of only white space and comments are left out.
pub fn split_statements(text: &[u8], dialect: Dialect) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (end, code) = statement_end(rest, dialect);
            let (sql, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            let Some(code) = code else { continue };
            if dialect != Dialect::Mysql && copy::takes_rows(&sql[code..]) {
                let rows = copy::rows_end(rest).unwrap_or(rest.len());
                rest = &rest[rows..];
            }
            return Some(sql.trim_ascii());
        }
        None
    })
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
