//! Index keys, in tables and on their own.

use std::sync::Arc;

use super::token::{Cursor, Kind};
use crate::model::schema::{Index, IndexKind, IndexPart};

/// Reads `[name] [USING method] (parts) options`, whatever of it is there; `None` without parts.
pub(super) fn index(kind: IndexKind, cursor: &mut Cursor<'_>) -> Option<Index> {
    let mut index = Index {
        kind,
        ..Index::default()
    };
    if !cursor.sees("using") && !cursor.sees("(") {
        index.name = cursor.name().map(Arc::from);
    }
    method(&mut index, cursor);
    let parts = cursor.group()?;
    index.parts = parts.items().map(part).collect();
    options(&mut index, cursor);
    Some(index)
}

fn method(index: &mut Index, cursor: &mut Cursor<'_>) {
    if !cursor.eat("using") {
        return;
    }
    index.kind = match cursor.name().map(str::to_lowercase).as_deref() {
        Some("btree" | "rtree" | "index") | None => index.kind,
        Some("hash") => IndexKind::Hash,
        Some(_) => IndexKind::Other,
    };
}

fn options(index: &mut Index, cursor: &mut Cursor<'_>) {
    while !cursor.is_empty() {
        if cursor.sees("using") && !cursor.sees("using index") {
            method(index, cursor);
        } else if cursor.eat_any(&["invisible", "ignored"]) {
            index.kind = IndexKind::Other;
        } else if cursor.eat_any(&["not ignored", "comment"]) {
            cursor.next();
        } else if cursor.eat("where") {
            index.partial = true;
            return;
        } else if cursor.group().is_none() {
            cursor.next();
        }
    }
}

fn part(mut cursor: Cursor<'_>) -> IndexPart {
    let mut part = IndexPart {
        descending: cursor.has_word("desc", usize::MAX),
        ..IndexPart::default()
    };
    let Some(name) = cursor.name() else {
        return part;
    };
    // `name(10)` is a prefix, `lower(name)` an expression, and so is what an operator follows
    if let Some(mut inside) = cursor.group() {
        part.prefix = inside.number().filter(|_| inside.is_empty());
        part.column = part.prefix.map(|_| Arc::from(name));
        return part;
    }
    let operator = cursor.peek().is_some_and(|t| t.kind == Kind::Sign);
    part.column = (!operator).then(|| Arc::from(name));
    part
}

/// Columns in parentheses.
pub(super) fn columns(cursor: &mut Cursor<'_>) -> Option<Vec<Arc<str>>> {
    let group = cursor.group()?;
    let names = group
        .items()
        .filter_map(|mut item| item.name().map(Arc::from));
    Some(names.collect())
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn read(text: &str) -> Index {
        index(IndexKind::Plain, &mut Cursor::new(&tokens(text))).unwrap()
    }

    #[test]
    fn prefixes_directions_and_expressions_are_told_apart() {
        let index = read("`i` (`a`(10), `b` DESC, lower((c)::text), ((d + 1))) USING BTREE");
        let parts: Vec<_> = index
            .parts
            .iter()
            .map(|p| (p.column.as_deref(), p.prefix, p.descending))
            .collect();
        assert_eq!(
            parts,
            [
                (Some("a"), Some(10), false),
                (Some("b"), None, true),
                (None, None, false),
                (None, None, false)
            ]
        );
        assert_eq!(index.kind, IndexKind::Plain);
    }

    #[test]
    fn what_serves_no_comparison_is_other() {
        assert_eq!(read("i USING gin (a gin_trgm_ops)").kind, IndexKind::Other);
        assert_eq!(read("i (a) INVISIBLE").kind, IndexKind::Other);
        assert_eq!(read("i (a) NOT IGNORED").kind, IndexKind::Plain);
        assert!(read("i USING btree (a) INCLUDE (b) WHERE (c IS NULL)").partial);
    }
}
