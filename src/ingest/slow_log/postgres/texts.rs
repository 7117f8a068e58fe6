//! What the start of a statement's text says of it.

use super::Record;

/// The text that an `EXECUTE` runs, which the server tells beside it: `prepare: PREPARE name (int) AS SELECT ...`.
pub(super) fn prepared_text<'r>(record: &'r Record<'_>, sql: &'r [u8]) -> &'r [u8] {
    const EXECUTE: &[u8] = b"EXECUTE";
    let is_execute = sql
        .get(..EXECUTE.len())
        .is_some_and(|word| word.eq_ignore_ascii_case(EXECUTE));
    if !is_execute {
        return sql;
    }
    let text = record.detail.strip_prefix(b"prepare: ");
    text.and_then(behind_as).unwrap_or(sql)
}

/// What stands behind the AS of `PREPARE name (numeric(10, 2), text) AS SELECT ...`.
fn behind_as(text: &[u8]) -> Option<&[u8]> {
    let rest = behind_word(text, b"PREPARE")?;
    let name = match rest.strip_prefix(b"\"") {
        Some(quoted) => memchr::memchr(b'"', quoted)? + 2,
        None => rest
            .iter()
            .position(|b| b.is_ascii_whitespace() || *b == b'(')?,
    };
    let mut rest = rest[name..].trim_ascii_start();
    if rest.first() == Some(&b'(') {
        let mut depth = 0_usize;
        let end = rest.iter().position(|byte| {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })?;
        rest = rest[end + 1..].trim_ascii_start();
    }
    behind_word(rest, b"AS")
}

fn behind_word<'t>(text: &'t [u8], word: &[u8]) -> Option<&'t [u8]> {
    begins_with(text, word).then(|| text.trim_ascii_start()[word.len()..].trim_ascii_start())
}

/// Whether a statement reads from a cursor, which runs a little of it each time.
pub(super) fn fetches(sql: &[u8]) -> bool {
    begins_with(sql, b"fetch") || begins_with(sql, b"move")
}

/// Whether a plan is of a cursor: it is logged when that is closed, and tells all its fetches together.
pub(super) fn declares(sql: &[u8]) -> bool {
    begins_with(sql, b"declare")
}

fn begins_with(sql: &[u8], word: &[u8]) -> bool {
    let sql = sql.trim_ascii_start();
    let begins = sql
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins && sql.get(word.len()).is_some_and(u8::is_ascii_whitespace)
}
