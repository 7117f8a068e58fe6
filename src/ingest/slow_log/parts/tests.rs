use proptest::prelude::*;

use super::*;
use crate::ingest::RawRun;
use crate::ingest::slow_log::tests::fixture;
use crate::ingest::slow_log::{Format, MAX_STATEMENT_BYTES, Names, Options, offline, parser};

/// All that a log tells: each run and its text, what could not be read, what is known of its coverage.
type Told = (Vec<String>, u64, Coverage);

/// A text, whether the database and the time of its run are not told, and the run.
fn run_of(entry: Entry<'_>) -> (String, [bool; 2], RawRun) {
    let lacks = [entry.lacks_database, entry.end.is_none()];
    let (sql, run) = entry.split(&mut Names::default());
    let sql = String::from_utf8_lossy(&sql).into_owned();
    (sql, lacks, run)
}

fn as_a_whole(log: &[u8], options: &Options) -> Told {
    let mut parser = parser(Format::MysqlSlow, options);
    let mut told = Vec::new();
    let progress = parser.parse(log, Next::End, &mut |entry| {
        let (sql, _, run) = run_of(entry);
        told.push(format!("{sql} {run:?}"));
    });
    (told, progress.unparsed, parser.coverage_of_all())
}

fn in_parts(log: &[u8], options: &Options, lengths: &[usize]) -> Told {
    let part = Part::new(Mysql::new(options));
    let (mut reader, mut whole) = (part.fork(), part.whole());
    let mut told = Vec::new();
    let mut at = 0;
    for turn in 0.. {
        let length = lengths[turn % lengths.len()].min(log.len() - at);
        let end = (at + length + LOOKAHEAD_BYTES).min(log.len());
        let is_last = at + length == log.len();
        let mut text = Buffer::default();
        text.fill(&log[at..if is_last { log.len() } else { end }]);
        let piece = Piece {
            text,
            length,
            next: if is_last { Next::End } else { Next::More },
        };
        let mut runs = Vec::new();
        let guess = whole.guess();
        let read = reader.read(&piece, guess, &mut |entry| {
            runs.push(run_of(std::mem::take(entry)));
        });
        if let Some(inherited) = whole.follow(&piece, read) {
            for (sql, [lacks_database, lacks_time], mut run) in runs {
                if lacks_database {
                    run.database = Arc::clone(&inherited.database);
                }
                if lacks_time {
                    run.end = inherited.time;
                }
                told.push(format!("{sql} {run:?}"));
            }
        } else {
            whole.read(&piece, &mut |entry| {
                let (sql, _, run) = run_of(entry);
                told.push(format!("{sql} {run:?}"));
            });
        }
        at += length;
        if is_last {
            break;
        }
    }
    let [bytes, entries, unparsed] = whole.counts();
    assert_eq!((bytes, entries), (log.len() as u64, told.len() as u64));
    (told, unparsed, whole.coverage())
}

/// As a log is read by one thread, a block at a time.
fn in_blocks(log: &[u8], options: &Options, length: usize) -> Told {
    let mut parser = parser(Format::MysqlSlow, options);
    let (mut told, mut unparsed) = (Vec::new(), 0);
    let mut at = 0;
    for end in (length..log.len() + length).step_by(length) {
        let end = end.min(log.len());
        for next in [Next::More, Next::End] {
            if next == Next::End && end < log.len() {
                continue;
            }
            let progress = parser.parse(&log[at..end], next, &mut |entry| {
                let (sql, _, run) = run_of(entry);
                told.push(format!("{sql} {run:?}"));
            });
            at += progress.consumed;
            unparsed += progress.unparsed;
        }
    }
    (told, unparsed, parser.coverage_of_all())
}

fn check(log: &[u8], lengths: &[usize]) {
    let options = Options {
        database: "of the settings".to_owned(),
        ..Options::default()
    };
    assert_eq!(in_parts(log, &options, lengths), as_a_whole(log, &options));
}

/// What a log may be made of, sound and not.
const PIECES: [&str; 16] = [
    "# Time: 261121 19:26:58\n",
    "# Time: 2026-11-21T19:26:58.608Z\n",
    "# User@Host: a[a] @ h []\n# Query_time: 1.5  Lock_time: 0.1  Rows_sent: 1  Rows_examined: 2\n",
    "# Query_time: 0.5  Lock_time: 0.1  Rows_sent: 1  Rows_examined: 2\n",
    "# User@Host: b[b] @ h []  Id: 7\n# Thread_id: 7  Schema: s  QC_hit: No\n",
    "use shop;\n",
    "SET timestamp=1795289218;\n",
    "SET timestamp=7;\n",
    "SELECT 1;\n",
    "SELECT 'a;\n",
    "it''s';\n",
    "SET GLOBAL long_query_time = 2;\n",
    "# administrator command: Quit;\n",
    "junk\n",
    "\n\0\0",
    "Tcp port: 3306  Unix socket: x\nTime                 Id Command    Argument\n",
];

proptest! {
    #[test]
    fn a_log_tells_the_same_in_parts_of_any_length(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60),
        lengths in prop::collection::vec(1_usize..400, 1..6),
    ) {
        check(pieces.concat().as_bytes(), &lengths);
    }
}

const HEADER: &str =
    "# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 2\n";

/// A statement that is larger than what is looked at.
fn giant(row: &str) -> String {
    let count = (MAX_STATEMENT_BYTES + (300 << 10)) / row.len();
    format!(
        "INSERT INTO u VALUES {row}{};\n",
        format!(",{row}").repeat(count)
    )
}

/// Statements that leave a quote open, hold one, or are larger than what is looked at.
fn statement(kind: usize) -> String {
    match kind {
        0 => "SELECT a FROM t WHERE b = 'cut\n".to_owned(),
        1 => "SELECT a FROM t WHERE b LIKE '50!%' ESCAPE '\\';\n".to_owned(),
        2 => "SELECT 1 /* open\n".to_owned(),
        3 => giant("(1,'abc')"),
        4 => giant("(2,'secret \n# Query_time: 1\nSELECT 1;\n')"),
        5 => format!("INSERT INTO l VALUES ('{HEADER}SELECT 2;\n');\n"),
        _ => "SELECT c FROM t WHERE d = 'e';\n".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn a_log_of_giants_and_open_quotes_tells_the_same_in_parts_and_blocks(
        kinds in prop::collection::vec(0_usize..12, 1..12),
        lengths in prop::collection::vec(100_000_usize..1_500_000, 1..4),
    ) {
        let entries = kinds.into_iter().map(|kind| format!("{HEADER}{}", statement(kind)));
        let log = entries.collect::<Vec<_>>().concat();
        let options = Options::default();
        let whole = as_a_whole(log.as_bytes(), &options);
        prop_assert!(in_parts(log.as_bytes(), &options, &lengths) == whole);
        prop_assert!(in_blocks(log.as_bytes(), &options, 256 << 10) == whole);
    }
}

#[test]
fn a_quote_that_is_open_before_a_giant_costs_no_entry_and_shows_nothing() {
    let entry = |sql: &str| format!("{HEADER}{sql}");
    let plain = entry("SELECT c FROM t;\n");
    for first in [0, 1] {
        let log = [
            entry(&statement(first)),
            plain.repeat(3),
            entry(&giant("(1,'secret','4111')")),
            plain.repeat(5),
        ]
        .concat();
        let (told, unparsed, _) = as_a_whole(log.as_bytes(), &Options::default());
        let starts: Vec<&str> = told.iter().map(|told| &told[..8]).collect();
        let mut expected = ["SELECT c"; 10];
        (expected[0], expected[4]) = ("SELECT a", "INSERT I");
        assert_eq!((starts.as_slice(), unparsed), (expected.as_slice(), 0));
        assert!(!told[0].contains("secret"));
    }
}

#[test]
fn a_giant_that_may_be_in_a_string_is_counted_and_not_shown() {
    let log = format!(
        "{HEADER}{}{HEADER}{}{HEADER}SELECT 3;\n",
        statement(0),
        giant("(1,'secret')")
    );
    let (told, unparsed, _) = as_a_whole(log.as_bytes(), &Options::default());
    let texts: Vec<&str> = told
        .iter()
        .map(|told| told.split(" RawRun").next().unwrap())
        .collect();
    assert_eq!(texts, ["SELECT a FROM t WHERE b = 'cut", "?", "SELECT 3"]);
    assert_eq!(unparsed, 0);
}

#[test]
fn real_logs_tell_the_same_in_parts_of_any_length() {
    for name in ["mariadb-10.11-verbose.log.xz", "mariadb-10.11-plain.log.xz"] {
        let log = offline::head(&fixture(name)).unwrap();
        for lengths in [[700, 701], [9_000, 40_000]] {
            check(&log, &lengths);
        }
    }
}

#[test]
fn parts_that_are_split_at_entries_hold() {
    let log = offline::head(&fixture("mariadb-10.11-verbose.log.xz")).unwrap();
    let entries = &log[..seam(&log).unwrap()];
    let part = Part::new(Mysql::new(&Options::default()));
    let (mut reader, mut whole) = (part.fork(), part.whole());
    let (mut text, mut held) = (Buffer::default(), Vec::new());
    for mut block in entries.repeat(8).chunks(100_000) {
        text.read(&mut block, 100_000).unwrap();
        let piece = Piece::split(&mut text, Buffer::default(), false).unwrap();
        let read = reader.read(&piece, whole.guess(), &mut |_| {});
        let holds = whole.follow(&piece, read).is_some();
        if !holds {
            whole.read(&piece, &mut |_| {});
        }
        held.push(holds);
    }
    assert!(
        held.len() > 2 && held.iter().all(|holds| *holds),
        "{held:?}"
    );
}
