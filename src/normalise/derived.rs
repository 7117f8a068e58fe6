//! Names that only the statement itself sees: of CTEs, of windows, and of the columns of derived tables.
//!
//! A column of a derived table is called by its alias wherever its query is read; each alias that somebody
//! reads is numbered, in order. A query that hands a column on, by its name or by `*`, hands on its number.

use std::collections::{BTreeMap, HashMap};

use super::scope::{Scopes, Table};
use super::targets::Targets;
use super::token::Token;
use super::windows::window_names;

/// Columns are handed on through so many queries.
const MAX_ROUNDS: usize = 8;

/// Output columns of a query or a table by name; the value is the token that names it.
type Outputs<'t> = HashMap<&'t str, usize>;

/// What is renamed.
#[derive(Debug, Default)]
pub(super) struct Derived {
    names: BTreeMap<usize, String>,
    ctes: HashMap<usize, String>,
    /// Tables are joined by whatever names they share.
    natural: bool,
    /// Tokens that name other things than rows.
    others: Vec<bool>,
}

impl Derived {
    /// Finds all names that the statement makes up for itself.
    pub(super) fn find(tokens: &[Token<'_>], found: &Scopes) -> Self {
        let mut derived = Self::default();
        derived.name_ctes(tokens, found);
        derived.names.extend(window_names(tokens));
        let targets = Targets::find(tokens);
        derived.others.clone_from(&targets.written);
        if found.ctes.is_empty()
            && found
                .tables
                .iter()
                .all(|t| t.query.is_none() && t.columns.is_empty())
        {
            return derived;
        }
        derived.natural = tokens.iter().any(|t| t.is("natural"));
        if derived.natural {
            return derived;
        }
        let mut reader = Reader::new(tokens, found, targets);
        for _ in 0..MAX_ROUNDS {
            reader.read();
            if !reader.hand_on() {
                break;
            }
        }
        derived.number(&reader);
        derived
    }

    /// New names by token.
    pub(super) fn renamed(&self) -> &BTreeMap<usize, String> {
        &self.names
    }

    /// Whether `token` is known to be a column, or the name of one.
    pub(super) fn is_other(&self, token: usize) -> bool {
        self.others[token] || self.names.contains_key(&token)
    }

    /// Columns that nobody names are of no account.
    pub(super) fn hides_unread(&self) -> bool {
        !self.natural
    }

    /// The new name of the CTE that `table` is.
    pub(super) fn name_of(&self, table: &Table) -> Option<String> {
        self.ctes
            .get(&table.name.start)
            .filter(|_| table.name.len() == 1)
            .cloned()
    }

    fn name_ctes(&mut self, tokens: &[Token<'_>], found: &Scopes) {
        for (number, cte) in found.ctes.iter().enumerate() {
            self.names.insert(cte.name, format!("cte{}", number + 1));
        }
        for table in &found.tables {
            if let Some(cte) = cte_of(tokens, found, table) {
                let name = self.names.get(&found.ctes[cte].name).cloned();
                self.ctes.extend(name.map(|name| (table.name.start, name)));
            }
        }
    }

    fn number(&mut self, reader: &Reader<'_, '_>) {
        let mut numbers: BTreeMap<usize, usize> = reader
            .read
            .values()
            .chain(&reader.listed)
            .map(|&column| (column, 0))
            .collect();
        for (number, slot) in numbers.values_mut().enumerate() {
            *slot = number + 1;
        }
        let name = |column: &usize| match reader.shared.get(column) {
            Some(name) => (*name).to_owned(),
            None => format!("d{}", numbers[column]),
        };
        self.names
            .extend(numbers.keys().map(|column| (*column, name(column))));
        self.names.extend(
            reader
                .read
                .iter()
                .map(|(&token, column)| (token, name(column))),
        );
    }
}

/// The CTE that a table's name means.
fn cte_of(tokens: &[Token<'_>], found: &Scopes, table: &Table) -> Option<usize> {
    if table.name.len() != 1 || table.function {
        return None;
    }
    let name = &tokens[table.name.start].text;
    let sees = |scope: usize| {
        let group = found.queries[scope].group;
        found
            .outward(table.scope)
            .any(|s| found.queries[s].group == group)
    };
    found
        .ctes
        .iter()
        .rposition(|cte| tokens[cte.name].text == *name && sees(cte.scope))
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    found: &'t Scopes,
    /// Tables of each query.
    tables: HashMap<usize, Vec<usize>>,
    /// Columns of each derived query.
    outputs: HashMap<usize, Outputs<'t>>,
    /// Tokens in column lists.
    listed: Vec<usize>,
    /// Token of a reference, and of the name that it means.
    read: HashMap<usize, usize>,
    /// Columns that a join names by the name that a table beside them has for them, too.
    shared: HashMap<usize, &'t str>,
    /// Names behind USING.
    using: Vec<usize>,
    /// Tokens that name things, or columns of the table that is written to.
    names: Vec<bool>,
    /// The query that each table is, if it is one.
    queries: Vec<Option<usize>>,
}

impl<'t, 'a> Reader<'t, 'a> {
    fn new(tokens: &'t [Token<'a>], found: &'t Scopes, targets: Targets) -> Self {
        let mut reader = Self {
            tokens,
            found,
            tables: HashMap::new(),
            outputs: HashMap::new(),
            listed: Vec::new(),
            read: HashMap::new(),
            shared: HashMap::new(),
            using: targets.shared,
            names: targets.written,
            queries: Vec::new(),
        };
        let query_of = |table: &Table| {
            let cte = cte_of(tokens, found, table).map(|cte| found.ctes[cte].query);
            table.query.or(cte)
        };
        reader.queries = found.tables.iter().map(query_of).collect();
        reader.note_names();
        for column in &found.columns {
            let scope = found.queries[column.scope];
            let shown = scope.derived && column.scope == scope.group;
            if shown && !names_itself(tokens, column.alias) {
                let outputs = reader.outputs.entry(scope.group).or_default();
                outputs.insert(&tokens[column.alias].text, column.alias);
            }
        }
        for cte in found.ctes.iter().filter(|cte| !cte.columns.is_empty()) {
            reader.outputs.insert(cte.query, list(tokens, &cte.columns));
            reader.listed.extend(&cte.columns);
        }
        reader
    }

    fn note_names(&mut self) {
        for (index, table) in self.found.tables.iter().enumerate() {
            self.tables.entry(table.scope).or_default().push(index);
            if !table.typed {
                self.listed.extend(&table.columns);
            }
            table.name.clone().for_each(|at| self.names[at] = true);
            let named = table.alias.iter().chain(&table.columns);
            named.for_each(|&at| self.names[at] = true);
        }
        for cte in &self.found.ctes {
            self.names[cte.name] = true;
            cte.columns.iter().for_each(|&at| self.names[at] = true);
        }
        self.found
            .columns
            .iter()
            .for_each(|c| self.names[c.alias] = true);
    }

    /// What `table` calls `column`.
    fn output(&self, table: usize, column: &str) -> Option<usize> {
        let query = self.queries[table];
        let table = &self.found.tables[table];
        if table.typed {
            return None;
        }
        if !table.columns.is_empty() {
            let named = table
                .columns
                .iter()
                .find(|&&at| self.tokens[at].text == column);
            return named.copied();
        }
        let query = query?;
        self.outputs.get(&query)?.get(column).copied()
    }

    fn tables_of(&self, scope: usize) -> &[usize] {
        self.tables.get(&scope).map_or(&[], Vec::as_slice)
    }

    /// Finds what every name that may be a column means.
    fn read(&mut self) {
        for index in 0..self.tokens.len() {
            if !self.may_be_column(index) {
                continue;
            }
            if let Some(column) = self.column(index) {
                self.read.insert(index, column);
            }
        }
        for &index in &self.using {
            let name = &*self.tokens[index].text;
            let columns = self.tables_of(self.found.of_token[index]).iter();
            let columns = columns.filter_map(|&table| self.output(table, name));
            let columns: Vec<usize> = columns.collect();
            self.shared
                .extend(columns.iter().map(|&column| (column, name)));
            self.read
                .extend(columns.first().map(|&column| (index, column)));
        }
    }

    /// Whether no other thing is named here: a type, a unit, a collation, an argument.
    fn may_be_column(&self, index: usize) -> bool {
        let next_is = |sign| self.tokens.get(index + 1).is_some_and(|t| t.is_sign(sign));
        let others = ["as", "over", "collate"];
        let names_other = index.checked_sub(1).is_some_and(|before| {
            let before = &self.tokens[before];
            before.is_any(&others) || before.is_sign("::") || before.is_literal()
        });
        let called = [".", "(", "=>", ":="].into_iter().any(next_is);
        self.tokens[index].is_name() && !self.names[index] && !called && !names_other
    }

    fn column(&self, index: usize) -> Option<usize> {
        let tokens = self.tokens;
        let name = &*tokens[index].text;
        let mut around = self.found.outward(self.found.of_token[index]);
        if !index
            .checked_sub(1)
            .is_some_and(|dot| tokens[dot].is_sign("."))
        {
            // A derived table does not see the tables beside it.
            let mut inside = true;
            return around
                .take_while(|&scope| {
                    std::mem::replace(&mut inside, !self.found.queries[scope].derived)
                })
                .find_map(|scope| {
                    let tables = self.tables_of(scope).iter();
                    tables.copied().find_map(|table| self.output(table, name))
                });
        }
        let qualifier = &tokens[index.checked_sub(2)?].text;
        let is_called = |&&table: &&usize| {
            let table = &self.found.tables[table];
            let named = table.alias.or(table.name.clone().next_back());
            named.is_some_and(|at| tokens[at].text == *qualifier)
        };
        let table = around.find_map(|scope| self.tables_of(scope).iter().find(is_called))?;
        self.output(*table, name)
    }

    /// Adds to each derived query the columns that it reads and shows; whether there were new ones.
    fn hand_on(&mut self) -> bool {
        let found = self.found;
        let shown = |scope: usize| {
            let query = found.queries[scope];
            (query.derived && scope == query.group).then_some(scope)
        };
        let itself = found
            .columns
            .iter()
            .filter(|c| names_itself(self.tokens, c.alias));
        let itself = itself.map(|c| {
            (
                c.scope,
                c.alias - 1 - usize::from(self.tokens[c.alias - 1].is("as")),
            )
        });
        let items = found
            .items
            .iter()
            .map(|item| (item.scope, item.name))
            .chain(itself);
        let mut new: Vec<(usize, &'t str, usize)> = Vec::new();
        for (scope, name) in items {
            let column = self
                .read
                .get(&name)
                .filter(|_| is_column(self.tokens, name));
            let group = shown(scope);
            new.extend(
                column
                    .zip(group)
                    .map(|(&c, g)| (g, &*self.tokens[name].text, c)),
            );
        }
        for scope in found.stars.iter().filter_map(|&scope| shown(scope)) {
            for &table in self.tables_of(scope) {
                let outputs = self.queries[table].and_then(|query| self.outputs.get(&query));
                new.extend(
                    outputs
                        .into_iter()
                        .flatten()
                        .map(|(&name, &c)| (scope, name, c)),
                );
            }
        }
        let mut grown = false;
        for (group, name, column) in new {
            let outputs = self.outputs.entry(group).or_default();
            grown |= !outputs.contains_key(name);
            outputs.entry(name).or_insert(column);
        }
        grown
    }
}

fn list<'t>(tokens: &'t [Token<'_>], columns: &[usize]) -> Outputs<'t> {
    columns.iter().map(|&at| (&*tokens[at].text, at)).collect()
}

/// Whether a select item is nothing but the column whose name stands at `last`.
fn is_column(tokens: &[Token<'_>], last: usize) -> bool {
    let starts = |at: Option<usize>| {
        at.and_then(|i| tokens.get(i))
            .is_some_and(|t| t.is_sign(",") || t.is("select") || t.is("distinct"))
    };
    let qualified = last
        .checked_sub(1)
        .is_some_and(|dot| tokens[dot].is_sign("."));
    if qualified {
        starts(last.checked_sub(3))
    } else {
        starts(last.checked_sub(1))
    }
}

/// `SELECT u.id AS id`: the alias says nothing new.
pub(super) fn names_itself(tokens: &[Token<'_>], alias: usize) -> bool {
    let text = &tokens[alias].text;
    let end = alias - usize::from(alias > 0 && tokens[alias - 1].is("as"));
    end.checked_sub(1).is_some_and(|last| {
        tokens[last].is_name() && tokens[last].text == *text && is_column(tokens, last)
    })
}
