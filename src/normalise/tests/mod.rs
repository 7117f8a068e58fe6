//! The stage from outside.

mod attributes;
mod cut_logs;
mod cuts;
mod goldens;
mod leaks;
mod pairs;
mod properties;
mod shapes;
mod tools;

use super::*;

fn known(sql: &str, dialect: Dialect) -> Normalised {
    Normaliser::new(&Settings::default(), 7).statement(sql.as_bytes(), dialect, false)
}

fn template(sql: &str, dialect: Dialect) -> String {
    known(sql, dialect).statement.template.as_str().to_owned()
}
