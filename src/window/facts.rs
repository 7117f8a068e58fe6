//! What statements give away about the tables they read.
//!
//! A statement that reads one table from end to end tells how many rows it has, at least; so does a plan. What is
//! learned is kept for 6 to 12 hours, so that a table that was emptied is believed in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::PlanRow;
use crate::model::sql::{Shape, Statement, TableName};
use crate::model::time::Timestamp;
use crate::window::query::QueryStats;

/// A generation of facts lasts so long, and is remembered for as long again.
const GENERATION: Duration = Duration::from_secs(6 * 60 * 60);

/// Tables that are remembered; later ones wait for the next generation.
const MAX_TABLES: usize = 10_000;

/// Database and table.
type TableKey = (Arc<str>, TableName);

/// Rows per table, at least.
#[derive(Debug, Clone, Default)]
pub(super) struct TableBook {
    since: Timestamp,
    current: BTreeMap<TableKey, u64>,
    previous: BTreeMap<TableKey, u64>,
}

impl TableBook {
    /// Learns from what a statement did in a window that ended at `now`.
    pub(super) fn learn(
        &mut self,
        database: &Arc<str>,
        statement: &Statement,
        stats: &QueryStats,
        now: Timestamp,
    ) {
        if now.since(self.since) >= GENERATION {
            self.previous = std::mem::take(&mut self.current);
            self.since = now;
        }
        if let Some((table, rows)) = rows_scanned(statement, stats) {
            self.note(database, table, rows);
        }
        for row in stats.plan.iter().flat_map(|plan| plan.rows.iter()) {
            if let Some((table, rows)) = rows_planned(statement, row) {
                self.note(database, table, rows);
            }
        }
    }

    /// Rows of a table, at least.
    pub(super) fn rows(&self, database: &Arc<str>, table: &TableName) -> Option<u64> {
        let key = (database.clone(), table.clone());
        self.current.get(&key).max(self.previous.get(&key)).copied()
    }

    fn note(&mut self, database: &Arc<str>, table: &TableName, rows: u64) {
        let key = (database.clone(), table.clone());
        if self.current.len() >= MAX_TABLES && !self.current.contains_key(&key) {
            return;
        }
        let known = self.current.entry(key).or_default();
        *known = rows.max(*known);
    }
}

/// Rows of the only table of a statement of which every run was a full scan.
///
/// The server counts the rows of an internal temporary table and of a sort once more, hence the division.
fn rows_scanned<'a>(statement: &'a Statement, stats: &QueryStats) -> Option<(&'a TableName, u64)> {
    let shape = statement.shape()?;
    let [table] = shape.tables.as_slice() else {
        return None;
    };
    let access = stats.access.as_deref().copied().unwrap_or_default();
    let always_scans = if access.known > 0 {
        access.full_scans == access.known
    } else {
        !shape.filtered && !is_insert_of_values(shape)
    };
    if !always_scans || !reads_once(shape) || stats.examined.count() == 0 {
        return None;
    }
    let copies = 1 + u64::from(access.tmp_tables > 0) + u64::from(access.filesorts > 0);
    Some((table, stats.examined.max() / copies))
}

fn reads_once(shape: &Shape) -> bool {
    let set_ops = shape.set_ops;
    let branches =
        u64::from(set_ops.union) + u64::from(set_ops.union_all) + u64::from(set_ops.other);
    branches == 0 && shape.subqueries == 0 && shape.joins.is_empty()
}

fn is_insert_of_values(shape: &Shape) -> bool {
    shape.tables == shape.written
}

/// Rows that a plan expects to read when it reads a table from end to end.
fn rows_planned<'a>(statement: &'a Statement, row: &PlanRow) -> Option<(&'a TableName, u64)> {
    let reads_all = matches!(&*row.access, "ALL" | "Seq Scan") || &*row.step == "Seq Scan";
    let rows = row.rows.max(row.actual_rows).filter(|_| reads_all)?;
    let same_name = |table: &&TableName| table.rsplit('.').next() == Some(&*row.table);
    let table = statement.tables().iter().find(same_name)?;
    Some((table, rows))
}
