//! How far the declared indexes of a table serve conditions.

use super::conditions::Conditions;
use crate::model::schema::{Index, IndexKind, IndexPart, TableSchema, is_same};

/// How far the best index serves.
#[derive(Debug)]
pub(super) enum Coverage<'a> {
    /// Nothing to gain.
    Full,
    /// It finds some of what is asked for, and reads more than it must.
    Part(&'a Index),
    /// None can be used.
    None,
}

/// What the indexes of `table` do for `conditions`.
pub(super) fn coverage<'a>(conditions: &Conditions<'_>, table: &'a TableSchema) -> Coverage<'a> {
    let mut best: Option<(usize, &Index)> = None;
    for index in &table.indexes {
        if serves_fully(index, conditions, table) {
            return Coverage::Full;
        }
        let reach = reach(index, conditions);
        if reach > 0 && best.is_none_or(|(known, _)| reach > known) {
            best = Some((reach, index));
        }
    }
    best.map_or(Coverage::None, |(_, index)| Coverage::Part(index))
}

/// Leading columns of the index that the conditions can use.
fn reach(index: &Index, conditions: &Conditions<'_>) -> usize {
    if index.kind == IndexKind::Other {
        return 0;
    }
    let usable = |part: &&IndexPart| {
        let name = part.column.as_deref();
        name.is_some_and(|name| conditions.can_begin_with(name))
    };
    index.parts.iter().take_while(usable).count()
}

fn serves_fully(index: &Index, conditions: &Conditions<'_>, table: &TableSchema) -> bool {
    let reach = reach(index, conditions);
    if reach == 0 {
        return !conditions.narrows() && serves_the_order(index, conditions, table);
    }
    let fixed = |part: &IndexPart| {
        let name = part.column.as_deref();
        name.is_some_and(|name| conditions.fixes(name) || conditions.reaches(name))
    };
    let one_row = index.kind.is_unique() && index.parts.iter().all(fixed);
    // The condition of a partial index may be that of the statement, and a hash needs all of its columns.
    if index.partial || one_row || index.kind == IndexKind::Hash {
        return true;
    }
    let begins = index.parts.first().and_then(|part| part.column.as_deref());
    if begins.is_some_and(|name| conditions.reaches(name)) {
        return true;
    }
    let wanted = conditions.equal.len() + conditions.listed.len();
    let ordered = serves_the_order(index, conditions, table);
    let ranged = conditions.ranged.is_empty() || reach > wanted || ordered;
    reach >= wanted && ranged && (ordered || sort_is_idle(conditions))
}

/// Whether an index in sort order would gain nothing over a sort of what is found.
fn sort_is_idle(conditions: &Conditions<'_>) -> bool {
    conditions.sorted.is_empty()
        || !conditions.listed.is_empty()
        || !conditions.joined.is_empty()
        || {
            let first = conditions.sorted.first().map(|(column, _)| &column.name);
            conditions
                .ranged
                .iter()
                .any(|column| Some(&column.name) != first)
        }
}

/// Whether the index gives its rows in the order that is asked for: behind columns of one value, the sort keys follow,
/// all in their direction or all against it. `InnoDB` ends every index with the primary key.
fn serves_the_order(index: &Index, conditions: &Conditions<'_>, table: &TableSchema) -> bool {
    if conditions.sorted.is_empty()
        || index.kind == IndexKind::Other
        || index.kind == IndexKind::Hash
    {
        return false;
    }
    let own = index
        .parts
        .iter()
        .map(|part| (part.column.as_deref(), part.descending));
    let suffix = table
        .primary_key()
        .filter(|_| table.is_clustered())
        .map(|name| (Some(&**name), false));
    let mut keys = own
        .chain(suffix)
        .skip_while(|(name, _)| name.is_some_and(|name| conditions.fixes(name)));
    let sorted = conditions
        .sorted
        .iter()
        .filter(|(column, _)| !conditions.fixes(&column.name));
    let mut direction = None;
    for (column, descending) in sorted {
        let Some((Some(name), stored)) = keys.next() else {
            return false;
        };
        let turned = stored != *descending;
        if !is_same(name, &column.name) || *direction.get_or_insert(turned) != turned {
            return false;
        }
    }
    true
}
