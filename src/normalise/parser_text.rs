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
const UNREAD: [&[&str]; 12] = [
    &["lock", "in", "share", "mode"],
    &["rows", "examined"],
    &["no", "key"],
    &["key", "share"],
    &["character", "set"],
    &["for", "system_time", "as", "of"],
    &["overriding", "system", "value"],
    &["overriding", "user", "value"],
    &["exclude", "ties"],
    &["exclude", "group"],
    &["exclude", "current", "row"],
    &["sounds", "like"],
];

/// Words behind UPDATE and DELETE that only advise the server.
const ADVICE: [&str; 3] = ["low_priority", "ignore", "quick"];

/// Types that are written with a size.
const SIZED_TYPES: [&str; 14] = [
    "binary",
    "bit",
    "bpchar",
    "char",
    "character",
    "datetime",
    "dec",
    "decimal",
    "float",
    "nchar",
    "numeric",
    "time",
    "timestamp",
    "varchar",
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

/// The query inside a statement that the parser does not know: of a cursor, a prepared statement, `COPY (...)`, a
/// materialised view, `SET STATEMENT ... FOR`.
fn embedded<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let head = &tokens[..tokens.len().min(32)];
    let (verb, second) = (head.first()?, head.get(1)?);
    let says = |word: &str| head.iter().any(|t| t.is_word(word));
    if verb.is_word("copy") && second.is_sign("(") {
        let close = tokens.iter().rposition(|t| t.is_sign(")"))?;
        return tokens.get(2..close);
    }
    let before = if verb.is("declare") && says("cursor")
        || second.is_word("statement") && verb.is("set")
    {
        "for"
    } else if verb.is("prepare") || verb.is("create") && says("view") && !second.is_word("view") {
        "as"
    } else {
        return None;
    };
    let begins = |pair: &[Token<'_>]| pair[0].is(before) && pair[1].is_any(&["select", "with"]);
    let start = head.windows(2).position(begins)?;
    Some(&tokens[start + 1..])
}

/// The tokens as the parser can read them.
pub(super) fn for_parser<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let tokens = explained(tokens)
        .or_else(|| embedded(tokens))
        .unwrap_or(tokens);
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
        } else if token.is_word("conflict") {
            // The parser takes no expressions and no condition for what may conflict.
            let action = tokens[at..].iter().position(|t| t.is_word("do"));
            let constraint = tokens.get(at).is_some_and(|t| t.is("on"));
            out.push(token.clone());
            at += action.filter(|_| !constraint).unwrap_or(0);
        } else if let Some(size) = size_of(&tokens[at - 1..], out.last()) {
            out.push(token.clone());
            out.extend(size.iter().map(|t| match t.kind {
                Kind::Literal => Token::new(Kind::Ordinal, "1"),
                _ => t.clone(),
            }));
            at += size.len();
        } else if token.is("table") && out.is_empty() && tokens.len() > 1 {
            // `TABLE t`
            let all = [
                (Kind::Keyword, "select"),
                (Kind::Sign, "*"),
                (Kind::Keyword, "from"),
            ];
            out.extend(all.map(|(kind, text)| Token::new(kind, text)));
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
    if tokens[0].is_word("symmetric") && before.is_some_and(|t| t.is("between")) {
        return 1;
    }
    if ADVICE.iter().any(|word| tokens[0].is_word(word))
        && before.is_some_and(|t| t.is_any(&["update", "delete"]))
    {
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
        ["no" | "key", ..] if !before.is_some_and(|t| t.is("for")) => 0,
        ["key", ..] => 1,
        ["sounds", ..] => 1,
        ["for", ..] => words_and_operand(tokens, words.len()),
        words => words.len(),
    }
}

/// The words and the literal behind them.
fn words_and_operand(tokens: &[Token<'_>], words: usize) -> usize {
    words + usize::from(tokens.get(words).is_some_and(Token::is_literal))
}

/// The brackets with the size of a type; a parser wants numbers there.
fn size_of<'t, 'a>(tokens: &'t [Token<'a>], before: Option<&Token<'_>>) -> Option<&'t [Token<'a>]> {
    let named = SIZED_TYPES.iter().any(|word| tokens[0].is_word(word));
    let is_type = named && before.is_some_and(|t| t.is("as") || t.is_sign("::"));
    if !is_type || !tokens.get(1)?.is_sign("(") {
        return None;
    }
    let close = tokens.iter().take(6).position(|t| t.is_sign(")"))?;
    let size = &tokens[1..=close];
    let constant = |t: &Token<'_>| t.is_literal() || t.is_sign(",");
    size[1..size.len() - 1].iter().all(constant).then_some(size)
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
