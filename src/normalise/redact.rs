//! Redacts the messages of servers: what is not known to be a name is hidden.

/// Longer messages are cut.
const MAX_MESSAGE_BYTES: usize = 1024;
/// Longer names are no names.
const MAX_NAME_BYTES: usize = 128;

/// Words behind which a quoted text is a name of the schema.
const NAMING_WORDS: [&str; 15] = [
    "column",
    "table",
    "relation",
    "constraint",
    "index",
    "procedure",
    "schema",
    "database",
    "trigger",
    "view",
    "sequence",
    "operator",
    "extension",
    "partition",
    "variable",
];

/// The same for words that messages of applications have before values, too.
const NAMING_PHRASES: [&str; 2] = ["for key ", "of type "];

/// Codes of messages that an application wrote, not the server.
const RAISED: [&str; 3] = ["P0001", "45000", "1644"];

/// Words of the servers that hold digits.
const WORDS_WITH_DIGITS: [&str; 12] = [
    "utf8", "utf16", "utf32", "ucs2", "latin1", "sha1", "sha2", "int2", "int4", "int8", "float4",
    "float8",
];

/// Clauses that MySQL quotes; MariaDB names them by their words since 10.11.
const CLAUSES: [&str; 14] = [
    "WHERE",
    "SELECT",
    "ON",
    "ORDER BY",
    "GROUP BY",
    "HAVING",
    "INSERT INTO",
    "SET",
    "where clause",
    "field list",
    "on clause",
    "order clause",
    "group statement",
    "having clause",
];

/// What stands before a value that may itself hold quotes, and behind it. Only both together tell where it ends: a value
/// may hold the words that follow values of another message.
const VALUE_ENDS: [(&str, &str); 3] = [
    ("Duplicate entry ", "' for key "),
    (" value: ", "' for column "),
    (" value: ", "' for function "),
];

/// The message without values: quoted texts, parenthesised keys and rows, numbers, and words with digits or `@` in
/// them become `?`. What an application wrote may be anything and is hidden whole.
///
/// Names stay where the message says that they are names (`for key 'email'`, `relation "orders"`). Servers do
/// not escape quotes in a value, so an unknown quoted text reaches to the last quote of the message.
pub(super) fn redact_message(text: &str, code: &str) -> String {
    if RAISED.contains(&code) && !text.is_empty() {
        return "?".to_owned();
    }
    let mut out = String::with_capacity(text.len().min(MAX_MESSAGE_BYTES));
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if out.len() >= MAX_MESSAGE_BYTES {
            out.push_str(" ...");
            break;
        }
        let taken = match c {
            '\'' | '"' => quoted(&mut out, rest, c),
            '(' if holds_values(&out) => {
                out.push_str("(?)");
                rest.rfind(')').map_or(rest.len(), |at| at + 1)
            }
            '0'..='9' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                out.push('?');
                number_bytes(rest)
            }
            _ if c.is_alphabetic() && !out.ends_with(is_word) => word(&mut out, rest),
            _ => {
                out.push(if c.is_control() { ' ' } else { c });
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Writes one bare word, unless it looks like a value, and tells how many bytes it took.
fn word(out: &mut String, rest: &str) -> usize {
    let part = |c: char| is_word(c) || matches!(c, '.' | '@' | '-' | '+');
    let whole = &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())];
    let known = |part: &str| {
        let lower = part.to_ascii_lowercase();
        WORDS_WITH_DIGITS.iter().any(|word| lower.starts_with(word))
    };
    let mut words = whole.split(|c| !is_word(c));
    let value = whole.contains('@')
        || words.any(|word| word.contains(|c: char| c.is_ascii_digit()) && !known(word));
    if value {
        out.push('?');
        return whole.trim_end_matches(['.', '-', '+']).len();
    }
    let word = whole.find(|c| !is_word(c)).unwrap_or(whole.len());
    out.push_str(&whole[..word]);
    word
}

/// Writes one quoted text, and tells how many bytes it took.
fn quoted(out: &mut String, rest: &str, quote: char) -> usize {
    let body = &rest[1..];
    let closed = body.find(quote);
    if let Some(name) = closed
        .map(|end| &body[..end])
        .filter(|name| is_name(out, name))
    {
        out.push(quote);
        out.push_str(name);
        out.push(quote);
        return name.len() + 2;
    }
    let value_end = VALUE_ENDS
        .iter()
        .filter(|(before, _)| quote == '\'' && out.ends_with(before))
        .find_map(|(_, behind)| {
            let at = body.rfind(behind)?;
            names_the_rest(&body[at + behind.len()..], behind).then_some(at)
        });
    out.push(quote);
    out.push('?');
    out.push(quote);
    let end = value_end.or_else(|| body.rfind(quote));
    end.map_or(rest.len(), |at| at + 2)
}

/// Whether all that is left is the name that a message ends with: what else there is belongs to the value.
fn names_the_rest(rest: &str, behind: &str) -> bool {
    let (name, rest) = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').unwrap_or_default(),
        None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
    };
    let is_row = |row: &str| !row.is_empty() && row.bytes().all(|b| b.is_ascii_digit());
    let is_end = if behind == "' for column " {
        rest.strip_prefix(" at row ").is_some_and(is_row)
    } else {
        rest.is_empty()
    };
    let may_be = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '-' | '`');
    is_end && !name.is_empty() && name.chars().all(may_be)
}

fn is_name(before: &str, name: &str) -> bool {
    if CLAUSES.contains(&name) && before.ends_with("in ") {
        return true;
    }
    let phrase = NAMING_PHRASES.iter().any(|known| before.ends_with(known));
    let word = before
        .trim_end()
        .rsplit(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let named = NAMING_WORDS
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '-');
    (named || phrase) && !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.chars().all(plain)
}

/// `Key (a)=(b)`, `Failing row contains (...)`, `VALUES (...)`.
fn holds_values(before: &str) -> bool {
    let before = before.trim_end();
    ["=", "contains", "values", "VALUES", "IN", "in"]
        .iter()
        .any(|mark| before.ends_with(mark))
}

fn number_bytes(rest: &str) -> usize {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '-' | '_');
    rest.find(|c: char| !part(c)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_entry_keeps_its_key_and_loses_its_value() {
        let message = "Duplicate entry 'O'Brien-secret' for key 'users.email'";
        assert_eq!(
            redact_message(message, ""),
            "Duplicate entry '?' for key 'users.email'"
        );
    }

    #[test]
    fn a_value_like_the_end_of_a_message_is_a_value() {
        for (value, message, shown) in [
            (
                "a' at row secret",
                "Duplicate entry '{}' for key 'PRIMARY'",
                "Duplicate entry '?' for key 'PRIMARY'",
            ),
            (
                "a' for key 'secret",
                "Duplicate entry '{}' for key 'PRIMARY'",
                "Duplicate entry '?' for key 'PRIMARY'",
            ),
            (
                "a' for key 'secret",
                "the right syntax to use near '{}' at line 1",
                "the right syntax to use near '?' at line ?",
            ),
            (
                "a' for column 'secret",
                "Truncated incorrect DOUBLE value: '{}'",
                "Truncated incorrect DOUBLE value: '?'",
            ),
            (
                "a' for function secret",
                "Incorrect datetime value: '{}' for column 'at' at row 17",
                "Incorrect datetime value: '?' for column 'at' at row ?",
            ),
        ] {
            let message = message.replace("{}", value);
            assert_eq!(redact_message(&message, ""), shown);
        }
    }

    #[test]
    fn a_postgres_detail_loses_the_values_of_its_key() {
        let message = "Key (email, n)=(a (b) c, 4) already exists.";
        assert_eq!(
            redact_message(message, ""),
            "Key (email, n)=(?) already exists."
        );
    }

    #[test]
    fn an_unknown_column_stays_readable() {
        for clause in ["where clause", "WHERE"] {
            let message = format!("Unknown column 'note' in '{clause}'");
            assert_eq!(redact_message(&message, ""), message);
        }
    }

    #[test]
    fn what_is_not_known_to_be_a_name_is_hidden() {
        assert_eq!(
            redact_message("invalid input syntax for type integer: \"secret\"", ""),
            "invalid input syntax for type integer: \"?\""
        );
        assert_eq!(redact_message("bad 'open secret", ""), "bad '?'");
        assert_eq!(
            redact_message("value 4711 is out of range", ""),
            "value ? is out of range"
        );
    }

    #[test]
    fn what_an_application_raised_is_hidden_whole_and_values_in_its_words_without_a_code() {
        assert_eq!(redact_message("Bob may not pay", "P0001"), "?");
        assert_eq!(
            redact_message("Card AB4111X declined for bob.smith@x.com.", ""),
            "Card ? declined for ?."
        );
        assert_eq!(
            redact_message("no object with key \"secret\"", ""),
            "no object with key \"?\""
        );
        let message = "Illegal mix of collations (utf8mb4_bin,IMPLICIT) in o_k";
        assert_eq!(redact_message(message, ""), message);
    }
}
