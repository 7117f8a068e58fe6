//! Finds the queries of a statement, the tables each one reads, and the aliases it gives.
//!
//! Works on tokens, so that it also serves text that no parser reads: a query is a scope, a parenthesis is a
//! frame, and a branch of a set operation is a scope beside its siblings.

use super::scope::{Scope, Scopes, Table};
use super::token::{Kind, Token};

/// Words behind which no table and no select item stands.
const OTHER_CLAUSES: [&str; 19] = [
    "on",
    "where",
    "group",
    "order",
    "having",
    "limit",
    "set",
    "values",
    "window",
    "for",
    "lock",
    "offset",
    "fetch",
    "partition",
    "use",
    "force",
    "ignore",
    "with",
    "show",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Head,
    Deleting,
    Select,
    Tables,
    Sorting,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) query: bool,
    tables: bool,
    pub(super) scope: usize,
    pub(super) clause: Clause,
    expects_table: bool,
    after_table: Option<usize>,
    pub(super) item: usize,
    ordinal: usize,
}

impl Frame {
    fn of_query(scope: usize) -> Self {
        Self {
            query: true,
            tables: false,
            scope,
            clause: Clause::Head,
            expects_table: false,
            after_table: None,
            item: 1,
            ordinal: 0,
        }
    }
}

/// Finds scopes, tables and aliases.
pub(super) fn scopes(tokens: &[Token<'_>]) -> Scopes {
    let mut finder = Finder {
        tokens,
        found: Scopes {
            queries: vec![Scope {
                parent: None,
                depth: 0,
                group: 0,
                derived: false,
            }],
            ..Scopes::default()
        },
        frames: Vec::new(),
        top: Frame::of_query(0),
        in_hint: false,
        no_alias: false,
    };
    for index in 0..tokens.len() {
        finder.step(index);
    }
    finder.found
}

pub(super) struct Finder<'a, 't> {
    pub(super) tokens: &'a [Token<'t>],
    pub(super) found: Scopes,
    frames: Vec<Frame>,
    pub(super) top: Frame,
    in_hint: bool,
    /// The tables of DDL have none.
    pub(super) no_alias: bool,
}

impl<'t> Finder<'_, 't> {
    pub(super) fn token(&self, index: usize) -> Option<&Token<'t>> {
        self.tokens.get(index)
    }

    pub(super) fn is(&self, index: Option<usize>, test: impl Fn(&Token<'t>) -> bool) -> bool {
        index.and_then(|i| self.tokens.get(i)).is_some_and(test)
    }

    fn step(&mut self, index: usize) {
        let tokens = self.tokens;
        let token = &tokens[index];
        let before = index.checked_sub(1);
        self.end_item(index);
        if token.is_any(&["union", "except", "intersect", "minus"]) && self.top.query {
            self.next_branch();
        }
        let after_of = self.is(before, |t| t.is_word("of"));
        self.found.of_token.push(self.top.scope);
        self.found
            .bare
            .push(self.in_hint || self.top.clause == Clause::Deleting || after_of);
        self.found.sorted.push(self.top.clause == Clause::Sorting);
        match token.kind {
            Kind::HintOpen => self.in_hint = true,
            Kind::HintClose => self.in_hint = false,
            _ if self.in_hint => {}
            Kind::Sign if token.text == "(" => self.open(index),
            Kind::Sign if token.text == ")" => self.close(),
            Kind::Sign if token.text == "," => self.comma(),
            Kind::Sign if token.text == ";" => {
                self.next_branch();
            }
            Kind::Keyword => self.keyword(index),
            Kind::Name | Kind::Literal => self.name(index),
            _ => {}
        }
    }

    fn next_branch(&mut self) {
        let mut scope = self.found.queries[self.top.scope];
        if self.tokens[self.found.of_token.len()].is_sign(";") {
            scope.group = self.found.queries.len();
        }
        self.found.queries.push(scope);
        self.top = Frame::of_query(self.found.queries.len() - 1);
    }

    fn open(&mut self, index: usize) {
        let cte = (self.top.clause == Clause::Head)
            .then(|| self.cte(index, self.found.queries.len()))
            .flatten();
        let writes = ["insert", "update", "delete"];
        let query = self.is(Some(index + 1), |t| {
            t.is_any(&["select", "with", "values"]) || cte.is_some() && t.is_any(&writes)
        });
        if query {
            self.found.ctes.extend(cte);
        }
        let tables = self.top.expects_table;
        let derived = tables || self.top.clause == Clause::Head;
        let inner = if query {
            let group = self.found.queries.len();
            let around = self.found.queries[self.top.scope];
            // A parenthesised branch of a set operation belongs to the query that it is a branch of.
            let branch = self.top.clause == Clause::Head
                && !self.is(index.checked_sub(1), |t| {
                    t.is("as") || t.is_word("materialized")
                });
            self.found.queries.push(Scope {
                parent: Some(self.top.scope),
                depth: around.depth + 1,
                group: if branch { around.group } else { group },
                derived: if branch { around.derived } else { derived },
            });
            Frame::of_query(group)
        } else {
            let clause = if tables {
                Clause::Tables
            } else {
                Clause::Other
            };
            Frame {
                query: false,
                tables,
                clause,
                expects_table: tables,
                after_table: None,
                ..self.top
            }
        };
        if tables {
            self.top.expects_table = false;
            if query {
                self.table(0..0, false);
                if let Some(table) = self.found.tables.last_mut() {
                    table.query = Some(inner.scope);
                }
            }
        } else {
            let goes_on = |&table: &usize| {
                let partition = self.is(index.checked_sub(1), |t| t.is("partition"));
                self.found.tables[table].function || partition
            };
            self.top.after_table = self.top.after_table.filter(goes_on);
        }
        self.frames.push(std::mem::replace(&mut self.top, inner));
    }

    fn close(&mut self) {
        if let Some(outer) = self.frames.pop() {
            let inner = std::mem::replace(&mut self.top, outer);
            if inner.tables && !inner.query {
                self.top.ordinal = inner.ordinal;
            }
        }
    }

    fn comma(&mut self) {
        self.top.after_table = None;
        match self.top.clause {
            Clause::Select => self.top.item += 1,
            Clause::Tables => self.top.expects_table = true,
            _ => {}
        }
    }

    fn keyword(&mut self, index: usize) {
        let tokens = self.tokens;
        let token = &tokens[index];
        let before = index.checked_sub(1);
        if self.column_alias(index) {
            return;
        }
        let in_query = self.top.query || self.top.tables;
        let head = self.top.clause == Clause::Head;
        match &*token.text {
            "as" | "only" | "lateral" | "ignore" | "low_priority" | "partition"
                if self.top.after_table.is_some() || self.top.expects_table =>
            {
                return;
            }
            "with" if self.is(Some(index + 1), is_ordinality) => return,
            "as" if self.names_inserted_row(index) => return self.inserted_row(),
            "select" if in_query => {
                self.no_alias = false;
                self.top.clause = Clause::Select;
                self.top.item = 1;
            }
            "delete" if head => self.top.clause = Clause::Deleting,
            "from" if in_query && !self.distinct_from(index) => self.expect_table(),
            "join" | "straight_join" | "into" if in_query => self.expect_table(),
            "table" if in_query && !head => {}
            "table" if head && !self.is(before, |t| t.is("key") || t.is("for")) => {
                self.no_alias = true;
                self.expect_table();
            }
            "update" if head && !self.is(before, |t| t.is("key") || t.is("for")) => {
                self.expect_table();
            }
            "using" if in_query && self.reads_tables(index) => self.expect_table(),
            "with" if in_query && self.begins_ctes(index) => self.top.clause = Clause::Head,
            "returning" if in_query && !head => {
                self.top.clause = Clause::Select;
                self.top.item = 1;
            }
            "group" if self.is(before, |t| t.is_word("within")) => {}
            "order" | "group" | "having" if self.top.query => self.top.clause = Clause::Sorting,
            "by" | "if" | "not" | "exists" | "desc" | "and" | "or" => {}
            word if OTHER_CLAUSES.contains(&word) && in_query && !head => {
                self.top.clause = Clause::Other;
            }
            _ => {}
        }
        self.top.after_table = None;
        if self.top.clause != Clause::Tables {
            self.top.expects_table = false;
        }
    }

    fn expect_table(&mut self) {
        self.top.clause = Clause::Tables;
        self.top.expects_table = true;
    }

    /// USING of a MERGE or a DELETE; that of a join has columns in parentheses.
    fn reads_tables(&self, index: usize) -> bool {
        let queries = ["select", "values", "with"];
        !self.is(Some(index + 1), |t| t.is_sign("("))
            || self.is(Some(index + 2), |t| t.is_any(&queries))
    }

    /// WITH behind the head of an INSERT.
    fn begins_ctes(&self, index: usize) -> bool {
        let recursive = self.is(Some(index + 1), |t| t.is("recursive"));
        let name = index + 1 + usize::from(recursive);
        self.is(Some(name), Token::is_name)
            && self.is(Some(name + 1), |t| t.is("as") || t.is_sign("("))
    }

    /// `IS [NOT] DISTINCT FROM`.
    fn distinct_from(&self, index: usize) -> bool {
        let at = |back: usize| index.checked_sub(back);
        self.is(at(1), |t| t.is("distinct")) && self.is(at(2), |t| t.is("is") || t.is("not"))
    }

    fn name(&mut self, index: usize) {
        let token = &self.tokens[index];
        if self.column_alias(index) || is_ordinality(token) && self.top.after_table.is_some() {
            return;
        }
        if self.top.expects_table && token.is_name() {
            let mut end = index + 1;
            while self.is(Some(end), |t| t.is_sign("."))
                && self.is(Some(end + 1), |t| t.kind == Kind::Name)
            {
                end += 2;
            }
            self.top.expects_table = false;
            let into = self.is(index.checked_sub(1), |t| t.is("into") || t.is("table"));
            let function = !into && self.is(Some(end), |t| t.is_sign("("));
            self.table(index..end, function);
        } else if let Some(table) = self.top.after_table
            && token.is_name()
            && !self.found.tables[table].name.contains(&index)
        {
            self.top.after_table = None;
            if self.may_be_alias(index, table) {
                let columns = self.column_list(index + 1);
                let table = &mut self.found.tables[table];
                table.alias = Some(index);
                table.typed = columns.iter().any(|&at| {
                    let next = self.tokens.get(at + 1);
                    next.is_some_and(|t| matches!(t.kind, Kind::Name | Kind::Keyword))
                });
                table.columns = columns;
            }
        }
    }

    /// `INSERT ... VALUES (...) AS new`: the row by which ON DUPLICATE KEY UPDATE calls what was to be written.
    fn inserted_row(&mut self) {
        self.table(0..0, false);
    }

    fn table(&mut self, name: std::ops::Range<usize>, function: bool) {
        self.top.ordinal += 1;
        self.top.after_table = Some(self.found.tables.len());
        self.found.tables.push(Table {
            scope: self.top.scope,
            name,
            alias: None,
            ordinal: self.top.ordinal,
            function,
            query: None,
            columns: Vec::new(),
            typed: false,
        });
    }
}

/// Behind a function's WITH: it does not end what is known of the function.
fn is_ordinality(token: &Token<'_>) -> bool {
    token.is_word("ordinality")
}
