//! What MySQL and MariaDB say of errors, where the code does not stand beside it.
//!
//! From the Server Error Reference of MySQL and that of MariaDB.

use memchr::memmem;

/// How a message begins, what it says further on in the same line, and its number.
type Phrase = (&'static [u8], &'static [u8], &'static str);

const PHRASES: &[Phrase] = &[
    (b"Unknown column '", b"", "1054"),
    (b"Duplicate entry '", b"", "1062"),
    (b"You have an error in your SQL syntax", b"", "1064"),
    (b"Deadlock found when trying to get lock", b"", "1213"),
    (b"Lock wait timeout exceeded", b"", "1205"),
    (b"Too many connections", b"", "1040"),
    (b"Access denied for user '", b"", "1045"),
    (b"Unknown database '", b"", "1049"),
    (b"Data too long for column '", b"", "1406"),
    (b"Out of range value for column '", b"", "1264"),
    (b"Column '", b"' cannot be null", "1048"),
    (b"Table '", b"' doesn't exist", "1146"),
    (b"Cannot add or update a child row", b"", "1452"),
    (b"Cannot delete or update a parent row", b"", "1451"),
    (b"maximum statement execution time exceeded", b"", "3024"),
    (
        b"Query execution was interrupted (max_statement_time exceeded)",
        b"",
        "1969",
    ),
    (b"MySQL server has gone away", b"", "2006"),
    (b"Lost connection to MySQL server", b"", "2013"),
    (b"Lost connection to server", b"", "2013"),
    (b"Can't connect to MySQL server", b"", "2003"),
    (b"Can't connect to server on", b"", "2003"),
    (
        b"Host '",
        b"' is blocked because of many connection errors",
        "1129",
    ),
    (b"Table '", b"' is marked as crashed", "145"),
    (b"Incorrect key file for table '", b"", "126"),
    (b"The table '", b"' is full", "1114"),
    (b"Disk is full ", b"", "1021"),
    (b"Out of memory", b"", "1037"),
];

/// The first message of MySQL in `text`: where it begins, and its number.
pub(super) fn find(text: &[u8]) -> Option<(usize, &'static str)> {
    let found = PHRASES.iter().filter_map(|(start, part, code)| {
        let at = memmem::find(text, start)?;
        let line = text[at..].split(|b| *b == b'\n').next().unwrap_or_default();
        let is_whole = part.is_empty() || memmem::find(line, part).is_some();
        is_whole.then_some((at, *code))
    });
    found.min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::server_log::class;
    use crate::model::error::ErrorClass;

    #[test]
    fn the_first_phrase_tells_the_number() {
        let text = b"x: Table 'a.b' doesn't exist; Duplicate entry 'y' for key 'z'";
        assert_eq!(find(text), Some((3, "1146")));
        assert_eq!(find(b"Table 'a.b' is in use"), None);
    }

    #[test]
    fn every_number_has_a_kind() {
        for (_, _, code) in PHRASES {
            assert_ne!(class::of_code(code), ErrorClass::Other, "{code}");
        }
    }
}
