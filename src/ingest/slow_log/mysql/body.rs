//! Takes apart what stands below the header: `use db;`, `SET timestamp=...;` and the statement.

use crate::ingest::slow_log::MAX_STATEMENT_BYTES;
use crate::ingest::slow_log::scan;

/// Longer numbers fit into no time.
const MAX_TIMESTAMP_DIGITS: usize = 18;

/// The parts of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body<'a> {
    /// `use db;` told the database.
    pub(super) database: Option<&'a [u8]>,
    /// `SET timestamp`: when the statement started, in seconds since the Unix epoch.
    pub(super) timestamp: Option<u64>,
    /// The statement without its semicolon; empty when there is none.
    pub(super) sql: &'a [u8],
    /// The text was cut.
    pub(super) truncated: bool,
    /// Nothing stands behind `use db;` and `SET timestamp`.
    is_bare: bool,
}

impl<'a> Body<'a> {
    /// Reads `text`, which ends before the next header.
    pub(super) fn read(text: &'a [u8]) -> Self {
        Self::usual(text).unwrap_or_else(|| Self::any(text))
    }

    /// Reads what nearly every body is, `SET timestamp` and a statement, in few looks; `None` for all else.
    fn usual(text: &'a [u8]) -> Option<Self> {
        let number = text.strip_prefix(b"SET timestamp=")?;
        let (timestamp, length) = scan::short_whole(number, MAX_TIMESTAMP_DIGITS);
        let sql = number[length..].strip_prefix(b";\n")?;
        let has_number = length > 0;
        let starts_well = !matches!(sql.first()?, b'#' | b'\0'..=b' ');
        let whole = sql.strip_suffix(b"\n")?;
        let last = memchr::memrchr(b'\n', whole).map_or(0, |end| end + 1);
        let ends_well = whole.ends_with(b";") && !is_banner(&whole[last..]);
        let is_usual = has_number && starts_well && ends_well && sql.len() <= MAX_STATEMENT_BYTES;
        is_usual.then(|| Self {
            timestamp: Some(timestamp),
            sql: scan::without_end(whole),
            ..Self::default()
        })
    }

    fn any(text: &'a [u8]) -> Self {
        let text = without_banners(text);
        let text = text.trim_ascii_start();
        let ends_well = ends_well(text);
        let mut body = Self::default();
        let mut rest = text;
        let (line, next) = scan::line_at(rest, 0);
        if let Some(database) = database_of(line) {
            body.database = Some(database);
            rest = rest.get(next..).unwrap_or_default();
        }
        let (line, next) = scan::line_at(rest, 0);
        if let Some(timestamp) = timestamp_of(line) {
            body.timestamp = Some(timestamp);
            rest = rest.get(next..).unwrap_or_default();
        }
        body.is_bare = rest.trim_ascii().is_empty();
        // `use db;` may be the statement itself, and so may `SET timestamp`
        let sql = if body.is_bare {
            scan::line_at(text, 0).0
        } else {
            rest
        };
        let sql = administrator_command(sql);
        body.truncated = !ends_well || sql.len() > MAX_STATEMENT_BYTES;
        body.sql = scan::without_end(&sql[..sql.len().min(MAX_STATEMENT_BYTES)]).trim_ascii_start();
        body
    }

    /// A command of the protocol (`Quit`, `Prepare`), not a statement.
    pub(super) fn is_command(&self) -> bool {
        self.sql.starts_with(b"administrator command:")
    }

    /// Whether `text` looks like a whole body: it has a statement, its semicolon and its line end.
    pub(super) fn is_whole(text: &'a [u8]) -> bool {
        let text = without_banners(text);
        text.ends_with(b"\n") && ends_well(text) && !Self::read(text).is_bare
    }
}

fn ends_well(text: &[u8]) -> bool {
    let last = text
        .iter()
        .rev()
        .find(|b| !(b.is_ascii_whitespace() || **b == 0));
    last == Some(&b';')
}

/// `# administrator command: Quit` is told without its `#`, which SQL would take for a comment.
fn administrator_command(sql: &[u8]) -> &[u8] {
    let sql = sql.trim_ascii_start();
    if sql.starts_with(b"# administrator command:") {
        return &sql[2..];
    }
    sql
}

/// The name in `use db;`, without its quotes.
fn database_of(line: &[u8]) -> Option<&[u8]> {
    let (word, rest) = line.split_first_chunk::<4>()?;
    if !word.eq_ignore_ascii_case(b"use ") {
        return None;
    }
    let name = rest.trim_ascii().strip_suffix(b";")?.trim_ascii();
    let name = name.strip_prefix(b"`").unwrap_or(name);
    Some(name.strip_suffix(b"`").unwrap_or(name))
}

/// The number in `SET timestamp=1;` or `SET last_insert_id=2,insert_id=3,timestamp=1;`.
fn timestamp_of(line: &[u8]) -> Option<u64> {
    if let Some(number) = line.strip_prefix(b"SET timestamp=") {
        let (timestamp, length) = scan::leading_whole(number)?;
        if number[length..] == *b";" {
            return Some(timestamp);
        }
    }
    let settings = line.strip_prefix(b"SET ")?.strip_suffix(b";")?;
    let mut timestamp = None;
    for setting in settings.split(|b| *b == b',') {
        let at = memchr::memchr(b'=', setting)?;
        let (number, _) = scan::leading_whole(&setting[at + 1..])?;
        match setting[..at].trim_ascii() {
            b"timestamp" => timestamp = Some(number),
            b"insert_id" | b"last_insert_id" => {}
            _ => return None,
        }
    }
    timestamp
}

/// The text without the lines that a starting server writes behind it.
fn without_banners(mut text: &[u8]) -> &[u8] {
    loop {
        text = trim_end(text);
        let line = memchr::memrchr(b'\n', text.trim_ascii_end()).map_or(0, |end| end + 1);
        if !is_banner(&text[line..]) {
            return text;
        }
        text = &text[..line];
    }
}

/// Without blank lines and holes of `NUL` behind the last line end.
fn trim_end(text: &[u8]) -> &[u8] {
    let last = text
        .iter()
        .rposition(|b| !(b.is_ascii_whitespace() || *b == 0));
    let Some(last) = last else { return b"" };
    let end = scan::line_length(&text[last..]).map_or(text.len(), |length| last + length);
    &text[..end]
}

/// A line that a starting server writes: `mariadbd, Version: ... started with:` and the two below it.
pub(in crate::ingest::slow_log) fn is_banner(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let may_be = line.first() == Some(&b'T') || line.last() == Some(&b':');
    if !may_be {
        return false;
    }
    let version =
        line.ends_with(b"started with:") && memchr::memmem::find(line, b"Version").is_some();
    let port = line.starts_with(b"Tcp port:") || line.starts_with(b"TCP Port:");
    // MySQL and MariaDB put tabs behind the first word.
    let title = line.starts_with(b"Time") && line.ends_with(b"Argument");
    version || port || title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_server_start_are_a_banner() {
        let lines: [&[u8]; 3] = [
            b"/usr/sbin/mariadbd, Version: 10.11.19-MariaDB-log (Debian 12). started with:\n",
            b"Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\n",
            b"Time\t\t    Id Command\tArgument\n",
        ];
        assert!(lines.into_iter().all(is_banner));
        assert!(!is_banner(b"SELECT 1;"));
    }

    #[test]
    fn a_database_and_a_timestamp_stand_before_the_statement() {
        let body = Body::read(
            b"use `shop`;\r\nSET last_insert_id=4,insert_id=7,timestamp=12;\r\nSELECT 1;\r\n",
        );
        assert_eq!(body.database, Some(b"shop".as_slice()));
        assert_eq!(body.timestamp, Some(12));
        assert_eq!(body.sql, b"SELECT 1");
        assert!(!body.truncated);
    }

    #[test]
    fn use_may_be_the_statement_itself() {
        let body = Body::read(b"use shop;\nSET timestamp=12;\n");
        assert_eq!(
            (body.sql, body.timestamp),
            (b"use shop".as_slice(), Some(12))
        );
        assert_eq!(
            Body::read(b"SET timestamp=12;\nuse shop;\n").sql,
            b"use shop"
        );
    }

    #[test]
    fn banners_behind_a_statement_are_not_part_of_it() {
        let body = Body::read(
            b"SET timestamp=12;\nSELECT 1;\n\0\0C:\\bin\\mysqld, Version: 8.0 (x). started with:\nTCP Port: 3306, Named Pipe: x\nTime                 Id Command    Argument\n",
        );
        assert_eq!(body.sql, b"SELECT 1");
        assert!(!body.truncated);
    }

    #[test]
    fn a_statement_without_semicolon_was_cut() {
        assert!(Body::read(b"SELECT 'a").truncated);
        assert!(!Body::is_whole(b"SELECT 1;"));
        assert!(Body::is_whole(b"SELECT 1;\n"));
    }

    #[test]
    fn the_usual_body_is_read_as_any_other() {
        for sql in [
            "SELECT 1;",
            "SELECT 1;;; ;",
            ";",
            "use shop;",
            "SET timestamp=7;",
            "SELECT '\n# x';",
            "SELECT 1;\n\n;",
            "Tcp port: 3306;",
            "SELECT 1;\nTcp port: 3306;",
            "T;",
        ] {
            let text = format!("SET timestamp=12;\n{sql}\n");
            let usual = Body::usual(text.as_bytes());
            assert_eq!(usual.is_some(), !sql.contains("port"), "{sql}");
            let usual = usual.unwrap_or_else(|| Body::any(text.as_bytes()));
            assert_eq!(usual, Body::any(text.as_bytes()), "{sql}");
        }
        for text in [
            "SET timestamp=12;\n SELECT 1;\n",
            "SET timestamp=12;\n# administrator command: Quit;\n",
            "SET timestamp=12;\nSELECT 1\n",
            "SET timestamp=12;\nSELECT 1;",
            "SET timestamp=12;\n\n",
            "SET timestamp=12;\n",
        ] {
            assert_eq!(Body::usual(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_administrator_command_is_told_as_text() {
        let body = Body::read(b"SET timestamp=1;\n# administrator command: Quit;\n");
        assert_eq!(body.sql, b"administrator command: Quit");
    }
}
