//! Which names a statement gives: aliases of tables and select items, CTEs and their columns.

use super::finder::{Clause, Finder};
use super::scope::{Column, Cte, Item};
use super::token::Token;

/// Words that end a select list.
const ITEM_ENDS: [&str; 12] = [
    "from",
    "into",
    "where",
    "order",
    "limit",
    "union",
    "except",
    "intersect",
    "minus",
    "group",
    "having",
    "for",
];

impl Finder<'_, '_> {
    /// Notes what the select item before `index` is, if one ends there.
    pub(super) fn end_item(&mut self, index: usize) {
        let token = &self.tokens[index];
        let ends = [",", ")", ";"].iter().any(|s| token.is_sign(s)) || token.is_any(&ITEM_ENDS);
        let (Some(last), true) = (index.checked_sub(1), ends) else {
            return;
        };
        if self.top.clause != Clause::Select || !self.top.query {
            return;
        }
        let scope = self.top.scope;
        let aliased = self.found.columns.last().is_some_and(|c| c.alias == last);
        if self.tokens[last].is_sign("*") {
            self.found.stars.push(scope);
        } else if self.tokens[last].is_name() && !aliased {
            self.found.items.push(Item { scope, name: last });
        }
    }

    /// The CTE whose query opens at `index`.
    pub(super) fn cte(&self, index: usize, query: usize) -> Option<Cte> {
        let back = |at: usize, words: &[&str]| {
            let skip = self.is(at.checked_sub(1), |t| words.iter().any(|w| t.is_word(w)));
            at - usize::from(skip)
        };
        let at = back(back(index, &["materialized"]), &["not"]);
        let named = at.checked_sub(2)?;
        if !self.is(Some(at - 1), |t| t.is("as")) {
            return None;
        }
        let mut columns = Vec::new();
        let mut name = named;
        if self.tokens[named].is_sign(")") {
            let open = self.tokens[..named].iter().rposition(|t| t.is_sign("("))?;
            columns = (open + 1..named)
                .filter(|&i| self.tokens[i].is_name())
                .collect();
            name = open.checked_sub(1)?;
        }
        self.tokens[name].is_name().then_some(Cte {
            name,
            scope: self.top.scope,
            query,
            columns,
        })
    }

    /// Whether the name behind `table` is its alias, not a word of another clause.
    pub(super) fn may_be_alias(&self, index: usize, table: usize) -> bool {
        let named = &self.found.tables[table];
        let explicit = self.is(index.checked_sub(1), |t| t.is("as"));
        let called = self.is(Some(index + 1), |t| t.is_sign("("));
        let target = self.is(named.name.start.checked_sub(1), |t| {
            t.is_any(&["into", "table"])
        }) && !self.tokens[0].is("merge");
        let plain = !named.name.is_empty() && !named.function;
        !self.no_alias && (explicit || !(target || plain && called))
    }

    /// Names of the columns in `alias (a, b int)`.
    pub(super) fn column_list(&self, open: usize) -> Vec<usize> {
        let insert = self.is(Some(0), |t| t.is("insert")) && self.found.tables.len() == 1;
        if insert || !self.is(Some(open), |t| t.is_sign("(")) {
            return Vec::new();
        }
        let inside = self.tokens[open + 1..]
            .iter()
            .take_while(|t| !t.is_sign(")"));
        (open + 1..open + 1 + inside.count())
            .filter(|&at| {
                self.tokens[at].is_name()
                    && (self.tokens[at - 1].is_sign("(") || self.tokens[at - 1].is_sign(","))
            })
            .collect()
    }

    /// Whether the AS at `index` names the row of an INSERT: ON DUPLICATE KEY UPDATE follows.
    pub(super) fn names_inserted_row(&self, index: usize) -> bool {
        let mut end = index + 2;
        if self.is(Some(end), |t| t.is_sign("(")) {
            let list = self.tokens[end..].iter();
            end += 1 + list.take_while(|t| !t.is_sign(")")).count();
        }
        self.top.clause == Clause::Other
            && self.is(Some(index + 1), Token::is_name)
            && self.is(Some(end), |t| t.is("on"))
            && self.is(Some(end + 1), |t| t.is_word("duplicate"))
    }

    /// `expr AS alias` and `expr alias` in a select list.
    pub(super) fn column_alias(&mut self, index: usize) -> bool {
        if self.top.clause != Clause::Select || !self.top.query {
            return false;
        }
        let before = index.checked_sub(1);
        let ends_item = self.token(index + 1).is_none_or(|next| {
            [",", ")", ";"].iter().any(|s| next.is_sign(s)) || next.is_any(&ITEM_ENDS)
        });
        let explicit = self.is(before, |t| t.is("as"));
        let within_group = self.tokens[index].is_word("within");
        // `NEXT VALUE FOR s`, and PREVIOUS.
        let of_sequence = self.tokens[index].is_word("value")
            && self.is(Some(index + 1), |t| t.is("for"))
            && self.is(before, |t| t.is_word("next") || t.is_word("previous"));
        let implicit = self.tokens[index].is_name()
            && !within_group
            && !of_sequence
            && self.is(before, Token::ends_operand)
            && !self.is(index.checked_sub(2), |t| {
                t.is("interval") || t.is_word("top")
            });
        if !ends_item || !(explicit || implicit) {
            return false;
        }
        self.found.columns.push(Column {
            scope: self.top.scope,
            alias: index,
            ordinal: self.top.item,
        });
        true
    }
}
