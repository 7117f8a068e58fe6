//! Rewrites of single constructs that are written in several ways: signs, casts, LIMIT forms, noise words.
//!
//! One pass from left to right; each rule sees the tokens already written and those still to come.

use super::settings::NamePatterns;
use super::token::{Kind, Token};

/// Types that may stand before a string literal (`DATE '2026-11-21'`).
const TYPED_LITERALS: [&str; 12] = [
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

/// Applies every rule to `tokens`.
pub(super) fn rewrite<'a>(tokens: &[Token<'a>], patterns: &NamePatterns) -> Vec<Token<'a>> {
    let mut pass = Pass {
        tokens,
        at: 0,
        out: Vec::with_capacity(tokens.len()),
    };
    while let Some(token) = pass.tokens.get(pass.at) {
        if !(pass.literal(token)
            || pass.noise(token)
            || pass.limit(token)
            || pass.named_object(token))
        {
            pass.keep(token, patterns);
        }
    }
    while pass.out.last().is_some_and(|t| t.is_sign(";")) {
        pass.out.pop();
    }
    pass.out
}

struct Pass<'a, 'b> {
    tokens: &'b [Token<'a>],
    at: usize,
    out: Vec<Token<'a>>,
}

impl<'a> Pass<'a, '_> {
    fn next(&self, ahead: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.at + ahead)
    }

    fn next_is(&self, ahead: usize, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.next(ahead).is_some_and(test)
    }

    fn last_is(&self, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.out.last().is_some_and(test)
    }

    fn keep(&mut self, token: &Token<'a>, patterns: &NamePatterns) {
        let text = match &*token.text {
            "!=" if token.kind == Kind::Sign => "<>".into(),
            "==" if token.kind == Kind::Sign => "=".into(),
            name if token.is_name() => patterns.fold(name).map_or(token.text.clone(), Into::into),
            _ => token.text.clone(),
        };
        self.out.push(Token::new(token.kind, text));
        self.at += 1;
    }

    /// Everything that is but a literal in disguise.
    fn literal(&mut self, token: &Token<'a>) -> bool {
        if token.is_literal() && self.last_is(Token::is_literal) {
            self.at += 1;
            return true;
        }
        let sign = token.is_sign("-") || token.is_sign("+");
        if sign && self.next_is(1, Token::is_literal) && !self.last_is(Token::ends_operand) {
            self.at += 1;
            return true;
        }
        let typed = token.is_name()
            && !self.last_is(|t| t.is_sign("."))
            && (TYPED_LITERALS.contains(&&*token.text)
                || token.text.starts_with("_utf8")
                || token.text == "_binary"
                || token.text == "_latin1");
        if typed && self.next_is(1, Token::is_literal) && !self.last_is(|t| t.is("as")) {
            self.at += 1;
            return true;
        }
        let truth = token.is_any(&["true", "false"])
            && !self.last_is(|t| t.is("is"))
            && !matches!(&self.out[..], [.., is, not] if is.is("is") && not.is("not"));
        let placeholder = token.is_sign("?") && !self.last_is(Token::ends_operand);
        if truth || placeholder {
            self.at += 1;
            self.out.push(Token::LITERAL);
            return true;
        }
        self.cast(token)
    }

    /// `?::type`, `CAST(? AS type)`, `ARRAY[?, ...]`: the literal alone.
    fn cast(&mut self, token: &Token<'a>) -> bool {
        if token.is_sign("::") && self.last_is(Token::is_literal) {
            self.at = self.type_end(self.at + 1);
            return true;
        }
        if token.is("cast") && self.next_is(1, |t| t.is_sign("(")) {
            let signed = usize::from(self.next_is(2, |t| t.is_sign("-") || t.is_sign("+")));
            let of_literal = self.next_is(2 + signed, Token::is_literal)
                && self.next_is(3 + signed, |t| t.is("as"));
            if of_literal {
                self.at = self.close_of(self.at + 1);
                self.out.push(Token::LITERAL);
                return true;
            }
        }
        if token.is("array") && self.next_is(1, |t| t.is_sign("[")) {
            let plain = |t: &&Token<'a>| {
                t.is_literal() || t.is("null") || [",", "-", "+"].iter().any(|s| t.is_sign(s))
            };
            let inside = self.tokens[self.at + 2..].iter().take_while(plain).count();
            if self.next_is(2 + inside, |t| t.is_sign("]")) {
                self.at += 3 + inside;
                self.out.push(Token::LITERAL);
                return true;
            }
        }
        false
    }

    fn type_end(&self, from: usize) -> usize {
        let word = |t: &Token<'a>| matches!(t.kind, Kind::Name | Kind::Keyword);
        let mut at = from;
        if self.tokens.get(at).is_some_and(word) {
            at += 1;
        }
        loop {
            let Some(token) = self.tokens.get(at) else {
                return at;
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
    fn close_of(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            if token.is_sign("(") || token.is_sign("[") {
                depth += 1;
            } else if token.is_sign(")") || token.is_sign("]") {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
        }
        self.tokens.len()
    }

    /// Words that change nothing.
    fn noise(&mut self, token: &Token<'a>) -> bool {
        let drop = token.is("asc")
            || (token.is("inner") && self.next_is(1, |t| t.is("join")))
            || (token.is("outer") && self.next_is(1, |t| t.is("join")))
            || (token.is("distinct") && self.last_is(|t| t.is("union")));
        self.at += usize::from(drop);
        drop
    }

    /// `LIMIT a, b`, `LIMIT b OFFSET a`, `OFFSET a ROWS FETCH NEXT b ROWS ONLY`: the second form for all.
    fn limit(&mut self, token: &Token<'a>) -> bool {
        let rows = |t: &Token<'a>| t.is_word("row") || t.is_word("rows");
        if token.is("limit") && self.next_is(1, |t| t.is("all") || t.is("null")) {
            self.at += 2;
            return true;
        }
        if token.is("limit") && self.next_is(1, Token::is_literal) {
            let comma = self.next_is(2, |t| t.is_sign(",")) && self.next_is(3, Token::is_literal);
            self.push_limit();
            if comma {
                self.push_pair("offset");
            }
            self.at += if comma { 4 } else { 2 };
            return true;
        }
        if token.is("offset") && self.next_is(1, Token::is_literal) {
            self.at += 2 + usize::from(self.next_is(2, rows));
            self.push_pair("offset");
            return true;
        }
        let first = self.next_is(1, |t| t.is_word("first") || t.is_word("next"));
        if token.is("fetch") && first && !self.out.is_empty() {
            let counted = usize::from(self.next_is(2, Token::is_literal));
            if self.next_is(2 + counted, rows) && self.next_is(3 + counted, |t| t.is("only")) {
                self.at += 4 + counted;
                self.push_limit();
                return true;
            }
        }
        false
    }

    fn push_pair(&mut self, keyword: &'static str) {
        self.out.push(Token::new(Kind::Keyword, keyword));
        self.out.push(Token::LITERAL);
    }

    /// The limit stands before an offset that was written first.
    fn push_limit(&mut self) {
        let offset_first =
            matches!(&self.out[..], [.., word, value] if word.is("offset") && value.is_literal());
        if offset_first {
            self.out.truncate(self.out.len() - 2);
        }
        self.push_pair("limit");
        if offset_first {
            self.push_pair("offset");
        }
    }

    /// Names of prepared statements and savepoints are made up by drivers.
    fn named_object(&mut self, token: &Token<'a>) -> bool {
        if !matches!(token.kind, Kind::Name | Kind::Literal | Kind::Keyword) {
            return false;
        }
        let fresh = |t: &Token<'a>| t.is_sign(";");
        let named = match &self.out[..] {
            [verb] => verb.is_any(&["prepare", "deallocate", "execute", "savepoint", "release"]),
            [.., end, verb] if fresh(end) => {
                verb.is_any(&["prepare", "deallocate", "execute", "savepoint", "release"])
            }
            [.., drop, prepare] if prepare.is("prepare") => drop.is_any(&["deallocate", "drop"]),
            [.., release, savepoint] if savepoint.is("savepoint") => {
                release.is_any(&["release", "to"])
            }
            [rollback, .., to] => rollback.is("rollback") && to.is("to"),
            _ => false,
        };
        let verb_follows = token.is_any(&["prepare", "savepoint", "all"]);
        if named && !verb_follows {
            self.at += 1;
            self.out.push(Token::LITERAL);
        }
        named && !verb_follows
    }
}
