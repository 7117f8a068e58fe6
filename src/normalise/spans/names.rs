//! Names of spans without what looks like a value.
//!
//! An instrumentation should name spans by what is low in cardinality, and many do not: paths with ids, statements,
//! keys. What is folded here is also what makes two names the same.

use std::net::IpAddr;

/// Longer names are cut.
const MAX_NAME_BYTES: usize = 128;
/// A name of a database span that is longer is the statement itself.
const MAX_OPERATION_BYTES: usize = 64;
/// Hexadecimal digits from which on a word that has a digit is a value, and no word like `v2` or `http2`.
const MIN_HEX: usize = 8;
/// Characters from which on a word with digits in it is a random id.
const MIN_RANDOM: usize = 20;
/// Digits in a row within a word that are a number: `order12345`, and not `oauth2` or `pg8`.
const MIN_DIGITS: usize = 3;

/// The name without values: numbers, UUIDs, hexadecimal ids, random ids, what is quoted, and what looks like an address.
pub(super) fn folded(name: &str) -> String {
    let name = cut(name, MAX_NAME_BYTES);
    let end = end_of_name(name);
    let mut out = String::with_capacity(name.len());
    let mut rest = &name[..end];
    while let Some(first) = rest.chars().next() {
        if !is_of_word(first) {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let length = word_length(rest);
        let (word, behind) = rest.split_at(length);
        push_word(&mut out, word);
        rest = behind;
    }
    if end < name.len() {
        out.truncate(out.trim_end().len());
        out.push('?');
    }
    out
}

/// Where the query of a URL begins, or what is quoted.
fn end_of_name(name: &str) -> usize {
    let is_end = |(at, mark): &(usize, &str)| {
        let next = name[at + 1..].chars().next();
        *mark != "?" || next.is_some_and(is_of_word)
    };
    let mut marks = name.match_indices(['?', '\'', '"', '`', '=']);
    marks.find(is_end).map_or(name.len(), |(at, _)| at)
}

/// The name of a span that ran a statement: the operation, and what it is done to where that is a name.
pub(super) fn folded_operation(name: &str) -> String {
    let is_statement =
        name.len() > MAX_OPERATION_BYTES || name.contains(['\'', '"', '=', '(', '*', ',', ';']);
    if is_statement {
        let first = name.split_ascii_whitespace().next().unwrap_or_default();
        let word = first.bytes().take_while(u8::is_ascii_alphabetic).count();
        return cut(&first[..word], MAX_OPERATION_BYTES).to_owned();
    }
    folded(name)
}

/// Who is asked, without values. An address of the network is no value: it is all that tells one service from another
/// where there are no names, and with it the port.
pub(super) fn folded_host(host: &str, port: u16) -> String {
    let address = host.parse::<IpAddr>();
    match (address, port) {
        (Ok(IpAddr::V6(address)), 1..) => format!("[{address}]:{port}"),
        (Ok(IpAddr::V4(address)), 1..) => format!("{address}:{port}"),
        (Ok(address), 0) => address.to_string(),
        (Err(_), 1..) if host == "localhost" => format!("{host}:{port}"),
        (Err(_), _) => folded(host),
    }
}

/// Up to so many bytes, and no half of a character.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Words are made of these; `@` and `-` hold addresses and UUIDs together.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

/// Bytes of the word at the beginning: a UUID, an address, or up to the next separator.
fn word_length(text: &str) -> usize {
    if is_uuid(text) {
        return UUID;
    }
    let end = |is_end: &dyn Fn(char) -> bool| text.find(is_end).unwrap_or(text.len());
    let address = end(&|c| !is_of_word(c) && !matches!(c, '.' | '-' | '+' | '%'));
    if text[..address].contains('@') {
        return address;
    }
    end(&|c| !is_of_word(c))
}

const UUID: usize = 36;

fn is_uuid(text: &str) -> bool {
    text.as_bytes().get(..UUID).is_some_and(|bytes| {
        bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

fn push_word(out: &mut String, word: &str) {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_value = digits == word.len()
        || digits > 0 && is_hex && word.len() >= MIN_HEX
        || digits > 0 && word.len() >= MIN_RANDOM
        || word.contains('@')
        || word.len() == UUID && is_uuid(word);
    if is_value {
        out.push('?');
        return;
    }
    let mut rest = word;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let run = rest[at..].bytes().take_while(u8::is_ascii_digit).count();
        let (before, behind) = (&rest[..at], &rest[at + run..]);
        out.push_str(before);
        if run >= MIN_DIGITS {
            out.push('?');
        } else {
            out.push_str(&rest[at..at + run]);
        }
        rest = behind;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_folded_and_names_stay() {
        for (name, expected) in [
            ("GET /orders/{id}", "GET /orders/{id}"),
            ("GET /orders/4711", "GET /orders/?"),
            ("GET /v2/orders/4711/items", "GET /v2/orders/?/items"),
            ("SELECT shop.order_items", "SELECT shop.order_items"),
            (
                "job 0d6f0f2e-6b6e-4a5e-9b8e-111111111111 done",
                "job ? done",
            ),
            ("GET /cart/5f3a9c0b12de", "GET /cart/?"),
            ("HTTP GET /a?token=secret", "HTTP GET /a?"),
            ("get 'alice'", "get?"),
            ("mail to alice.b@example.com now", "mail to ? now"),
            ("oauth2 pg8000 order12345", "oauth2 pg? order?"),
            ("주문 조회", "주문 조회"),
            ("facade", "facade"),
            ("", ""),
        ] {
            assert_eq!(folded(name), expected, "{name}");
        }
    }

    #[test]
    fn hosts_without_a_name_are_told_apart_by_address_and_port() {
        for (host, port, expected) in [
            ("rates.example", 8080, "rates.example"),
            ("10.0.0.7", 8080, "10.0.0.7:8080"),
            ("10.0.0.7", 0, "10.0.0.7"),
            ("::1", 8080, "[::1]:8080"),
            ("localhost", 8080, "localhost:8080"),
            ("pod-5f3a9c0b12de", 80, "pod-?"),
            ("", 80, ""),
        ] {
            assert_eq!(folded_host(host, port), expected, "{host}");
        }
    }

    #[test]
    fn a_statement_is_no_name() {
        for (name, expected) in [
            ("SELECT shop", "SELECT shop"),
            ("SELECT * FROM users WHERE name = 'alice'", "SELECT"),
            (
                "select name from users where name > alice and so on, and further",
                "select",
            ),
            ("pg.query:SELECT shop", "pg.query:SELECT shop"),
        ] {
            assert_eq!(folded_operation(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_long_number_is_left(name in "\\PC{0,200}", number in 1_000_u64..) {
            let told = folded(&format!("{} {number} {name}", cut(&name, 40)));
            prop_assert!(!told.contains(&number.to_string()));
        }
    }
}
