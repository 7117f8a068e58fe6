//! What the shape says of a statement.

use super::*;
use crate::model::obstacle::Wrapping;
use crate::model::sql::{Comparison, Shape, StatementKind};
use crate::model::value::ValueKind;

fn shape(sql: &str, dialect: Dialect) -> Shape {
    let statement = known(sql, dialect).statement;
    match &statement.parsed {
        Parsed::Shape(shape) => Shape::clone(shape),
        Parsed::Opaque { why, .. } => panic!("{why}: {}", statement.template.as_str()),
    }
}

fn tables(shape: &Shape) -> Vec<&str> {
    shape.tables.iter().map(|t| &**t).collect()
}

#[test]
fn predicates_name_their_table_through_aliases() {
    let shape = shape(
        "SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id WHERE lower(u.email) = 'x' AND o.state IN (1,2) ORDER BY o.created DESC LIMIT 5 OFFSET 10",
        Dialect::Mysql,
    );
    assert_eq!(tables(&shape), ["orders", "users"]);
    let email = &shape.predicates[0];
    assert_eq!(email.column.table.as_deref(), Some("users"));
    assert!(email.wrapped);
    assert_eq!(shape.predicates[1].op, Comparison::InList);
    assert_eq!(shape.joins.len(), 1);
    assert!(shape.order_by[0].descending);
    assert!(shape.filtered && shape.limit.is_some_and(|l| l.offset));
}

#[test]
fn a_cte_is_no_table() {
    let shape = shape(
        "WITH recent AS (SELECT id FROM orders WHERE d > 1) SELECT count(*) FROM recent",
        Dialect::Postgres,
    );
    assert_eq!(tables(&shape), ["orders"]);
    assert!(shape.aggregates && !shape.filtered);
    assert_eq!(shape.subqueries, 1);
}

#[test]
fn changes_name_what_they_write() {
    let update = shape("UPDATE t SET a = 1", Dialect::Mysql);
    assert_eq!(&*update.written[0], "t");
    assert!(!update.filtered);
    let insert = shape(
        "INSERT INTO t (a) SELECT b FROM s WHERE c = 1",
        Dialect::Postgres,
    );
    assert_eq!(tables(&insert), ["s", "t"]);
    assert_eq!(&*insert.written[0], "t");
    assert_eq!(insert.kind, StatementKind::Insert);
    let delete = shape("DELETE FROM t WHERE a = $1", Dialect::Postgres);
    assert_eq!((delete.filtered, delete.written.len()), (true, 1));
}

#[test]
fn a_condition_that_looks_at_no_row_is_none() {
    for dialect in [Dialect::Mysql, Dialect::Postgres] {
        for constant in ["1 = 1", "TRUE", "1", "(1=1 AND 'a' = 'a')", "NOT false"] {
            let delete = shape(&format!("DELETE FROM t WHERE {constant}"), dialect);
            assert!(!delete.filtered, "{constant}");
        }
        for choosing in [
            "1 = 1 AND a = 2",
            "a",
            "a IN (1)",
            "EXISTS (SELECT 1)",
            "rand() < 0.1",
        ] {
            let update = shape(&format!("UPDATE t SET b = 1 WHERE {choosing}"), dialect);
            assert!(update.filtered, "{choosing}");
        }
    }
    assert!(!shape("SELECT a FROM t WHERE 1 = 1", Dialect::Mysql).filtered);
}

#[test]
fn every_branch_of_a_union_must_be_filtered() {
    assert!(
        !shape(
            "SELECT a FROM t WHERE b = 1 UNION SELECT a FROM s",
            Dialect::Mysql
        )
        .filtered
    );
    assert!(
        shape(
            "SELECT a FROM t WHERE b = 1 UNION SELECT a FROM s WHERE b = 2",
            Dialect::Mysql
        )
        .filtered
    );
}

#[test]
fn a_sort_key_by_number_is_the_column_it_names() {
    let shape = shape(
        "SELECT *, sum(a) s, b FROM t GROUP BY b ORDER BY 3",
        Dialect::Mysql,
    );
    assert_eq!(
        shape.order_by[0].column.as_ref().map(|c| &*c.column),
        Some("b")
    );
    assert!(shape.selects_star && shape.aggregates);
}

#[test]
fn what_no_parser_reads_keeps_kind_and_tables() {
    let statement = known(
        "SELECT a FROM db.t WHERE FROB a b c LOCK THIS",
        Dialect::Mysql,
    )
    .statement;
    assert!(matches!(statement.parsed, Parsed::Opaque { .. }));
    assert_eq!(statement.kind(), StatementKind::Select);
    assert_eq!(&*statement.tables()[0], "db.t");
}

#[test]
fn templates_read_well() {
    assert_eq!(
        template(
            "insert into `Orders`(id, note) values (1, 'x'), (2, 'y')",
            Dialect::Mysql
        ),
        "INSERT INTO orders (id, note) VALUES (?, ?)"
    );
    assert_eq!(
        template(
            "select u1_0.id, count(*) as c from \"users\" u1_0 where u1_0.\"Name\"='x' group by u1_0.id order by c desc",
            Dialect::Postgres
        ),
        "SELECT users.id, COUNT(*) FROM users WHERE users.\"Name\" = ? GROUP BY users.id ORDER BY 2 DESC"
    );
}

/// Kind and text of what stands around the columns of a condition.
fn obstacles(condition: &str, dialect: Dialect) -> Vec<(Wrapping, String)> {
    let shape = shape(&format!("SELECT a FROM t WHERE {condition}"), dialect);
    let found = shape.predicates.iter().filter_map(|p| p.obstacle.as_ref());
    found.map(|o| (o.kind, o.expression.to_string())).collect()
}

#[test]
fn what_stands_around_a_column_is_named() {
    use Wrapping::{
        Arithmetic, CaseFold, Cast, Function, Json, NullDefault, Pattern, Substring, TimePart,
    };
    let mysql = [
        ("DATE(at) = '2026-01-01'", TimePart),
        ("YEAR(at) IN (2025, 2026)", TimePart),
        ("CAST(at AS DATE) BETWEEN 'a' AND 'b'", TimePart),
        ("EXTRACT(YEAR FROM at) = 2026", TimePart),
        ("'x' = LOWER(email)", CaseFold),
        ("(UPPER(email)) LIKE 'X%'", CaseFold),
        ("IFNULL(gone, 0) = 0", NullDefault),
        ("CAST(id AS CHAR) = '7'", Cast),
        ("CONVERT(id, CHAR) = '7'", Cast),
        ("LEFT(code, 3) = 'abc'", Substring),
        ("SUBSTRING(code, 1, 3) = 'abc'", Substring),
        ("doc->'$.id' = 7", Json),
        ("JSON_EXTRACT(doc, '$.id') = 7", Json),
        ("id + 0 = 7", Arithmetic),
        ("price * 2 > 7", Arithmetic),
        ("REPLACE(phone, '-', '') = '1'", Function),
    ];
    for (condition, kind) in mysql {
        let found = obstacles(condition, Dialect::Mysql);
        assert_eq!(found.len(), 1, "{condition}: {found:?}");
        assert_eq!(found[0].0, kind, "{condition}");
        assert!(!found[0].1.contains('7'), "no literal: {found:?}");
    }
    let postgres = [
        ("lower(email) = 'x'", CaseFold),
        ("at::date = '2026-01-01'", TimePart),
        ("date_trunc('day', at) = '2026-01-01'", TimePart),
        ("id::text = '7'", Cast),
        ("doc->>'id' = '7'", Json),
        ("name || '' = 'x'", Arithmetic),
        ("name ILIKE 'x%'", Pattern),
    ];
    for (condition, kind) in postgres {
        let found = obstacles(condition, Dialect::Postgres);
        assert_eq!(found.len(), 1, "{condition}: {found:?}");
        assert_eq!(found[0].0, kind, "{condition}");
    }
}

#[test]
fn a_column_that_stands_alone_meets_no_obstacle() {
    for condition in [
        "at >= DATE_SUB(NOW(), INTERVAL 1 DAY)",
        "email = LOWER('X')",
        "(at) > '2026-01-01' AND name LIKE 'x%'",
        "id = b + 1",
        "RAND() < 0.1",
        "t.id = COALESCE(t.parent, t.root)",
    ] {
        let found = obstacles(condition, Dialect::Mysql);
        assert!(found.is_empty(), "{condition}: {found:?}");
    }
    let having = shape(
        "SELECT a FROM t GROUP BY a HAVING SUM(b) > 7",
        Dialect::Mysql,
    );
    assert!(having.predicates.iter().all(|p| p.obstacle.is_none()));
}

#[test]
fn the_wildcard_of_a_pattern_is_of_the_text_and_not_of_the_shape() {
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    let mut read = |sql: &str| {
        let statement = normaliser
            .statement(sql.as_bytes(), Dialect::Mysql, false)
            .statement;
        let wildcard = statement.shape().unwrap().leading_wildcard;
        (statement.fingerprint, wildcard)
    };
    let prefix = read("SELECT a FROM t WHERE b LIKE 'x%'");
    let infix = read("SELECT a FROM t WHERE b LIKE '%x%'");
    assert_eq!(prefix.0, infix.0);
    assert!(!prefix.1 && infix.1);
    assert!(!read("SELECT a FROM t WHERE b LIKE 'y%'").1);
    assert!(read("SELECT a FROM t WHERE b LIKE CONCAT('%', 'x')").1);
    assert!(!read("SELECT a FROM t WHERE b LIKE CONCAT(?, '%')").1);
    assert!(!read("SELECT a FROM t WHERE b LIKE ? AND c = '%x'").1);
}

#[test]
fn a_sort_by_a_random_number_is_known_by_its_first_key() {
    for random in [
        "SELECT a FROM t ORDER BY RAND() LIMIT 1",
        "SELECT a FROM t ORDER BY RAND(7) * weight",
        "SELECT a, RANDOM() AS r FROM t ORDER BY r",
        "SELECT a FROM t JOIN (SELECT id FROM t ORDER BY rand() LIMIT 3) x USING (id)",
    ] {
        assert!(shape(random, Dialect::Mysql).random_order, "{random}");
    }
    for other in [
        "SELECT a FROM t WHERE RAND() < 0.1 ORDER BY a",
        "SELECT RAND() FROM t ORDER BY a",
        "SELECT a FROM t ORDER BY a, RAND()",
    ] {
        assert!(!shape(other, Dialect::Mysql).random_order, "{other}");
    }
}

#[test]
fn a_count_of_all_rows_is_told_from_other_aggregates() {
    for count in [
        "SELECT COUNT(*) FROM t WHERE a = 1",
        "SELECT COUNT(DISTINCT t.id) AS n FROM t",
        "SELECT COUNT(*) FROM (SELECT a FROM t WHERE b = 1) AS sub",
    ] {
        assert!(shape(count, Dialect::Mysql).counts, "{count}");
    }
    for other in [
        "SELECT a, COUNT(*) FROM t GROUP BY a",
        "SELECT COUNT(*) FROM t GROUP BY a",
        "SELECT SUM(a) FROM t",
        "SELECT COUNT(*) FROM t UNION SELECT COUNT(*) FROM s",
        "SELECT a FROM t",
    ] {
        assert!(!shape(other, Dialect::Mysql).counts, "{other}");
    }
}

fn values(condition: &str, dialect: Dialect) -> Vec<ValueKind> {
    let shape = shape(&format!("SELECT a FROM t WHERE {condition}"), dialect);
    shape.predicates.iter().map(|p| p.value).collect()
}

#[test]
fn how_a_value_is_written_is_kept_beside_the_identity() {
    use ValueKind::{Decimal, Float, Integer, Temporal, Text, TypedText, Unknown};
    let mysql = [
        ("phone = 123", Integer),
        ("phone = -1.5", Integer),
        ("phone = '123'", Text),
        ("123 = phone", Unknown),
        ("phone = 0x41", Unknown),
        ("phone IN (1, 2, 3)", Integer),
        ("phone IN ('1', '2')", Text),
        ("phone BETWEEN 1 AND 9", Integer),
        ("phone = ?", Unknown),
        ("phone >= CAST('1' AS SIGNED)", Integer),
        ("day = DATE '2026-01-01'", Temporal),
        ("day > NOW() - INTERVAL 1 DAY", Temporal),
        ("phone = (SELECT 1)", Unknown),
    ];
    for (condition, kind) in mysql {
        assert_eq!(values(condition, Dialect::Mysql)[0], kind, "{condition}");
    }
    let postgres = [
        ("id = 5", Integer),
        ("id = 1.5", Decimal),
        ("id = 12345678901234567890", Decimal),
        ("id = '5'", Text),
        ("id = $1", Unknown),
        ("id = $1::numeric", Decimal),
        ("id = '5'::bigint", Integer),
        ("id = CAST($1 AS double precision)", Float),
        ("code = 'x'::text", TypedText),
        ("code = 'x'::character varying", TypedText),
        ("code = 'x'::bpchar", Unknown),
        ("id = ANY('{1,2}'::numeric[])", Decimal),
        ("at > '2026-01-01'::timestamptz", Temporal),
    ];
    for (condition, kind) in postgres {
        assert_eq!(values(condition, Dialect::Postgres)[0], kind, "{condition}");
    }
}

#[test]
fn texts_that_differ_in_how_values_are_written_are_one_statement() {
    let mut normaliser = Normaliser::new(&Settings::default(), 0);
    let mut read = |value: &str| {
        let sql = format!("SELECT a FROM t WHERE phone = {value} AND b IN (SELECT 1) AND c = 7");
        let known = normaliser.statement(sql.as_bytes(), Dialect::Mysql, false);
        let kinds: Vec<_> = known.statement.shape().unwrap().predicates.clone();
        (known.statement.fingerprint, kinds[0].value, kinds[2].value)
    };
    let (number, quoted, again) = (read("1"), read("'1'"), read("2"));
    assert_eq!(number.0, quoted.0);
    assert_eq!(
        (number.1, number.2),
        (ValueKind::Integer, ValueKind::Integer)
    );
    assert_eq!(quoted.1, ValueKind::Text);
    assert_eq!(again, number);
}

#[test]
fn what_holds_no_query_is_known_by_its_words() {
    for (sql, kind) in [
        ("XA START 'a'", StatementKind::Transaction),
        (
            "GRANT SELECT ON shop.* TO 'app'@'%'",
            StatementKind::Utility,
        ),
        (
            "CREATE USER 'app'@'%' IDENTIFIED BY 'x'",
            StatementKind::Ddl,
        ),
    ] {
        assert_eq!(shape(sql, Dialect::Mysql).kind, kind, "{sql}");
    }
    let cursor = shape(
        "DECLARE c CURSOR FOR SELECT a FROM t WHERE b = 1",
        Dialect::Postgres,
    );
    assert_eq!(tables(&cursor), ["t"]);
    assert_eq!(cursor.predicates.len(), 1);
    let sized = shape(
        "SELECT CAST(a AS DECIMAL(10, 2)) FROM t WHERE b = 1",
        Dialect::Mysql,
    );
    assert_eq!(sized.predicates.len(), 1);
    let view = known(
        "CREATE OR REPLACE VIEW v AS SELECT a FROM t",
        Dialect::Mysql,
    );
    assert!(
        view.statement
            .template
            .as_str()
            .starts_with("CREATE OR REPLACE view v")
    );
}
