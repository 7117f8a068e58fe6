//! Rewrites of single constructs that are written in several ways: signs, casts, LIMIT forms, noise words.
//!
//! One pass from left to right; each rule sees the tokens already written and those still to come.

use std::ops::Range;

use super::casts::Cast;
use super::token::{Kind, Token};
use crate::model::sql::Dialect;
use crate::model::value::ValueKind;

/// Applies every rule to `tokens`.
pub(super) fn rewrite<'a>(tokens: &[Token<'a>], dialect: Dialect) -> Vec<Token<'a>> {
    let mut pass = Pass {
        tokens,
        at: 0,
        out: Vec::with_capacity(tokens.len()),
        statement: 0,
        typed: None,
        closes: closes(tokens),
        constant: 0..0,
        casts: Vec::new(),
        dialect,
    };
    while let Some(token) = pass.tokens.get(pass.at) {
        if !(pass.literal(token) || pass.noise(token) || pass.limit(token) || pass.made_up(token)) {
            pass.keep(token);
        }
    }
    while pass.out.last().is_some_and(|t| t.is_sign(";")) {
        pass.out.pop();
    }
    pass.out
}

/// One pass over the tokens; the rules for literals and for made-up names are in files of their own.
pub(super) struct Pass<'a, 'b> {
    pub(super) tokens: &'b [Token<'a>],
    pub(super) at: usize,
    pub(super) out: Vec<Token<'a>>,
    /// Where the statement begins in `out`, behind a semicolon.
    pub(super) statement: usize,
    /// What the next literal is said to be.
    pub(super) typed: Option<ValueKind>,
    /// For each bracket, the index behind the one that closes it.
    pub(super) closes: Vec<usize>,
    /// Tokens that are known to be constants.
    pub(super) constant: Range<usize>,
    /// CASTs that are open.
    pub(super) casts: Vec<Cast>,
    pub(super) dialect: Dialect,
}

/// For each token that opens a bracket, the index behind the one that closes it, or the end.
fn closes(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut closes = vec![tokens.len(); tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") || token.is_sign("[") {
            open.push(index);
        } else if (token.is_sign(")") || token.is_sign("]"))
            && let Some(opened) = open.pop()
        {
            closes[opened] = index + 1;
        }
    }
    closes
}

impl<'a> Pass<'a, '_> {
    pub(super) fn next(&self, ahead: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.at + ahead)
    }

    pub(super) fn next_is(&self, ahead: usize, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.next(ahead).is_some_and(test)
    }

    pub(super) fn last_is(&self, test: impl Fn(&Token<'a>) -> bool) -> bool {
        self.out.last().is_some_and(test)
    }

    fn keep(&mut self, token: &Token<'a>) {
        let sign = token.kind == Kind::Sign;
        let text = match &*token.text {
            "!=" if sign => "<>".into(),
            "==" if sign => "=".into(),
            // What the server itself prints for LIKE.
            "~~" if sign => return self.word("like"),
            "~~*" if sign => return self.word("ilike"),
            "!~~" | "!~~*" if sign => {
                self.out.push(Token::new(Kind::Keyword, "not"));
                return self.word(if token.text == "!~~" { "like" } else { "ilike" });
            }
            "some"
                if self.next_is(1, |t| t.is_sign("("))
                    && self.last_is(|t| t.kind == Kind::Sign) =>
            {
                return self.word("any");
            }
            "desc" if self.out.len() == self.statement => return self.word("describe"),
            "to" if self.assigns_setting() => "=".into(),
            "distinctrow" if token.kind == Kind::Keyword => "distinct".into(),
            _ => token.text.clone(),
        };
        let kind = if text == "=" { Kind::Sign } else { token.kind };
        let value = self.typed.take().filter(|_| token.is_literal());
        self.out.push(Token {
            kind,
            text,
            value: value.unwrap_or(token.value),
        });
        self.at += 1;
        if token.is_sign(";") {
            self.statement = self.out.len();
        }
        let creates =
            matches!(&self.out[..], [create, or, _] if create.is("create") && or.is("or"));
        if token.is_any(&["insert", "replace"]) && !creates {
            self.insertion();
        }
    }

    fn word(&mut self, word: &'static str) {
        self.out.push(Token::new(Kind::Keyword, word));
        self.at += 1;
    }

    /// `SET name TO value`.
    fn assigns_setting(&self) -> bool {
        self.out.len() <= 5
            && self.out.first().is_some_and(|t| t.is("set"))
            && self.last_is(Token::is_name)
    }

    /// INTO may be left out.
    fn insertion(&mut self) {
        while let Some(modifier) = self
            .next(0)
            .filter(|t| t.is_any(&["ignore", "low_priority", "high_priority", "delayed"]))
        {
            let modifier = modifier.clone();
            self.out.push(modifier);
            self.at += 1;
        }
        let table = self.next_is(0, Token::is_name) && !self.next_is(0, |t| t.is_word("overwrite"));
        if table && self.out.len() <= 4 {
            self.out.push(Token::new(Kind::Keyword, "into"));
        }
    }

    /// Words that change nothing.
    fn noise(&mut self, token: &Token<'a>) -> bool {
        let drop = token.is("asc")
            || (token.is("inner") && self.next_is(1, |t| t.is("join")))
            || (token.is("outer") && self.next_is(1, |t| t.is("join")))
            || (token.is("distinct") && self.last_is(|t| t.is("union")))
            || (token.is("all") && self.last_is(|t| t.is("select")))
            || (token.is_word("row") && self.is_row_constructor());
        self.at += usize::from(drop);
        if token.is_sign(".") && self.next_is(1, |t| t.is_sign("*")) && self.names_deleted() {
            self.at += 2;
            return true;
        }
        let values = token.is_word("value")
            && self.next_is(1, |t| t.is_sign("("))
            && self
                .out
                .iter()
                .take(2)
                .any(|t| t.is_any(&["insert", "replace"]))
            && self.last_is(|t| t.is_sign(")") || t.is_name());
        if values {
            self.word("values");
        }
        drop || values
    }

    /// Behind DELETE, before FROM: `t.*` is `t`.
    fn names_deleted(&self) -> bool {
        let statement = self.out.get(self.statement..).unwrap_or_default();
        statement.first().is_some_and(|t| t.is("delete")) && !statement.iter().any(|t| t.is("from"))
    }

    /// `ROW(a, b)` is `(a, b)`.
    fn is_row_constructor(&self) -> bool {
        let signs = [",", "(", "="];
        let words = ["values", "where", "and", "or", "not", "on"];
        self.next_is(1, |t| t.is_sign("("))
            && self.last_is(|t| t.is_any(&words) || signs.iter().any(|sign| t.is_sign(sign)))
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
}
