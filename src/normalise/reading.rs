//! Reads a text, and once more by other rules where the first reading does not hold together.
//!
//! What a backslash before a quote means is a mode of the server, which no text tells. Of the two readings that one
//! is taken which is sound SQL; where neither is, nothing is shown from the first such string on.

use super::again::lex_known;
use super::beginnings::Beginnings;
use super::dialect::{DoubleQuote, Rules};
use super::keywords::is_keyword;
use super::lexer::lex;
use super::stream::{FIRST_TEXT_BYTE, HINT_CLOSE, LITERAL, Stream, WORD};
use crate::model::sql::Dialect;

/// How sound the tokens are behind the first string whose end is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Soundness {
    /// No server takes them.
    None,
    /// They read like prose.
    Doubtful,
    /// They are SQL as far as they go.
    Unfinished,
    /// They are SQL.
    Sound,
}

/// Reads `sql` into `stream`, with the help of `beginnings`; `truncated` when its source had cut it.
///
/// Where `"..."` is a table, it is a name elsewhere, too (`ANSI_QUOTES`).
pub(super) fn read(
    sql: &[u8],
    dialect: Dialect,
    truncated: bool,
    stream: &mut Stream,
    beginnings: &mut Beginnings,
) {
    lex_known(sql, dialect, stream, beginnings);
    let mut rules = Rules::of(dialect);
    if stream.quoted_table {
        rules.double_quote = DoubleQuote::Column;
        lex(sql, rules, stream);
    }
    if stream.doubtful_from.is_some() {
        settle(sql, rules, truncated, stream);
    }
}

/// Decides what the backslashes before quotes mean.
fn settle(sql: &[u8], rules: Rules, truncated: bool, stream: &mut Stream) {
    let first = soundness(stream, truncated);
    if first == Soundness::Sound && rules.knows_backslash {
        return;
    }
    let first_bytes = stream.out.len();
    let first_open = is_open(first, stream);
    let other_rules = Rules {
        backslash: !rules.backslash,
        ..rules
    };
    lex(sql, other_rules, stream);
    let other = soundness(stream, truncated);
    let other_open = is_open(other, stream);
    let shows_less = !rules.knows_backslash && stream.out.len() < first_bytes;
    if first.max(other) == Soundness::None || first == other && first == Soundness::Doubtful {
        let hiding = Rules {
            backslash: false,
            hides_doubtful: true,
            ..rules
        };
        return lex(sql, hiding, stream);
    }
    // A log that cut the text inside the string leaves the same bytes as a string that ends with a backslash.
    let cut_inside = first_open != other_open && first.min(other) > Soundness::Doubtful;
    let keeps_first = if cut_inside {
        first_open
    } else {
        (other, shows_less) <= (first, false)
    };
    if keeps_first {
        lex(sql, rules, stream);
    }
}

/// Whether the last string of an otherwise sound reading goes on to the end of the text.
fn is_open(soundness: Soundness, stream: &Stream) -> bool {
    soundness > Soundness::Doubtful && stream.unterminated
}

fn soundness(stream: &Stream, truncated: bool) -> Soundness {
    let from = stream.doubtful_from.unwrap_or_default();
    let tail = stream.out.get(from..).unwrap_or_default();
    if stream.nonsense {
        Soundness::None
    } else if is_prose(tail) {
        Soundness::Doubtful
    } else if stream.is_cut() && !truncated {
        Soundness::Unfinished
    } else {
        Soundness::Sound
    }
}

/// Whether words stand side by side as no statement has them: behind a literal, in pairs, alone behind AND.
fn is_prose(tokens: &[u8]) -> bool {
    let mut before = Word::None;
    let mut rest = tokens;
    while let Some((&tag, body)) = rest.split_first() {
        let end = body.iter().position(|&b| b < FIRST_TEXT_BYTE);
        let (text, tail) = body.split_at(end.unwrap_or(body.len()));
        let here = word(tag, text);
        let pair = matches!(before, Word::Name | Word::Literal) && here == Word::Name;
        let alone = before == Word::Joins && here == Word::Name && tail.is_empty();
        if pair || alone {
            return true;
        }
        before = here;
        rest = tail;
    }
    false
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Name,
    Literal,
    /// AND, OR.
    Joins,
}

fn word(tag: u8, text: &[u8]) -> Word {
    match tag {
        LITERAL => Word::Literal,
        tag if tag > HINT_CLOSE => Word::Literal,
        WORD if matches!(text, b"and" | b"or") => Word::Joins,
        WORD if std::str::from_utf8(text).is_ok_and(is_keyword) => Word::None,
        WORD => Word::Name,
        _ => Word::None,
    }
}
