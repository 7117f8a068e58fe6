//! Closes what a cut left open, so that a cut text meets its family where nothing but values is missing.

use super::token::{Kind, Token};

/// Completes the tokens of a text that ends too early. A clause of which only the keyword is left stays as it
/// is: the text must not pass for one without that clause.
pub(super) fn repair(tokens: &mut Vec<Token<'_>>) {
    let mut open = open_brackets(tokens);
    drop_partial_row(tokens, &mut open);
    while tokens
        .last()
        .is_some_and(|t| t.is_sign(",") || t.is_sign("."))
    {
        tokens.pop();
    }
    complete(tokens, &mut open);
    while let Some(index) = open.pop() {
        let close = if tokens[index].is_sign("(") { ")" } else { "]" };
        tokens.push(Token::new(Kind::Sign, close));
    }
}

fn open_brackets(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut open: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") || token.is_sign("[") {
            open.push(index);
        } else if token.is_sign(")") || token.is_sign("]") {
            open.pop();
        }
    }
    open
}

/// A row that was cut behind a whole one tells nothing.
fn drop_partial_row(tokens: &mut Vec<Token<'_>>, open: &mut Vec<usize>) {
    let Some(&row) = open.last() else {
        return;
    };
    let behind_row = row >= 2 && tokens[row - 1].is_sign(",") && tokens[row - 2].is_sign(")");
    if behind_row {
        tokens.truncate(row - 1);
        open.pop();
    }
}

/// The value that an operator at the end waits for.
fn complete(tokens: &mut Vec<Token<'_>>, open: &mut Vec<usize>) {
    let Some(last) = tokens.last() else {
        return;
    };
    let bracket = last.is_sign("(") || last.is_sign("[");
    let listed = bracket
        && tokens
            .len()
            .checked_sub(2)
            .is_some_and(|at| tokens[at].is_any(&["in", "values", "any", "all", "array"]));
    let operator = last.kind == Kind::Sign
        && !bracket
        && ![")", "]", ";", "*"].iter().any(|sign| last.is_sign(sign));
    if last.is("in") {
        open.push(tokens.len());
        tokens.push(Token::new(Kind::Sign, "("));
        tokens.push(Token::LITERAL);
    } else if last.is("between") {
        tokens.extend([
            Token::LITERAL,
            Token::new(Kind::Keyword, "and"),
            Token::LITERAL,
        ]);
    } else if operator || listed || last.is_any(&["like", "ilike", "limit", "offset"]) {
        tokens.push(Token::LITERAL);
    }
}
