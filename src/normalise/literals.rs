//! Rewrites all that is but a literal in disguise: signs, casts, typed literals, arrays, escapes of drivers.

use super::rewrite::Pass;
use super::token::{Kind, Token};
use super::value::value_of_type;
use crate::model::sql::Dialect;

/// Types that may stand before a string literal (`DATE '2026-11-21'`).
const TYPED_LITERALS: [&str; 42] = [
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "datetime",
    "json",
    "jsonb",
    "uuid",
    "inet",
    "cidr",
    "bytea",
    "numeric",
    "decimal",
    "text",
    "point",
    "bit",
    "xml",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "bigint",
    "smallint",
    "float4",
    "float8",
    "bool",
    "boolean",
    "varchar",
    "bpchar",
    "char",
    "oid",
    "regclass",
    "regtype",
    "macaddr",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tsquery",
    "tsvector",
];

/// Statements in which a name before a string is a type.
const QUERIES: [&str; 6] = ["select", "with", "insert", "update", "delete", "values"];

/// Words before a string that are no type.
const NO_TYPES: [&str; 9] = [
    "document",
    "content",
    "range",
    "rows",
    "groups",
    "passing",
    "symmetric",
    "asymmetric",
    "variadic",
];

/// Further words of a type name of several words.
const TYPE_WORDS: [&str; 9] = [
    "varying",
    "precision",
    "with",
    "without",
    "time",
    "zone",
    "unsigned",
    "signed",
    "character",
];

/// Units behind an interval's number; MySQL's compound ones join two of them by `_`.
const UNITS: [&str; 9] = [
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "microsecond",
];

impl<'a> Pass<'a, '_> {
    /// Everything that is but a literal in disguise.
    pub(super) fn literal(&mut self, token: &Token<'a>) -> bool {
        if token.is_literal() && self.last_is(Token::is_literal) {
            return self.skip(1);
        }
        let sign = token.is_sign("-") || token.is_sign("+");
        if sign && self.next_is(1, Token::is_literal) && !self.last_is(Token::ends_operand) {
            return self.skip(1);
        }
        let escape = token.is_word("uescape") && self.last_is(Token::is_literal);
        if escape && self.next_is(1, Token::is_literal) {
            return self.skip(2);
        }
        let truth = token.is_any(&["true", "false"])
            && !self.last_is(|t| t.is("is"))
            && !matches!(&self.out[..], [.., is, not] if is.is("is") && not.is("not"));
        if truth {
            return self.replace(1);
        }
        self.typed(token)
            || self.cast_call(token)
            || self.cast(token)
            || self.convert(token)
            || self.braces(token)
    }

    fn skip(&mut self, tokens: usize) -> bool {
        self.at += tokens;
        true
    }

    /// One literal stands for the next `tokens`.
    fn replace(&mut self, tokens: usize) -> bool {
        self.at += tokens;
        self.out.push(Token::LITERAL);
        true
    }

    /// `DATE '...'`, `_utf8mb4 '...'`, `TIMESTAMP WITH TIME ZONE '...'`, `INTERVAL '1 day'`.
    fn typed(&mut self, token: &Token<'a>) -> bool {
        if token.is("interval") && self.next_is(1, Token::is_literal) {
            let unit = |t: &Token<'a>| {
                let word = t.text.split('_').next().unwrap_or_default();
                t.is_name() && UNITS.contains(&word)
            };
            return !self.next_is(2, unit) && self.skip(1);
        }
        if !token.is_name() || self.last_is(|t| t.is_sign(".") || t.is("as")) {
            return false;
        }
        let zoned = ["with", "time", "zone"];
        let words = zoned.iter().enumerate().all(|(i, word)| {
            let without = i == 0 && self.next_is(1, |t| t.is_word("without"));
            without || self.next_is(1 + i, |t| t.is_word(word))
        });
        let end = if words { 4 } else { 1 };
        let introducer = token.text.starts_with('_') && self.last_is(|t| !t.ends_operand());
        let known = TYPED_LITERALS.contains(&&*token.text) || introducer;
        let literal = known && self.next_is(end, Token::is_literal);
        if literal {
            self.typed = Some(value_of_type(&self.tokens[self.at..self.at + end]));
        }
        literal && self.skip(end) || self.typed_by_any(token)
    }

    /// `mood 'happy'`, `public.mood 'happy'`, `timestamp(3) '...'`: PostgreSQL takes any type before a string.
    fn typed_by_any(&mut self, token: &Token<'a>) -> bool {
        let statement = self.out.get(self.statement);
        let asks = statement.is_some_and(|t| t.is_any(&QUERIES) || t.is_sign("("));
        let due = !self.last_is(|t| t.ends_operand() || t.is_sign("::"));
        let is_type = asks && due && !NO_TYPES.contains(&&*token.text);
        if self.dialect != Dialect::Postgres || !is_type {
            return false;
        }
        let mut end = self.at + 1;
        while self.is_at(end, |t| t.is_sign(".")) && self.is_at(end + 1, Token::is_name) {
            end += 2;
        }
        end += usize::from(self.is_at(end, |t| t.is_word("precision") || t.is_word("varying")));
        if self.is_at(end, |t| t.is_sign("(")) {
            end = self.close_of(end);
        }
        let zoned = self.is_at(end, |t| t.is_word("with") || t.is_word("without"))
            && self.is_at(end + 1, |t| t.is_word("time"))
            && self.is_at(end + 2, |t| t.is_word("zone"));
        end += if zoned { 3 } else { 0 };
        if !self.is_at(end, Token::is_literal) {
            return false;
        }
        self.typed = Some(value_of_type(&self.tokens[self.at..end]));
        self.at = end;
        true
    }

    fn is_at(&self, index: usize, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.tokens.get(index).is_some_and(test)
    }

    /// `?::type`, `ARRAY[?, ...]`: the literal alone.
    fn cast(&mut self, token: &Token<'a>) -> bool {
        let constant = self.last_is(|t| t.is_literal() || t.kind == Kind::Key);
        if token.is_sign("::") && constant {
            let end = self.type_end(self.at + 1);
            if let Some(literal) = self.out.last_mut() {
                literal.value = value_of_type(&self.tokens[self.at + 1..end]);
            }
            self.at = end;
            return true;
        }
        if token.is("array") && self.next_is(1, |t| t.is_sign("[")) {
            let end = self.close_of(self.at + 1);
            if self.holds_constants(self.at + 2, end - 1) {
                return self.replace(end - self.at);
            }
        }
        false
    }

    /// Whether nothing but literals, their signs, casts and brackets stands there.
    fn holds_constants(&mut self, from: usize, to: usize) -> bool {
        if !self.constant.contains(&from) {
            self.constant = from..from;
        }
        let mut at = self.constant.end;
        while at < to {
            let token = &self.tokens[at];
            if token.is_sign("::") {
                at = self.type_end(at + 1);
                continue;
            }
            let mark = [",", "-", "+", "[", "]"].iter().any(|s| token.is_sign(s));
            if !(mark || token.is_literal() || token.is_any(&["null", "array"])) {
                self.constant.end = at;
                return false;
            }
            at += 1;
        }
        self.constant.end = at;
        true
    }

    /// `CONVERT(? USING charset)`, `CONVERT(?, type)`.
    fn convert(&mut self, token: &Token<'a>) -> bool {
        let of_literal = token.is_word("convert")
            && self.next_is(1, |t| t.is_sign("("))
            && self.next_is(2, Token::is_literal)
            && self.next_is(3, |t| t.is_sign(",") || t.is("using"))
            && self.next_is(4, |t| !t.is_literal());
        of_literal && self.replace(self.close_of(self.at + 1) - self.at)
    }

    /// `{d '...'}`, `{ts '...'}`, `{fn f()}`, `{call p()}`, `{? = call p()}`: the escapes of ODBC and JDBC.
    fn braces(&mut self, token: &Token<'a>) -> bool {
        if token.is_sign("}") {
            return self.skip(1);
        }
        if !token.is_sign("{") {
            return false;
        }
        let typed = self.next_is(1, |t| ["d", "t", "ts"].iter().any(|word| t.is_word(word)));
        let named = self.next_is(1, |t| t.is_word("fn") || t.is_word("oj"));
        self.skip(1 + usize::from(typed || named))
    }

    pub(super) fn type_end(&self, from: usize) -> usize {
        let word = |t: &Token<'a>| matches!(t.kind, Kind::Name | Kind::Keyword);
        let mut at = from;
        if self.tokens.get(at).is_some_and(word) {
            at += 1;
        }
        if self.is_at(from, |t| t.is("interval")) {
            let part = |t: &Token<'a>| t.is("to") || t.is_name() && UNITS.contains(&&*t.text);
            while self.is_at(at, part) {
                at += 1;
            }
        }
        loop {
            let Some(token) = self.tokens.get(at) else {
                return at.min(self.tokens.len());
            };
            let more_words = word(token) && TYPE_WORDS.contains(&&*token.text);
            if more_words {
                at += 1;
            } else if token.is_sign(".") {
                at += 2;
            } else if token.is_sign("(") || token.is_sign("[") {
                at = self.close_of(at);
            } else {
                return at;
            }
        }
    }

    /// Index behind the bracket that closes the one at `open`.
    pub(super) fn close_of(&self, open: usize) -> usize {
        self.closes.get(open).copied().unwrap_or(self.tokens.len())
    }
}
