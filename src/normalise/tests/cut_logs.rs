//! Texts that a slow log cut, one behind the other: every entry is counted, and no literal of one comes out as code of
//! another.

use super::*;
use crate::ingest::slow_log::{Format, Next, Options, parser};

const HEADER: &str = "# User@Host: app[app] @ web1 [10.0.0.1]  Id:     8\n\
    # Query_time: 1.500000  Lock_time: 0.000002 Rows_sent: 1  Rows_examined: 10\nSET timestamp=1;\n";

/// Texts cut inside a string.
const CUT: [&str; 6] = [
    "SELECT a FROM t WHERE b = 'secret",
    "SELECT a FROM t WHERE b LIKE '%secret is secret",
    "INSERT INTO t VALUES (1, 'it''s secret",
    r"SELECT a FROM t WHERE b = '\'secret",
    "UPDATE t SET a = \"secret\", b = 'secret",
    "SELECT a FROM t WHERE b = \"secret",
];

const WHOLE: &str = "SELECT c FROM u WHERE d = 'secret' AND e = \"it's secret\"";

/// An entry as the server writes it.
fn logged(sql: &str) -> String {
    format!("{HEADER}{sql};\n")
}

/// Templates of all entries of a log.
fn templates(log: &str) -> Vec<String> {
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    let mut parser = parser(Format::MysqlSlow, &Options::default());
    let mut told = Vec::new();
    let progress = parser.parse(log.as_bytes(), Next::End, &mut |entry| {
        let known = normaliser.statement(&entry.sql, Dialect::Mysql, entry.truncated);
        told.push(known.statement.template.as_str().to_owned());
    });
    assert_eq!((progress.consumed, progress.unparsed), (log.len(), 0));
    told
}

fn assert_counted_and_hidden(texts: &[&str]) {
    let log: String = texts.iter().map(|sql| logged(sql)).collect();
    let told = templates(&log);
    assert_eq!(told.len(), texts.len(), "{texts:#?} {told:#?}");
    let shown = told.iter().find(|text| text.contains("secret"));
    assert_eq!(shown, None, "{texts:#?} {told:#?}");
}

#[test]
fn cut_texts_in_a_row_cost_no_entry_and_show_no_literal() {
    for first in CUT {
        assert_counted_and_hidden(&[first]);
        for second in CUT {
            assert_counted_and_hidden(&[first, second]);
            for third in CUT {
                assert_counted_and_hidden(&[first, second, third]);
                assert_counted_and_hidden(&[first, second, third, WHOLE]);
            }
        }
    }
}

#[test]
fn cut_texts_between_whole_ones_cost_no_entry_and_show_no_literal() {
    for first in CUT {
        assert_counted_and_hidden(&[WHOLE, first, WHOLE, WHOLE]);
        for second in CUT {
            assert_counted_and_hidden(&[WHOLE, first, WHOLE, second, WHOLE, WHOLE]);
        }
    }
}

#[test]
fn a_copy_of_the_log_within_a_string_shows_no_word_of_it() {
    let copy = logged("SELECT secret FROM secrets");
    for behind in ["'", "' WHERE b = 5", "', c = 'secret'", "\n'"] {
        let told =
            templates(&(logged(&format!("UPDATE t SET a = 'x;\n{copy}{behind}")) + &logged(WHOLE)));
        assert_eq!(told.len(), 2, "{told:#?}");
        assert!(!told.concat().contains("secret"), "{told:#?}");
        assert!(told[0].starts_with("UPDATE t SET a = ?"), "{told:#?}");
    }
}
