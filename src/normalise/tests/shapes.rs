//! What the shape says of a statement.

use super::*;
use crate::model::sql::{Comparison, Shape, StatementKind};

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
