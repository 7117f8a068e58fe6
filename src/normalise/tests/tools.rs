//! Statements as ORMs, tools and benchmarks write them: what of them no parser reads.

use super::known;
use crate::model::sql::{Dialect, Parsed};

/// One statement a line: `=` where it is read, `-` where only the lexer reads it.
const TABLES: [(Dialect, &str); 2] = [
    (Dialect::Mysql, include_str!("tools/mysql.txt")),
    (Dialect::Postgres, include_str!("tools/postgres.txt")),
];

#[test]
fn statements_of_tools_are_read_but_for_the_known_ones() {
    let mut wrong = Vec::new();
    for (dialect, table) in TABLES {
        let mut opaque = 0_usize;
        for line in table.lines() {
            let (mark, sql) = line.split_once(' ').unwrap();
            let statement = known(sql, dialect).statement;
            let is_opaque = matches!(statement.parsed, Parsed::Opaque { .. });
            opaque += usize::from(is_opaque);
            if is_opaque != (mark == "-") {
                wrong.push(format!("{dialect:?} {sql}"));
            }
        }
        println!("{dialect:?}: {opaque} of {} opaque", table.lines().count());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
