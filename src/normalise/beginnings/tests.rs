//! What is known of texts that were read before.

use proptest::prelude::*;

use super::*;
use crate::normalise::again::lex_known;
use crate::normalise::dialect::Rules;
use crate::normalise::lexer::lex;

const PARTS: [&str; 76] = [
    "SELECT ",
    "a",
    " FROM t ",
    "WHERE b = ",
    "b=",
    "7",
    "42 ",
    "'x'",
    "''",
    "'it\\'s",
    "`q`",
    "`q``r`",
    "`q",
    "\"n\"",
    "N",
    "x",
    "_utf8",
    "E",
    "&",
    "&&",
    "(",
    ")",
    ",",
    ", ",
    "=",
    "==",
    "=>",
    "<",
    "<=",
    "<->",
    "-",
    "->",
    "-- c\n",
    "/* c */",
    "/*+ h */",
    "*/",
    ".",
    "..",
    ".5",
    "::int",
    " IN (",
    " LIMIT ",
    " TRUE",
    "?",
    "$1",
    ":p",
    ";",
    "\u{feff}",
    "/* traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' */ ",
    "INSERT INTO t VALUES (",
    "), (",
    " LIKE ",
    " LIKE CONCAT(",
    "'%a_'",
    "'$.a'",
    "'#0123abcd'",
    " ORDER BY ",
    " OFFSET ",
    "->",
    "json_extract(",
    "a[",
    "]",
    " path ",
    "-7",
    " - ",
    "7.25",
    "7.",
    "1e5",
    "0x1F",
    "12345678",
    "1234567890123456789",
    "123456789012345678901",
    " AND ",
    " BETWEEN ",
    " FROM ",
    " AS ",
];

proptest! {
    #[test]
    fn a_text_is_read_the_same_whatever_was_read_before(
        texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&PARTS[..]), 0..10), 1..5),
        shared in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..8),
        dialect in prop::sample::select(&[Dialect::Mysql, Dialect::Postgres, Dialect::Generic][..]),
    ) {
        let mut beginnings = Beginnings::default();
        let (mut alone, mut known) = (Stream::default(), Stream::default());
        for text in &texts {
            let sql = format!("{}{}", shared.concat(), text.concat());
            for _ in 0..4 {
                lex(sql.as_bytes(), Rules::of(dialect), &mut alone);
                lex_known(sql.as_bytes(), dialect, &mut known, &mut beginnings);
                prop_assert_eq!(known.key(), alone.key(), "{}", sql);
                known.known_key = None;
                prop_assert_eq!(format!("{:?}", known), format!("{:?}", alone), "{}", sql);
            }
        }
    }
}

fn known_bytes(first: &str, second: &str) -> Option<usize> {
    let mut beginnings = Beginnings::default();
    let mut stream = Stream::default();
    lex_known(
        first.as_bytes(),
        Dialect::Mysql,
        &mut stream,
        &mut beginnings,
    );
    stream.clear();
    let reached = beginnings.resume(second.as_bytes(), 0, Dialect::Mysql, &mut stream);
    reached.map(|reached| reached.at)
}

#[test]
fn what_differs_in_its_values_begins_alike_up_to_the_first() {
    let text = "SELECT name FROM customers WHERE id = ";
    assert_eq!(
        known_bytes(&format!("{text}7"), &format!("{text}12 AND b = 5")),
        Some(text.len())
    );
    assert_eq!(
        known_bytes(&format!("{text}'a'"), &format!("{text}'b'")),
        Some(text.len())
    );
    let prepared = "SELECT name FROM t WHERE id = $1 AND b = ? LIMIT $2";
    assert_eq!(known_bytes(prepared, prepared), Some(prepared.len()));
    assert_eq!(known_bytes("COMMIT", "COMMIT"), Some(6));
    assert_eq!(known_bytes("ROLLBACK", "ROLLBACK"), Some(8));
}

#[test]
fn a_text_that_came_often_is_known_to_its_end_whatever_its_values() {
    let text = |id: u32, name: &str| {
        format!(
            "/* web */ UPDATE t SET a = {id}.5, b = '{name}' WHERE c IN ({id}, -{id}) AND d LIKE '{name}%'"
        )
    };
    let mut beginnings = Beginnings::default();
    let mut stream = Stream::default();
    for id in 0..8 {
        let sql = text(id * 1_000, "jane");
        lex_known(sql.as_bytes(), Dialect::Mysql, &mut stream, &mut beginnings);
    }
    let sql = text(123_456_789, "it is no jane");
    stream.clear();
    let start = "/* web */ ".len();
    let reached = beginnings.resume(sql.as_bytes(), start, Dialect::Mysql, &mut stream);
    assert_eq!(reached.map(|reached| reached.at), Some(sql.len()));
}

#[test]
fn what_follows_differently_is_read_anew() {
    let text = "SELECT name FROM customers WHERE id =";
    for (first, second) in [("7", "'7'"), ("7", ">7"), ("7", ""), ("", "7")] {
        let (first, second) = (format!("{text}{first}"), format!("{text}{second}"));
        assert_eq!(known_bytes(&first, &second), None, "{first}, {second}");
    }
    assert_eq!(known_bytes("COMMIT", "COMMIT "), None);
    assert_eq!(known_bytes("ROLLBACK", "ROLLBACKS"), None);
}

#[test]
fn two_beginnings_that_fall_on_one_another_are_both_kept() {
    let mut beginnings = Beginnings::default();
    let mut stream = Stream::default();
    let texts: Vec<String> = (0..40)
        .map(|n| format!("SELECT c{n} FROM some_table WHERE id = 7"))
        .collect();
    for sql in texts.iter().chain(&texts) {
        lex_known(sql.as_bytes(), Dialect::Mysql, &mut stream, &mut beginnings);
    }
    let mut is_known = |sql: &&String| {
        stream.clear();
        let known = beginnings.resume(sql.as_bytes(), 0, Dialect::Mysql, &mut stream);
        known.is_some()
    };
    assert!(texts.iter().filter(|sql| is_known(sql)).count() >= 39);
}

#[test]
fn any_number_of_beginnings_takes_bounded_room() {
    let mut beginnings = Beginnings::default();
    let mut stream = Stream::default();
    for i in 0..2_000 {
        let sql = format!("SELECT {} FROM t{i} WHERE b = 7", "a, ".repeat(i));
        lex_known(sql.as_bytes(), Dialect::Mysql, &mut stream, &mut beginnings);
    }
    assert_eq!(beginnings.known.len(), MAX_BEGINNINGS);
    let mut lengths = beginnings.known.iter().map(Passage::length);
    assert!(lengths.all(|length| length <= MAX_PASSAGE_BYTES));
    for i in 0..20_000 {
        let sql = format!(
            "SELECT a FROM t WHERE b = 7 AND c{} = 7 AND c{i} = 7",
            i % 7
        );
        lex_known(sql.as_bytes(), Dialect::Mysql, &mut stream, &mut beginnings);
        assert!(beginnings.bytes <= MAX_BYTES);
    }
    let passages = &beginnings.known[MAX_BEGINNINGS..];
    assert_eq!(
        passages.iter().map(Passage::bytes).sum::<usize>(),
        beginnings.bytes
    );
}
