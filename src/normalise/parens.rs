//! Drops the parentheses that change nothing: those of generated conditions, of single values, of the
//! branches of a set operation, of joins from the left.
//!
//! One pass from left to right; a parenthesis is judged when it closes, by what binds inside it and beside it.

use super::precedence::{
    AND, COMPARISON, Level, NONE, POSTFIX, PRIMARY, Role, UNARY, beside, free_on_the_left,
    free_on_the_right, role,
};
use super::token::{Kind, Token};
use crate::model::sql::Dialect;

/// Words behind which an expression begins that nothing binds to the left.
const BEGINNINGS: [&str; 14] = [
    "where",
    "on",
    "having",
    "when",
    "then",
    "else",
    "case",
    "select",
    "by",
    "returning",
    "limit",
    "offset",
    "distinct",
    "set",
];

/// Words behind which the items of a list are expressions.
const LISTS: [&str; 5] = ["select", "by", "returning", "limit", "distinct"];
/// Words behind which they are not.
const NO_LISTS: [&str; 11] = [
    "from", "values", "into", "update", "set", "using", "join", "where", "table", "window", "with",
];

/// Words of a query that cannot go without its parentheses.
const QUERY_TAILS: [&str; 12] = [
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "union",
    "intersect",
    "except",
    "minus",
    "into",
    "with",
    "lock",
];

pub(super) const SET_OPERATIONS: [&str; 4] = ["union", "except", "intersect", "minus"];

/// The tokens without needless parentheses. DDL keeps all: there they are syntax.
pub(super) fn strip(tokens: Vec<Token<'_>>, dialect: Dialect) -> Vec<Token<'_>> {
    let first = tokens.iter().find(|t| t.kind == Kind::Keyword);
    if first.is_none_or(|t| t.is_any(&["create", "alter", "grant", "revoke"])) {
        return tokens;
    }
    let mut pass = Pass {
        needless: vec![false; tokens.len()],
        tokens: &tokens,
        dialect,
        frames: Vec::new(),
        top: Frame::new(usize::MAX, What::Query, NONE, false),
    };
    for index in 0..tokens.len() {
        pass.step(index);
    }
    let needless = pass.needless;
    tokens
        .into_iter()
        .zip(needless)
        .filter_map(|(token, needless)| (!needless).then_some(token))
        .collect()
}

/// What a parenthesis holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// An expression.
    Group,
    /// Joined tables.
    Joins,
    /// A query.
    Query,
    /// Anything else: arguments, a list, a row, columns.
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) open: usize,
    what: What,
    /// What binds to the left of the parenthesis.
    left: Level,
    /// The loosest operator inside.
    level: Level,
    /// Items behind commas are expressions.
    list: bool,
    /// Nothing but an expression, or nothing but joins, or a plain query is inside.
    plain: bool,
    /// CASE expressions that are open.
    cases: usize,
    /// BETWEENs that wait for their AND.
    betweens: usize,
    /// The last AND that a BETWEEN had waited for.
    bound: Option<usize>,
    /// The query is a chain of UNION ALL.
    chain: bool,
}

impl Frame {
    fn new(open: usize, what: What, left: Level, list: bool) -> Self {
        Self {
            open,
            what,
            left,
            level: PRIMARY,
            list,
            plain: true,
            cases: 0,
            betweens: 0,
            bound: None,
            chain: false,
        }
    }
}

pub(super) struct Pass<'t, 'a> {
    pub(super) tokens: &'t [Token<'a>],
    needless: Vec<bool>,
    dialect: Dialect,
    pub(super) frames: Vec<Frame>,
    pub(super) top: Frame,
}

impl<'a> Pass<'_, 'a> {
    pub(super) fn before(&self, index: usize, back: usize) -> Option<&Token<'a>> {
        index.checked_sub(back).and_then(|at| self.tokens.get(at))
    }

    pub(super) fn next_is(&self, index: usize, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.tokens.get(index + 1).is_some_and(test)
    }

    fn step(&mut self, index: usize) {
        let token = &self.tokens[index];
        if token.is_sign("(") || token.is_sign("[") {
            self.open(index);
        } else if token.is_sign(")") || token.is_sign("]") {
            self.close(index);
        } else {
            self.content(index);
        }
    }

    fn open(&mut self, index: usize) {
        let round = self.tokens[index].is_sign("(");
        let inside = self.tokens.get(index + 1);
        let query = inside.is_some_and(|t| t.is("select"));
        let frame = if round && query {
            Frame::new(index, What::Query, NONE, false)
        } else if round && self.holds_joins(index) {
            Frame::new(index, What::Joins, NONE, false)
        } else if let Some(left) = self.left_of(index).filter(|_| round) {
            Frame::new(index, What::Group, left, false)
        } else {
            let before = self.before(index, 1);
            let sets = ["sets", "rollup", "cube"];
            let list = !before.is_some_and(|t| sets.iter().any(|word| t.is_word(word)));
            Frame::new(index, What::Other, NONE, list)
        };
        self.frames.push(std::mem::replace(&mut self.top, frame));
    }

    /// Joins in parentheses behind FROM: they are read from the left anyway.
    fn holds_joins(&self, index: usize) -> bool {
        let starts_joins = self
            .before(index, 1)
            .is_some_and(|t| t.is("from") || t.is_sign("(") && self.top.what == What::Joins);
        let named = self
            .tokens
            .get(index + 1)
            .is_some_and(|t| t.is_name() || t.is_sign("("));
        starts_joins && named && !self.before(index, 2).is_some_and(|t| t.is("distinct"))
    }

    /// What binds to the left of a parenthesis that groups; `None` if it does not group.
    fn left_of(&self, index: usize) -> Option<Level> {
        let before = self.before(index, 1)?;
        let distinct_on =
            before.is("on") && self.before(index, 2).is_some_and(|t| t.is("distinct"));
        // `FORCE INDEX FOR ORDER BY (i)`
        let hint = before.is("by") && self.before(index, 3).is_some_and(|t| t.is("for"));
        if before.is_any(&BEGINNINGS) {
            return (!distinct_on && !hint).then_some(NONE);
        }
        let counts = before.is_word("first") || before.is_word("next");
        if counts && self.before(index, 2).is_some_and(|t| t.is("fetch")) {
            return Some(NONE);
        }
        if before.is("interval") {
            return Some(POSTFIX);
        }
        if before.is_sign("(") {
            let expression =
                self.top.what == What::Group || self.top.what == What::Other && self.top.list;
            return expression.then_some(NONE);
        }
        if before.is_sign(",") {
            return self.top.list.then_some(NONE);
        }
        if before.is("and") && self.top.bound == index.checked_sub(1) {
            return Some(COMPARISON);
        }
        if before.is_any(&["in", "to"]) {
            return None;
        }
        match role(before, self.before(index, 2), self.dialect) {
            Role::Operator(level) if !before.is_sign("::") => Some(beside(level)),
            _ => None,
        }
    }

    fn close(&mut self, index: usize) {
        let Some(outer) = self.frames.pop() else {
            return;
        };
        let inner = std::mem::replace(&mut self.top, outer);
        let needless = inner.plain
            && inner.open + 1 < index
            && match inner.what {
                What::Group => {
                    free_on_the_right(inner.level, inner.left)
                        && free_on_the_left(inner.level, self.right_of(index))
                }
                What::Joins => self.joins_may_stand_alone(index),
                What::Query => {
                    (!inner.chain || self.chain_may_go_on(inner.open, index))
                        && self.query_may_stand_alone(inner.open, index)
                }
                What::Other => false,
            };
        if needless {
            self.needless[inner.open] = true;
            self.needless[index] = true;
            if inner.what == What::Group && self.top.cases == 0 {
                self.top.level = self.top.level.max(inner.level);
            }
        }
    }

    /// What binds to the right of the parenthesis that closes at `index`.
    fn right_of(&self, index: usize) -> Level {
        let Some(next) = self.tokens.get(index + 1) else {
            return NONE;
        };
        if next.is_sign(".") || next.is_sign("[") || next.is_sign("(") {
            return PRIMARY;
        }
        if next.is_word("at") || next.is_sign("::") || next.is("collate") {
            return POSTFIX;
        }
        if next.is("and") && self.top.betweens > 0 {
            return COMPARISON;
        }
        match role(next, Some(&Token::LITERAL), self.dialect) {
            Role::Operator(level) => beside(level),
            _ => NONE,
        }
    }

    fn content(&mut self, index: usize) {
        let token = &self.tokens[index];
        match self.top.what {
            What::Group => self.expression(index),
            What::Joins
                if token.is_sign(",")
                    || token.is_any(&["select", "values"])
                    || token.is_any(&SET_OPERATIONS) =>
            {
                self.top.plain = false;
            }
            What::Query if token.is("union") && self.next_is(index, |t| t.is("all")) => {
                self.top.chain = true;
            }
            What::Query if token.is_any(&QUERY_TAILS) => self.top.plain = false,
            _ => {}
        }
        self.count(index);
        if token.is_any(&LISTS) {
            self.top.list = true;
        } else if token.is_any(&NO_LISTS) {
            self.top.list = false;
        }
    }

    /// Which CASE and which BETWEEN are open.
    fn count(&mut self, index: usize) {
        let token = &self.tokens[index];
        let frame = &mut self.top;
        match &*token.text {
            _ if token.kind != Kind::Keyword => {}
            "case" => frame.cases += 1,
            "end" => frame.cases = frame.cases.saturating_sub(1),
            "between" => frame.betweens += 1,
            "and" if frame.betweens > 0 => {
                frame.betweens -= 1;
                frame.bound = Some(index);
            }
            _ => {}
        }
    }

    fn expression(&mut self, index: usize) {
        let token = &self.tokens[index];
        if self.top.cases > 0 || token.is("case") {
            return;
        }
        if self.names_zone(index) {
            self.top.level = self.top.level.max(UNARY);
            return;
        }
        let before = self.before(index, 1);
        let level = match role(token, before, self.dialect) {
            Role::Operator(AND) if self.top.betweens > 0 => COMPARISON,
            Role::Operator(level) => level,
            Role::Operand => {
                self.top.plain &= !self.is_adjacent(index);
                return;
            }
            Role::Foreign => {
                self.top.plain = false;
                return;
            }
        };
        self.top.level = self.top.level.max(level);
    }

    /// A word of AT TIME ZONE.
    fn names_zone(&self, index: usize) -> bool {
        let words = ["at", "time", "zone"];
        let starts = |from: usize| {
            let here = self.tokens.get(from..from + words.len());
            here.is_some_and(|here| here.iter().zip(words).all(|(t, word)| t.is_word(word)))
        };
        (0..words.len()).any(|back| index.checked_sub(back).is_some_and(starts))
    }

    /// Two operands side by side, save where the second belongs to the first.
    fn is_adjacent(&self, index: usize) -> bool {
        let token = &self.tokens[index];
        let before = self.before(index, 1);
        let operand_before = before.is_some_and(|t| t.ends_operand() && index - 1 != self.top.open);
        let typed = token.is_literal();
        let unit = before.is_some_and(Token::is_literal)
            && self.before(index, 2).is_some_and(|t| t.is("interval"));
        let type_word = (1..=5)
            .take_while(|&back| {
                self.before(index, back).is_some_and(|t| {
                    matches!(t.kind, Kind::Name | Kind::Keyword) || t.is_sign("::")
                })
            })
            .any(|back| self.before(index, back).is_some_and(|t| t.is_sign("::")));
        operand_before && token.kind != Kind::Sign && !typed && !unit && !type_word
    }
}
