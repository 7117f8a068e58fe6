//! Reads the `# explain:` lines of MariaDB, and remembers them: most runs of a statement have the same plan.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::ingest::slow_log::scan;
use crate::model::event::PlanRow;

/// Plans remembered. A newer one takes the place of the one it falls on.
const MAX_PLANS: usize = 1024;

/// Rows kept of one plan: a UNION of thousands of branches needs no more to be understood.
const MAX_ROWS: usize = 64;

/// A plan, and the hash of its lines.
type Known = (u64, Arc<[PlanRow]>);

/// Plans, each in the place that its hash gives it; none before the first.
#[derive(Debug, Default)]
pub(super) struct Plans(Box<[Option<Known>]>);

impl Plans {
    /// The plan that `lines` tell; `None` for none.
    pub(super) fn read(&mut self, lines: &[u8]) -> Option<Arc<[PlanRow]>> {
        if lines.is_empty() {
            return None;
        }
        if self.0.is_empty() {
            self.0 = vec![None; MAX_PLANS].into_boxed_slice();
        }
        let key = xxh3_64(lines);
        let place = usize::try_from(key % MAX_PLANS as u64).unwrap_or_default();
        let known = self.0[place].take().filter(|(known, _)| *known == key);
        let (_, plan) = self.0[place].insert(known.unwrap_or_else(|| (key, rows(lines))));
        (!plan.is_empty()).then(|| Arc::clone(plan))
    }
}

fn rows(lines: &[u8]) -> Arc<[PlanRow]> {
    let lines = lines.split(|b| *b == b'\n');
    let rows = lines.filter_map(|line| row(line.trim_ascii()));
    rows.take(MAX_ROWS).collect()
}

/// `id select_type table type possible_keys key key_len ref rows r_rows filtered r_filtered Extra`, by tabs.
fn row(line: &[u8]) -> Option<PlanRow> {
    let fields = line.strip_prefix(b"# explain:")?.trim_ascii_start();
    let mut columns = [b"".as_slice(); 13];
    for (column, field) in columns.iter_mut().zip(fields.splitn(13, |b| *b == b'\t')) {
        *column = field.trim_ascii();
    }
    let [
        id,
        step,
        table,
        access,
        _,
        key,
        _,
        _,
        rows,
        actual,
        _,
        _,
        extra,
    ] = columns;
    if id == b"id" {
        return None;
    }
    Some(PlanRow {
        step: text(step),
        table: text(table),
        access: text(access),
        key: text(key),
        rows: rounded(rows),
        actual_rows: rounded(actual),
        extra: text(extra),
    })
}

fn text(field: &[u8]) -> Arc<str> {
    if field == b"NULL" {
        return Arc::from("");
    }
    Arc::from(scan::name(field))
}

/// `100.00` as 100: rows per loop need no fraction.
fn rounded(field: &[u8]) -> Option<u64> {
    scan::leading_whole(field).map(|(rows, _)| rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_without_its_title() {
        let lines = b"# explain: id\tselect_type\ttable\n\
            # explain: 1\tSIMPLE\tsbtest4\trange\tPRIMARY\tPRIMARY\t4\tNULL\t100\t99.50\t100.00\t100.00\tUsing where; Using filesort\n";
        let plan = Plans::default().read(lines).unwrap();
        assert_eq!(plan.len(), 1);
        assert_eq!(&*plan[0].key, "PRIMARY");
        assert_eq!((plan[0].rows, plan[0].actual_rows), (Some(100), Some(99)));
        assert_eq!(&*plan[0].extra, "Using where; Using filesort");
    }

    #[test]
    fn a_plan_that_is_not_told_is_none() {
        assert_eq!(Plans::default().read(b""), None);
        let mut plans = Plans::default();
        for _ in 0..2 {
            assert_eq!(plans.read(b"# explain: id\tselect_type\n"), None);
        }
    }
}
