//! Writes canonical tokens as text again: for people, and for the parser.

use super::keywords::{is_keyword, is_known_function};
use super::token::{Kind, Token};
use crate::model::sql::Dialect;
use crate::model::value::ValueKind;

/// Longer templates are cut: nobody reads on, and a store keeps them for a month.
const MAX_TEMPLATE_BYTES: usize = 64 * 1024;

/// How to write what a reader may see differently.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    placeholder: fn(ValueKind) -> &'static str,
    quote: char,
    hints: bool,
    max_bytes: usize,
}

impl Style {
    /// Upper-case keywords, `?` for literals, hints.
    pub(super) fn for_people(dialect: Dialect) -> Self {
        Self {
            placeholder: |_| "?",
            quote: if dialect == Dialect::Postgres {
                '"'
            } else {
                '`'
            },
            hints: true,
            max_bytes: MAX_TEMPLATE_BYTES,
        }
    }

    /// The same in what the dialect's parser takes for a placeholder, without hints.
    pub(super) fn for_parser(dialect: Dialect) -> Self {
        Self {
            placeholder: super::value::placeholder(dialect),
            hints: false,
            max_bytes: usize::MAX,
            ..Self::for_people(dialect)
        }
    }
}

/// Writes `tokens`.
pub(super) fn render(tokens: &[Token<'_>], style: Style) -> String {
    let mut text = String::new();
    let mut in_hint = false;
    let mut written: [Option<&Token<'_>>; 2] = [None, None];
    for token in tokens {
        in_hint |= token.kind == Kind::HintOpen;
        if style.hints || !in_hint {
            if written[1].is_some_and(|last| spaced(written[0], last, token)) {
                text.push(' ');
            }
            write_token(&mut text, token, written[1], style);
            written = [written[1], Some(token)];
        }
        in_hint &= token.kind != Kind::HintClose;
        if text.len() > style.max_bytes {
            text.push_str(" ...");
            break;
        }
    }
    text
}

fn spaced(before: Option<&Token<'_>>, last: &Token<'_>, token: &Token<'_>) -> bool {
    if last.kind == Kind::Sign && matches!(&*last.text, "(" | "." | "[" | "::") {
        return false;
    }
    if token.kind != Kind::Sign {
        return true;
    }
    match &*token.text {
        "," | ")" | "." | "]" | ";" | "::" => false,
        "[" => false,
        "(" => {
            let table = before.is_some_and(|t| t.is_any(&["into", "table"]));
            let function = last.is_name() || last.is("cast");
            table || !function
        }
        _ => true,
    }
}

fn write_token(text: &mut String, token: &Token<'_>, last: Option<&Token<'_>>, style: Style) {
    match token.kind {
        Kind::Keyword => text.push_str(&token.text.to_ascii_uppercase()),
        Kind::Name if is_known_function(&token.text) && !last.is_some_and(|t| t.is_sign(".")) => {
            text.push_str(&token.text.to_ascii_uppercase());
        }
        Kind::Name => write_name(text, &token.text, style.quote),
        Kind::Literal => text.push_str((style.placeholder)(token.value)),
        Kind::Key => {
            text.push_str("'#");
            text.push_str(&token.text);
            text.push('\'');
        }
        Kind::Ordinal | Kind::Sign => text.push_str(&token.text),
        Kind::HintOpen => {
            text.push_str("/*");
            text.push_str(&token.text);
        }
        Kind::HintClose => text.push_str("*/"),
    }
}

fn write_name(text: &mut String, name: &str, quote: char) {
    let plain = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '$') || !c.is_ascii()
    };
    let body = name.strip_prefix("@@").unwrap_or(name);
    let starts_plain = body.starts_with(|c: char| plain(c) && !c.is_ascii_digit());
    if starts_plain && body.chars().all(plain) && !is_keyword(name) {
        text.push_str(name);
        return;
    }
    text.push(quote);
    for c in name.chars() {
        if c == quote {
            text.push(quote);
        }
        text.push(c);
    }
    text.push(quote);
}
