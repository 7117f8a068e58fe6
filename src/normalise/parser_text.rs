//! Prepares tokens for the parser: leaves out what it cannot read and what tells it nothing.

use super::token::{Kind, Token};

/// Words behind SELECT that only advise the server.
const MODIFIERS: [&str; 8] = [
    "high_priority",
    "straight_join",
    "sql_cache",
    "sql_no_cache",
    "sql_calc_found_rows",
    "sql_small_result",
    "sql_big_result",
    "sql_buffer_result",
];

/// Sequences of words that the parser does not know.
const UNREAD: [&[&str]; 4] = [
    &["lock", "in", "share", "mode"],
    &["rows", "examined"],
    &["no", "key"],
    &["character", "set"],
];

/// The statement behind EXPLAIN and its options.
pub(super) fn explained<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let verb = tokens.first()?;
    if !verb.is_any(&["explain", "describe", "desc", "analyze"]) {
        return None;
    }
    let statements = [
        "select", "insert", "update", "delete", "replace", "with", "merge",
    ];
    let start = tokens.iter().take(32).position(|t| t.is_any(&statements))?;
    Some(&tokens[start..])
}

/// The tokens as the parser can read them.
pub(super) fn for_parser<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let tokens = explained(tokens).unwrap_or(tokens);
    let mut out: Vec<Token<'a>> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    let mut targets = tokens.first().is_some_and(|t| t.is("update"));
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        let skipped = skipped(&tokens[at..], out.last());
        if skipped > 0 {
            at += skipped;
            continue;
        }
        depth += usize::from(token.is_sign("("));
        depth = depth.saturating_sub(usize::from(token.is_sign(")")));
        targets &= !token.is("set");
        at += 1;
        if targets && depth == 0 && token.is_sign(",") {
            // `UPDATE a, b SET`: every pair of rows.
            out.push(Token::new(Kind::Keyword, "cross"));
            out.push(Token::new(Kind::Keyword, "join"));
        } else if token.is_word("operator") && tokens.get(at).is_some_and(|t| t.is_sign("(")) {
            at += operator(&tokens[at..], &mut out);
        } else if token.is_sign("!") {
            out.push(Token::new(Kind::Keyword, "not"));
        } else {
            out.push(token.clone());
        }
    }
    out
}

/// How many tokens from here on are left out.
fn skipped(tokens: &[Token<'_>], before: Option<&Token<'_>>) -> usize {
    let modifier = MODIFIERS.iter().any(|word| tokens[0].is_word(word));
    if modifier && before.is_some_and(|t| t.is("select")) {
        return 1;
    }
    if tokens[0].is("only") && before.is_some_and(|t| t.is_any(&["from", "join", "update"])) {
        return 1;
    }
    let begins = |words: &[&str]| {
        words.len() <= tokens.len() && words.iter().zip(tokens).all(|(word, t)| t.is_word(word))
    };
    let Some(words) = UNREAD.iter().find(|words| begins(words)) else {
        return usize::from(begins(&["current", "of"]) && before.is_some_and(|t| t.is("where")))
            * 2;
    };
    match *words {
        ["rows", ..] => 3,
        // Only in a cast: `CHAR CHARACTER SET utf8`.
        ["character", ..] if !before.is_some_and(Token::ends_operand) => 0,
        ["character", ..] => 3,
        ["no", ..] if !before.is_some_and(|t| t.is("for")) => 0,
        words => words.len(),
    }
}

/// `OPERATOR(pg_catalog.=)` is `=`; returns how many tokens it takes.
fn operator<'a>(tokens: &[Token<'a>], out: &mut Vec<Token<'a>>) -> usize {
    let length = tokens
        .iter()
        .take(8)
        .position(|t| t.is_sign(")"))
        .unwrap_or(0);
    let sign = tokens[..length]
        .iter()
        .rfind(|t| t.kind == Kind::Sign && !t.is_sign("."));
    out.extend(sign.filter(|t| !t.is_sign("(")).cloned());
    length + 1
}
