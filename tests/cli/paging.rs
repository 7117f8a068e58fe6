//! Pages far behind, as ORMs ask for them, in logs that tell nothing but the text, the time and perhaps the rows.

use std::fmt::Write as _;

use tempfile::TempDir;

use super::{digest, file, findings};

const SECONDS: u64 = 1_795_219_200;

/// As MySQL writes it by default: no flags.
fn mysql(sql: &str, examined: u64) -> String {
    (0..60).fold(String::new(), |mut log, run| {
        let end = SECONDS + run;
        write!(
            log,
            "# Time: 2026-11-21T00:00:{run:02}.000000Z\n\
             # User@Host: app[app] @  [10.0.0.5]  Id:    12\n\
             # Query_time: 0.400000  Lock_time: 0.000010 Rows_sent: 20  Rows_examined: {examined}\n\
             SET timestamp={end};\n{sql};\n"
        )
        .expect("a string takes all");
        log
    })
}

/// As PostgreSQL writes it without `auto_explain`.
fn postgres(sql: &str) -> String {
    (0..60).fold(String::new(), |mut log, run| {
        writeln!(
            log,
            "2026-11-21 10:00:{run:02}.000 UTC [7] shop@shop LOG:  duration: 400.000 ms  statement: {sql}"
        )
        .expect("a string takes all");
        log
    })
}

/// Detectors that tell of a log, sorted; not that its only statement is what takes the time.
fn found(log: &str) -> Vec<String> {
    let findings = findings(log);
    let slugs = findings.iter().filter_map(|f| f["detector"].as_str());
    let mut slugs: Vec<_> = slugs.map(str::to_owned).collect();
    slugs.retain(|slug| !["load-hog", "cacheable-read"].contains(&&**slug));
    slugs.sort();
    slugs
}

/// Pages, as programs write them, of which one says `{}` for the rows to skip.
const PAGES: [&str; 6] = [
    "SELECT id FROM orders WHERE shop = 7 ORDER BY id LIMIT 20 OFFSET {}",
    "SELECT `orders`.* FROM `orders` WHERE `orders`.`shop` = 7 ORDER BY `orders`.`id` DESC LIMIT {}, 20",
    "SELECT DISTINCT id_0 FROM (SELECT o0_.id AS id_0, o0_.note AS note_1 FROM orders o0_ ORDER BY o0_.id DESC) dctrn_result LIMIT 20 OFFSET {}",
    "SELECT o.* FROM orders o JOIN (SELECT id FROM orders ORDER BY created LIMIT 20 OFFSET {}) x ON x.id = o.id",
    "SELECT o.* FROM orders o WHERE o.id IN (SELECT id FROM (SELECT id FROM orders ORDER BY id LIMIT 20 OFFSET {}) x)",
    "WITH page AS (SELECT id FROM orders ORDER BY id LIMIT 20 OFFSET {}) SELECT o.* FROM orders o JOIN page ON page.id = o.id",
];

#[test]
fn a_page_far_behind_is_told_of_a_plain_log_of_mysql_however_it_is_asked_for() {
    for page in PAGES {
        let log = mysql(&page.replace("{}", "100000"), 100_040);
        assert_eq!(found(&log), ["deep-offset"], "{page}");
    }
}

#[test]
fn a_page_far_behind_is_told_of_a_log_of_postgres_that_tells_no_rows() {
    for page in PAGES.into_iter().filter(|page| !page.contains('`')) {
        let log = postgres(&page.replace("{}", "100000"));
        assert_eq!(found(&log), ["deep-offset"], "{page}");
    }
}

#[test]
fn a_first_page_is_no_page_far_behind_whatever_it_reads() {
    for offset in ["0", "20", "980"] {
        for page in PAGES {
            let mysql = mysql(&page.replace("{}", offset), 100_040);
            let postgres = postgres(&page.replace("{}", offset));
            for log in [mysql, postgres] {
                let told = found(&log);
                assert!(!told.iter().any(|slug| slug == "deep-offset"), "{page}");
            }
        }
    }
}

#[test]
fn what_a_program_skips_is_told_by_powers_of_ten() {
    let dir = TempDir::new().expect("a directory");
    let log = mysql(&PAGES[0].replace("{}", "123456"), 123_476);
    let path = file(&dir, "slow.log", log.as_bytes());
    let report = digest(&[&path]);
    let offset = &report["queries"][0]["attributes"]["offset"];
    assert_eq!(
        offset.to_string(),
        r#"[{"at_least":100000,"count":60}]"#,
        "{report}"
    );
    assert!(!report.to_string().contains("123456"));
}
