//! What a text has beside the identity of its statement.

use std::ops::BitOrAssign;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Normaliser;
use super::stream::Stream;
use super::tags::{TagBook, Tags};
use crate::model::sql::{Parsed, SetOps, Statement, StatementRef};

/// The same statement; a copy where this text repeats its branches more or less often, or has other patterns.
pub(super) fn with_attributes(
    statement: StatementRef,
    set_ops: SetOps,
    leading_wildcard: bool,
) -> StatementRef {
    let same = statement
        .shape()
        .is_none_or(|shape| shape.set_ops == set_ops && shape.leading_wildcard == leading_wildcard);
    if same {
        return statement;
    }
    let mut copy = Statement::clone(&statement);
    if let Parsed::Shape(shape) = &mut copy.parsed {
        shape.set_ops = set_ops;
        shape.leading_wildcard = leading_wildcard;
    }
    Arc::new(copy)
}

/// What the lexer says of one text beside its identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextAttributes {
    /// How often it repeats what is folded.
    pub repeats: Repeats,
    /// Kinds of patterns of its LIKEs.
    pub likes: Likes,
    /// Rows that it skips by OFFSET, rounded down to the first digit; the largest of several.
    pub offset: Option<u64>,
    /// What its comment says of the code that asks.
    pub tags: Option<Arc<Tags>>,
}

impl Normaliser {
    /// Reads no tags of comments: for whoever shows none.
    #[must_use]
    pub fn without_tags(mut self) -> Self {
        self.tags = None;
        self
    }
}

impl TextAttributes {
    /// Of the text that was read last.
    pub(super) fn of(stream: &Stream, tags: Option<&mut TagBook>) -> Self {
        let comment = Some(&stream.comment).filter(|comment| !comment.is_empty());
        Self {
            repeats: stream.counter.repeats(),
            likes: stream.likes,
            offset: stream.paging.offset,
            tags: tags
                .zip(comment)
                .and_then(|(tags, comment)| tags.read(comment)),
        }
    }

    /// There is nothing to tell.
    pub fn is_plain(&self) -> bool {
        self.repeats == Repeats::default()
            && self.likes == Likes::default()
            && self.offset.is_none()
            && self.tags.is_none()
    }
}

/// Kinds of patterns that a LIKE is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Likes(u8);

impl Likes {
    /// Names of the kinds; the number of each is its bit.
    const KINDS: [&'static str; 4] = ["exact", "prefix", "suffix", "contains"];
    /// Those that begin with a wildcard.
    const LEADING: u8 = 1 << 2 | 1 << 3;

    /// The kind of a pattern, by where its wildcards stand.
    pub(super) fn of(pattern: &[u8]) -> Self {
        let begins = matches!(pattern, [b'%' | b'_', ..]);
        let ends = pattern.len() > 1 && pattern.ends_with(b"%");
        let has_any = pattern.iter().any(|byte| matches!(byte, b'%' | b'_'));
        let kind = match (begins, ends) {
            (true, true) => 3,
            (true, false) => 2,
            (false, _) if has_any => 1,
            (false, _) => 0,
        };
        Self(1 << kind)
    }

    /// One of them begins with a wildcard.
    pub fn begin_with_a_wildcard(self) -> bool {
        self.0 & Self::LEADING != 0
    }

    /// Names of the kinds: `exact`, `prefix` (an index serves these), `suffix`, `contains`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let bits = (0..).zip(Self::KINDS);
        bits.filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, name)| name)
    }
}

impl BitOrAssign for Likes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Serialize for Likes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// How often a text repeats what is folded in its statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Repeats {
    /// Values in the longest list of an `IN`, `ANY`, `ALL` or `ARRAY`.
    #[serde(rename = "list")]
    pub longest_list: u32,
    /// Rows in the longest run of them: of a `VALUES`, or of a list of rows.
    pub rows: u32,
}

/// Counts them while the text is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counter {
    rows: u32,
    most: Repeats,
}

impl Counter {
    /// A list of so many values.
    #[inline]
    pub(super) fn list(&mut self, values: u32) {
        self.most.longest_list = self.most.longest_list.max(values);
    }

    /// A row; `first` when none stands right before it.
    #[inline]
    pub(super) fn row(&mut self, first: bool) {
        self.rows = if first {
            1
        } else {
            self.rows.saturating_add(1)
        };
        self.most.rows = self.most.rows.max(self.rows);
    }

    /// What was counted.
    pub(super) fn repeats(&self) -> Repeats {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sql::Dialect;
    use crate::normalise::Settings;

    #[test]
    fn what_a_text_repeats_is_known_whichever_text_of_its_shape_came_first() {
        let texts = [
            "COPY t FROM stdin OR 1",
            "COPY t FROM stdin OR 1 OR 2 OR 3 OR 4",
            "SHOW TABLES LIKE 'a%'",
            "SHOW TABLES LIKE '%a'",
            "SELECT a FROM t WHERE b LIKE '%a' OR b = 1 OR b = 2 OR b = 3",
            "SELECT a FROM t WHERE b LIKE 'a' OR b = 1 OR b = 2 OR b = 3 OR b = 4",
        ];
        let read = |normaliser: &mut Normaliser, sql: &str| {
            let known = normaliser.statement(sql.as_bytes(), Dialect::Mysql, false);
            known.statement.parsed.clone()
        };
        for first in texts {
            for second in texts {
                let mut alone = Normaliser::new(&Settings::default(), 0);
                let mut behind = Normaliser::new(&Settings::default(), 0);
                read(&mut behind, first);
                let (second_alone, behind) = (read(&mut alone, second), read(&mut behind, second));
                assert_eq!(second_alone, behind, "{first}, {second}");
            }
        }
    }

    #[test]
    fn a_pattern_is_known_by_where_its_wildcards_stand() {
        for (pattern, kind) in [
            ("jane", "exact"),
            ("jane%", "prefix"),
            ("j%ne", "prefix"),
            ("%jane", "suffix"),
            ("%jane%", "contains"),
            ("%", "suffix"),
        ] {
            let kinds: Vec<_> = Likes::of(pattern.as_bytes()).names().collect();
            assert_eq!(kinds, [kind], "{pattern}");
        }
    }
}
