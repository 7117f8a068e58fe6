//! Replaces names that a statement makes up for itself: table and column aliases.
//!
//! A table alias gives way to the name of its table where the table is the only one of its name in sight, else
//! to its place (`t2`). A column alias that nobody outside can see goes; where ORDER BY or GROUP BY names it,
//! the column's number takes its place.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::derived::{Derived, names_itself};
use super::finder::scopes;
use super::rows::{Called, is_row};
use super::scope::{Column, Scopes, Table};
use super::stream::hashed_name;
use super::token::{Kind, Token};

/// Statements with more tables keep their aliases: the search for namesakes is quadratic.
const MAX_TABLES: usize = 4096;

/// Renames aliases, and tells which tables the statement names.
pub(super) fn rename_aliases<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, Vec<String>) {
    let found = scopes(tokens);
    let mut renamer = Renamer::new(tokens, &found);
    if found.tables.len() <= MAX_TABLES {
        let derived = Derived::find(tokens, &found);
        renamer.rename_tables(&derived);
        renamer.rename_derived(&derived);
    }
    renamer.rename_columns();
    let tables = table_names(tokens, &found);
    (renamer.finish(), tables)
}

/// Names of the tables, as written, sorted; names of CTEs left out.
fn table_names(tokens: &[Token<'_>], found: &Scopes) -> Vec<String> {
    let ctes: HashSet<&str> = found
        .ctes
        .iter()
        .map(|cte| &*tokens[cte.name].text)
        .collect();
    let mut names: Vec<String> = found
        .tables
        .iter()
        .filter(|table| !table.function && !table.name.is_empty())
        .filter(|table| !is_alias(tokens, found, table))
        .map(|table| {
            tokens[table.name.clone()]
                .iter()
                .map(|t| &*t.text)
                .collect::<String>()
        })
        .filter(|name| !ctes.contains(name.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `UPDATE x SET ... FROM t AS x`, `DELETE FROM x USING t AS x`: another table in the query is called so.
fn is_alias(tokens: &[Token<'_>], found: &Scopes, table: &Table) -> bool {
    let name = &tokens[table.name.start].text;
    let target = table.ordinal == 1 && table.alias.is_none() && table.name.len() == 1;
    target
        && found.tables.iter().any(|other| {
            let called = other.alias.is_some_and(|alias| tokens[alias].text == *name);
            called && other.scope == table.scope
        })
}

/// Column aliases by their query and name.
type Places<'a> = HashMap<(usize, Cow<'a, str>), &'a Column>;

/// What becomes of a token.
#[derive(Debug, Clone)]
enum Fate {
    Keep,
    Drop,
    Become(Kind, String),
}

struct Renamer<'a, 't> {
    tokens: &'a [Token<'t>],
    found: &'a Scopes,
    fates: Vec<Fate>,
}

impl<'a, 't> Renamer<'a, 't> {
    fn new(tokens: &'a [Token<'t>], found: &'a Scopes) -> Self {
        Self {
            tokens,
            found,
            fates: vec![Fate::Keep; tokens.len()],
        }
    }

    fn rename_tables(&mut self, derived: &Derived) {
        let mut names: HashMap<(usize, &str), Called> = HashMap::new();
        let (tokens, found) = (self.tokens, self.found);
        for table in &found.tables {
            let cte = derived.name_of(table);
            if let Some(name) = &cte {
                self.fates[table.name.start] = Fate::Become(Kind::Name, name.clone());
            }
            let Some(alias) = table.alias else {
                if let Some(name) = cte {
                    let (row, query) = (false, false);
                    let called = Called { name, row, query };
                    names.insert((table.scope, &tokens[table.name.start].text), called);
                }
                continue;
            };
            let own_name = table
                .name
                .clone()
                .next_back()
                .map(|last| &*tokens[last].text);
            let name = match own_name.filter(|_| !table.function) {
                Some(name) if self.is_only(table, name) => {
                    self.drop_alias(alias);
                    cte.unwrap_or_else(|| name.to_owned())
                }
                _ => {
                    let place = self.place(table);
                    self.fates[alias] = Fate::Become(Kind::Name, place.clone());
                    place
                }
            };
            let called = Called::new(tokens, found, table, name);
            names.insert((table.scope, &tokens[alias].text), called);
        }
        for table in found.tables.iter().filter(|t| is_alias(tokens, found, t)) {
            let at = table.name.start;
            if let Some(called) = names.get(&(table.scope, &*tokens[at].text)) {
                self.fates[at] = Fate::Become(Kind::Name, called.name.clone());
            }
        }
        if !names.is_empty() {
            self.rename_references(&names, derived);
        }
    }

    /// Names of CTEs and windows, and of the columns of derived tables.
    fn rename_derived(&mut self, derived: &Derived) {
        if self.names_are_visible() {
            return;
        }
        for (&token, name) in derived.renamed() {
            self.fates[token] = Fate::Become(Kind::Name, name.clone());
        }
        for column in &self.found.columns {
            let scope = self.found.queries[column.scope];
            let names_columns = scope.derived && column.scope == scope.group;
            let unread = !derived.renamed().contains_key(&column.alias);
            if names_columns && unread && derived.hides_unread() {
                self.drop_alias(column.alias);
            }
        }
    }

    /// A view's columns are named by its aliases.
    fn names_are_visible(&self) -> bool {
        self.tokens.first().is_some_and(|t| t.is("create"))
    }

    fn place(&self, table: &Table) -> String {
        match self.found.queries[table.scope].depth {
            0 => format!("t{}", table.ordinal),
            depth => format!("t{depth}_{}", table.ordinal),
        }
    }

    /// Whether no other table of that name can be seen from where `table` stands, or sees it.
    fn is_only(&self, table: &Table, name: &str) -> bool {
        self.found.tables.iter().all(|other| {
            let same_name = other
                .name
                .clone()
                .next_back()
                .is_some_and(|last| self.tokens[last].text == name);
            std::ptr::eq(other, table)
                || !same_name
                || !self.sees(table.scope, other.scope) && !self.sees(other.scope, table.scope)
        })
    }

    /// Whether `outer` is `inner` or a query around it.
    fn sees(&self, inner: usize, outer: usize) -> bool {
        self.found.outward(inner).any(|scope| scope == outer)
    }

    fn rename_references(&mut self, names: &HashMap<(usize, &str), Called>, derived: &Derived) {
        for (index, token) in self.tokens.iter().enumerate() {
            if !token.is_name() || self.is_table_name(index) {
                continue;
            }
            let scope = self.found.of_token[index];
            let called = self
                .found
                .outward(scope)
                .find_map(|s| names.get(&(s, &*token.text)));
            let Some(called) = called else { continue };
            let next_is_dot = self.tokens.get(index + 1).is_some_and(|t| t.is_sign("."));
            let after_dot = index > 0 && self.tokens[index - 1].is_sign(".");
            let qualifier = !after_dot && (next_is_dot || self.found.bare[index]);
            if qualifier || is_row(self.tokens, derived, index, called) {
                self.fates[index] = Fate::Become(Kind::Name, called.name.clone());
            }
        }
    }

    /// Whether a table is named here that is not called by the alias of another.
    fn is_table_name(&self, index: usize) -> bool {
        let next = self
            .found
            .tables
            .partition_point(|t| t.name.end <= index && !t.name.is_empty());
        self.found
            .tables
            .get(next)
            .is_some_and(|t| t.name.contains(&index) && !is_alias(self.tokens, self.found, t))
    }

    fn rename_columns(&mut self) {
        let (tokens, found) = (self.tokens, self.found);
        let visible = self.names_are_visible();
        let mut places: Places<'_> = HashMap::new();
        for column in &found.columns {
            let scope = found.queries[column.scope];
            // A derived table shows the names of its first branch, and only those.
            let names_columns = scope.derived && column.scope == scope.group;
            if visible || names_columns {
                continue;
            }
            if !names_itself(tokens, column.alias) {
                places
                    .entry((scope.group, Cow::Borrowed(&*tokens[column.alias].text)))
                    .or_insert(column);
            }
            self.drop_alias(column.alias);
        }
        if places.is_empty() {
            return;
        }
        for (index, token) in tokens.iter().enumerate() {
            if found.sorted[index] && token.is_name() {
                self.place_reference(index, &places);
            }
        }
    }

    fn place_reference(&mut self, index: usize, places: &Places<'_>) {
        let scope = self.found.queries[self.found.of_token[index]];
        let name = &*self.tokens[index].text;
        let known = || places.get(&(scope.group, Cow::Borrowed(name)));
        let Some(column) = known().or_else(|| self.hashed(scope.group, name, places)) else {
            return;
        };
        let before = index.checked_sub(1).and_then(|i| self.tokens.get(i));
        let next = self.tokens.get(index + 1);
        let qualified = before.is_some_and(|t| t.is_sign("."))
            || next.is_some_and(|t| t.is_sign(".") || t.is_sign("("));
        if qualified {
            return;
        }
        let starts_key = before.is_some_and(|t| t.is("by") || t.is_sign(","));
        let ends_key = next.is_none_or(|t| {
            [",", ")", ";"].iter().any(|s| t.is_sign(s))
                || t.is_word("nulls")
                || t.is_any(&[
                    "desc", "limit", "offset", "fetch", "for", "having", "order", "union", "with",
                ])
        });
        if starts_key && ends_key {
            self.fates[index] = Fate::Become(Kind::Ordinal, column.ordinal.to_string());
            return;
        }
        let place = format!("c{}", column.ordinal);
        self.fates[column.alias] = Fate::Become(Kind::Name, place.clone());
        self.fates[index] = Fate::Become(Kind::Name, place);
    }

    /// The column whose alias was written like a string, and so is known by its hash alone.
    fn hashed<'p>(
        &self,
        group: usize,
        name: &str,
        places: &'p Places<'p>,
    ) -> Option<&'p &'p Column> {
        let column = places.get(&(group, Cow::Owned(hashed_name(name.as_bytes()))))?;
        let explicit = self.is_as(column.alias.checked_sub(1)?);
        let item = column.alias.checked_sub(1 + usize::from(explicit))?;
        (self.tokens[item].text != name).then_some(column)
    }

    fn is_as(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(|t| t.is("as"))
    }

    fn drop_alias(&mut self, alias: usize) {
        self.fates[alias] = Fate::Drop;
        if alias > 0 && self.is_as(alias - 1) {
            self.fates[alias - 1] = Fate::Drop;
        }
    }

    /// The tokens after their fates; an alias that stays is written with AS.
    fn finish(self) -> Vec<Token<'t>> {
        let mut aliases: HashSet<usize> = self.found.columns.iter().map(|c| c.alias).collect();
        aliases.extend(self.found.tables.iter().filter_map(|t| t.alias));
        let mut out: Vec<Token<'t>> = Vec::with_capacity(self.tokens.len());
        for (index, (token, fate)) in self.tokens.iter().zip(self.fates).enumerate() {
            if matches!(fate, Fate::Drop) {
                continue;
            }
            if aliases.contains(&index) && !out.last().is_some_and(|t| t.is("as")) {
                out.push(Token::new(Kind::Keyword, "as"));
            }
            out.push(match fate {
                Fate::Become(kind, text) => Token::new(kind, text),
                _ => token.clone(),
            });
        }
        out
    }
}
