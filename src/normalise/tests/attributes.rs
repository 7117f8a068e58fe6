//! What a text has beside the identity of its statement.

use super::*;

#[test]
fn lists_and_rows_are_counted_beside_the_identity() {
    let repeats = |sql: &str| {
        let found = known(sql, Dialect::Mysql).attributes.repeats;
        (found.longest_list, found.rows)
    };
    assert_eq!(repeats("SELECT a FROM t WHERE b = 1"), (0, 0));
    assert_eq!(
        repeats("SELECT a FROM t WHERE b IN (1) AND c IN (1, -2, 'x')"),
        (3, 0)
    );
    assert_eq!(
        repeats("INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'c')"),
        (0, 3)
    );
    assert_eq!(
        repeats("SELECT a FROM t WHERE (b, c) IN ((1, 2), (3, 4))"),
        (0, 2)
    );
}

#[test]
fn a_list_is_as_long_whatever_its_values_are() {
    for list in [
        "IN ('a'::text, 'b'::text, 'c'::text)",
        "IN ($1::uuid, $2::uuid, $3::uuid)",
        "IN (CAST(1 AS int), CAST(2 AS int), 3)",
        "IN (true, false, true)",
        "IN (1, NULL, 2)",
        "IN (DATE '2026-01-01', DATE '2026-01-02', DATE '2026-01-03')",
        "IN (f(1, 2), 2, (3))",
        "= ANY(ARRAY[1, 2, 3])",
    ] {
        let sql = format!("SELECT a FROM t WHERE b {list} AND c IN (1)");
        let repeats = known(&sql, Dialect::Postgres).attributes.repeats;
        assert_eq!((repeats.longest_list, repeats.rows), (3, 0), "{list}");
    }
    let query = known(
        "SELECT a FROM t WHERE b IN (SELECT c, d FROM s)",
        Dialect::Mysql,
    );
    assert_eq!(query.attributes.repeats.longest_list, 0);
}

#[test]
fn the_pattern_of_a_like_is_what_stands_right_behind_it() {
    let likes = |sql: &str| {
        let known = known(&format!("SELECT a FROM t WHERE {sql}"), Dialect::Postgres);
        known.attributes.likes.names().collect::<Vec<_>>()
    };
    assert_eq!(likes("b LIKE '%x'"), ["suffix"]);
    assert_eq!(likes("b LIKE LOWER('%x%')"), ["contains"]);
    assert_eq!(likes("b ~~ '%x'"), ["suffix"]);
    assert_eq!(likes("b LIKE CONCAT('%', c)"), ["suffix"]);
    for other in [
        "b LIKE CONCAT(YEAR(NOW()), '%')",
        "b LIKE c || '%'",
        "b LIKE c ESCAPE '_' AND d = '%x'",
    ] {
        assert!(likes(other).is_empty(), "{other}");
    }
}

#[test]
fn whoever_shows_no_tags_reads_none() {
    let sql = b"SELECT a FROM t /*route='/orders'*/";
    let tags = |normaliser: Normaliser| {
        let mut normaliser = normaliser;
        normaliser
            .statement(sql, Dialect::Mysql, false)
            .attributes
            .tags
    };
    let normaliser = || Normaliser::new(&Settings::default(), 0);
    assert!(tags(normaliser()).is_some());
    assert_eq!(tags(normaliser().without_tags()), None);
}
