//! The statement that a record tells, where its end is certain: what stands behind it may be a value without quotes.
//!
//! | written by | looks like |
//! |---|---|
//! | Spring, Hibernate, jOOQ | `bad SQL grammar [select ...]`, `SQL [select ...]; ...`, `executing SQL [select ...] [...]` |
//! | `SQLAlchemy` | `[SQL: SELECT ...]`, over several lines |
//! | Doctrine | `while executing 'SELECT ...' with params` |
//! | Node.js | `sql: 'SELECT ...'`, `query: "SELECT ..."`, as JavaScript writes strings; knex before its message |
//! | .NET | `CommandTimeout='30']` and the statement on the indented lines below |
//! | `ActiveRecord` before 6, GORM | `: SELECT ...`, `[rows:0] SELECT ...` to the end of the line |
//!
//! Laravel's `(SQL: ...)` is not read: it puts the values into the text without quotes.

use std::borrow::Cow;

use memchr::memmem;

/// Longer statements are cut.
const MAX_STATEMENT_BYTES: usize = 64 << 10;

/// What begins a statement that stands in brackets.
const BRACKETS: [&[u8]; 4] = [b"[SQL: ", b"SQL grammar [", b"SQL [", b"statement ["];

/// What begins a statement that a language has quoted.
const QUOTED: [&[u8]; 8] = [
    b"sql: ",
    b"query: ",
    b"sql=",
    b"query=",
    b"statement=",
    b"parent: ",
    b"while executing ",
    b"Failing statement: ",
];

/// What a statement begins with, and what stands further on: a sentence may begin with `update`, too.
const VERBS: [(&[u8], &[&[u8]]); 12] = [
    (b"select", &[b"from"]),
    (b"insert", &[b"into"]),
    (b"update", &[b"set"]),
    (b"delete", &[b"from"]),
    (b"with", &[b"select", b"insert", b"update", b"delete"]),
    (b"replace", &[b"into"]),
    (b"merge", &[b"into"]),
    (b"create", OBJECTS),
    (b"alter", OBJECTS),
    (b"drop", OBJECTS),
    (b"truncate", &[b"table"]),
    (b"lock", &[b"table", b"tables"]),
];

const OBJECTS: &[&[u8]] = &[
    b"table",
    b"index",
    b"view",
    b"database",
    b"schema",
    b"sequence",
];

/// Words of a statement that are looked at for what stands further on.
const MAX_WORDS: usize = 2000;

/// A statement, and whether it was cut.
pub(super) type Found<'r> = (Cow<'r, [u8]>, bool);

/// The statement that a record tells; `message` is where the words of the server begin.
pub(super) fn find(record: &[u8], message: usize) -> Option<Found<'_>> {
    let found = in_brackets(record)
        .map(Cow::Borrowed)
        .or_else(|| quoted(record))
        .or_else(|| below_command(record).map(Cow::Owned))
        .or_else(|| before_dash(record, message).map(Cow::Borrowed))
        .or_else(|| to_line_end(record).map(Cow::Borrowed))?;
    let is_cut = found.len() > MAX_STATEMENT_BYTES;
    Some(match found {
        _ if !is_cut => (found, false),
        Cow::Borrowed(sql) => (sql[..MAX_STATEMENT_BYTES].into(), true),
        Cow::Owned(mut sql) => {
            sql.truncate(MAX_STATEMENT_BYTES);
            (sql.into(), true)
        }
    })
}

/// Whether a text begins as a statement does.
pub(super) fn is_statement(text: &[u8]) -> bool {
    let parts = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
    let mut words = text.split(parts).filter(|word| !word.is_empty());
    let Some(verb) = words.next() else {
        return false;
    };
    let known = VERBS
        .iter()
        .find(|(known, _)| verb.eq_ignore_ascii_case(known));
    known.is_some_and(|(_, needed)| {
        let mut words = words.take(MAX_WORDS);
        words.any(|word| needed.iter().any(|known| word.eq_ignore_ascii_case(known)))
    })
}

fn in_brackets(record: &[u8]) -> Option<&[u8]> {
    let of_mark = |mark: &&[u8]| {
        let mut found = memmem::find_iter(record, mark).map(|at| &record[at + mark.len()..]);
        found.find_map(bracketed)
    };
    BRACKETS.iter().find_map(of_mark)
}

/// Up to the bracket that nothing of the statement can follow.
fn bracketed(text: &[u8]) -> Option<&[u8]> {
    if !is_statement(text) {
        return None;
    }
    let mut ends = memchr::memchr_iter(b']', text);
    let end = ends.find(|end| {
        let behind = &text[end + 1..];
        let is_end = behind.is_empty()
            || [&b"\n"[..], b"\r\n", b"; ", b" [", b"\""]
                .iter()
                .any(|mark| behind.starts_with(mark));
        is_end && is_balanced(&text[..*end])
    })?;
    Some(&text[..end])
}

/// Whether no quote is open and no bracket is.
fn is_balanced(text: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut open = None;
    for byte in text {
        match (open, byte) {
            (Some(quote), byte) if quote == *byte => open = None,
            (None, b'\'' | b'"' | b'`') => open = Some(*byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth == 0 && open.is_none()
}

fn quoted(record: &[u8]) -> Option<Cow<'_, [u8]>> {
    let of_mark = |mark: &&[u8]| {
        let mut found = memmem::find_iter(record, mark).map(|at| &record[at + mark.len()..]);
        found.find_map(|text| {
            unquoted(text)
                .filter(|sql| is_statement(sql))
                .map(Cow::Owned)
        })
    };
    QUOTED.iter().find_map(of_mark)
}

/// A string as JavaScript, Go and Python write it; parts that `+` joins are one.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut sql = Vec::new();
    let mut rest = text;
    loop {
        let quote = *rest.first().filter(|b| matches!(b, b'\'' | b'"' | b'`'))?;
        let length = string(&rest[1..], quote, &mut sql)?;
        rest = rest[1 + length..].trim_ascii_start();
        let Some(next) = rest.strip_prefix(b"+") else {
            return Some(sql);
        };
        rest = next.trim_ascii_start();
    }
}

/// Reads up to the closing quote, which it counts.
fn string(text: &[u8], quote: u8, into: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        match *text.get(at)? {
            byte if byte == quote => return Some(at + 1),
            b'\\' => {
                at += 1;
                into.push(match *text.get(at)? {
                    b'n' | b'r' | b't' => b' ',
                    other => other,
                });
            }
            byte => into.push(byte),
        }
        at += 1;
        if into.len() > MAX_STATEMENT_BYTES {
            return None;
        }
    }
}

/// `Failed executing DbCommand (5ms) [Parameters=[...], CommandTimeout='30']` and the lines below it.
fn below_command(record: &[u8]) -> Option<Vec<u8>> {
    let at = memmem::find(record, b", CommandTimeout='")?;
    let at = at + memchr::memchr(b'\n', &record[at..])? + 1;
    let mut sql = Vec::new();
    for line in record[at..].split(|b| *b == b'\n') {
        let line = line.trim_ascii_end();
        let is_own = line.starts_with(b"  ") && !line.trim_ascii_start().starts_with(b"at ");
        if !is_own || super::trace::names_exception(line.trim_ascii_start()) {
            break;
        }
        sql.extend_from_slice(line.trim_ascii_start());
        sql.push(b' ');
    }
    is_statement(&sql).then_some(sql)
}

/// `error: select * from orders where note = $1 - column "note" does not exist`.
fn before_dash(record: &[u8], message: usize) -> Option<&[u8]> {
    let before = record.get(..message)?.strip_suffix(b" - ")?;
    let line = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let line = &before[line..];
    let starts = memmem::find_iter(line, b": ").map(|at| at + 2);
    let mut texts = [0].into_iter().chain(starts).map(|at| &line[at..]);
    texts.find(|text| is_statement(text))
}

/// `[rows:0] SELECT ...`, and `: SELECT ...` on a line of its own.
fn to_line_end(record: &[u8]) -> Option<&[u8]> {
    let mut lines = record.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find_map(|line| {
        let text = line.strip_prefix(b": ").or_else(|| behind_rows(line))?;
        is_statement(text).then_some(text)
    })
}

fn behind_rows(line: &[u8]) -> Option<&[u8]> {
    let mark = b"[rows:";
    let at = memmem::find(line, mark)? + mark.len();
    let end = memmem::find(&line[at..], b"] ")?;
    Some(&line[at + end + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(record: &str) -> Option<String> {
        let message = memmem::find(record.as_bytes(), b"column").unwrap_or(record.len());
        let (sql, _) = find(record.as_bytes(), message)?;
        Some(String::from_utf8_lossy(&sql).into_owned())
    }

    #[test]
    fn the_statement_is_read_from_every_driver() {
        for record in [
            "bad SQL grammar [select a from t where b = ?]; nested exception is java.sql.X: x",
            "PreparedStatementCallback; bad SQL grammar [select a from t where b = ?]",
            "could not prepare [x] [n/a]; SQL [select a from t where b = ?]; constraint [null]",
            "JDBC exception executing SQL [select a from t where b = ?] [ERROR: column] [n/a]; SQL [n/a]",
            "(x) (1054, \"y\")\n[SQL: select a from t where b = ?]\n[parameters: ('Alice',)]",
            "error: select a from t where b = ? - column \"b\" does not exist\n    at Parser",
            "  errno: 1054,\n  sql: 'select a from t where b = ?',\n  x: 1",
            "  query: 'select a ' +\n    'from t where b = ?',",
            "An exception occurred while executing 'select a from t where b = ?' with params [\"Alice\"]:",
            "2026/11/22 04:00:00 /app/a.go:7 column\n[0.5ms] [rows:0] select a from t where b = ?",
            "PG::UndefinedColumn: ERROR:  column\nLINE 1: select\n : x\n: select a from t where b = ?",
        ] {
            assert_eq!(
                sql(record).as_deref(),
                Some("select a from t where b = ?"),
                "{record}"
            );
        }
    }

    #[test]
    fn the_lines_below_a_command_of_net_are_its_statement() {
        let record = "fail: x[20102]\n      Failed executing DbCommand (5ms) [Parameters=[@p='?'], CommandTimeout='30']\n      \
                      SELECT a\n      FROM t\n      Npgsql.PostgresException (0x80004005): 42703: column";
        assert_eq!(sql(record).as_deref(), Some("SELECT a FROM t "));
    }

    #[test]
    fn what_has_no_certain_end_or_is_a_sentence_is_no_statement() {
        for record in [
            "SQLSTATE[42S22]: x (SQL: select * from users where name = Alice)",
            "bad SQL grammar [select a from t where b = 'Alice",
            "sql: 'select a from t where b = Alice",
            "error: update failed for Alice - column \"b\" does not exist",
            "query: \"update failed for Alice\"",
            "SQL [n/a]",
        ] {
            assert_eq!(sql(record), None, "{record}");
        }
    }

    #[test]
    fn brackets_and_quotes_of_the_statement_do_not_end_it() {
        let record = "SQL [select a[1] from t where b = 'x]; y' and c = ?]; nested";
        assert_eq!(
            sql(record).as_deref(),
            Some("select a[1] from t where b = 'x]; y' and c = ?")
        );
    }

    #[test]
    fn escapes_of_a_quoted_statement_are_undone() {
        let record = "sql: 'select a\\nfrom t where b = \\'x\\''";
        assert_eq!(
            sql(record).as_deref(),
            Some("select a from t where b = 'x'")
        );
    }
}
