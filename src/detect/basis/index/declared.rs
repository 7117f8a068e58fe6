//! An index for conditions that none of the declared ones serves.
//!
//! Order: columns compared by equality (those first that an existing index begins with, those of few values last), then
//! lists, then either the sort or one range; a list of several values destroys the order behind it.

use std::sync::Arc;

use super::conditions::Conditions;
use super::coverage::{Coverage, coverage};
use super::ddl::{self, Part};
use crate::model::schema::{Column, TableSchema, TypeFamily, is_same};
use crate::model::sql::Dialect;
use crate::model::subject::{QueryProfile, TableFacts};

/// Wider indexes seldom pay for their writes.
const MAX_COLUMNS: usize = 4;

/// Characters of a long text that are indexed where the whole cannot be: enough to tell most texts apart.
const TEXT_PREFIX: u32 = 64;

/// The longest character column that MySQL indexes whole with four bytes a character.
const MAX_WHOLE_LENGTH: u32 = 768;

/// An index that is proposed for a table.
#[derive(Debug)]
pub(in crate::detect) struct Proposal {
    /// The statement that makes it.
    pub sql: String,
    /// Its columns, as text.
    pub columns: String,
    /// The index that serves a part of the conditions today.
    pub extends: Option<Arc<str>>,
}

/// The index that `facts` lacks for this statement; `None` where it has one, or none is certain to help.
pub(in crate::detect) fn propose(profile: &QueryProfile, facts: &TableFacts) -> Option<Proposal> {
    let schema = facts.schema.as_deref()?;
    let conditions = Conditions::of(profile, facts)?;
    let covered = coverage(&conditions, schema);
    let begun = match &covered {
        Coverage::Full => return None,
        Coverage::Part(index) => Some(*index),
        Coverage::None => None,
    };
    let joins = !conditions.joined.is_empty();
    if begun.is_some() && (joins || conditions.unservable) {
        // Nobody knows which side is read first, or which condition throws the rows away.
        return None;
    }
    let leading: Vec<&str> = begun
        .into_iter()
        .flat_map(|index| &index.parts)
        .filter_map(|part| part.column.as_deref())
        .collect();
    let dialect = profile.statement.dialect;
    let parts = parts(&conditions, &leading, schema, dialect)?;
    if begun.is_some() && !adds_a_column(&parts, &leading) {
        return None;
    }
    let shown: Vec<&str> = parts.iter().map(|part| &*part.column).collect();
    Some(Proposal {
        sql: ddl::declared(dialect, &facts.name, &parts, schema),
        columns: shown.join(", "),
        extends: begun.map(|index| name_of(index, schema)),
    })
}

fn adds_a_column(parts: &[Part], leading: &[&str]) -> bool {
    parts
        .iter()
        .any(|part| !leading.iter().any(|l| l.eq_ignore_ascii_case(&part.column)))
}

fn name_of(index: &crate::model::schema::Index, schema: &TableSchema) -> Arc<str> {
    index
        .name
        .clone()
        .unwrap_or_else(|| Arc::clone(&schema.name))
}

/// The key, in order; `None` where it is not certain to find few rows.
fn parts(
    conditions: &Conditions<'_>,
    leading: &[&str],
    schema: &TableSchema,
    dialect: Dialect,
) -> Option<Vec<Part>> {
    let mut fixed: Vec<&Column> = conditions.equal.clone();
    if conditions.driven || (!conditions.narrows() && conditions.must_join) {
        // reached from another table: its key first
        let joined = conditions
            .joined
            .iter()
            .rev()
            .filter(|j| !fixed.iter().any(|f| f.name == j.name));
        let joined: Vec<_> = joined.copied().collect();
        for column in joined {
            fixed.insert(0, column);
        }
    }
    let place = |column: &&Column| {
        let known = leading
            .iter()
            .position(|l| l.eq_ignore_ascii_case(&column.name));
        (known.unwrap_or(usize::MAX), column.has_few_values())
    };
    fixed.sort_by_key(place);
    let mut key = Key {
        parts: Vec::new(),
        dialect,
        closed: false,
    };
    for column in &fixed {
        key.push(column, false);
    }
    let listed = conditions
        .listed
        .iter()
        .filter(|l| !fixed.iter().any(|f| f.name == l.name));
    for column in listed {
        key.push(column, false);
    }
    let sorts = key.tail(conditions);
    let mut narrowing = fixed.iter().chain(&conditions.listed);
    let tells_enough = if conditions.unservable {
        // what the log shows may be the work of the other condition: only a key is sure to tell rows apart
        narrowing.any(|column| is_key(column, schema))
    } else {
        sorts || !conditions.ranged.is_empty() || narrowing.any(|column| !column.has_few_values())
    };
    (tells_enough && !key.parts.is_empty()).then_some(key.parts)
}

/// Whether the column identifies a row, here or in another table.
fn is_key(column: &Column, schema: &TableSchema) -> bool {
    let is = |name: &Arc<str>| is_same(name, &column.name);
    let refers = schema
        .foreign_keys
        .iter()
        .any(|key| key.columns.iter().any(is));
    let mut unique = schema.indexes.iter().filter(|index| index.kind.is_unique());
    refers
        || unique.any(|index| {
            index
                .parts
                .iter()
                .any(|part| part.column.as_ref().is_some_and(is))
        })
}

struct Key {
    parts: Vec<Part>,
    dialect: Dialect,
    /// Nothing may follow: the last column is indexed in part only.
    closed: bool,
}

impl Key {
    fn push(&mut self, column: &Column, descending: bool) {
        let known = self.parts.iter().any(|part| part.column == column.name);
        if known || self.closed || self.parts.len() >= MAX_COLUMNS {
            return;
        }
        let long = column.family == TypeFamily::LongText
            || column
                .length
                .is_some_and(|length| length > MAX_WHOLE_LENGTH);
        let prefix = (long && self.dialect != Dialect::Postgres).then_some(TEXT_PREFIX);
        self.closed = prefix.is_some();
        self.parts.push(Part {
            prefix,
            descending,
            ..Part::plain(&column.name)
        });
    }

    /// Adds what may follow the columns of single values; `true` when that is a sort.
    fn tail(&mut self, conditions: &Conditions<'_>) -> bool {
        let free = |name: &str| !conditions.fixes(name);
        let ranged = conditions.ranged.iter().find(|column| free(&column.name));
        let sorted: Vec<_> = conditions
            .sorted
            .iter()
            .filter(|(column, _)| free(&column.name))
            .collect();
        let first = sorted.first().map(|(column, _)| &column.name);
        let same = ranged.is_none_or(|column| Some(&column.name) == first);
        // a filter that no index serves may reject all that comes in order
        let ends_early = conditions.limited && !conditions.unservable;
        let pays = !conditions.equal.is_empty() || ends_early || ranged.is_some();
        let in_order = conditions.listed.is_empty() && conditions.joined.is_empty();
        if first.is_some() && same && pays && in_order {
            let mixed = sorted.iter().any(|(_, d)| *d) && sorted.iter().any(|(_, d)| !*d);
            for (column, descending) in &sorted {
                self.push(column, mixed && *descending);
            }
            return true;
        }
        if let Some(column) = ranged {
            self.push(column, false);
        }
        false
    }
}
