//! Decoded tokens of a statement that is new, and the words that are not names.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use super::keywords::{
    CALLED_KEYWORDS, OPERAND_KEYWORDS, is_keyword, may_be_column, stands_for_column,
};
use super::stream::{
    DECIMAL, FIRST_TEXT_BYTE, HINT_CLOSE, HINT_OPEN, INTEGER, KEY, LITERAL, ORDINAL, QUOTED, SIGN,
    TEXT, WORD,
};
use crate::model::value::ValueKind;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A word that `keywords` lists.
    Keyword,
    /// A name, bare or quoted.
    Name,
    /// Any literal or placeholder.
    Literal,
    /// A column number.
    Ordinal,
    /// Hash of a JSON key.
    Key,
    /// Operator or punctuation.
    Sign,
    /// `/*!` or `/*+`.
    HintOpen,
    /// `*/`.
    HintClose,
}

/// One token. How a literal is written makes no difference between two.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Its folded text; empty for literals.
    pub(super) text: Cow<'a, str>,
    /// How the literal is written, where it matters.
    pub(super) value: ValueKind,
}

impl PartialEq for Token<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.text) == (other.kind, &other.text)
    }
}

impl Eq for Token<'_> {}

impl Hash for Token<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, &self.text).hash(state);
    }
}

impl<'a> Token<'a> {
    /// A literal.
    pub(super) const LITERAL: Token<'static> = Token {
        kind: Kind::Literal,
        text: Cow::Borrowed(""),
        value: ValueKind::Unknown,
    };

    /// A token of constant text.
    pub(super) fn new(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        let (text, value) = (text.into(), ValueKind::Unknown);
        Self { kind, text, value }
    }

    /// A literal that is written so.
    pub(super) fn literal(value: ValueKind) -> Self {
        Self {
            value,
            ..Self::LITERAL
        }
    }

    /// Whether this is the keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Keyword && self.text == keyword
    }

    /// Whether this is one of the keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        self.kind == Kind::Keyword && keywords.contains(&&*self.text)
    }

    /// Whether this is the word, keyword or not.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Keyword | Kind::Name) && self.text == word
    }

    /// Whether this is the sign.
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// Whether this is a literal.
    pub(super) fn is_literal(&self) -> bool {
        self.kind == Kind::Literal
    }

    /// Whether this is a name.
    pub(super) fn is_name(&self) -> bool {
        self.kind == Kind::Name
    }

    /// Whether an operand may end with this token, so that a sign behind it is binary.
    pub(super) fn ends_operand(&self) -> bool {
        match self.kind {
            Kind::Name | Kind::Literal | Kind::Ordinal | Kind::Key => true,
            Kind::Sign => matches!(&*self.text, ")" | "]" | "}"),
            Kind::Keyword => OPERAND_KEYWORDS.contains(&&*self.text),
            Kind::HintOpen | Kind::HintClose => false,
        }
    }
}

/// Keywords that an operand of `?` may begin with.
const BEGINS_OPERAND: [&str; 15] = [
    "null", "all", "any", "array", "case", "cast", "exists", "if", "interval", "key", "keys",
    "left", "mod", "replace", "right",
];
/// Words behind the bound of a window's frame.
const ENDS_FRAME: [&str; 2] = ["preceding", "following"];

/// Whether `?` is no operator: nothing stands to one of its sides.
fn is_placeholder(written: &[Token<'_>], tail: &str) -> bool {
    let before = written.last();
    let next = tail.get(1..).unwrap_or_default();
    let next = &next[..next
        .bytes()
        .position(|b| b < FIRST_TEXT_BYTE)
        .unwrap_or(next.len())];
    let ends = match tail.bytes().next() {
        Some(SIGN) => matches!(next, "," | ")" | ";" | "::" | "]"),
        Some(WORD) => {
            is_keyword(next) && !BEGINS_OPERAND.contains(&next) || ENDS_FRAME.contains(&next)
        }
        Some(_) => false,
        None => true,
    };
    let due = match written {
        [.., zone] if zone.is_word("zone") || zone.is_word("symmetric") => true,
        [.., fetch, first] => {
            fetch.is("fetch") && (first.is_word("first") || first.is_word("next"))
        }
        _ => false,
    };
    ends || due || !before.is_some_and(Token::ends_operand)
}

/// Whether `word` is a test for NULL, and whether a negated one: `b ISNULL`, `b NOTNULL`.
fn null_test(before: Option<&Token<'_>>, word: &str, tail: &str) -> Option<bool> {
    let negated = match word {
        "isnull" => false,
        "notnull" => true,
        _ => return None,
    };
    let is_test = before.is_some_and(Token::ends_operand) && !tail.starts_with("\u{6}(");
    is_test.then_some(negated)
}

/// Decodes a stream; the text is lossy UTF-8 of the stream.
pub(super) fn decode(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(tag) = rest.bytes().next() {
        let body = &rest[1..];
        let end = body.bytes().position(|b| b < FIRST_TEXT_BYTE);
        let (word, tail) = body.split_at(end.unwrap_or(body.len()));
        if let Some(negated) = null_test(tokens.last(), word, tail).filter(|_| tag == WORD) {
            let words = if negated {
                &["is", "not", "null"][..]
            } else {
                &["is", "null"]
            };
            tokens.extend(words.iter().map(|word| Token::new(Kind::Keyword, *word)));
            rest = tail;
            continue;
        }
        let after_dot = tokens.last().is_some_and(|t: &Token<'_>| t.is_sign("."));
        let before_dot = tail.starts_with("\u{6}.");
        let merges = tokens.last().is_some_and(|t| t.is("then"));
        let called = tail.starts_with("\u{6}(") && CALLED_KEYWORDS.contains(&word) && !merges;
        let column = || may_be_column(word) && stands_for_column(tokens.last(), tail);
        let kind = match tag {
            WORD if column() => Kind::Name,
            WORD if !after_dot && !before_dot && !called && is_keyword(word) => Kind::Keyword,
            WORD | QUOTED => Kind::Name,
            LITERAL | INTEGER | DECIMAL | TEXT => Kind::Literal,
            ORDINAL => Kind::Ordinal,
            KEY => Kind::Key,
            SIGN if word == "?" && is_placeholder(&tokens, tail) => Kind::Literal,
            HINT_OPEN => Kind::HintOpen,
            HINT_CLOSE => Kind::HintClose,
            _ => Kind::Sign,
        };
        debug_assert!(tag <= SIGN || kind != Kind::Sign, "every tag is known");
        let text = if kind == Kind::Literal { "" } else { word };
        let value = match tag {
            INTEGER => ValueKind::Integer,
            DECIMAL => ValueKind::Decimal,
            TEXT => ValueKind::Text,
            _ => ValueKind::Unknown,
        };
        let text = Cow::Borrowed(text);
        tokens.push(Token { kind, text, value });
        rest = tail;
    }
    tokens
}
