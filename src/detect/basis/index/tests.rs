//! Which columns, in which order, and when none.

use super::*;
use crate::model::value::ValueKind;

fn predicate(table: Option<&str>, column: &str, op: Comparison) -> Predicate {
    Predicate {
        column: ColumnRef {
            table: table.map(Arc::from),
            column: column.into(),
        },
        op,
        wrapped: false,
        obstacle: None,
        value: ValueKind::Unknown,
        required: true,
    }
}

fn on_apply(predicates: Vec<Predicate>, tables: &[&str]) -> Option<Vec<Arc<str>>> {
    let shape = Shape {
        tables: tables.iter().map(|t| Arc::from(*t)).collect(),
        predicates,
        ..Shape::default()
    };
    columns(&shape, &Arc::from("apply"))
}

#[test]
fn equality_comes_before_lists_and_lists_before_a_range() {
    let predicates = vec![
        predicate(None, "at", Comparison::Range),
        predicate(None, "status", Comparison::InList),
        predicate(None, "meeting", Comparison::Equal),
    ];
    let columns = on_apply(predicates, &["apply"]).unwrap();
    assert_eq!(columns, ["meeting", "status", "at"].map(Arc::from));
}

#[test]
fn a_column_of_an_unknown_table_forbids_a_candidate() {
    let predicates = vec![
        predicate(Some("apply"), "meeting", Comparison::Equal),
        predicate(None, "status", Comparison::Equal),
    ];
    assert_eq!(on_apply(predicates, &["apply", "users"]), None);
}
