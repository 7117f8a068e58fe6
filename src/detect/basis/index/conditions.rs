//! What a statement asks of one table whose columns are known, sorted by how an index could serve it.

use crate::detect::basis::{casts, columns, reading};
use crate::model::schema::{Column, Index, TableSchema, TypeFamily, is_same};
use crate::model::sql::{ColumnRef, Comparison, Dialect, Predicate, SetOps, Shape};
use crate::model::subject::{QueryProfile, TableFacts};

/// Conditions on one table; each column once in each list, in the order of the text.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent observations of one statement"
)]
pub(super) struct Conditions<'a> {
    /// Compared with one value by `=` or `IS NULL`.
    pub(super) equal: Vec<&'a Column>,
    /// Compared with columns of other tables by `=`.
    pub(super) joined: Vec<&'a Column>,
    pub(super) listed: Vec<&'a Column>,
    pub(super) ranged: Vec<&'a Column>,
    /// The outermost ORDER BY, if all of it is columns of this table.
    pub(super) sorted: Vec<(&'a Column, bool)>,
    /// The statement stops after some rows.
    pub(super) limited: bool,
    /// There are conditions that no plain index serves.
    pub(super) unservable: bool,
    /// Another table is asked for particular rows, so that this one may be reached through it.
    pub(super) driven: bool,
    /// It is perhaps: by a range or a pattern.
    pub(super) may_be_driven: bool,
    /// A column that it is joined with has no index either: one of the two sides needs one.
    pub(super) must_join: bool,
}

impl<'a> Conditions<'a> {
    /// Of the table `facts`; `None` where it is not certain which conditions are its own.
    pub(super) fn of(profile: &QueryProfile, facts: &'a TableFacts) -> Option<Self> {
        let schema = facts.schema.as_deref()?;
        let shape = profile.statement.shape()?;
        if shape.repeated.contains(&facts.name) {
            return None;
        }
        let reader = Reader {
            profile,
            shape,
            facts,
            schema,
        };
        let mut found = Self::default();
        for predicate in &shape.predicates {
            reader.predicate(predicate, &mut found)?;
        }
        reader.joins(&mut found)?;
        found.limited = shape.limit.is_some();
        found.sorted = reader.sorted().unwrap_or_default();
        Some(found)
    }

    /// Whether a condition on the column narrows the rows down to those of one value.
    pub(super) fn fixes(&self, name: &str) -> bool {
        self.equal.iter().any(|column| is_same(&column.name, name))
    }

    /// Whether the conditions on this table alone select rows.
    pub(super) fn narrows(&self) -> bool {
        !self.equal.is_empty() || !self.listed.is_empty()
    }

    /// Whether the rows are found by the join column of that name: from the other table, with nothing better here.
    pub(super) fn reaches(&self, name: &str) -> bool {
        let by_join = self.driven || self.may_be_driven || !self.narrows();
        by_join && self.joined.iter().any(|column| is_same(&column.name, name))
    }

    /// Whether an index that begins with the column could be used as the statement is likely to be run.
    pub(super) fn can_begin_with(&self, name: &str) -> bool {
        if self.driven && !self.joined.is_empty() {
            return self.reaches(name);
        }
        let lists = [&self.equal, &self.listed, &self.ranged];
        let mut own = lists.into_iter().flatten();
        own.any(|column| is_same(&column.name, name)) || self.reaches(name)
    }
}

struct Reader<'a, 'p> {
    profile: &'p QueryProfile,
    shape: &'p Shape,
    facts: &'a TableFacts,
    schema: &'a TableSchema,
}

/// Where a column stands.
enum Place<'a> {
    Here(&'a Column),
    Elsewhere,
}

impl<'a> Reader<'a, '_> {
    /// `None` where it may be here or elsewhere.
    fn place(&self, column: &ColumnRef) -> Option<Place<'a>> {
        match &column.table {
            Some(table) if *table == self.facts.name => {
                self.schema.column(&column.column).map(Place::Here)
            }
            Some(_) => Some(Place::Elsewhere),
            None => self.place_by_name(&column.column),
        }
    }

    fn place_by_name(&self, name: &str) -> Option<Place<'a>> {
        let (owner, _) = columns::by_name(self.profile, self.shape, name)?;
        if owner.name == self.facts.name {
            return self.schema.column(name).map(Place::Here);
        }
        Some(Place::Elsewhere)
    }

    fn predicate(&self, predicate: &Predicate, found: &mut Conditions<'a>) -> Option<()> {
        if !predicate.required {
            // What one side of an OR or a HAVING says narrows nothing down; a name may be an alias there.
            found.unservable = true;
            return Some(());
        }
        let column = match self.place(&predicate.column)? {
            Place::Here(column) => column,
            Place::Elsewhere => {
                found.may_be_driven |= matches!(predicate.op, Comparison::Range | Comparison::Like);
                let selects = match predicate.op {
                    Comparison::Equal | Comparison::InList => true,
                    // others join a few rows as they would many, by a hash table
                    Comparison::Range => self.profile.statement.dialect == Dialect::Mysql,
                    _ => false,
                };
                found.driven |= selects && !predicate.wrapped;
                return Some(());
            }
        };
        let dialect = self.profile.statement.dialect;
        let stands_alone = !predicate.wrapped && !casts::is_cast(dialect, column, predicate);
        let served = stands_alone && is_indexable(column, dialect);
        let list = match predicate.op {
            Comparison::Equal | Comparison::IsNull if served => &mut found.equal,
            Comparison::InList if served => &mut found.listed,
            Comparison::Range if served => &mut found.ranged,
            _ => {
                found.unservable = true;
                return Some(());
            }
        };
        add(list, column);
        Some(())
    }

    fn joins(&self, found: &mut Conditions<'a>) -> Option<()> {
        for join in self
            .shape
            .joins
            .iter()
            .filter(|join| join.equal && join.required && !join.is_of_one_table())
        {
            let (left, right) = (&join.left, &join.right);
            for (side, other) in [(left, right), (right, left)] {
                if let Place::Here(column) = self.place(side)?
                    && is_indexable(column, self.profile.statement.dialect)
                    && !self.is_cast(side, other)
                {
                    add(&mut found.joined, column);
                    found.must_join |= self.lacks_an_index(other);
                }
            }
        }
        Some(())
    }

    /// Whether the server converts this column to compare it with the other.
    fn is_cast(&self, column: &ColumnRef, other: &ColumnRef) -> bool {
        let declared = |column| columns::declared(self.profile, self.shape, column);
        let (Some((_, column)), Some((_, other))) = (declared(column), declared(other)) else {
            return false;
        };
        casts::is_cast_to(self.profile.statement.dialect, column, other).is_some()
    }

    /// Whether the table of a column is known, and no index of it begins with the column.
    fn lacks_an_index(&self, column: &ColumnRef) -> bool {
        let named = |facts: &&TableFacts| Some(&facts.name) == column.table.as_ref();
        let facts = self.profile.tables.iter().find(named);
        facts
            .and_then(|facts| facts.schema.as_deref())
            .is_some_and(|schema| {
                let first =
                    |index: &Index| index.parts.first().and_then(|part| part.column.clone());
                let mut begins = schema.indexes.iter().filter_map(first);
                !begins.any(|name| is_same(&name, &column.column))
            })
    }

    fn sorted(&self) -> Option<Vec<(&'a Column, bool)>> {
        if self.shape.set_ops != SetOps::default() || reading::is_folding(self.shape) {
            return None;
        }
        let keys = self.shape.order_by.iter().map(|key| {
            let place = self.place(key.column.as_ref()?)?;
            match place {
                Place::Here(column) if is_indexable(column, self.profile.statement.dialect) => {
                    Some((column, key.descending))
                }
                _ => None,
            }
        });
        keys.collect()
    }
}

fn add<'a>(list: &mut Vec<&'a Column>, column: &'a Column) {
    if !list.iter().any(|known| known.name == column.name) {
        list.push(column);
    }
}

/// Whether a plain index can hold values of the column and compare them.
fn is_indexable(column: &Column, dialect: Dialect) -> bool {
    match column.family {
        TypeFamily::Json => false,
        TypeFamily::Other => {
            let odd = [
                "[]",
                "xml",
                "tsvector",
                "tsquery",
                "geometry",
                "geography",
                "point",
                "polygon",
                "box",
                "bit",
            ];
            !odd.iter().any(|part| column.data_type.contains(part))
        }
        TypeFamily::Blob => dialect == Dialect::Postgres,
        _ => true,
    }
}
