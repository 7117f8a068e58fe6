//! Which lines belong together: a message, the stack trace below it, and the traces of what caused it.
//!
//! ```text
//! 2026-11-22 04:00:00 ERROR orders failed      a stamp begins a record, and what has none goes on with it
//! java.sql.SQLException: Unknown column ...    an exception goes on with a record that has no frames yet
//!     at com.shop.Orders.load(Orders.java:7)   frames, and all that is indented
//! Caused by: ...                               words that only stand inside of a trace
//! java.sql.SQLException: Duplicate entry ...   the next exception, which nobody stamped
//! ```

use memchr::memmem;

/// Beginnings of lines that stand inside of a trace: Java, Python and `SQLAlchemy`, PostgreSQL's drivers, .NET, PHP, Go.
const INSIDE: [&[u8]; 26] = [
    b"Caused by",
    b"Suppressed: ",
    b"... ",
    b"[SQL",
    b"[parameters: ",
    b"[cached since ",
    b"(Background on this error",
    b"LINE ",
    b"DETAIL: ",
    b"HINT: ",
    b"CONTEXT: ",
    b"QUERY: ",
    b"Query is: ",
    b"java thread: ",
    b"Position: ",
    b"File \"",
    b"at ",
    b"from ",
    b"Stack trace:",
    b"#",
    b"--- ",
    b"Detail: ",
    b"Where: ",
    b": ",
    b"goroutine ",
    b"Next ",
];

/// What Python writes between an exception and the one that came of it.
const CHAINED: [&[u8]; 2] = [b"During handling of the above", b"The above exception was"];

const TRACEBACK: &[u8] = b"Traceback (most recent call last)";

/// Where in a record the last line was.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the lines so far"
)]
pub(super) struct Trace {
    /// It began with a stamp: lines that are like nothing else belong to it, too.
    is_stamped: bool,
    /// It is an object on a line of its own.
    is_whole: bool,
    /// Frames were seen since the last exception.
    has_frames: bool,
    /// The next exception belongs to the frames above it, as in Python.
    expects_exception: bool,
    /// The next trace belongs to the exception above it.
    is_chained: bool,
    /// Below the name of an exception and above its frames: the rest of its message.
    in_message: bool,
    /// Inside of `[SQL: ...]`, which may have many lines.
    in_sql: bool,
}

impl Trace {
    /// Begins with a line.
    pub(super) fn begin(line: &[u8], is_stamped: bool) -> Self {
        Self {
            is_stamped,
            is_whole: is_object(line),
            expects_exception: line.starts_with(TRACEBACK),
            in_message: names_exception(line),
            in_sql: leaves_sql_open(line),
            ..Self::default()
        }
    }

    /// Whether a line goes on with it.
    pub(super) fn goes_on(&mut self, line: &[u8], is_stamped: bool) -> bool {
        if self.is_whole || is_stamped || is_object(line) {
            return false;
        }
        if self.in_sql {
            self.in_sql = !line.ends_with(b"]");
            return true;
        }
        self.in_sql = leaves_sql_open(line);
        if line.is_empty() || is_closing(line) {
            return true;
        }
        if is_indented(line) {
            self.has_frames = true;
            self.in_message = false;
            return true;
        }
        if begins_with_any(line, &CHAINED) {
            self.is_chained = true;
            return true;
        }
        if line.starts_with(TRACEBACK) {
            let is_own = !self.has_frames || self.is_chained;
            self.is_chained = false;
            self.expects_exception = true;
            return is_own;
        }
        if begins_with_any(line, &INSIDE) {
            self.in_message |= line.starts_with(INSIDE[0]);
            return true;
        }
        if names_exception(line) {
            let is_own = !self.has_frames || self.expects_exception;
            self.in_message = !self.expects_exception;
            self.expects_exception = false;
            return is_own;
        }
        self.is_stamped || self.expects_exception || self.in_message
    }
}

/// Whether a trace may begin with the line.
pub(super) fn begins(line: &[u8]) -> bool {
    line.starts_with(TRACEBACK) || names_exception(line)
}

/// A line of JSON.
pub(super) fn is_object(line: &[u8]) -> bool {
    line.starts_with(b"{\"") && line.ends_with(b"}")
}

fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// The end of an object that Node.js has printed, or PostgreSQL's mark below a word.
fn is_closing(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'}' | b']' | b')' | b'^'))
}

fn leaves_sql_open(line: &[u8]) -> bool {
    let at = memmem::rfind(line, b"[SQL: ");
    at.is_some_and(|at| !line[at..].ends_with(b"]"))
}

fn begins_with_any(line: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| line.starts_with(word))
}

/// `java.sql.SQLException: ...`, `PG::UndefinedColumn: ...`, `error: ...`.
pub(super) fn names_exception(line: &[u8]) -> bool {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b':' | b'\\');
    let name = &line[..line.iter().take_while(|b| part(b)).count()];
    let name = name.strip_suffix(b":").unwrap_or(name);
    let is_qualified =
        memchr::memchr2(b'.', b'\\', name).is_some() || memmem::find(name, b"::").is_some();
    let is_named = name.ends_with(b"rror") || name.ends_with(b"xception");
    let is_told = line
        .get(name.len())
        .is_none_or(|b| matches!(b, b':' | b' ' | b'('));
    is_told && (is_named || is_qualified && line.get(name.len()) == Some(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lines the record has that begins with the first of them.
    fn length(lines: &[&str]) -> usize {
        let is_stamped = |line: &str| line.starts_with("2026-");
        let mut trace = Trace::begin(lines[0].as_bytes(), is_stamped(lines[0]));
        let rest = lines[1..].iter();
        1 + rest
            .take_while(|line| trace.goes_on(line.as_bytes(), is_stamped(line)))
            .count()
    }

    #[test]
    fn a_trace_ends_where_the_next_exception_begins() {
        let one = [
            "java.sql.SQLException: a",
            "\tat x.Y.z(Y.java:1)",
            "Caused by: java.lang.Error: b",
            "of more than one line",
            "\tat x.Y.z(Y.java:1)",
            "\t... 7 more",
        ];
        assert_eq!(length(&[&one[..], &one[..]].concat()), one.len());
        assert_eq!(
            length(&[&one[..], &["2026-11-22 ok"][..]].concat()),
            one.len()
        );
    }

    #[test]
    fn a_traceback_goes_on_with_what_came_of_it_and_with_its_statement() {
        let one = [
            "Traceback (most recent call last):",
            "  File \"a.py\", line 1, in <module>",
            "pymysql.err.OperationalError: (1054, \"Unknown column\")",
            "",
            "The above exception was the direct cause of the following exception:",
            "",
            "Traceback (most recent call last):",
            "  File \"a.py\", line 1, in <module>",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1054, \"x\")",
            "[SQL: SELECT id ",
            "FROM orders ",
            "WHERE note = %s]",
            "[parameters: ('x',)]",
            "(Background on this error at: https://sqlalche.me/e/14/e3q8)",
        ];
        assert_eq!(length(&[&one[..], &one[..]].concat()), one.len());
        let plain = [&one[..], &["ready to serve"][..]].concat();
        assert_eq!(length(&plain), one.len());
    }

    #[test]
    fn a_message_with_a_stamp_takes_the_lines_below_it() {
        let lines = [
            "2026-11-22 04:00:00 ERROR cannot load:",
            "SELECT id",
            "FROM orders",
            "",
            "java.sql.SQLException: a",
            "\tat x.Y.z(Y.java:1)",
        ];
        assert_eq!(length(&lines), lines.len());
    }

    #[test]
    fn an_object_is_a_record_of_its_own() {
        assert_eq!(length(&["{\"level\":\"error\"}", "\tat x"]), 1);
    }
}
