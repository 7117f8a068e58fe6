//! Texts in which a literal once passed for code.

use super::*;

/// Dialect and text; no word with `secret` in it may be shown, in a template or among the tables.
const TEXTS: &str = r#"
mysql    | INSERT INTO notes (txt) VALUES ('don\'t tell SECRET2 my password is hunt
mysql    | SELECT a FROM t WHERE b = 'it\'s SECRET1 AND mo
mysql    | SELECT a FROM t WHERE b = 'dogs\' and secrets
mysql    | SELECT a FROM t WHERE b = 'dogs\' secret tricks
mysql    | SELECT a FROM t WHERE b = 'C:\' AND c = 'SECRET # 1'
mysql    | SELECT a FROM t WHERE b = 'C:\' AND c = ' secret # 1'
mysql    | SELECT a FROM t WHERE b = 'C:\' AND c = 'SECRET -- 1'
mysql    | SELECT a FROM t WHERE b = "say \"SECRET\" "
mysql    | PREPARE s FROM "UPDATE users SET pw='secret' WHERE email='secret@x.com'"
mysql    | PREPARE `s` FROM "SELECT secret"
mysql    | SELECT a FROM t WHERE d = "SECRET" AND e IN (SELECT f FROM "q")
mysql    | SELECT a FROM t WHERE d IN ("SECRET", "SECRET") AND e IN (SELECT f FROM "q")
mysql    | SELECT trim(LEADING 'x' FROM "SECRET") FROM t
mysql    | SELECT a FROM t WHERE b = $$SECRET$$
mysql    | CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $$ let k = SECRET $$
mysql    | SELECT a FROM t WHERE b = 4111111111111111secret
mysql    | SELECT a FROM t WHERE b = 'dogs\' and SECRET = 5
mysql    | SELECT a FROM t WHERE b = 'dogs\' and f(SECRET, 5)
generic  | SELECT a FROM t WHERE b = 'dogs\' and SECRET = 5
mysql    | SELECT a 'SECRET', b AS "SECRET" FROM t
mysql    | CREATE TABLE s AS SELECT a 'SECRET', b AS 'SECRET' FROM t
mysql    | ALTER USER u IDENTIFIED WITH p AS 'SECRET'
postgres | SELECT a FROM t WHERE b = mood 'SECRET'
generic  | INSERT INTO t (a, b) VALUES ('it\'s SECRET', 'that\'s')
generic  | UPDATE t SET a='it\'s SECRET', b='don\'t' WHERE c=1
generic  | SELECT a FROM t WHERE b = 'say \'SECRET\' '
generic  | SELECT a FROM t WHERE b = "say \"SECRET\" "
generic  | SELECT a FROM t WHERE b = 'O\'SECRET' AND c = 'x\'y'
generic  | INSERT INTO t VALUES ('don\'t tell SECRET
generic  | SELECT trim(BOTH "x" FROM "SECRET") FROM t
generic  | SELECT extract(YEAR FROM "SECRET") FROM t
generic  | SELECT a FROM t WHERE b IS DISTINCT FROM "SECRET"
generic  | SELECT a FROM t WHERE b = "SECRET".
generic  | PREPARE s FROM "SELECT secret"
generic  | SELECT a FROM t WHERE b = 1 # user bob SECRET
generic  | SELECT a FROM t WHERE b = 1 # it's⏎ AND c = 'SECRET'
generic  | SELECT a FROM t WHERE b = 1 #SECRET
generic  | SELECT a FROM t WHERE b = 1 /* x /* y */ SECRET */
generic  | SELECT a FROM t WHERE b = 1 /*! SECRET */
postgres | SELECT a FROM t WHERE b = 'say \'SECRET\' '
postgres | SELECT a FROM t WHERE b = E'a'⏎'b\'SECRET\''
postgres | SELECT a FROM t WHERE b = E'a' -- c⏎  'b\'SECRET\''
postgres | SELECT $é$x; SECRET $é$
postgres | SELECT $aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg$ SECRET $aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg$
postgres | COPY t (a, b) FROM stdin;⏎1⇥SECRET⏎\.⏎
postgres | COPY t FROM STDIN WITH (FORMAT csv);⏎1,SECRET
"#;

fn texts() -> impl Iterator<Item = (Dialect, String)> {
    let lines = TEXTS.lines().filter(|line| !line.is_empty());
    lines.map(|line| {
        let (dialect, text) = line.split_once('|').unwrap();
        let dialect = match dialect.trim() {
            "mysql" => Dialect::Mysql,
            "postgres" => Dialect::Postgres,
            _ => Dialect::Generic,
        };
        (dialect, text[1..].replace('⏎', "\n").replace('⇥', "\t"))
    })
}

fn shown(sql: &[u8], dialect: Dialect, truncated: bool) -> String {
    let mut normaliser = Normaliser::new(&Settings::default(), 1);
    let statement = normaliser.statement(sql, dialect, truncated).statement;
    serde_json::to_string(&*statement)
        .unwrap()
        .to_ascii_lowercase()
}

#[test]
fn no_reading_shows_a_literal() {
    let mut leaks = Vec::new();
    for (dialect, sql) in texts() {
        for truncated in [false, true] {
            let shown = shown(sql.as_bytes(), dialect, truncated);
            if shown.contains("secret") {
                leaks.push(format!("{dialect:?} {sql}\n  {shown}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn no_statement_of_a_stream_shows_a_literal() {
    for (dialect, sql) in texts() {
        for part in split_statements(sql.as_bytes(), dialect) {
            let shown = shown(part, dialect, false);
            assert!(!shown.contains("secret"), "{sql}\n  {shown}");
        }
    }
}

#[test]
fn the_rows_of_a_dump_are_no_statements() {
    let dump = "-- Data\nCOPY public.t (a) FROM stdin;\n1\nit's\n;\n\\.\n\nSELECT 1;\nCOPY s FROM stdin;\n\\.\nSELECT 2;";
    for size in [1, 3, 7, 4096] {
        let mut out = Vec::new();
        let input = std::io::BufReader::with_capacity(size, dump.as_bytes());
        let options = FingerprintOptions {
            dialect: Some(Dialect::Postgres),
            ..FingerprintOptions::default()
        };
        fingerprint_stream(input, &mut out, &Settings::default(), options).unwrap();
        let text = String::from_utf8(out).unwrap();
        let templates: Vec<&str> = text.lines().filter_map(|line| line.get(18..)).collect();
        let copy = "copy public.t(a) FROM stdin";
        assert_eq!(
            templates,
            [copy, "SELECT ?", "copy s FROM stdin", "SELECT ?"]
        );
    }
    assert_eq!(
        split_statements(dump.as_bytes(), Dialect::Postgres).count(),
        4
    );
}

#[test]
fn the_mode_of_the_server_is_told_by_the_text_that_only_it_can_have() {
    let clean = template("SELECT a FROM t WHERE b = 'x' AND c = 'y'", Dialect::Mysql);
    for (dialect, sql) in [
        (
            Dialect::Mysql,
            r"SELECT a FROM t WHERE b = 'C:\' AND c = 'SECRET # 1'",
        ),
        (
            Dialect::Mysql,
            r"SELECT a FROM t WHERE b = 'it\'s' AND c = 'y'",
        ),
        (
            Dialect::Generic,
            r"SELECT a FROM t WHERE b = 'it\'s' AND c = 'that\'s'",
        ),
        (
            Dialect::Generic,
            r"SELECT a FROM t WHERE b = 'C:\' AND c = 'D:\'",
        ),
        (
            Dialect::Postgres,
            r"SELECT a FROM t WHERE b = 'it\'s' AND c = 'that\'s'",
        ),
        (
            Dialect::Postgres,
            r"SELECT a FROM t WHERE b = 'C:\' AND c = 'y'",
        ),
    ] {
        assert_eq!(template(sql, dialect), clean, "{sql}");
    }
}
