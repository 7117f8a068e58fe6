//! Cuts a dump into statements, in bounded memory: data is passed over while it is read.
//!
//! ```text
//! lines ─► COPY data? ─► directive (\connect, DELIMITER, *** row ***)? ─► quotes, comments ─► statement
//! ```

use crate::model::sql::Dialect;

/// Longer statements are told of and passed over: a table of 4,000 columns has a tenth of it.
const MAX_STATEMENT_BYTES: usize = 1 << 20;
/// First words of statements that say something about tables.
const TELLING: [&str; 7] = ["create", "alter", "drop", "rename", "use", "set", "copy"];

/// One statement, without its terminator and its comments.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// Its text.
    pub(super) text: &'a [u8],
    /// Line of its first word, from 1.
    pub(super) line: u64,
    /// It was too long and is cut here.
    pub(super) cut: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Plain,
    /// In quotes of this kind; `escapes`: a backslash takes the next byte along.
    Quoted {
        quote: u8,
        escapes: bool,
    },
    LineComment,
    BlockComment,
    /// Between `$tag$` and `$tag$`.
    Dollar(Vec<u8>),
    /// Rows behind `COPY ... FROM stdin`.
    Copy,
}

/// Cuts text into statements.
#[derive(Debug)]
pub(super) struct Splitter {
    dialect: Dialect,
    state: State,
    /// The next byte belongs to a backslash.
    escaped: bool,
    /// Inside `/*! ... */`, whose content runs.
    conditional: bool,
    delimiter: Vec<u8>,
    statement: Vec<u8>,
    first_line: u64,
    line: u64,
    depth: u32,
    /// Whether the statement says something about tables; `None` until its first word has ended.
    telling: Option<bool>,
    cut: bool,
}

impl Splitter {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            state: State::Plain,
            escaped: false,
            conditional: false,
            delimiter: b";".to_vec(),
            statement: Vec::new(),
            first_line: 0,
            line: 1,
            depth: 0,
            telling: None,
            cut: false,
        }
    }

    /// Reads a line or, of a very long one, the next part; `begins` for the first part.
    pub(super) fn line(&mut self, part: &[u8], begins: bool, each: &mut dyn FnMut(&Piece<'_>)) {
        let rest = if begins {
            self.begin(part, each)
        } else {
            Some(part)
        };
        if let Some(rest) = rest {
            self.bytes(rest, each);
        }
        if part.ends_with(b"\n") {
            self.line += 1;
            if self.state == State::LineComment {
                self.state = State::Plain;
            }
        }
    }

    /// What is left when the file ends.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(&Piece<'_>)) {
        if self.state != State::Copy {
            self.emit(each);
        }
    }

    /// The part of a line that is SQL; `None` when nothing of it is.
    fn begin<'a>(&mut self, line: &'a [u8], each: &mut dyn FnMut(&Piece<'_>)) -> Option<&'a [u8]> {
        if self.state == State::Copy {
            if line.trim_ascii() == b"\\." {
                self.state = State::Plain;
            }
            return None;
        }
        if self.state != State::Plain {
            return Some(line);
        }
        let text = line.trim_ascii();
        let between = self.statement.is_empty() && self.telling.is_none();
        let may_end = self.telling == Some(false) || self.is_create_table();
        if !between && self.depth == 0 && begins_output(text) && may_end {
            self.emit(each);
        }
        if !self.statement.is_empty() || self.telling.is_some() {
            return Some(line);
        }
        if text.first() == Some(&b'\\') || is_frame(text) {
            return None;
        }
        if let Some(word) = strip_word(text, b"delimiter") {
            self.delimiter = word.trim_ascii().to_vec();
            if self.delimiter.is_empty() {
                self.delimiter = b";".to_vec();
            }
            return None;
        }
        Some(table_output(line).unwrap_or(line))
    }

    fn is_create_table(&self) -> bool {
        let head = self.statement.get(..12).unwrap_or_default();
        head.eq_ignore_ascii_case(b"create table")
    }

    fn bytes(&mut self, part: &[u8], each: &mut dyn FnMut(&Piece<'_>)) {
        let mut at = 0;
        while let Some(&byte) = part.get(at) {
            at += match &self.state {
                State::Plain => self.plain(&part[at..], each),
                State::LineComment | State::Copy => return,
                State::BlockComment => {
                    let end = part[at..].starts_with(b"*/");
                    if end {
                        self.state = State::Plain;
                        self.push(b' ');
                    }
                    1 + usize::from(end)
                }
                State::Quoted { quote, escapes } => {
                    let (quote, escapes) = (*quote, *escapes);
                    self.quoted(byte, quote, escapes);
                    1
                }
                State::Dollar(tag) => {
                    let tag = tag.clone();
                    self.dollar(&part[at..], &tag)
                }
            };
        }
    }

    fn quoted(&mut self, byte: u8, quote: u8, escapes: bool) {
        self.push(byte);
        if self.escaped {
            self.escaped = false;
        } else if escapes && byte == b'\\' {
            self.escaped = true;
        } else if byte == quote {
            self.state = State::Plain;
        }
    }

    fn dollar(&mut self, rest: &[u8], tag: &[u8]) -> usize {
        if !rest.starts_with(tag) {
            self.push(rest[0]);
            return 1;
        }
        self.state = State::Plain;
        // The body of a function says nothing about tables; a literal in its place does as well.
        self.push(b'\'');
        tag.len()
    }

    /// One step outside quotes and comments; returns how many bytes it took.
    fn plain(&mut self, rest: &[u8], each: &mut dyn FnMut(&Piece<'_>)) -> usize {
        if rest.starts_with(&self.delimiter) {
            let taken = self.delimiter.len();
            self.emit(each);
            return taken;
        }
        let mysql = self.dialect == Dialect::Mysql;
        match rest {
            [b'-', b'-', ..] => self.state = State::LineComment,
            [b'#', ..] if mysql => self.state = State::LineComment,
            [b'/', b'*', b'!', ..] | [b'/', b'*', b'M', b'!', ..] => {
                self.conditional = true;
                let mark = rest.iter().position(|b| *b == b'!').unwrap_or(0) + 1;
                let digits = rest[mark..]
                    .iter()
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                return mark + digits;
            }
            [b'/', b'*', ..] => {
                self.state = State::BlockComment;
                return 2;
            }
            [b'*', b'/', ..] if self.conditional => {
                self.conditional = false;
                self.push(b' ');
                return 2;
            }
            [quote @ (b'\'' | b'"' | b'`'), ..] => {
                let e_string = *quote == b'\'' && matches!(self.statement[..], [.., b'E' | b'e']);
                let escapes = *quote != b'`' && (mysql || e_string);
                self.push(*quote);
                self.state = State::Quoted {
                    quote: *quote,
                    escapes,
                };
            }
            [b'$', ..] if !mysql => {
                if let Some(tag) = dollar_tag(rest) {
                    self.push(b'\'');
                    let taken = tag.len();
                    self.state = State::Dollar(tag.to_vec());
                    return taken;
                }
                self.push(b'$');
            }
            _ => self.push(rest[0]),
        }
        1
    }

    fn push(&mut self, byte: u8) {
        match byte {
            _ if self.state != State::Plain => {}
            b'(' => self.depth = self.depth.saturating_add(1),
            b')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.telling == Some(false) {
            return;
        }
        if self.statement.is_empty() {
            if byte.is_ascii_whitespace() {
                return;
            }
            self.first_line = self.line;
        }
        if self.telling.is_none() && !byte.is_ascii_alphabetic() {
            let told = TELLING
                .iter()
                .any(|w| self.statement.eq_ignore_ascii_case(w.as_bytes()));
            self.telling = Some(told);
            if !told {
                self.statement.clear();
                return;
            }
        }
        if self.statement.len() >= MAX_STATEMENT_BYTES {
            self.cut = true;
            return;
        }
        // Bodies of functions are not read.
        if !matches!(self.state, State::Dollar(_)) || byte == b'\'' {
            self.statement.push(byte);
        }
    }

    fn emit(&mut self, each: &mut dyn FnMut(&Piece<'_>)) {
        let text = std::mem::take(&mut self.statement);
        let told = self.telling == Some(true);
        if told {
            each(&Piece {
                text: &text,
                line: self.first_line,
                cut: self.cut,
            });
        }
        self.state = if told && reads_standard_input(&text) {
            State::Copy
        } else {
            State::Plain
        };
        self.telling = None;
        self.cut = false;
        self.escaped = false;
        self.conditional = false;
        self.depth = 0;
    }
}

/// `COPY t (a, b) FROM stdin`: rows follow.
fn reads_standard_input(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut words = lower
        .split(u8::is_ascii_whitespace)
        .filter(|w| !w.is_empty());
    words.next() == Some(b"copy") && words.any(|word| word == b"stdin")
}

/// `$tag$` at the start of `rest`.
fn dollar_tag(rest: &[u8]) -> Option<&[u8]> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let name = rest[1..].iter().take_while(|b| is_name(b)).count();
    let begins_with_digit = rest.get(1).is_some_and(u8::is_ascii_digit);
    let closed = rest.get(1 + name) == Some(&b'$');
    (closed && !begins_with_digit).then(|| &rest[..name + 2])
}

/// Lines that clients draw around the output of `SHOW CREATE TABLE`.
fn is_frame(text: &[u8]) -> bool {
    let titles: [&[u8]; 4] = [b"Table:", b"View:", b"Table\tCreate Table", b"| Table"];
    text.starts_with(b"***")
        || text.starts_with(b"+--")
        || titles.iter().any(|t| text.starts_with(t))
}

/// Whether a line begins another table, although no `;` has ended the one before.
fn begins_output(text: &[u8]) -> bool {
    let is_create = text
        .get(..12)
        .is_some_and(|t| t.eq_ignore_ascii_case(b"create table"));
    is_create
        || is_frame(text)
        || text.starts_with(b"Create Table:")
        || table_output(text).is_some()
}

/// The statement in a row of `SHOW CREATE TABLE`: `Create Table: CREATE ...`, `orders<TAB>CREATE ...`,
/// `| orders | CREATE ...`.
fn table_output(line: &[u8]) -> Option<&[u8]> {
    let text = line.trim_ascii_start();
    if let Some(rest) = text.strip_prefix(b"Create Table:") {
        return Some(rest);
    }
    let mark: &[u8] = if text.first() == Some(&b'|') {
        b"| CREATE TABLE "
    } else {
        b"\tCREATE TABLE "
    };
    let at = memchr::memmem::find(text, mark)?;
    Some(&text[at + 1..])
}

fn strip_word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let head = text.get(..word.len())?;
    let rest = &text[word.len()..];
    let ends = rest.first().is_some_and(u8::is_ascii_whitespace);
    (ends && head.eq_ignore_ascii_case(word)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(dialect: Dialect, text: &str) -> Vec<(u64, String)> {
        let mut splitter = Splitter::new(dialect);
        let mut found = Vec::new();
        let mut each = |piece: &Piece<'_>| {
            let text = String::from_utf8_lossy(piece.text).trim().to_owned();
            found.push((piece.line, text));
        };
        for line in text.split_inclusive('\n') {
            splitter.line(line.as_bytes(), true, &mut each);
        }
        splitter.finish(&mut each);
        found
    }

    fn texts(dialect: Dialect, text: &str) -> Vec<String> {
        split(dialect, text)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn data_is_passed_over_and_lines_are_counted() {
        let dump =
            "-- a; b\nINSERT INTO t VALUES ('it''s; \\'x',1),(2,';');\n\nCREATE TABLE a (b int);\n";
        assert_eq!(
            split(Dialect::Mysql, dump),
            [(4, "CREATE TABLE a (b int)".to_owned())]
        );
    }

    #[test]
    fn copied_rows_are_no_sql() {
        let dump = "COPY t (a) FROM stdin;\n1;\tDROP TABLE t;\n\\.\n\\connect x\nDROP TABLE u;\n";
        assert_eq!(
            texts(Dialect::Postgres, dump),
            ["COPY t (a) FROM stdin", "DROP TABLE u"]
        );
    }

    #[test]
    fn bodies_of_functions_and_triggers_are_no_statements() {
        let dump = "CREATE FUNCTION f() RETURNS int AS $b$ BEGIN DROP TABLE x; END $b$ LANGUAGE plpgsql;\nDROP TABLE a;";
        assert_eq!(texts(Dialect::Postgres, dump)[1..], ["DROP TABLE a"]);
        let dump = "DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN DROP TABLE x; END */;;\nDELIMITER ;\nDROP TABLE a;";
        assert_eq!(texts(Dialect::Mysql, dump)[1..], ["DROP TABLE a"]);
    }

    #[test]
    fn conditional_comments_run() {
        let dump = "CREATE TABLE a (b int) ENGINE=InnoDB\n/*!50100 PARTITION BY HASH (b) */;";
        assert!(texts(Dialect::Mysql, dump)[0].contains("PARTITION BY HASH (b)"));
    }

    #[test]
    fn tables_without_terminators_are_told_apart() {
        let forms = [
            "*** 1. row ***\n  Table: a\nCreate Table: CREATE TABLE `a` (\n `x` int\n) ENGINE=InnoDB\n*** 2. row ***\n  Table: b\nCreate Table: CREATE TABLE `b` (\n `x` int\n)\n",
            "CREATE TABLE a (\n x int\n)\nCREATE TABLE b (\n x int\n)\n",
            "+---+\n| Table | Create Table |\n| a | CREATE TABLE `a` (\n `x` int\n) |\n+---+\n| b | CREATE TABLE `b` (\n `x` int\n) |\n+---+\n",
        ];
        for form in forms {
            assert_eq!(texts(Dialect::Mysql, form).len(), 2, "{form}");
        }
    }

    #[test]
    fn a_statement_without_end_is_cut() {
        let mut splitter = Splitter::new(Dialect::Generic);
        let mut cut = Vec::new();
        splitter.line(b"CREATE TABLE a (", true, &mut |_| {});
        for _ in 0..MAX_STATEMENT_BYTES / 100 {
            splitter.line(&[b'x'; 200], false, &mut |_| {});
        }
        splitter.finish(&mut |piece| cut.push(piece.cut));
        assert_eq!(cut, [true]);
        assert!(splitter.statement.capacity() <= 2 * MAX_STATEMENT_BYTES);
    }
}
