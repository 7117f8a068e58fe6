//! Whole logs that look alike: what is routine, spread over days, and what is an outage of ten minutes in a day.
//!
//! Each log is told as runs of statements; beside them is the ordinary traffic of a shop.

use std::fmt::Write as _;

use super::findings;

/// Midnight of some day, in seconds.
const MIDNIGHT: u64 = 1_795_219_200;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// One run: when it ended, what it took in seconds, and its text.
struct Run {
    end: u64,
    seconds: f64,
    lock: f64,
    sent: u64,
    examined: u64,
    affected: u64,
    scans: bool,
    sql: &'static str,
}

fn scan(end: u64, seconds: f64, examined: u64, sql: &'static str) -> Run {
    Run {
        end,
        seconds,
        lock: 0.0,
        sent: 1,
        examined,
        affected: 0,
        scans: true,
        sql,
    }
}

fn change(end: u64, seconds: f64, rows: u64, sql: &'static str) -> Run {
    Run {
        sent: 0,
        affected: rows,
        ..scan(end, seconds, rows, sql)
    }
}

/// What a shop does all day, whatever else happens.
fn traffic(days: u64) -> impl Iterator<Item = Run> {
    (0..days * DAY / 60).map(|minute| Run {
        scans: false,
        ..scan(
            minute * MINUTE + 7,
            0.000_6,
            1,
            "SELECT * FROM orders WHERE id = 5",
        )
    })
}

/// As MariaDB writes it.
fn mariadb(mut runs: Vec<Run>) -> String {
    runs.sort_by_key(|run| run.end);
    let mut log = String::new();
    for run in runs {
        let yes = |flag: bool| if flag { "Yes" } else { "No" };
        let (end, seconds, lock) = (MIDNIGHT + run.end, run.seconds, run.lock);
        let (sent, examined, affected) = (run.sent, run.examined, run.affected);
        let (scans, sql) = (yes(run.scans), run.sql);
        write!(
            log,
            "# User@Host: app[app] @  [10.0.0.5]\n\
             # Thread_id: 12  Schema: shop  QC_hit: No\n\
             # Query_time: {seconds:.6}  Lock_time: {lock:.6}  Rows_sent: {sent}  Rows_examined: {examined}\n\
             # Rows_affected: {affected}  Bytes_sent: 100\n\
             # Full_scan: {scans}  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n\
             # Filesort: No  Filesort_on_disk: No  Merge_passes: 0  Priority_queue: No\n\
             SET timestamp={end};\n{sql};\n"
        )
        .expect("a string takes all");
    }
    log
}

/// Detectors and severities that `digest` tells of a log, sorted; not what follows from these logs being so simple.
fn found(log: &str) -> Vec<String> {
    let findings = findings(log);
    let mut found: Vec<_> = findings
        .iter()
        .map(|f| format!("{} {}", f["detector"], f["severity"]).replace('"', ""))
        .filter(|found| {
            !["load-hog info", "load-hog warning", "cacheable-read info"].contains(&&**found)
        })
        .collect();
    found.sort();
    found
}

fn with_traffic(days: u64, runs: impl IntoIterator<Item = Run>) -> String {
    mariadb(traffic(days).chain(runs).collect())
}

#[test]
fn a_nightly_report_is_advice() {
    let sql = "SELECT id FROM sales WHERE day = '2026-11-21'";
    let runs = (0..7).map(|day| scan(day * DAY + 3 * HOUR, 40.0, 5_000_000, sql));
    assert_eq!(found(&with_traffic(7, runs)), ["full-scan info"]);
}

#[test]
fn a_staging_table_that_is_emptied_every_night_is_advice() {
    let runs = (0..7).map(|d| change(d * DAY + 3 * HOUR, 4.0, 50_000, "DELETE FROM staging"));
    assert_eq!(found(&with_traffic(7, runs)), ["missing-where info"]);
}

#[test]
fn a_table_that_is_emptied_once_is_critical() {
    let once = [change(10 * HOUR, 4.0, 50_000, "DELETE FROM staging")];
    assert_eq!(found(&with_traffic(1, once)), ["missing-where critical"]);
}

#[test]
fn a_cache_that_is_warmed_every_hour_is_well() {
    let warm_up = |hour| Run {
        sent: 150_000,
        ..scan(hour * HOUR, 0.6, 150_000, "SELECT * FROM products")
    };
    assert_eq!(found(&with_traffic(1, (1..24).map(warm_up))), [""; 0]);
}

#[test]
fn a_backup_of_every_night_is_well() {
    let dump = |day| Run {
        sent: 500_000,
        ..scan(
            day * DAY + 3 * HOUR,
            40.0,
            500_000,
            "SELECT /*!40001 SQL_NO_CACHE */ * FROM `a`",
        )
    };
    assert_eq!(found(&with_traffic(7, (0..7).map(dump))), [""; 0]);
}

#[test]
fn short_scans_minutes_apart_are_no_load_however_long_the_log() {
    let sql = "SELECT id, name FROM coupons WHERE code = 'c1'";
    let runs = (0..180).map(|i| scan(i * 8 * MINUTE + 9, 0.07, 20_000, sql));
    assert_eq!(found(&with_traffic(1, runs)), [""; 0]);
}

#[test]
fn waits_for_locks_that_lie_an_hour_apart_are_well() {
    let sql = "UPDATE stock SET n = n - 1 WHERE id = 5";
    let waits = (0..23).map(|hour| Run {
        lock: 0.5,
        scans: false,
        ..change(hour * HOUR + 9, 0.52, 1, sql)
    });
    assert_eq!(found(&with_traffic(1, waits)), [""; 0]);
}

#[test]
fn ten_minutes_of_scans_by_forty_connections_are_critical_in_the_log_of_a_day() {
    let sql = "SELECT id FROM customers WHERE email = 'a@b.example'";
    let outage = (0..3_000).map(|i| scan(10 * HOUR + i / 5, 8.0, 2_000_000, sql));
    assert_eq!(found(&with_traffic(1, outage)), ["full-scan critical"]);
}

#[test]
fn ten_minutes_of_waits_for_a_lock_are_critical_in_the_log_of_a_day() {
    let sql = "UPDATE stock SET n = n - 1 WHERE id = 5";
    let outage = (0..1_200).map(|i| Run {
        lock: 9.9,
        scans: false,
        ..change(10 * HOUR + i / 2, 10.0, 1, sql)
    });
    assert_eq!(found(&with_traffic(1, outage)), ["lock-wait critical"]);
}

#[test]
fn a_plan_that_flips_for_five_minutes_is_told_in_the_log_of_a_day() {
    let sql = "SELECT id FROM orders WHERE shop = 7 AND state = 'open'";
    let is_bad = |second: u64| (10 * HOUR..10 * HOUR + 5 * MINUTE).contains(&second);
    let run = |second: u64| {
        let (seconds, rows) = if is_bad(second) {
            (4.0, 2_000_000)
        } else {
            (0.002, 40)
        };
        Run {
            scans: false,
            sent: 20,
            ..scan(second, seconds, rows, sql)
        }
    };
    let log = mariadb((0..DAY / 5).map(|n| run(5 * n)).collect());
    assert_eq!(found(&log), ["plan-flip warning"]);
}

#[test]
fn a_customer_with_more_rows_who_asks_all_day_is_no_flip() {
    let run = |second: u64| {
        let is_heavy = second % 600 < 60 && second.is_multiple_of(10);
        let (seconds, rows) = if is_heavy {
            (4.0, 2_000_000)
        } else {
            (0.002, 40)
        };
        Run {
            scans: false,
            sent: 20,
            ..scan(
                second,
                seconds,
                rows,
                "SELECT id FROM orders WHERE shop = 7 AND state = 'open'",
            )
        }
    };
    let log = mariadb((0..DAY / 5).map(|n| run(5 * n)).collect());
    assert!(!found(&log).iter().any(|f| f.starts_with("plan-flip")));
}

#[test]
fn one_entry_with_a_wrong_clock_changes_nothing() {
    let sql = "SELECT id FROM customers WHERE email = 'a@b.example'";
    let outage = (0..3_000).map(|i| scan(10 * HOUR + i / 5, 8.0, 2_000_000, sql));
    let log = with_traffic(1, outage);
    let of_replica = "# Time: 261121  9:00:00\n".to_owned()
        + &mariadb(vec![scan(0, 0.001, 1, "SELECT * FROM orders WHERE id = 6")]);
    let of_replica = of_replica.replace(&format!("timestamp={MIDNIGHT}"), "timestamp=1");
    assert_eq!(found(&(of_replica + &log)), ["full-scan critical"]);
}
