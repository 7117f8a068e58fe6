//! Keeps of a line only what a server would say: a program may have written anything behind it.
//!
//! `normalise` redacts what is quoted and what is a number; this drops the words that no server says.

/// More of a message is not kept.
const MAX_MESSAGE_BYTES: usize = 512;

/// Behind these stands a name, quoted or not.
const NAMING: [&str; 8] = [
    "column",
    "relation",
    "table",
    "function",
    "operator",
    "database",
    "schema",
    "constraint",
];

/// What the messages of servers are made of.
const WORDS: &str = " a access add already an and any are argument at attempts available be because been being blocked \
    cannot can't canceling cannot character check clause client clients column command committed concurrent connect connection connections \
    constraint correct could crashed current data database deadlock default delete denied detected disk division doesn't \
    does doesn't dropped due duplicate entry error exceeded execution exist exists expired fails field file find following \
    for foreign found from full function gone got group has have ignored in incorrect input integer interrupted into invalid \
    is it key left limit list local lock locks long lost many marked match matches maximum max_statement_time memory missing \
    mysql near no not not-null null number obtain of on only open operator or order out outer own parent password permission query \
    range reached read recovery relation remaining request restarting reserved role row rows schema select serialize server \
    should shared shutting slots slow small socket sorry space specified sql starting state statement statement_timeout status \
    such syntax system table temporary terminating than that the this time timed timeout timestamp to too transaction try \
    trying type types unable unexpected unique unknown unsigned update use used user using value values version view violates \
    violation wait waiting was were where with write wrong you you have your zero ";

/// What may stand behind a word.
const MARKS: [char; 8] = [',', '.', ':', ';', ')', ']', '`', '"'];

/// The part of `text` that a server may have said, from its beginning on.
pub(super) fn keep(text: &[u8]) -> String {
    let line = text.split(|b| *b == b'\n' || *b == b'\r').next();
    let line = line.unwrap_or_default();
    let text = String::from_utf8_lossy(&line[..line.len().min(MAX_MESSAGE_BYTES)]);
    let mut end = 0;
    let mut previous = "";
    let mut rest = &text[..];
    while let Some(word) = next_word(rest) {
        let bare = if word.is_quoted {
            word.text
        } else {
            word.text.trim_end_matches(MARKS)
        };
        let is_named = NAMING
            .iter()
            .any(|naming| previous.eq_ignore_ascii_case(naming));
        let is_number = bare.bytes().all(|b| b.is_ascii_digit());
        if !(word.is_quoted || is_number || is_known(bare) || is_named && is_name(bare)) {
            break;
        }
        end = text.len() - word.behind.len() - (word.text.len() - bare.len());
        if !word.is_quoted && word.text.ends_with([';', ')', ']', '"']) {
            break;
        }
        previous = bare;
        rest = word.behind;
    }
    text[..end].to_owned()
}

struct Word<'t> {
    text: &'t str,
    is_quoted: bool,
    behind: &'t str,
}

/// The next word; a quoted one reaches to the quote that no letter follows, for values may hold quotes.
fn next_word(rest: &str) -> Option<Word<'_>> {
    let rest = rest.trim_start();
    let first = rest.chars().next()?;
    if !matches!(first, '\'' | '"') {
        let end = rest.find(' ').unwrap_or(rest.len());
        // the quote that closes what the program has quoted
        let end = rest[..end]
            .find('"')
            .map_or(end, |quote| end.min(quote + 1));
        return Some(Word {
            text: &rest[..end],
            is_quoted: false,
            behind: &rest[end..],
        });
    }
    let is_end = |at: usize| {
        let next = rest[at + 1..].chars().next();
        next.is_none_or(|c| !c.is_alphanumeric())
    };
    let mut quotes = rest.match_indices(first).skip(1).map(|(at, _)| at);
    let end = quotes.find(|at| is_end(*at))? + 1;
    Some(Word {
        text: &rest[..end],
        is_quoted: true,
        behind: rest[end..].trim_start_matches([',', '.', ':']),
    })
}

fn is_known(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let mut known = WORDS.split_ascii_whitespace();
    !lower.is_empty() && known.any(|known| known == lower)
}

fn is_name(word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '(' | ')' | ',');
    !word.is_empty() && word.chars().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_adds_is_dropped() {
        for (line, kept) in [
            (
                "Unknown column 'note' in 'where clause' while loading Alice",
                "Unknown column 'note' in 'where clause'",
            ),
            (
                "Unknown column 'note' in 'where clause'; nested exception is java.sql.X",
                "Unknown column 'note' in 'where clause'",
            ),
            (
                "Duplicate entry 'O'Brien' for key 'PRIMARY'\")",
                "Duplicate entry 'O'Brien' for key 'PRIMARY'",
            ),
            (
                "column u.note does not exist (SQLSTATE 42703)",
                "column u.note does not exist",
            ),
            (
                "column \"note\" does not exist\n  Position: 7",
                "column \"note\" does not exist",
            ),
            ("Too many connections for Alice", "Too many connections for"),
            ("value Alice is too long", "value"),
            (
                "Table 'shop.carts' doesn't exist\")",
                "Table 'shop.carts' doesn't exist",
            ),
            ("Too many connections\") for Alice", "Too many connections"),
            (
                "Data too long for column 'a' at row 1\"",
                "Data too long for column 'a' at row 1",
            ),
            (
                "value too long for type character varying(20)",
                "value too long for type character",
            ),
            ("Alice", ""),
        ] {
            assert_eq!(keep(line.as_bytes()), kept, "{line}");
        }
    }

    #[test]
    fn a_quote_that_does_not_close_ends_the_message() {
        assert_eq!(keep(b"Duplicate entry 'Alice"), "Duplicate entry");
    }
}
