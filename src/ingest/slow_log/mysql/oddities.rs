//! What real slow logs contain, one test for each oddity. Lines are as the manuals show them: MySQL 8.4 "The Slow
//! Query Log" (7.4.5), Percona Server "Slow query log", MariaDB "Slow Query Log Extended Statistics" and "Explain in the
//! Slow Query Log".

use std::time::Duration;

use super::*;
use crate::ingest::RawRun;
use crate::ingest::slow_log::sniff;
use crate::ingest::slow_log::{Format, Names};
use crate::model::event::Outcome;

const USER: &str = "# User@Host: app[app] @ web1 [10.0.0.1]  Id:     8\n";
const TIMES: &str = "# Query_time: 1.500000  Lock_time: 0.000002 Rows_sent: 1  Rows_examined: 10\n";

/// One entry as it was told.
struct Told {
    sql: String,
    run: RawRun,
}

fn read(log: &str) -> (Vec<Told>, u64) {
    let mut parser = Mysql::new(&Options::default());
    let mut names = Names::default();
    let mut told = Vec::new();
    let progress = parser.parse(log.as_bytes(), Next::End, &mut |entry| {
        let (sql, run) = entry.split(&mut names);
        let sql = String::from_utf8_lossy(&sql).into_owned();
        told.push(Told { sql, run });
    });
    assert_eq!(progress.consumed, log.len());
    (told, progress.unparsed)
}

/// The only entry of a log.
fn one(log: &str) -> Told {
    let (mut told, unparsed) = read(log);
    assert_eq!((told.len(), unparsed), (1, 0), "{log}");
    told.remove(0)
}

fn statements(told: &[Told]) -> Vec<&str> {
    told.iter().map(|entry| entry.sql.as_str()).collect()
}

fn entry(header: &str, sql: &str) -> Told {
    one(&format!(
        "{USER}{header}SET timestamp=1795255200;\n{sql};\n"
    ))
}

/// When MySQL 5.6 was done with a statement of 1.5 s, and when Percona Server 5.6, which may tell microseconds.
#[test]
fn the_timestamp_of_mysql_5_6_is_the_end() {
    let of_5_6 = |time: &str| {
        one(&format!(
            "{time}{USER}{TIMES}use shop;\nSET timestamp=1795255202;\nSELECT 1;\n"
        ))
    };
    let told = of_5_6("# Time: 261121 10:00:02\n");
    assert_eq!(&*told.run.database, "shop");
    assert_eq!(told.run.end.unwrap().to_string(), "2026-11-21T10:00:02Z");
    let told = of_5_6("# Time: 261121 10:00:02.500000\n");
    assert_eq!(told.run.end.unwrap().to_string(), "2026-11-21T10:00:02.5Z");
    // written only when the second changes
    let told = of_5_6("");
    assert_eq!(told.run.end.unwrap().to_string(), "2026-11-21T10:00:02Z");
}

#[test]
fn a_comment_that_looks_like_a_header_is_part_of_its_statement() {
    for comment in [
        "# Query_time: 99999",
        "# Time: 5 minutes at most",
        "# Thread_id: 1",
    ] {
        let told = one(&format!(
            "{USER}{TIMES}SET timestamp=1795255200;\nSELECT a\n{comment}\nFROM t;\n"
        ));
        assert_eq!(told.sql, format!("SELECT a\n{comment}\nFROM t"));
        assert_eq!(told.run.elapsed, Duration::from_millis(1500));
    }
}

#[test]
fn headers_without_users_are_read_when_the_server_starts_to_write_them() {
    let banner = "mysqld, Version: 8.0 (x). started with:\nTcp port: 1  Unix socket: x\nTime                 Id Command    Argument\n";
    let long = format!("{USER}{TIMES}SELECT 1;\n");
    let short = |n: u8| format!("{TIMES}SELECT {n};\n");
    let (told, unparsed) = read(&format!("{long}{banner}{}{}", short(2), short(3)));
    assert_eq!(unparsed, 0);
    assert_eq!(statements(&told), ["SELECT 1", "SELECT 2", "SELECT 3"]);
}

/// Each text leaves a quote open by the rules of backslashes, which this server does not have.
#[test]
fn quotes_that_never_close_are_not_sought_anew_for_each_entry() {
    let entry = "# Query_time: 1\n'\\';\n";
    let log = entry.repeat(20_000);
    let mut parser = Mysql::new(&Options::default());
    let (mut entries, mut at) = (0, 0);
    while at < log.len() {
        let end = log.len().min(at + (256 << 10));
        let next = if end == log.len() {
            Next::End
        } else {
            Next::More
        };
        let part = &log.as_bytes()[at..end];
        at += parser.parse(part, next, &mut |_| entries += 1).consumed;
    }
    assert_eq!(entries, 20_000);
    let looks = parser.ahead.looks;
    assert!(looks < 10 * 20_000, "{looks}");
}

#[test]
fn the_clock_may_go_back_and_each_entry_keeps_its_own_time() {
    let at = |stamp: u64| format!("{USER}{TIMES}SET timestamp={stamp};\nSELECT 1;\n");
    let (told, _) = read(&(at(1_795_255_200) + &at(1_795_255_100)));
    let ends: Vec<String> = told
        .iter()
        .map(|e| e.run.end.unwrap().to_string())
        .collect();
    assert_eq!(ends, ["2026-11-21T10:00:00Z", "2026-11-21T09:58:20Z"]);
}

#[test]
fn a_garbled_time_is_a_header_and_the_timestamp_is_the_clock() {
    let told = one(&format!(
        "# Time: 2026-1\u{fffd}-2T1\n{USER}{TIMES}SET timestamp=1795255200;\nSELECT 1;\n"
    ));
    assert_eq!(told.run.end.unwrap().to_string(), "2026-11-21T10:00:00Z");
}

#[test]
fn entries_before_the_first_time_line_have_a_time() {
    let (told, _) = read(&format!(
        "{USER}{TIMES}SET timestamp=1795255200;\nSELECT 1;\n"
    ));
    assert!(told[0].run.end.is_some());
}

#[test]
fn a_timestamp_may_stand_behind_an_insert_id() {
    let told = one(&format!(
        "{USER}{TIMES}SET insert_id=7,timestamp=1795255200;\nINSERT INTO t VALUES (1);\n"
    ));
    assert_eq!(told.sql, "INSERT INTO t VALUES (1)");
    assert!(told.run.end.is_some());
}

#[test]
fn use_as_the_statement_itself_does_not_swallow_the_next_entry() {
    let log = format!(
        "{USER}{TIMES}SET timestamp=1;\nuse shop;\n{USER}{TIMES}SET timestamp=2;\nSELECT 1;\n"
    );
    let (told, unparsed) = read(&log);
    assert_eq!(unparsed, 0);
    assert_eq!(statements(&told), ["use shop", "SELECT 1"]);
}

#[test]
fn a_header_without_a_user_or_with_two_is_one_entry() {
    assert_eq!(
        one(&format!(
            "# Time: 2026-11-21T10:00:00.5Z\n{TIMES}SET timestamp=1;\nSELECT 1;\n"
        ))
        .sql,
        "SELECT 1"
    );
    let two =
        format!("# User@Host: old[old] @ gone []\n{USER}{TIMES}SET timestamp=1;\nSELECT 1;\n");
    assert_eq!(&*one(&two).run.user, "app");
}

#[test]
fn the_user_and_host_take_many_forms() {
    let client = |line: &str| {
        let told = one(&format!(
            "# User@Host: {line}\n{TIMES}SET timestamp=1;\nSELECT 1;\n"
        ));
        (told.run.user.to_string(), told.run.client.to_string())
    };
    let of = |user: &str, host: &str| (user.to_owned(), host.to_owned());
    assert_eq!(client("root[root] @ localhost []"), of("root", "localhost"));
    assert_eq!(client("root[root] @ [10.0.0.9]"), of("root", "10.0.0.9"));
    assert_eq!(client("[SQL_SLAVE] @  []"), of("", ""));
    assert_eq!(
        client("app[app] @ web1 [10.0.0.1]  Id: 12345678"),
        of("app", "web1")
    );
    assert_eq!(
        client("rdsadmin[rdsadmin] @ localhost [127.0.0.1]  Id:     1"),
        of("rdsadmin", "localhost")
    );
}

#[test]
fn the_client_line_tells_the_client_where_the_user_line_does_not() {
    let told = one(&format!(
        "# Time: 261121 10:00:00\n# Client: 10.0.0.7:3306\n# Thread_id: 5\n{TIMES}SET timestamp=1;\nSELECT 1;\n"
    ));
    assert_eq!(&*told.run.client, "10.0.0.7");
}

#[test]
fn one_blank_between_fields_is_enough() {
    let told = entry(
        "# Query_time: 2.0 Lock_time: 0.5 Rows_sent: 3 Rows_examined: 4\n",
        "SELECT 1",
    );
    assert_eq!(
        (told.run.elapsed, told.run.lock),
        (Duration::from_secs(2), Some(Duration::from_millis(500)))
    );
    assert_eq!(
        (told.run.rows.returned, told.run.rows.examined),
        (Some(3), Some(4))
    );
}

#[test]
fn percona_server_tells_its_way_by_yes_and_no() {
    let told = entry(
        "# Schema: shop  Last_errno: 0  Killed: 0\n\
         # Query_time: 0.000123  Lock_time: 0.000004  Rows_sent: 1  Rows_examined: 9  Rows_affected: 0\n\
         # Bytes_sent: 512  Tmp_tables: 1  Tmp_disk_tables: 1  Tmp_table_sizes: 16384\n\
         # InnoDB_trx_id: 1500\n\
         # QC_Hit: No  Full_scan: Yes  Full_join: Yes  Tmp_table: Yes  Tmp_table_on_disk: Yes\n\
         # Filesort: Yes  Filesort_on_disk: No  Merge_passes: 2\n\
         #   InnoDB_IO_r_ops: 6415  InnoDB_IO_r_bytes: 105103360  InnoDB_IO_r_wait: 0.001279\n\
         #   InnoDB_rec_lock_wait: 0.000000  InnoDB_queue_wait: 0.000000\n\
         #   InnoDB_pages_distinct: 6430\n\
         # Log_slow_rate_type: query  Log_slow_rate_limit: 25\n",
        "SELECT 1",
    );
    assert_eq!(told.run.elapsed, Duration::from_micros(123));
    assert_eq!((told.run.bytes_sent, told.run.weight), (Some(512), 25));
    let access = told.run.access.unwrap();
    assert_eq!(
        (access.full_scan, access.full_join),
        (Some(true), Some(true))
    );
    assert_eq!(
        (access.tmp_table, access.tmp_table_on_disk),
        (Some(true), Some(true))
    );
    assert_eq!(
        (
            access.filesort,
            access.filesort_on_disk,
            access.merge_passes
        ),
        (Some(true), Some(false), Some(2))
    );
    assert_eq!(&*told.run.database, "shop");
}

#[test]
fn missing_innodb_statistics_are_no_field() {
    let told = entry(
        &format!("{TIMES}# No InnoDB statistics available for this query\n"),
        "SELECT 1",
    );
    assert_eq!(told.run.access, None);
}

#[test]
fn the_engine_time_of_mariadb_is_no_time_of_the_run() {
    let told = entry(
        "# Thread_id: 8  Schema: shop  QC_hit: No\n\
         # Query_time: 0.250000  Lock_time: 0.000010  Rows_sent: 1  Rows_examined: 9\n\
         # Rows_affected: 0  Bytes_sent: 64\n\
         # Pages_accessed: 24  Pages_read: 1  Pages_prefetched: 0  Pages_updated: 0  Old_rows_read: 0\n\
         # Pages_read_time: 0.0500  Engine_time: 150.5000\n\
         # Full_scan: Yes  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n\
         #\n\
         # explain: id\tselect_type\ttable\ttype\tpossible_keys\tkey\tkey_len\tref\trows\tr_rows\tfiltered\tr_filtered\tExtra\n\
         # explain: 1\tSIMPLE\tt\tALL\tNULL\tNULL\tNULL\tNULL\t9\t9.00\t100.00\t11.11\tUsing where\n\
         #\n",
        "SELECT 1",
    );
    assert_eq!(told.run.elapsed, Duration::from_millis(250));
    let plan = told.run.access.unwrap().plan.unwrap();
    assert_eq!((&*plan[0].table, plan[0].actual_rows), ("t", Some(9)));
}

#[test]
fn the_long_line_of_mysql_8_tells_how_a_statement_ended() {
    let outcome = |errno: u32, killed: u32| {
        let header = format!(
            "# Query_time: 1.0  Lock_time: 0.0 Rows_sent: 0  Rows_examined: 0 Thread_id: 8 Errno: {errno} Killed: {killed} Bytes_received: 0 Bytes_sent: 56 Read_first: 1 Read_last: 0 Read_key: 1 Read_next: 0 Read_prev: 0 Read_rnd: 0 Read_rnd_next: 9 Sort_merge_passes: 0 Sort_range_count: 0 Sort_rows: 0 Sort_scan_count: 0 Created_tmp_disk_tables: 0 Created_tmp_tables: 0 Start: 2026-11-21T10:00:00.000000Z End: 2026-11-21T10:00:01.000000Z\n"
        );
        entry(&header, "SELECT 1").run.outcome
    };
    let cut = |code: &str| Outcome::Cancelled { code: code.into() };
    assert_eq!(outcome(0, 0), Outcome::Ok);
    assert_eq!(outcome(3024, 0), cut("3024"));
    assert_eq!(outcome(1317, 0), cut("1317"));
    assert_eq!(outcome(0, 1317), cut("1317"));
    assert_eq!(outcome(3024, 3024), cut("3024"));
    assert_eq!(
        outcome(1205, 0),
        Outcome::Error {
            code: "1205".into()
        }
    );
}

#[test]
fn wrapped_times_do_not_count() {
    let told = entry(
        "# Query_time: 18446744073709.551615  Lock_time: 18446744073699.406250 Rows_sent: 0  Rows_examined: 0\n",
        "SELECT 1",
    );
    assert_eq!(
        (told.run.elapsed, told.run.lock),
        (Duration::ZERO, Some(Duration::ZERO))
    );
}

#[test]
fn administrator_commands_are_entries_even_at_the_start() {
    let log = format!(
        "# administrator command: Quit;\n{USER}{TIMES}SET timestamp=1;\n# administrator command: Init DB;\n{USER}{TIMES}SET timestamp=2;\nSELECT 1;\n"
    );
    let (told, unparsed) = read(&log);
    assert_eq!(unparsed, 0);
    assert_eq!(
        statements(&told),
        ["administrator command: Init DB", "SELECT 1"]
    );
}

#[test]
fn banners_may_stand_anywhere_and_several_in_a_row() {
    let banner = "C:\\Program Files\\MySQL\\bin\\mysqld.exe, Version: 8.4.0 (MySQL Community Server - GPL). started with:\nTCP Port: 3306, Named Pipe: (null)\nTime\t\t Id\t Command\t Argument\n";
    let log = format!(
        "{banner}{banner}{USER}{TIMES}SET timestamp=1;\nSELECT 1;\n{banner}{banner}{USER}{TIMES}SELECT 2;\n{banner}"
    );
    let (told, unparsed) = read(&log);
    assert_eq!(unparsed, 0);
    assert_eq!(statements(&told), ["SELECT 1", "SELECT 2"]);
    assert_eq!(sniff(banner.as_bytes()), Some(Format::MysqlSlow));
}

#[test]
fn sql_that_looks_like_headers_is_sql() {
    for text in [
        "SELECT ';\n# not a header'",
        "INSERT INTO t VALUES ('### Channels ###\n### more ###')",
        "SELECT 1 /* Query_time: 3\n# Time: soon */",
        "SELECT 1 -- key: value",
        "SELECT a, -- first;\nb FROM t",
        "SELECT 'it''s \\' # User@Host: x'",
    ] {
        let log = format!(
            "{USER}{TIMES}SET timestamp=1;\n{text};\n{USER}{TIMES}SET timestamp=2;\nSELECT 2;\n"
        );
        let (told, unparsed) = read(&log);
        assert_eq!((told.len(), unparsed), (2, 0), "{text}");
        assert_eq!(told[0].sql, text);
    }
}

#[test]
fn a_copy_of_the_log_in_a_string_is_one_entry_however_long() {
    let inner = format!("{USER}{TIMES}SET timestamp=1;\nSELECT 1;\n").repeat(20);
    let log = format!(
        "{USER}{TIMES}SET timestamp=1;\nINSERT INTO t VALUES ('{inner}');\n{USER}{TIMES}SET timestamp=2;\nSELECT 2;\n"
    );
    let (told, unparsed) = read(&log);
    assert_eq!((told.len(), unparsed), (2, 0));
    assert_eq!(told[1].sql, "SELECT 2");
}

#[test]
fn a_cut_header_and_a_cut_last_line_cost_no_other_entry() {
    let whole = format!("{USER}{TIMES}SET timestamp=1;\nSELECT 1;\n");
    let (told, unparsed) = read(&format!(
        "{USER}# Query_ti\n{whole}{USER}{TIMES}SET timestamp=2;\nSELECT 2"
    ));
    assert_eq!(statements(&told), ["SELECT 1", "SELECT 2"]);
    assert_eq!(unparsed, 0);
    assert!(told[1].run.truncated);
}

#[test]
fn carriage_returns_are_no_part_of_names_or_statements() {
    let log = format!("{USER}{TIMES}use shop;\nSET timestamp=1795255200;\nSELECT 1;\n")
        .replace('\n', "\r\n");
    let told = one(&log);
    assert_eq!(
        (told.sql.as_str(), &*told.run.database),
        ("SELECT 1", "shop")
    );
    assert_eq!(told.run.end.unwrap().to_string(), "2026-11-21T10:00:00Z");
}
