//! Codes of errors as drivers write them: SQLSTATEs and the numbers of MySQL.

use memchr::memmem;

use crate::ingest::slow_log::scan;

/// What stands before a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Number,
}

/// Marks, what follows them, and whether they are a driver's own words; the most telling first.
const MARKS: [(&[u8], Kind, bool); 22] = [
    (b"error code [", Kind::Number, true),
    (b"SQL Error: ", Kind::Number, true),
    (b"errno: ", Kind::Number, false),
    (b"errno\":", Kind::Number, false),
    (b"Error (", Kind::Number, false),
    (b"rror_code: ", Kind::Number, false),
    (b"vendorCode=", Kind::Number, false),
    (b"ErrorCode=", Kind::Number, false),
    (b"(SQLSTATE ", Kind::State, true),
    (b"SQL state [", Kind::State, true),
    (b"SQLState: ", Kind::State, true),
    (b"SqlState: ", Kind::State, true),
    (b"sqlState: ", Kind::State, true),
    (b"SQLState=", Kind::State, true),
    (b"sqlstate: ", Kind::State, true),
    (b"(0x80004005): ", Kind::State, false),
    (b"PostgresException: ", Kind::State, true),
    (b"Code: ", Kind::State, false),
    (b"code: ", Kind::State, false),
    (b"code=", Kind::State, false),
    (b"pgcode: ", Kind::State, true),
    (b"(SQLSTATE=", Kind::State, true),
];

/// Numbers that MySQL and MariaDB give to errors of servers and clients.
const NUMBERS: std::ops::RangeInclusive<u64> = 1000..=5999;

/// A code, and where the text behind it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) behind: usize,
}

/// The code that a record tells. Words that are not only a driver's count where `is_sql`.
pub(super) fn find(record: &[u8], is_sql: bool) -> Option<Code> {
    let known = of_pdo(record)
        .or_else(|| before_state(record))
        .or_else(|| in_tuple(record).filter(|_| is_sql));
    known.or_else(|| {
        let marks = MARKS.iter().filter(|(_, _, is_own)| is_sql || *is_own);
        let mut found = marks.filter_map(|(mark, kind, _)| behind_mark(record, mark, *kind));
        found.next()
    })
}

/// `SQLSTATE[42S22]: Column not found: 1054 Unknown column`, `SQLSTATE[HY000] [1040] Too many connections`: the number
/// where there is one.
fn of_pdo(record: &[u8]) -> Option<Code> {
    let mark = b"SQLSTATE[";
    let at = memmem::find(record, mark)? + mark.len();
    let state = state(&record[at..])?;
    let behind = at + state.len() + 1;
    let rest = &record[behind.min(record.len())..];
    let rest = &rest[..rest.len().min(128)];
    let mut digits = (0..rest.len()).filter(|at| rest[*at].is_ascii_digit());
    let number = digits.next().filter(|at| {
        let before = &rest[..*at];
        before.ends_with(b": ") || before.ends_with(b" [")
    });
    let number = number.and_then(|at| Some((scan::leading_whole(&rest[at..])?, at)));
    Some(match number {
        Some(((number, length), at)) if NUMBERS.contains(&number) => Code {
            code: number.to_string(),
            behind: behind + at + length,
        },
        _ => Code {
            code: state,
            behind,
        },
    })
}

/// `1054 (42S22): Unknown column`: Go's driver, and that of MySQL for Python.
fn before_state(record: &[u8]) -> Option<Code> {
    memmem::find_iter(record, b" (").find_map(|at| {
        let state = state(&record[at + 2..])?;
        let behind = at + 2 + state.len();
        let is_closed = record.get(behind..behind + 2) == Some(b"):");
        let digits = record[..at]
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let number = scan::whole(&record[at - digits..at])?;
        (is_closed && NUMBERS.contains(&number)).then(|| Code {
            code: number.to_string(),
            behind: behind + 2,
        })
    })
}

/// `(1054, "Unknown column 'note' in 'where clause'")`: an exception of Python.
fn in_tuple(record: &[u8]) -> Option<Code> {
    memmem::find_iter(record, b"(").find_map(|at| {
        let (number, length) = scan::leading_whole(record.get(at + 1..)?.get(..8)?)?;
        let rest = &record[at + 1 + length..];
        let is_tuple = rest.starts_with(b", \"") || rest.starts_with(b", '");
        (is_tuple && NUMBERS.contains(&number)).then(|| Code {
            code: number.to_string(),
            behind: at + 1 + length + 3,
        })
    })
}

fn behind_mark(record: &[u8], mark: &[u8], kind: Kind) -> Option<Code> {
    memmem::find_iter(record, mark).find_map(|found| {
        let mut at = found + mark.len();
        while matches!(record.get(at)?, b'\'' | b'"' | b'`' | b' ') {
            at += 1;
        }
        let rest = &record[at..];
        let code = match kind {
            Kind::State => state(rest)?,
            Kind::Number => {
                let (number, _) = scan::leading_whole(&rest[..rest.len().min(8)])?;
                NUMBERS.contains(&number).then(|| number.to_string())?
            }
        };
        let behind = at + code.len();
        Some(Code { code, behind })
    })
}

/// A SQLSTATE, which ends where the word ends.
fn state(text: &[u8]) -> Option<String> {
    let part = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let length = text.iter().take_while(part).count();
    let is_state = length == 5 && text[..5].iter().any(u8::is_ascii_digit);
    let ends = text
        .get(5)
        .is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    (is_state && ends).then(|| String::from_utf8_lossy(&text[..5]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(record: &str, is_sql: bool) -> Option<String> {
        find(record.as_bytes(), is_sql).map(|found| found.code)
    }

    #[test]
    fn the_code_of_every_driver_is_read() {
        for (record, expected) in [
            (
                "SQLSTATE[42S22]: Column not found: 1054 Unknown column 'a'",
                "1054",
            ),
            (
                "SQLSTATE[42703]: Undefined column: 7 ERROR:  column \"a\"",
                "42703",
            ),
            ("SQLSTATE[HY000] [1040] Too many connections", "1040"),
            ("SQLSTATE[08006] [7] connection to server", "08006"),
            ("Error 1054 (42S22): Unknown column 'a'", "1054"),
            (
                "1364 (HY000): Field 'a' doesn't have a default value",
                "1364",
            ),
            (
                "(pymysql.err.OperationalError) (1054, \"Unknown column 'a'\")",
                "1054",
            ),
            (
                "ERROR: column \"a\" does not exist (SQLSTATE 42703)",
                "42703",
            ),
            ("SQL Error: 1054, SQLState: 42S22", "1054"),
            (
                "Npgsql.PostgresException (0x80004005): 42703: column",
                "42703",
            ),
            ("  code: '42703',", "42703"),
            ("  errno: 1054,\n  sqlState: '42S22'", "1054"),
            ("SQL state [42S22]; error code [1054]; Unknown", "1054"),
            ("Raw query failed. Code: `42703`. Message: `column", "42703"),
        ] {
            assert_eq!(code(record, true).as_deref(), Some(expected), "{record}");
        }
    }

    #[test]
    fn what_any_program_may_write_is_no_code() {
        for record in [
            "zip code: '12345'",
            "(1054, \"x\")",
            "errno: 1054",
            "SQLSTATE",
            "1054 (42S22",
            "exit code: 1",
        ] {
            assert_eq!(code(record, false), None, "{record}");
        }
    }
}
