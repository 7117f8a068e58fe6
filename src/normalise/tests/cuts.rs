//! Texts that a log had cut, and statements that no parser reads.

use super::*;

/// Every text of the tables of pairs that all dialects share.
fn corpus() -> impl Iterator<Item = &'static str> {
    include_str!("pairs/every.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.get(2..))
}

#[test]
fn text_cut_at_any_byte_is_flagged_and_joins_the_only_family_that_begins_so() {
    let (mut cuts, mut joined) = (0_u32, 0_u32);
    for text in corpus() {
        let mut normaliser = Normaliser::new(&Settings::default(), 1);
        let whole = normaliser
            .statement(text.as_bytes(), Dialect::Mysql, false)
            .statement;
        for end in text.len() * 2 / 3..text.len() {
            let cut = normaliser.statement(&text.as_bytes()[..end], Dialect::Mysql, true);
            assert!(cut.statement.truncated, "{text}");
            cuts += 1;
            joined += u32::from(cut.statement.fingerprint == whole.fingerprint);
        }
    }
    assert!(joined * 100 >= cuts * 95, "{joined} of {cuts}");
}

#[test]
fn a_beginning_of_two_known_statements_joins_neither() {
    let mut normaliser = Normaliser::new(&Settings::default(), 1);
    let mut id = |sql: &str, cut| {
        normaliser
            .statement(sql.as_bytes(), Dialect::Postgres, cut)
            .statement
            .fingerprint
    };
    let by_b = id("SELECT a FROM t WHERE b = 1 AND c = 2", false);
    assert_eq!(id("SELECT a FROM t WHERE b = 1 AN", true), by_b);
    let by_d = id("SELECT a FROM t WHERE b = 1 AND d = 2", false);
    let cut = id("SELECT a FROM t WHERE b = 1 AN", true);
    assert!(cut != by_b && cut != by_d);
    assert_eq!(id("SELECT a FROM t WHERE b = 1 AND d =", true), by_d);
}

#[test]
fn a_lost_condition_does_not_make_a_statement_without_one() {
    let id = |sql| known(sql, Dialect::Mysql).statement.fingerprint;
    for cut in [
        "DELETE FROM t WHERE",
        "DELETE FROM t WHERE (",
        "DELETE FROM t WHERE a = 1 AND",
    ] {
        assert_ne!(id(cut), id("DELETE FROM t"), "{cut}");
        assert!(known(cut, Dialect::Mysql).statement.truncated, "{cut}");
    }
    assert_eq!(
        id("DELETE FROM t WHERE a ="),
        id("DELETE FROM t WHERE a = 1")
    );
    assert_eq!(
        id("DELETE FROM t WHERE a IN ("),
        id("DELETE FROM t WHERE a IN (1)")
    );
}

/// Dialect, text, kind, tables.
const UTILITIES: &str = "
mysql    | OPTIMIZE TABLE a, s.b               | utility     | a s.b
mysql    | CHECK TABLE a QUICK                 | utility     | a
mysql    | ANALYZE LOCAL TABLE a               | utility     | a
mysql    | LOCK TABLES a READ, b AS c WRITE    | utility     | a b
mysql    | XA START 'x'                        | transaction |
mysql    | HANDLER a READ NEXT                 | select      | a
mysql    | LOAD DATA INFILE 'f' INTO TABLE a   | insert      | a
mysql    | SHOW CREATE TABLE a                 | utility     | a
mysql    | SELECT a FROM t LOCK IN SHARE MODE  | select      | t
mysql    | EXPLAIN EXTENDED SELECT a FROM t    | utility     | t
mysql    | ALTER TABLE a ADD INDEX i (b)       | ddl         | a
postgres | VACUUM (ANALYZE, VERBOSE) a         | utility     | a
postgres | COPY a (b, c) FROM STDIN            | insert      | a
postgres | COPY a TO STDOUT                    | select      | a
postgres | DO $$ BEGIN DELETE FROM t; END $$   | utility     |
postgres | SELECT a FROM t WHERE b OPERATOR(pg_catalog.=) 1 | select | t
";

#[test]
fn statements_that_no_parser_reads_have_a_kind_and_tables() {
    for line in UTILITIES.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let dialect = match cells[0] {
            "mysql" => Dialect::Mysql,
            _ => Dialect::Postgres,
        };
        let statement = known(cells[1], dialect).statement;
        let found: Vec<&str> = statement.tables().iter().map(|t| &**t).collect();
        assert_eq!(
            (statement.kind().as_str(), &*found.join(" ")),
            (cells[2], cells[3]),
            "{line}"
        );
    }
}

#[test]
fn ddl_loses_no_word() {
    assert_eq!(
        template("ALTER TABLE items ADD INDEX i (a)", Dialect::Mysql),
        "ALTER TABLE items add INDEX i(a)"
    );
}

#[test]
fn two_roles_of_one_table_are_joined() {
    let statement = known("SELECT 1 FROM t a JOIN t b ON a.id = b.pid", Dialect::Mysql).statement;
    let joins = &statement.shape().unwrap().joins;
    assert_eq!(
        (&*joins[0].left.column, &*joins[0].right.column),
        ("id", "pid")
    );
}

#[test]
fn most_texts_can_be_parsed_in_every_dialect() {
    for dialect in [Dialect::Mysql, Dialect::Postgres, Dialect::Generic] {
        let opaque = corpus().filter(|sql| known(sql, dialect).statement.shape().is_none());
        let (opaque, all) = (opaque.count(), corpus().count());
        println!("{}: {opaque} of {all} opaque", dialect.as_str());
        assert!(opaque * 100 <= all * 10, "{dialect:?}: {opaque} of {all}");
    }
}
