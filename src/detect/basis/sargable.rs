//! Conditions that hide their column from every plain index, and how each is written so that one can serve it.

use crate::detect::basis::draft::advise;
use crate::detect::basis::{index, reading};
use crate::model::finding::{Remedy, Safety};
use crate::model::obstacle::Wrapping;
use crate::model::sql::{Comparison, Dialect, Predicate, Shape, TableName};
use crate::model::subject::QueryProfile;

/// A condition that no plain index serves.
#[derive(Debug)]
pub(in crate::detect) struct Hidden<'a> {
    predicate: &'a Predicate,
    kind: Wrapping,
    /// The pattern begins with a wildcard.
    infix: bool,
}

/// Conditions of a statement that could be served if they were written otherwise, each once.
pub(in crate::detect) fn hidden(shape: &Shape) -> Vec<Hidden<'_>> {
    let mut found: Vec<Hidden<'_>> = Vec::new();
    for predicate in &shape.predicates {
        let known = found.iter().any(|h| h.predicate == predicate);
        if !known && asks_for_rows(predicate.op) {
            found.extend(of(predicate, shape));
        }
    }
    found
}

fn of<'a>(predicate: &'a Predicate, shape: &Shape) -> Option<Hidden<'a>> {
    let infix = predicate.op == Comparison::Like && shape.leading_wildcard;
    let wrapped = predicate.obstacle.as_ref().map(|obstacle| obstacle.kind);
    let kind = wrapped.or(infix.then_some(Wrapping::Pattern))?;
    let passes_most = kind == Wrapping::NullDefault;
    if passes_most && (reading::is_folding(shape) || has_plain_condition(shape)) {
        return None;
    }
    Some(Hidden {
        predicate,
        kind,
        infix,
    })
}

/// Whether an index could find the rows, if the column stood alone.
fn asks_for_rows(op: Comparison) -> bool {
    use Comparison::{Equal, InList, IsNull, Like, Range};
    matches!(op, Equal | InList | Range | Like | IsNull)
}

fn has_plain_condition(shape: &Shape) -> bool {
    let plain = |p: &Predicate| asks_for_rows(p.op) && !p.wrapped && p.obstacle.is_none();
    shape.predicates.iter().any(plain)
}

impl Hidden<'_> {
    fn column(&self) -> &str {
        &self.predicate.column.column
    }

    /// What the column stands in, as it is written.
    pub(in crate::detect) fn expression(&self) -> &str {
        let obstacle = self.predicate.obstacle.as_ref();
        obstacle.map_or_else(|| self.column(), |obstacle| &obstacle.expression)
    }

    /// The table of the column, where that is certain.
    pub(in crate::detect) fn table(&self, profile: &QueryProfile) -> Option<TableName> {
        let known = self.predicate.column.table.clone();
        known.or_else(|| match profile.statement.tables() {
            [only] => Some(TableName::clone(only)),
            _ => None,
        })
    }

    /// The same condition with the column alone; `None` where it has no such form.
    pub(in crate::detect) fn instead(&self) -> Option<String> {
        let column = self.column();
        let same = match self.predicate.op {
            Comparison::Equal => format!("{column} = ?"),
            Comparison::InList => format!("{column} IN (?)"),
            _ => String::new(),
        };
        let alone = (!same.is_empty()).then_some(same);
        match self.kind {
            _ if self.infix => None,
            Wrapping::TimePart => Some([column, " >= ? AND ", column, " < ?"].concat()),
            Wrapping::Substring if self.predicate.op == Comparison::Equal => {
                Some(format!("{column} LIKE ?"))
            }
            Wrapping::NullDefault => alone.map(|same| format!("({same} OR {column} IS NULL)")),
            Wrapping::Cast | Wrapping::Arithmetic => alone,
            _ => None,
        }
    }

    /// What to do about it, the best first.
    pub(in crate::detect) fn remedies(&self, profile: &QueryProfile) -> Vec<Remedy> {
        let dialect = profile.statement.dialect;
        let words = advise(self.words(dialect));
        let index = match dialect {
            Dialect::Postgres => self.index(profile),
            Dialect::Mysql | Dialect::Generic => Vec::new(),
        };
        let indexed_first = matches!(
            self.kind,
            Wrapping::CaseFold | Wrapping::Json | Wrapping::Function | Wrapping::Pattern
        );
        if indexed_first {
            index.into_iter().chain([words]).collect()
        } else {
            std::iter::once(words).chain(index).collect()
        }
    }

    fn words(&self, dialect: Dialect) -> &'static str {
        if self.infix || self.kind == Wrapping::Pattern {
            return match dialect {
                Dialect::Mysql => {
                    "search words by a FULLTEXT index (MATCH ... AGAINST, WITH PARSER ngram for parts of words), or let the pattern begin with what is known"
                }
                _ => {
                    "a trigram index (pg_trgm) serves patterns that begin with a wildcard or ignore case; for words use full-text search"
                }
            };
        }
        match self.kind {
            Wrapping::TimePart => {
                "compare the column itself with a half-open range of time, so that an index on it serves the condition"
            }
            Wrapping::CaseFold if dialect == Dialect::Mysql => {
                "leave the function out where the collation ignores case (all but _cs and _bin do), or index what it makes: ((LOWER(column))) in MySQL 8, an indexed generated column in MariaDB"
            }
            Wrapping::CaseFold => {
                "store it in one case and compare the column itself, or index what the function makes of it"
            }
            Wrapping::NullDefault => {
                "compare the column itself and add OR ... IS NULL where NULL is meant; better, make the column NOT NULL with a default"
            }
            Wrapping::Cast => {
                "give the value the type of the column instead of casting the column to that of the value"
            }
            Wrapping::Substring => {
                "a prefix of known length is a LIKE with the wildcard at its end, which an index serves"
            }
            Wrapping::Json => {
                "a field that is searched for deserves a column: a generated column with an index, or an index on the expression"
            }
            Wrapping::Arithmetic => {
                "calculate with the value and leave the column alone on its side of the comparison"
            }
            Wrapping::Function | Wrapping::Pattern => {
                "index what the function makes of the column (an expression index, or an indexed generated column), or store it ready-made"
            }
        }
    }

    /// An index that serves the condition as it is written: PostgreSQL indexes expressions.
    fn index(&self, profile: &QueryProfile) -> Vec<Remedy> {
        let alone = profile.statement.tables().len() == 1;
        let Some(table) = self.table(profile).filter(|_| alone) else {
            return Vec::new();
        };
        let qualifier = format!("{table}.");
        let expression = self.expression().replace(&qualifier, "");
        let holds_values = expression.contains(['$', '?', '\'']);
        // What depends on the session's time zone or locale cannot be indexed.
        let is_stable = matches!(self.kind, Wrapping::TimePart | Wrapping::Cast);
        let pattern = self.infix || self.kind == Wrapping::Pattern;
        if holds_values || (is_stable && !pattern) {
            return Vec::new();
        }
        let bare = self.predicate.obstacle.is_none() || self.kind == Wrapping::Pattern;
        let over = if bare {
            index::Over::Column(self.column())
        } else {
            index::Over::Expression(&expression)
        };
        if pattern {
            return trigrams(&table, self.column(), over);
        }
        let class = match self.predicate.op {
            Comparison::Like => index::Class::Prefix,
            _ => index::Class::Plain,
        };
        vec![Remedy {
            sql: index::over(&table, self.column(), over, class),
            why: "an index on the expression as it is written serves the condition; check its write cost first"
                .to_owned(),
            safety: Safety::NeedsReview,
        }]
    }
}

fn trigrams(table: &str, column: &str, over: index::Over<'_>) -> Vec<Remedy> {
    let extension = Remedy {
        sql: format!("{} pg_trgm;", "CREATE EXTENSION IF NOT EXISTS"),
        why: "needed once per database for a trigram index".to_owned(),
        safety: Safety::Safe,
    };
    let index = Remedy {
        sql: index::over(table, column, over, index::Class::Trigram),
        why: "a trigram index finds parts of words from three letters on; check its size and write cost first"
            .to_owned(),
        safety: Safety::NeedsReview,
    };
    vec![extension, index]
}
