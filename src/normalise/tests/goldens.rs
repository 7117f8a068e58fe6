//! Identities that are stored in the field: a change here needs a new `FINGERPRINT_VERSION` and a migration.

use super::*;

const GOLDENS: &str = include_str!("goldens.txt");

#[test]
fn frozen_statements_keep_their_identity() {
    let mut wrong = Vec::new();
    for line in GOLDENS.lines() {
        let (id, rest) = line.split_once(' ').unwrap();
        let (dialect, sql) = rest.split_once(' ').unwrap();
        let dialect = match dialect {
            "mysql" => Dialect::Mysql,
            "postgres" => Dialect::Postgres,
            _ => Dialect::Generic,
        };
        let found = known(sql, dialect).statement.fingerprint;
        if found.to_string() != id {
            wrong.push(format!("{found} {} {sql}", dialect.as_str()));
        }
    }
    assert!(wrong.is_empty(), "these are new:\n{}", wrong.join("\n"));
}

#[test]
fn statements_are_split_outside_quotes_and_comments() {
    let text = b"SELECT 'a;b'; -- c;d\n/* e;f */ UPDATE t SET a = \"x;\";; # g;\n ; SELECT `q;`";
    let found: Vec<&[u8]> = split_statements(text, Dialect::Mysql).collect();
    assert_eq!(found.len(), 3);
    let text = b"SELECT $q$a;b$q$; SELECT 'C:\\'; SELECT E'it\\';'";
    assert_eq!(split_statements(text, Dialect::Postgres).count(), 3);
}

#[test]
fn the_command_writes_one_json_line_for_each_statement() {
    let mut out = Vec::new();
    let options = FingerprintOptions {
        dialect: None,
        separator: Separator::Nul,
        json: true,
    };
    let input = &b"SELECT a FROM `t` WHERE b = 1;\0SELECT 'open"[..];
    fingerprint_stream(input, &mut out, &Settings::default(), options).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["template"], "SELECT a FROM t WHERE b = ?");
    assert_eq!(lines[0]["tables"][0], "t");
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["opaque"]),
        (&"select".into(), &false.into())
    );
    assert_eq!(lines[1]["truncated"], true);
}

#[test]
fn statements_that_stand_across_blocks_of_the_input_are_read_whole() {
    let text = format!("SELECT 'a;{}' FROM t;\n-- x;\nSELECT 2", "b;".repeat(100));
    for size in 1..40 {
        let mut out = Vec::new();
        let input = std::io::BufReader::with_capacity(size, text.as_bytes());
        let options = FingerprintOptions {
            dialect: Some(Dialect::Postgres),
            ..FingerprintOptions::default()
        };
        fingerprint_stream(input, &mut out, &Settings::default(), options).unwrap();
        let text = String::from_utf8(out).unwrap();
        let templates: Vec<&str> = text.lines().filter_map(|line| line.get(18..)).collect();
        assert_eq!(templates, ["SELECT ? FROM t", "SELECT ?"]);
    }
}
