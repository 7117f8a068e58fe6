//! Files that no server wrote on purpose: damaged, cut, packed to deceive, larger than any memory.
//!
//! Whatever comes, `digest` ends by itself, in little memory, loses no entry that is whole, and complains in a line.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Resident memory that a digest of a few statements may take, whatever the size of its input; in KiB. A build for
/// tests takes some 25 MiB.
const MOST_MEMORY: u64 = 48 << 10;

fn sqleuth(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqleuth"));
    command.args(["digest", "--format", "json"]).args(args);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> Output {
    sqleuth(args).output().expect("the binary runs")
}

fn report(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "{complaint}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// The report of files that are read whole.
fn digest(paths: &[&str]) -> Value {
    let output = run(paths);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    report(&output)
}

fn runs(report: &Value) -> u64 {
    let queries = report["queries"].as_array().expect("a list");
    queries.iter().filter_map(|q| q["count"].as_u64()).sum()
}

/// What is said of a file that cannot be read at all: one line that names it.
fn complaint(path: &str) -> String {
    let output = run(&[path]);
    assert_eq!(output.status.code(), Some(1), "{path}");
    assert!(output.stdout.is_empty(), "{path}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(path) && said.lines().count() == 1, "{said}");
    said
}

/// An entry of a slow log that ended at second `n`.
fn entry(n: u64, sql: &[u8]) -> Vec<u8> {
    let start = 1_795_255_200 + n;
    let head = format!(
        "# User@Host: app[app] @ web1 []\n# Thread_id: 3  Schema: shop  QC_hit: No\n\
         # Query_time: 0.500000  Lock_time: 0.001000  Rows_sent: 1  Rows_examined: 5\n\
         SET timestamp={start};\n"
    );
    [head.as_bytes(), sql, b";\n"].concat()
}

fn entries(count: u64) -> Vec<u8> {
    (0..count)
        .flat_map(|n| {
            entry(
                n,
                format!("SELECT a FROM t{} WHERE b = {n}", n % 3).as_bytes(),
            )
        })
        .collect()
}

fn file(dir: &TempDir, name: &str, content: &[u8]) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("the test's directory can be written");
    named(&path)
}

fn named(path: &Path) -> String {
    path.to_str().expect("paths of tests are UTF-8").to_owned()
}

fn folder() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// Random enough, and the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Waits for the child while its peak memory is watched; the report and the peak in KiB.
fn watched(mut child: Child) -> (Value, u64) {
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let mut first = [0];
    // The first byte of the report comes when all has been read; the process has its peak behind it then.
    stdout.read_exact(&mut first).expect("a report");
    let status = std::fs::read_to_string(status).expect("it waits for its reader");
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|l| l.trim().split(' ').next()?.parse().ok());
    let mut rest = first.to_vec();
    stdout.read_to_end(&mut rest).expect("a report");
    assert!(child.wait().expect("it ends").success());
    let report = serde_json::from_slice(&rest).expect("one JSON document");
    (report, peak.expect("a peak"))
}

/// Enough distinct statements that the report is longer than a pipe holds: its writer must wait for its reader.
fn many_entries() -> Vec<u8> {
    (0..300)
        .flat_map(|n| entry(n, format!("SELECT column_{n} FROM table_{n}").as_bytes()))
        .collect()
}

#[test]
fn ten_gigabytes_of_nothing_are_read_in_little_memory() {
    let dir = folder();
    let path = file(&dir, "sparse.log", &entries(1));
    let mut log = File::options()
        .write(true)
        .open(&path)
        .expect("the file is there");
    log.set_len(10 << 30).expect("a sparse file costs nothing");
    log.seek(SeekFrom::End(0)).expect("a file has an end");
    log.write_all(&many_entries())
        .expect("the file can be written");
    let (report, peak) = watched(sqleuth(&[&path]).spawn().expect("the binary runs"));
    assert_eq!(runs(&report), 301);
    assert!(report["source"]["bytes"].as_u64() > Some(10 << 30));
    assert!(peak < MOST_MEMORY, "{peak} KiB");
}

#[test]
fn a_line_of_two_gigabytes_is_read_in_little_memory() {
    let mut child = sqleuth(&["-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let writer = std::thread::spawn(move || {
        let head = entry(0, b"SELECT '");
        let block = vec![b'x'; 1 << 20];
        stdin.write_all(&head[..head.len() - 2]).expect("it reads");
        for _ in 0..2 << 10 {
            stdin.write_all(&block).expect("it reads");
        }
        stdin.write_all(b"';\n").expect("it reads");
        stdin.write_all(&many_entries()).expect("it reads");
    });
    let (report, peak) = watched(child);
    writer.join().expect("all was written");
    assert_eq!(runs(&report), 301);
    assert!(peak < MOST_MEMORY, "{peak} KiB");
}

/// A line of a PostgreSQL log in one of its formats, `n` seconds behind ten o'clock.
fn postgres(format: &str, n: u64, sql: &str) -> String {
    let at = format!("2026-11-21 10:{:02}:{:02}.000 UTC", n / 60, n % 60);
    let message = format!("duration: 1000.000 ms  statement: {sql}");
    match format {
        "stderr" => format!("{at} [7] app@shop LOG:  {message}\n"),
        "csv" => format!(
            "{at},\"app\",\"shop\",7,\"h:1\",s,{n},\"SELECT\",{at},,0,LOG,00000,\"{message}\",,,,,,,,,\"x\",\"y\",,0\n"
        ),
        _ => {
            let object = serde_json::json!({
                "timestamp": at, "user": "app", "dbname": "shop", "pid": 7, "error_severity": "LOG", "message": message,
            });
            format!("{object}\n")
        }
    }
}

#[test]
fn a_postgres_record_of_two_gigabytes_is_read_in_little_memory() {
    let dir = folder();
    for (format, told, unparsed) in [
        ("stderr", 302, 0),
        ("csv", 302, 0),
        // bytes that no JSON holds: the record is none, and no other is lost by it
        ("json", 301, 1),
    ] {
        let path = file(
            &dir,
            format,
            postgres(format, 0, "SELECT a FROM t").as_bytes(),
        );
        let large = postgres(format, 1, "SELECT a FROM t WHERE b = '%%'");
        let (before, behind) = large.split_once("%%").expect("where the value stands");
        let mut log = File::options()
            .append(true)
            .open(&path)
            .expect("the file is there");
        log.write_all(before.as_bytes()).expect("it can be written");
        let length = log.metadata().expect("it is there").len();
        log.set_len(length + (2 << 30))
            .expect("a hole costs nothing");
        log.write_all(behind.as_bytes()).expect("it can be written");
        for n in 0..300 {
            let sql = format!("SELECT column_{n} FROM table_{n}");
            log.write_all(postgres(format, n + 2, &sql).as_bytes())
                .expect("it can be written");
        }
        let (report, peak) = watched(sqleuth(&[&path]).spawn().expect("the binary runs"));
        assert_eq!(runs(&report), told, "{format}");
        assert_eq!(report["source"]["unparsed_entries"], unparsed, "{format}");
        assert!(report["source"]["bytes"].as_u64() > Some(2 << 30));
        assert!(peak < MOST_MEMORY, "{format}: {peak} KiB");
    }
}

#[test]
fn a_small_file_that_unpacks_to_gigabytes_is_read_in_little_memory() {
    let dir = folder();
    let path = dir.path().join("bomb.zst");
    let pack = |content: &[u8]| zstd::encode_all(content, 1).expect("zstd packs");
    let gigabyte = {
        let mut packer = zstd::Encoder::new(Vec::new(), 1).expect("zstd packs");
        for _ in 0..1 << 10 {
            packer
                .write_all(&vec![0; 1 << 20])
                .expect("memory can be written");
        }
        packer.finish().expect("memory can be written")
    };
    let parts = [pack(&entries(1)), gigabyte.repeat(4), pack(&many_entries())];
    let packed = parts.concat();
    assert!(packed.len() < 1 << 20, "{} bytes are a bomb", packed.len());
    std::fs::write(&path, packed).expect("the test's directory can be written");
    let child = sqleuth(&[&named(&path)]).spawn();
    let (report, peak) = watched(child.expect("the binary runs"));
    assert_eq!(runs(&report), 301);
    assert!(report["source"]["bytes"].as_u64() > Some(4 << 30));
    assert!(peak < MOST_MEMORY, "{peak} KiB");
}

#[test]
fn a_packed_log_that_is_cut_is_told_up_to_the_cut() {
    let dir = folder();
    let plain: Vec<u8> = (0..20_000)
        .flat_map(|n| {
            entry(
                n,
                format!("SELECT a FROM t WHERE b = {}", n * 7919 % 9973).as_bytes(),
            )
        })
        .collect();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&plain).expect("memory can be written");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).expect("memory can be written");
    let packed = [
        ("cut.gz", gz.finish().expect("memory can be written")),
        ("cut.xz", xz.finish().expect("memory can be written")),
        (
            "cut.zst",
            zstd::encode_all(plain.as_slice(), 1).expect("zstd packs"),
        ),
    ];
    for (name, packed) in packed {
        let path = file(&dir, name, &packed[..packed.len() / 2]);
        let output = run(&[&path]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let told = runs(&report(&output));
        assert!((1_000..20_000).contains(&told), "{name}: {told}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(name) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn what_is_no_log_is_refused_in_a_line() {
    let dir = folder();
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(entries(5).into_iter().flat_map(|byte| [byte, 0]))
        .collect();
    for (name, content) in [
        ("noise", noise(1 << 20)),
        ("zeros", vec![0; 1 << 20]),
        ("utf-16", utf16),
        ("one-line", vec![b'x'; 4 << 20]),
        ("half-a-header", b"# User@".to_vec()),
        ("packed-nothing.gz", b"\x1f\x8b".to_vec()),
        ("packed-nothing.zst", b"\x28\xb5\x2f\xfd".to_vec()),
        (
            "packed-noise.xz",
            [b"\xfd7zXZ\0".to_vec(), noise(1 << 10)].concat(),
        ),
    ] {
        complaint(&file(&dir, name, &content));
    }
    // It opens, and cannot be read, not even by root.
    complaint("/proc/self/mem");
}

#[test]
fn nothing_is_nothing_and_no_failure() {
    assert_eq!(runs(&digest(&["/dev/null"])), 0);
    let dir = folder();
    let banner = b"/usr/sbin/mysqld, Version: 8.0.33 (MySQL). started with:\n\
        Tcp port: 3306  Unix socket: /run/s\nTime                 Id Command    Argument\n";
    let only_headers = entry(0, b"").repeat(50);
    let only_headers = String::from_utf8(only_headers)
        .expect("ASCII")
        .replace("\n;", "");
    // what follows a header and no statement is the statement of that entry
    for (name, content, entries) in [
        ("banners", banner.repeat(200), 0),
        ("headers", only_headers.into_bytes(), 50),
    ] {
        let report = digest(&[&file(&dir, name, &content)]);
        let source = &report["source"];
        assert_eq!(source["format"], "mysql-slow", "{name}");
        assert_eq!(runs(&report), entries, "{name}: {report}");
        assert_eq!(source["entries"], entries, "{name}: {report}");
        assert_eq!(source["unparsed_entries"], 0, "{name}: {report}");
    }
}

#[test]
fn a_pipe_with_a_name_is_a_log_like_any_other() {
    let dir = folder();
    let path = named(&dir.path().join("pipe"));
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo is there").success());
    let child = sqleuth(&[&path]).spawn().expect("the binary runs");
    std::fs::write(&path, entries(9)).expect("somebody reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(runs(&report(&output)), 9);
}

#[test]
fn binary_dirt_between_entries_costs_no_entry_after_it() {
    let dir = folder();
    let dirt = noise(3 << 20);
    let log = [entries(6), dirt, b"\n".to_vec(), entries(6)].concat();
    let report = digest(&[&file(&dir, "dirty.log", &log)]);
    assert_eq!(runs(&report), 12, "{report}");
    let queries = report["queries"].as_array().expect("a list");
    let whole = |query: &&Value| query["count"].as_u64() > Some(1);
    let counts = queries.iter().filter(whole).map(|query| &query["count"]);
    // the last one before it has the dirt for its end
    assert_eq!(counts.collect::<Vec<_>>(), [4, 4, 3], "{report}");
}

#[test]
fn a_clock_that_goes_backwards_changes_no_sum() {
    let dir = folder();
    let one = |n: u64| {
        entry(
            n,
            format!("SELECT a FROM t{} WHERE b = {n}", n % 3).as_bytes(),
        )
    };
    let forwards: Vec<u8> = (0..300).flat_map(one).collect();
    let backwards: Vec<u8> = (0..300).rev().flat_map(one).collect();
    let shuffled: Vec<u8> = (0..300).map(|n| n * 7 % 300).flat_map(one).collect();
    let wanted = digest(&[&file(&dir, "forwards", &forwards)]);
    for log in [backwards, shuffled] {
        let told = digest(&[&file(&dir, "other", &log)]);
        assert_eq!(told["queries"], wanted["queries"]);
        assert_eq!(told["source"]["load"], wanted["source"]["load"]);
        for key in ["from", "to", "entries"] {
            assert_eq!(told["source"][key], wanted["source"][key], "{key}");
        }
    }
}

/// The clock of the server was set back: only `# Time:` tells, and it tells an earlier time than before.
#[test]
fn a_time_header_that_goes_back_changes_no_sum() {
    let dir = folder();
    let one = |n: u64| {
        let (minutes, seconds, table) = (n / 60, n % 60, n % 3);
        format!(
            "# Time: 2026-11-21T10:{minutes:02}:{seconds:02}.000000Z\n# User@Host: app[app] @ web1 []\n\
             # Query_time: 0.500000  Lock_time: 0.001000  Rows_sent: 1  Rows_examined: 5\n\
             SELECT a FROM t{table} WHERE b = {n};\n"
        )
    };
    let forwards: String = (0..300).map(one).collect();
    let set_back: String = (150..300).chain(0..150).map(one).collect();
    let backwards: String = (0..300).rev().map(one).collect();
    let wanted = digest(&[&file(&dir, "forwards", forwards.as_bytes())]);
    assert_eq!(wanted["source"]["from"], "2026-11-21T09:59:59.5Z");
    assert_eq!(wanted["source"]["to"], "2026-11-21T10:04:59Z");
    for log in [set_back, backwards] {
        let told = digest(&[&file(&dir, "other", log.as_bytes())]);
        assert_eq!(runs(&told), 300);
        assert_eq!(told["queries"], wanted["queries"]);
        assert_eq!(told["source"]["load"], wanted["source"]["load"]);
        for key in ["from", "to", "entries", "unparsed_entries"] {
            assert_eq!(told["source"][key], wanted["source"][key], "{key}");
        }
    }
}

#[test]
fn a_time_of_another_age_is_no_time() {
    let dir = folder();
    let mysql = |wild: &str| {
        let log = |n: u64| match n {
            150 => format!(
                "# User@Host: a[a] @ [10.0.0.1]\n# Query_time: 2.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 10\n\
                 SET timestamp={wild};\nSELECT a FROM wild;\n"
            ),
            _ => format!(
                "# User@Host: a[a] @ [10.0.0.1]\n# Query_time: 1.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 10\n\
                 SET timestamp={};\nSELECT a FROM t;\n",
                1_795_255_200 + n
            ),
        };
        (0..300).map(log).collect::<String>()
    };
    let postgres = |wild: &str| {
        let line = |at: &str, table: &str| {
            format!(
                "{at} UTC [7] a@shop LOG:  duration: 1000.0 ms  statement: SELECT a FROM {table}\n"
            )
        };
        let log = |n: u64| match n {
            150 => line(wild, "wild"),
            _ => line(
                &format!("2026-11-21 10:{:02}:{:02}.000", n / 60, n % 60),
                "t",
            ),
        };
        (0..300).map(log).collect::<String>()
    };
    let mut logs: Vec<(String, String)> = ["1", "99999999999", "18446744073709551615", "0"]
        .map(|wild| (mysql(wild), mysql("1795255350")))
        .into();
    logs.extend(
        [
            "1970-01-01 00:00:01.000",
            "2555-01-01 00:00:00.000",
            "4026-11-21 10:02:30.000",
        ]
        .map(|wild| (postgres(wild), postgres("2026-11-21 10:02:30.000"))),
    );
    for (wild, tame) in logs {
        let told = digest(&[&file(&dir, "wild", wild.as_bytes())]);
        let wanted = digest(&[&file(&dir, "tame", tame.as_bytes())]);
        assert_eq!(runs(&told), 300);
        for key in ["from", "to", "entries"] {
            assert_eq!(told["source"][key], wanted["source"][key], "{key}");
        }
        let total = |digest: &Value| digest["queries"][0]["time_s"]["total"].clone();
        assert_eq!(total(&told), total(&wanted));
    }
}

#[test]
fn a_count_that_came_out_at_the_other_end_is_none() {
    let dir = folder();
    let log = "# User@Host: a[a] @ [10.0.0.1]\n\
         # Query_time: 2.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 18446744073709551615\n\
         SET timestamp=1795255350;\nSELECT a FROM t;\n";
    let told = digest(&[&file(&dir, "wrapped", log.as_bytes())]);
    assert_eq!(told["queries"][0]["rows_examined"], Value::Null, "{told}");
    assert_eq!(told["queries"][0]["rows_sent"]["total"], 1, "{told}");
}

#[test]
fn sessions_that_write_in_turns_are_told_apart() {
    let dir = folder();
    // parse, bind and execute of two sessions; the statements differ in their table
    let of = |pid: u32, table: &str| {
        let line = |ms: &str, step: &str| {
            format!(
                "2026-11-21 10:00:00.{pid} UTC [{pid}] app@shop/web LOG:  duration: {ms} ms  {step} s1: SELECT a FROM {table} WHERE b = $1\n"
            )
        };
        [
            line("1.000", "parse"),
            line("2.000", "bind"),
            line("4.000", "execute"),
        ]
    };
    let (first, second) = (of(101, "one"), of(102, "two"));
    let in_turns: String = (0..3).map(|i| first[i].clone() + &second[i]).collect();
    let one_by_one = first.concat() + &second.concat();
    let turns = digest(&[&file(&dir, "turns", in_turns.as_bytes())]);
    let straight = digest(&[&file(&dir, "straight", one_by_one.as_bytes())]);
    assert_eq!(turns["queries"], straight["queries"]);
    assert_eq!(runs(&turns), 2);
    for query in turns["queries"].as_array().expect("a list") {
        assert_eq!(query["time_s"]["total"], 0.007, "{query}");
    }
}

#[test]
fn any_encoding_is_counted_and_told_as_utf8() {
    let dir = folder();
    let odd: [&[u8]; 5] = [
        b"SELECT a FROM t WHERE b = 'caf\xe9'",
        b"SELECT a FROM t WHERE b = 'caf\xc3\xa9'",
        b"SELECT a FROM t WHERE b = '\xff\xfe\x00\x80'",
        b"SELECT a FROM t WHERE b = '\xed\xa0\x80'",
        "SELECT a FROM t WHERE b = '커피'".as_bytes(),
    ];
    let mut log: Vec<u8> = (0..).zip(odd).flat_map(|(n, sql)| entry(n, sql)).collect();
    log.extend(entry(6, b"SELECT a FROM `stra\xdfe`"));
    let report = digest(&[&file(&dir, "odd.log", &log)]);
    assert_eq!(runs(&report), 6);
    let counts: Vec<_> = report["queries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|q| q["count"].as_u64())
        .collect();
    assert!(
        counts.contains(&Some(5)),
        "literals of any encoding are literals: {counts:?}"
    );
}

#[test]
fn a_log_that_was_rotated_within_an_entry_loses_at_most_that_entry() {
    let dir = folder();
    let whole = entries(40);
    let length = whole.len() / 40;
    for cut in (0..length + 7).step_by(7) {
        let cut = whole.len() / 2 + cut;
        let old = file(&dir, "old", &whole[..cut]);
        let new = file(&dir, "new", &whole[cut..]);
        let report = digest(&[&old, &new]);
        let (told, unparsed) = (runs(&report), &report["source"]["unparsed_entries"]);
        assert!((39..=40).contains(&told), "cut at {cut}: {told}");
        let is_told = told == 40 || unparsed.as_u64() > Some(0);
        assert!(is_told, "what is lost at {cut} is said: {report}");
    }
}
