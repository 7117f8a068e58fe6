//! What must hold for any bytes. The targets in `fuzz_targets` only call this.

mod agree;
mod carried;
mod digest;
mod message;
mod otlp;
mod plan;

use std::cell::RefCell;

use sqleuth::ingest::slow_log::{Format, Options, parser as make};
use sqleuth::model::sql::Dialect;
use sqleuth::normalise::ddl::SchemaReader;
use sqleuth::normalise::{Normaliser, Settings, split_statements};

use self::agree::{chosen, in_pieces};
pub use self::carried::{errors, wrapped};
pub use self::digest::digest;
pub use self::message::message;
pub use self::otlp::otlp;
pub use self::plan::plan;

/// The prefix of the recorded logs that the corpus starts from.
const PREFIX: &str = "%m [%p] %q%u@%d/%a ";

/// A log that comes in two pieces is read to its end, and tells what it tells in one.
///
/// The first two bytes say where the log is cut, and whether the prefix of its lines is known. What is guessed of a
/// prefix that is not depends on how much of the log was there: then only the end must be reached.
pub fn parser(format: Format, data: &[u8]) {
    let Some((choice, log)) = chosen(data) else {
        return;
    };
    let is_known = choice % 2 == 0;
    let options = Options {
        log_line_prefix: is_known.then(|| PREFIX.to_owned()),
        ..Options::default()
    };
    let must_agree = is_known || format != Format::PostgresStderr;
    in_pieces(|| make(format, &options), log, choice >> 1, must_agree);
}

thread_local! {
    static NORMALISER: RefCell<Normaliser> = RefCell::new(Normaliser::new(&Settings::default(), 0));
}

/// Any text is a statement: it has an identity, which neither its template nor what stands around it changes.
///
/// The first byte chooses the dialect.
pub fn statement(data: &[u8]) {
    let Some((choice, sql)) = data.split_first() else {
        return;
    };
    let dialect = match choice % 3 {
        0 => Dialect::Mysql,
        1 => Dialect::Postgres,
        _ => Dialect::Generic,
    };
    NORMALISER.with_borrow_mut(|normaliser| {
        let found = normaliser.statement(sql, dialect, false).statement;
        let again = normaliser.statement(sql, dialect, false).statement;
        assert_eq!(found.fingerprint, again.fingerprint);
        // A cut text has no identity of its own: it joins a family, or waits for one.
        let padded = [b" \n".as_slice(), sql].concat();
        let padded = normaliser.statement(&padded, dialect, false).statement;
        assert_eq!(found.fingerprint, padded.fingerprint, "white space before");
        normaliser.statement(&sql[..sql.len() / 2], dialect, true);
    });
}

/// Statements with a `{}` where a string may stand.
const AROUND: [&str; 6] = [
    "SELECT a, {} FROM t WHERE b = {} AND c LIKE {} ORDER BY a LIMIT 5",
    "INSERT INTO t (a, b) VALUES ({}, 1), ({}, NULL)",
    "UPDATE t SET a = {}, b = b + 1 WHERE c IN ({}, {})",
    "SELECT f({}, a) FROM t WHERE CAST({} AS char(9)) = a OR b BETWEEN {} AND {}",
    "SELECT a FROM t UNION ALL SELECT {} FROM s WHERE j->{} = CASE WHEN a THEN {} END",
    "CALL p({}, {})",
];

/// A word that is nowhere else.
const CANARY: &str = "canaryzz";

/// No text in quotes is shown, whole or cut, whatever stands in it.
///
/// The first two bytes choose the dialect, the statement around and where it is cut.
pub fn redaction(data: &[u8]) {
    let Some(([choice, place], body)) = data.split_first_chunk::<2>() else {
        return;
    };
    let (dialect, doubles_backslash) = match choice % 3 {
        0 => (Dialect::Mysql, true),
        1 => (Dialect::Postgres, false),
        _ => (Dialect::Generic, true),
    };
    let body = String::from_utf8_lossy(body).replace('\'', "''");
    let body = if doubles_backslash {
        body.replace('\\', r"\\")
    } else {
        body
    };
    let around = AROUND[usize::from(choice / 3) % AROUND.len()];
    let sql = around.replace("{}", &format!("'{body}{CANARY}{body}'"));
    let cut = sql.len() * usize::from(*place) / 256;
    NORMALISER.with_borrow_mut(|normaliser| {
        for (text, is_cut) in [
            (sql.as_bytes(), false),
            (&sql.as_bytes()[..cut], true),
            (&sql.as_bytes()[..cut], false),
        ] {
            let statement = normaliser.statement(text, dialect, is_cut).statement;
            let shown = statement.template.as_str().to_ascii_lowercase();
            assert!(!shown.contains(CANARY), "{shown}");
            assert!(
                !statement
                    .tables()
                    .iter()
                    .any(|table| table.contains(CANARY)),
                "{shown}"
            );
        }
    });
}

/// Statements of a text are parts of it, in its order.
pub fn statements(data: &[u8]) {
    for dialect in [Dialect::Mysql, Dialect::Postgres, Dialect::Generic] {
        let mut from = 0;
        for sql in split_statements(data, dialect) {
            let at = sql.as_ptr() as usize - data.as_ptr() as usize;
            assert!(at >= from && at + sql.len() <= data.len());
            from = at + sql.len();
        }
    }
}

/// A dump of any bytes is read to its end, and what cannot be read is counted at least once for each note of it.
pub fn schema(data: &[u8]) {
    let mut reader = SchemaReader::default();
    let read = reader.read("dump.sql", data);
    assert!(read.is_ok(), "bytes in memory cannot fail to be read");
    let (_, notes, unread) = reader.finish();
    assert!(notes.len() as u64 <= unread);
}
