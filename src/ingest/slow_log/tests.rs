//! What every parser promises, whatever its format.

use std::io::Read;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const MYSQL_ODD: &[u8] = include_bytes!("../../../tests/fixtures/logs/mysql-odd.log");
const POSTGRES_ODD: &[u8] = include_bytes!("../../../tests/fixtures/logs/postgres-odd.log");

/// What a parse came to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) entries: Vec<String>,
    pub(super) unparsed: u64,
}

/// Every field of an entry, statement included.
fn show(entry: &Entry<'_>) -> String {
    format!("{} {entry:?}", String::from_utf8_lossy(&entry.sql))
}

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/logs")
        .join(name)
}

fn unpack(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(fixture(name)).unwrap();
    liblzma::read::XzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

pub(super) fn whole(format: Format, log: &[u8]) -> Told {
    in_pieces(format, log, &[log.len().max(1)])
}

/// Feeds a log as a tail would: bytes come in pieces of these sizes, over and over.
fn in_pieces(format: Format, log: &[u8], sizes: &[usize]) -> Told {
    let mut parser = parser(format, &Options::default());
    let mut told = Told::default();
    let (mut from, mut to) = (0, 0);
    for size in sizes.iter().cycle() {
        to = log.len().min(to + size);
        let next = if to == log.len() {
            Next::End
        } else {
            Next::More
        };
        from += feed(&mut *parser, &log[from..to], next, &mut told).consumed;
        if next == Next::End {
            assert_eq!(from, to, "nothing is left at the end");
            return told;
        }
    }
    told
}

fn feed(parser: &mut dyn Parser, buffer: &[u8], next: Next, told: &mut Told) -> Progress {
    let progress = parser.parse(buffer, next, &mut |entry| told.entries.push(show(&entry)));
    assert!(progress.consumed <= buffer.len());
    told.unparsed += progress.unparsed;
    progress
}

/// Stops after the first `stop` bytes, and goes on from the checkpoint with a new parser.
fn resumed(format: Format, log: &[u8], stop: usize, pause: Next) -> Told {
    let mut told = Told::default();
    let mut first = parser(format, &Options::default());
    let progress = feed(&mut *first, &log[..stop], pause, &mut told);
    let consumed = progress.consumed as u64;
    assert!(progress.held <= consumed);
    let checkpoint = usize::try_from(consumed - progress.held).unwrap();
    let mut second = parser(format, &Options::default());
    second.restore(&first.context());
    feed(&mut *second, &log[checkpoint..], Next::End, &mut told);
    told
}

fn samples() -> Vec<(Format, Vec<u8>)> {
    let cut = |name: &str| {
        let mut log = unpack(name);
        log.truncate(30_000);
        log
    };
    vec![
        (Format::MysqlSlow, MYSQL_ODD.to_vec()),
        (Format::PostgresStderr, POSTGRES_ODD.to_vec()),
        (Format::MysqlSlow, cut("mariadb-10.11-verbose.log.xz")),
        (Format::PostgresStderr, cut("postgres-15-stderr.log.xz")),
        (Format::PostgresCsv, cut("postgres-15-csvlog.csv.xz")),
        (Format::PostgresJson, cut("postgres-15-jsonlog.json.xz")),
    ]
}

/// The same logs, short enough to be read some thousand times; the odd ones are whole.
fn short_samples() -> Vec<(Format, Vec<u8>)> {
    let mut samples = samples();
    for (_, log) in &mut samples {
        log.truncate(5_000);
    }
    samples
}

#[test]
fn a_log_cut_in_two_anywhere_gives_the_same_entries() {
    for (format, log) in short_samples() {
        let expected = whole(format, &log);
        for cut in 1..log.len().min(3000) {
            let told = in_pieces(format, &log, &[cut, log.len()]);
            assert_eq!(told, expected, "{format} cut at {cut}");
        }
    }
}

#[test]
fn a_restart_at_any_byte_neither_loses_nor_repeats_an_entry() {
    for (format, log) in short_samples() {
        let expected = whole(format, &log);
        for stop in 1..log.len().min(3000) {
            let told = resumed(format, &log, stop, Next::More);
            assert_eq!(told, expected, "{format} stopped at {stop}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_in_pieces_of_any_size_gives_the_same_entries(sizes in prop::collection::vec(1_usize..4000, 1..20)) {
        for (format, log) in samples() {
            prop_assert_eq!(in_pieces(format, &log, &sizes), whole(format, &log));
        }
    }

    #[test]
    fn no_bytes_make_a_parser_panic(noise in prop::collection::vec(any::<u8>(), 0..600), at in 0_usize..5000, cut in 0_usize..600) {
        for (format, mut log) in samples() {
            let at = at.min(log.len());
            log.truncate(8000);
            let at = at.min(log.len());
            let end = (at + cut).min(log.len());
            log.splice(at..end, noise.iter().copied());
            in_pieces(format, &log, &[997, 64, 1]);
            for other in Format::ALL {
                whole(other, &noise);
                whole(other, &log);
            }
            sniff(&log);
        }
    }
}

#[test]
fn a_context_that_cannot_be_read_is_ignored() {
    for format in Format::ALL {
        let mut parser = parser(format, &Options::default());
        parser.restore("{nonsense");
        parser.restore("");
        assert_eq!(parser.coverage(), Coverage::default());
    }
}

#[test]
fn a_context_holds_no_statement() {
    for (format, log) in samples() {
        let mut parser = parser(format, &Options::default());
        for end in [log.len() / 3, log.len() / 2] {
            let mut told = Told::default();
            feed(&mut *parser, &log[..end], Next::More, &mut told);
            let context = parser.context();
            assert!(!context.contains("SELECT"), "{context}");
        }
    }
}

#[test]
fn carriage_returns_change_nothing_but_themselves() {
    for (format, log) in [
        (Format::MysqlSlow, MYSQL_ODD),
        (Format::PostgresStderr, POSTGRES_ODD),
    ] {
        let text = String::from_utf8_lossy(log);
        let dos = text.replace('\n', "\r\n");
        let plain = whole(format, log);
        let told = whole(format, dos.as_bytes());
        assert_eq!(told.entries.len(), plain.entries.len());
        assert_eq!(told.unparsed, plain.unparsed);
    }
}

#[test]
fn an_entry_of_any_size_is_cut_and_the_next_one_is_found() {
    let large = "x".repeat(3 * MAX_STATEMENT_BYTES);
    let mysql = format!(
        "# User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0\nINSERT '{large}\n{large}';\n\
         # User@Host: a[a] @ h []\n# Query_time: 1.0  Lock_time: 0\nSELECT 1;\n"
    );
    let prefix = "2026-11-21 10:00:00.000 UTC [7] a@b LOG:  duration: 1.0 ms  statement:";
    let stderr = format!("{prefix} INSERT '{large}\n\t{large}'\n{prefix} SELECT 1\n");
    let json = |sql: &str| {
        format!(
            "{{\"timestamp\":\"2026-11-21 10:00:00.000 UTC\",\"pid\":7,\"error_severity\":\"LOG\",\"message\":\"duration: 1.0 ms  statement: {sql}\"}}\n"
        )
    };
    let csv = |sql: &str| {
        format!(
            "2026-11-21 10:00:00.000 UTC,\"a\",\"b\",7,\"h:1\",s,1,\"\",2026-11-21 10:00:00 UTC,,0,LOG,00000,\"duration: 1.0 ms  statement: {sql}\",,,,,,,,,\"x\",\"y\",,0\n"
        )
    };
    let logs = [
        (Format::MysqlSlow, mysql),
        (Format::PostgresStderr, stderr),
        (Format::PostgresJson, json(&large) + &json("SELECT 1")),
        (
            Format::PostgresCsv,
            csv(&format!("{large}\n{large}")) + &csv("SELECT 1"),
        ),
    ];
    for (format, log) in logs {
        for size in [64 << 10, 300_000, log.len()] {
            let told = in_pieces(format, log.as_bytes(), &[size]);
            let shown: Vec<String> = told
                .entries
                .iter()
                .map(|e| e.chars().take(20).collect())
                .collect();
            assert_eq!(
                told.entries.len(),
                2,
                "{format} in pieces of {size}: {shown:?}"
            );
            assert!(told.entries[0].contains("truncated: true"), "{format}");
            assert!(told.entries[1].starts_with("SELECT 1 "), "{format}");
            assert_eq!(told.unparsed, 0, "{format}");
        }
    }
}
