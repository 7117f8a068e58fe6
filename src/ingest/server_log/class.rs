//! Which kind of error a code stands for, and a code for the texts that come without one.
//!
//! SQLSTATE: PostgreSQL manual, appendix A (Error Codes). Numbers: MySQL Server Error Reference, and that of MariaDB.

use crate::model::error::ErrorClass;
use crate::model::event::Outcome;

use ErrorClass::{
    Access, Cancelled, ConnectionAborted, ConnectionRefused, Constraint, Crash, Deadlock, LockWait,
    Other, Resource, Schema, Timeout,
};

/// Whole SQLSTATEs that are not what their class (the first two characters) is.
const STATES: &[(&str, ErrorClass)] = &[
    ("08001", ConnectionRefused),
    ("08004", ConnectionRefused),
    ("40001", Deadlock),
    ("40P01", Deadlock),
    ("42501", Access),
    ("55P03", LockWait),
    ("57P03", ConnectionRefused),
    ("57P04", Cancelled),
    ("25P03", Timeout),
    ("25P04", Timeout),
    ("57P05", Timeout),
    ("53300", ConnectionRefused),
    ("HYT00", Timeout),
    ("HYT01", Timeout),
];

/// First two characters of SQLSTATEs.
const STATE_CLASSES: &[(&str, ErrorClass)] = &[
    ("08", ConnectionAborted),
    ("22", Constraint),
    ("23", Constraint),
    ("28", Access),
    ("34", Schema),
    ("3D", Schema),
    ("3F", Schema),
    ("42", Schema),
    ("44", Constraint),
    ("53", Resource),
    ("54", Resource),
    ("57", Cancelled),
    ("58", Resource),
    ("XX", Resource),
];

/// Error numbers of MySQL and MariaDB servers and clients.
const NUMBERS: &[(&[u32], ErrorClass)] = &[
    (&[1213, 1614, 3101], Deadlock),
    (&[1205, 3058, 3572], LockWait),
    (&[1317, 1053, 1927], Cancelled),
    (&[1969, 3024, 1028], Timeout),
    (
        &[1040, 1203, 1226, 1129, 1130, 2002, 2003, 2005, 1135],
        ConnectionRefused,
    ),
    (
        &[1152, 1153, 1158, 1159, 1160, 1161, 1184, 2006, 2013, 2055],
        ConnectionAborted,
    ),
    (
        &[1044, 1045, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 1410],
        Access,
    ),
    (
        &[
            1022, 1048, 1062, 1136, 1169, 1216, 1217, 1242, 1264, 1265, 1292, 1364, 1366, 1406,
            1451, 1452, 1557, 1586, 1690, 1761, 1762, 3819, 4025,
        ],
        Constraint,
    ),
    (
        &[
            1049, 1051, 1052, 1054, 1055, 1056, 1059, 1060, 1061, 1064, 1065, 1066, 1072, 1091,
            1109, 1110, 1111, 1140, 1146, 1149, 1176, 1222, 1241, 1247, 1248, 1305, 1582, 1630,
            1356,
        ],
        Schema,
    ),
    (
        &[
            1021, 1034, 1035, 1037, 1038, 1041, 1114, 1194, 1195, 1206, 3, 5, 28, 126, 127, 145,
            1030, 1459, 1877, 1932,
        ],
        Resource,
    ),
];

/// Beginnings of texts, for logs that do not tell the code; from `errcodes.txt` and the sources of PostgreSQL 15.
const POSTGRES_TEXTS: &[(&[u8], &str)] = &[
    (b"canceling statement due to lock timeout", "55P03"),
    (b"canceling statement due to ", "57014"),
    (b"canceling autovacuum task", "57014"),
    (b"terminating connection due to idle", "25P03"),
    (b"terminating connection", "57P01"),
    (b"deadlock detected", "40P01"),
    (b"could not serialize access", "40001"),
    (b"could not obtain lock", "55P03"),
    (b"duplicate key value violates unique constraint", "23505"),
    (b"null value in column", "23502"),
    (b"syntax error", "42601"),
    (b"password authentication failed", "28P01"),
    (b"no pg_hba.conf entry", "28000"),
    (b"permission denied", "42501"),
    (b"sorry, too many clients already", "53300"),
    (b"remaining connection slots are reserved", "53300"),
    (b"too many connections for ", "53300"),
    (b"the database system is ", "57P03"),
    (b"could not receive data from client", "08006"),
    (b"could not send data to client", "08006"),
    (b"connection to client lost", "08006"),
    (b"unexpected EOF on client connection", "08006"),
    (b"out of memory", "53200"),
    (b"out of shared memory", "53200"),
    (b"division by zero", "22012"),
    (b"invalid input syntax for ", "22P02"),
    (b"value too long for type", "22001"),
    (b"current transaction is aborted", "25P02"),
];

/// What a part of a text says where its beginning is a name: `relation "x" does not exist`.
const POSTGRES_PARTS: &[(&[u8], &[u8], &str)] = &[
    (b"column ", b" does not exist", "42703"),
    (b"relation ", b" does not exist", "42P01"),
    (b"function ", b" does not exist", "42883"),
    (b"operator ", b" does not exist", "42883"),
    (b"database ", b" does not exist", "3D000"),
    (b"role ", b" does not exist", "28000"),
    (b"schema ", b" does not exist", "3F000"),
    (
        b"insert or update on table ",
        b" violates foreign key constraint",
        "23503",
    ),
    (
        b"update or delete on table ",
        b" violates foreign key constraint",
        "23503",
    ),
    (
        b"new row for relation ",
        b" violates check constraint",
        "23514",
    ),
    (b"missing FROM-clause entry for table ", b"", "42P01"),
    (b"could not extend file ", b"", "53100"),
    (b"could not write to file ", b"", "53100"),
];

/// Codes of Prisma, which stand in the place of those of the server: Prisma's Error message reference.
const PRISMA: &[(&str, ErrorClass)] = &[
    ("P1000", Access),
    ("P1001", ConnectionRefused),
    ("P1002", ConnectionRefused),
    ("P1003", Schema),
    ("P1008", Timeout),
    ("P1010", Access),
    ("P1017", ConnectionAborted),
    ("P2000", Constraint),
    ("P2002", Constraint),
    ("P2003", Constraint),
    ("P2004", Constraint),
    ("P2005", Constraint),
    ("P2006", Constraint),
    ("P2007", Constraint),
    ("P2011", Constraint),
    ("P2012", Constraint),
    ("P2013", Constraint),
    ("P2014", Constraint),
    ("P2020", Constraint),
    ("P2021", Schema),
    ("P2022", Schema),
    ("P2024", ConnectionRefused),
    ("P2025", Constraint),
    ("P2028", Timeout),
    ("P2034", Deadlock),
    ("P2037", ConnectionRefused),
];

/// How a server died, which no SQLSTATE tells: `signal 9`, `exit code 2`.
const CRASHES: [&str; 3] = ["signal ", "exit code ", "recovery"];

/// The kind of a SQLSTATE or of an error number.
pub fn of_code(code: &str) -> ErrorClass {
    if CRASHES.iter().any(|crash| code.starts_with(crash)) {
        return Crash;
    }
    if code.len() == 5 && !code.bytes().all(|b| b.is_ascii_digit()) || code.starts_with('0') {
        return of_state(code);
    }
    let Ok(number) = code.parse::<u32>() else {
        return Other;
    };
    // five digits and no letter: error numbers of servers have four, SQLSTATEs five
    if code.len() == 5 {
        return of_state(code);
    }
    let known = NUMBERS.iter().find(|(all, _)| all.contains(&number));
    known.map_or(Other, |(_, class)| *class)
}

fn of_state(code: &str) -> ErrorClass {
    let whole = STATES.iter().chain(PRISMA);
    if let Some((_, class)) = whole.into_iter().find(|(state, _)| *state == code) {
        return *class;
    }
    let known = STATE_CLASSES
        .iter()
        .find(|(class, _)| code.starts_with(class));
    known.map_or(Other, |(_, class)| *class)
}

/// The kind of an error of PostgreSQL: a timeout and a lock timeout share their code with other errors.
pub fn of_postgres(code: &str, text: &[u8]) -> ErrorClass {
    if text.starts_with(b"canceling statement due to statement timeout") {
        return Timeout;
    }
    of_code(code)
}

/// The SQLSTATE of a text of PostgreSQL that came without; empty when it is not known.
pub fn postgres_code(text: &[u8]) -> &'static str {
    if let Some((_, code)) = POSTGRES_TEXTS
        .iter()
        .find(|(start, _)| text.starts_with(start))
    {
        return code;
    }
    let head = &text[..text.len().min(1024)];
    let part = |(start, part, _): &&(&[u8], &[u8], &str)| {
        head.starts_with(start) && (part.is_empty() || memchr::memmem::find(head, part).is_some())
    };
    POSTGRES_PARTS
        .iter()
        .find(part)
        .map_or("", |(_, _, code)| code)
}

/// What becomes of a run that ended with an error of this kind.
pub fn outcome(class: ErrorClass, code: std::sync::Arc<str>) -> Outcome {
    match class {
        Timeout | Cancelled => Outcome::Cancelled { code },
        _ => Outcome::Error { code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_numbers_are_told_apart() {
        for (code, class) in [
            ("42703", Schema),
            ("42601", Schema),
            ("1054", Schema),
            ("23505", Constraint),
            ("1062", Constraint),
            ("40P01", Deadlock),
            ("1213", Deadlock),
            ("1205", LockWait),
            ("55P03", LockWait),
            ("53300", ConnectionRefused),
            ("1040", ConnectionRefused),
            ("08006", ConnectionAborted),
            ("08S01", ConnectionAborted),
            ("53200", Resource),
            ("57014", Cancelled),
            ("HY000", Other),
            ("", Other),
            ("99999999999999999999", Other),
        ] {
            assert_eq!(of_code(code), class, "{code}");
        }
    }

    #[test]
    fn a_text_without_a_code_gets_that_of_the_manual() {
        for (text, code) in [
            ("column \"note\" does not exist", "42703"),
            ("column u.note does not exist", "42703"),
            ("relation \"orders\" does not exist", "42P01"),
            ("sorry, too many clients already", "53300"),
            ("canceling statement due to lock timeout", "55P03"),
            ("canceling statement due to statement timeout", "57014"),
            ("something that nobody has ever seen", ""),
        ] {
            assert_eq!(postgres_code(text.as_bytes()), code, "{text}");
        }
    }

    #[test]
    fn a_statement_timeout_is_no_cancelling_client() {
        let text = b"canceling statement due to statement timeout";
        assert_eq!(of_postgres("57014", text), Timeout);
        let text = b"canceling statement due to user request";
        assert_eq!(of_postgres("57014", text), Cancelled);
    }
}
