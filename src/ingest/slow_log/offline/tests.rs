use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use super::super::parser;
use super::super::tests::fixture;
use super::*;
use crate::ingest::slow_log::BYTE_ORDER_MARK;

/// Fixtures with the entries that have a statement and the sum of their times, in microseconds; by awk over the
/// same bytes: `Query_time`, or `duration` of each statement and execute with its parse and bind.
const EXPECTED: [(&str, Format, u64, u64); 5] = [
    (
        "mariadb-10.11-verbose.log.xz",
        Format::MysqlSlow,
        335,
        15_406,
    ),
    (
        "mariadb-10.11-plain.log.xz",
        Format::MysqlSlow,
        1051,
        47_668,
    ),
    (
        "postgres-15-stderr.log.xz",
        Format::PostgresStderr,
        587,
        89_864,
    ),
    (
        "postgres-15-csvlog.csv.xz",
        Format::PostgresCsv,
        497,
        84_891,
    ),
    (
        "postgres-15-jsonlog.json.xz",
        Format::PostgresJson,
        335,
        70_943,
    ),
];

/// Entries and their time.
fn sums(path: &Path) -> Result<(Summary, Duration), OfflineError> {
    let (mut summary, mut time) = (Summary::default(), Duration::ZERO);
    read(
        Source::open(path)?,
        (None, &Options::default()),
        &mut summary,
        &mut |_| ControlFlow::Continue(()),
        &mut |_, entry| {
            time += entry.elapsed;
        },
    )?;
    Ok((summary, time))
}

#[test]
fn real_logs_are_read_to_the_last_entry() {
    for (name, format, entries, micros) in EXPECTED {
        let (summary, time) = sums(&fixture(name)).unwrap();
        assert_eq!(summary.format, Some(format), "{name}");
        assert_eq!(
            (summary.entries, time),
            (entries, Duration::from_micros(micros)),
            "{name}"
        );
    }
}

#[test]
fn packed_logs_are_unpacked_by_their_content() {
    let dir = tempfile::tempdir().unwrap();
    let plain = std::fs::read(fixture("mysql-odd.log")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    let packed = [
        ("a.log", plain.clone()),
        ("b.gz", gz.finish().unwrap()),
        ("c.zst", zstd::encode_all(plain.as_slice(), 1).unwrap()),
    ];
    for (name, bytes) in packed {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (summary, _) = sums(&path).unwrap();
        assert_eq!(
            (summary.entries, summary.bytes),
            (8, plain.len() as u64),
            "{name}"
        );
    }
}

#[test]
fn a_file_packed_by_bzip2_says_what_to_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"BZh91AY&SY").unwrap();
    let error = sums(file.path()).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("bzcat"), "{source}");
    assert!(!error.is_no_log());
}

#[test]
fn an_empty_file_is_a_log_without_entries() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (summary, _) = sums(file.path()).unwrap();
    assert_eq!((summary.format, summary.entries), (None, 0));
}

/// What comes of a log that begins with something else.
fn begun_by(beginning: &[u8], log: &[u8]) -> (u64, u64, u64) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [beginning, log].concat()).unwrap();
    let (summary, _) = sums(file.path()).unwrap();
    (summary.entries, summary.unparsed, summary.bytes)
}

#[test]
fn a_log_is_found_behind_a_hole_and_behind_the_rest_of_a_large_statement() {
    let mysql = b"# User@Host: a[a] @ h []\n# Query_time: 1  Lock_time: 0\nSELECT 1;\n";
    let postgres =
        b"2026-11-21 19:26:51.000 UTC [7] a@b LOG:  duration: 5.0 ms  statement: SELECT 1\n";
    let docker = br#"{"log":"2026-11-21 19:26:51.000 UTC [7] a@b LOG:  duration: 5.0 ms  statement: SELECT 1\n","stream":"stderr"}"#;
    let hole = vec![0; 300_000];
    for log in [mysql.as_slice(), postgres, docker] {
        let bytes = |before: &[u8]| (before.len() + log.len()) as u64;
        assert_eq!(begun_by(&hole, log), (1, 0, bytes(&hole)));
        let mark = BYTE_ORDER_MARK;
        assert_eq!(begun_by(mark, log), (1, 0, bytes(mark)));
        for rest in [
            "(1),\n",
            "\t(1, 'a: b'),\n",
            "{\"log\":\"(1),\\n\",\"stream\":\"stderr\"}\n",
        ] {
            let rest = rest.repeat(2_000_000 / rest.len());
            let (entries, unparsed, read) = begun_by(rest.as_bytes(), log);
            assert_eq!((entries, unparsed, read), (1, 1, bytes(rest.as_bytes())));
        }
    }
}

#[test]
fn a_file_that_is_no_log_is_not_searched_for_one_forever() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = b"INFO 2026 application started\n";
    std::fs::write(file.path(), line.repeat((80 << 20) / line.len())).unwrap();
    let mut summary = Summary::default();
    let done = read(
        Source::open(file.path()).unwrap(),
        (None, &Options::default()),
        &mut summary,
        &mut |_| ControlFlow::Continue(()),
        &mut |_, _| {},
    );
    assert!(done.unwrap_err().is_no_log());
    assert!(summary.bytes < 70 << 20, "{}", summary.bytes);
}

#[test]
fn an_error_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.log");
    let binary = dir.path().join("binary");
    std::fs::write(&binary, b"\x7fELF\x02\x01\x01\0\0\0\0\0").unwrap();
    for path in [dir.path(), &missing, &binary] {
        let error = sums(path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_packed_file_that_is_cut_is_told_up_to_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let plain = std::fs::read(fixture("mysql-odd.log")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(&plain).unwrap();
    let packed = gz.finish().unwrap();
    let path = dir.path().join("cut.gz");
    std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let (mut summary, mut told) = (Summary::default(), 0);
    let done = read(
        Source::open(&path).unwrap(),
        (None, &Options::default()),
        &mut summary,
        &mut |_| ControlFlow::Continue(()),
        &mut |_, _| {
            told += 1;
        },
    );
    assert!(matches!(done, Err(OfflineError::Read { .. })));
    assert!(told > 0 && summary.entries == told, "{summary:?}");
}

#[test]
fn a_format_that_nothing_reads_as_is_an_error() {
    let path = fixture("mysql-odd.log");
    let named = Some(Format::PostgresCsv);
    let done = read(
        Source::open(&path).unwrap(),
        (named, &Options::default()),
        &mut Summary::default(),
        &mut |_| ControlFlow::Continue(()),
        &mut |_, _| {},
    );
    let error = done.unwrap_err().to_string();
    assert!(error.ends_with("it looks like mysql-slow"), "{error}");
}

#[test]
fn a_line_of_any_size_is_read_in_little_memory() {
    let stream = io::repeat(b'x').take(64 << 20);
    let mut reader = Reader {
        source: Source::of(Path::new("-"), stream),
        buffer: Buffer::default(),
        ended: false,
        fault: None,
    };
    let mut summary = Summary::default();
    let mut parser = parser(Format::MysqlSlow, &Options::default());
    reader
        .run(
            &mut *parser,
            &mut summary,
            &mut |_| ControlFlow::Continue(()),
            &mut |_, _| {},
        )
        .unwrap();
    assert_eq!((summary.bytes, summary.unparsed), (64 << 20, 1));
    assert!(reader.buffer.room() <= 2 * MAX_BUFFER_BYTES);
}

#[test]
fn reading_may_be_ended_and_what_was_told_stays_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.log");
    let plain = std::fs::read(fixture("mysql-odd.log")).unwrap();
    let whole = plain.repeat(4 * MAX_BUFFER_BYTES / plain.len());
    std::fs::write(&path, &whole).unwrap();
    let (mut summary, mut last) = (Summary::default(), Position::default());
    let enough = |position: Position| {
        last = position;
        if position.bytes > 1 << 20 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    read(
        Source::open(&path).unwrap(),
        (None, &Options::default()),
        &mut summary,
        &mut { enough },
        &mut |_, _| {},
    )
    .unwrap();
    assert!(summary.entries > 0 && summary.bytes < whole.len() as u64 / 2);
    assert_eq!(last.size, Some(whole.len() as u64));
    assert!(last.taken >= last.bytes && last.taken < whole.len() as u64);
}
