//! What a comment says of the code that asks: the tags of sqlcommenter (`route='%2Forders'`) and of marginalia
//! (`controller:orders`).
//!
//! Values are what a program wrote, and programs write what their users did. Hence only keys that name code are kept, and
//! of their values only what has the form of such a name.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Keys that are kept, sorted.
const KEYS: [&str; 6] = [
    "action",
    "application",
    "controller",
    "db_driver",
    "framework",
    "route",
];

/// Which of them are told with a version.
const VERSIONED: [usize; 2] = [3, 4];

/// Which of them is a path.
const ROUTE: usize = 5;

/// Longer comments are read by nobody.
const MAX_COMMENT_BYTES: usize = 1_024;

/// Longer values name no code.
const MAX_VALUE_BYTES: usize = 128;

/// Digits of a name: `Api::V2::OAuth2`. Cards, telephones and keys have more.
const MAX_DIGITS: usize = 3;

/// Digits of a part of a path: `v2`, `oauth2`.
const MAX_PART_DIGITS: usize = 2;

/// Digits of a name with its version: `django:4.2.11`.
const MAX_VERSION_DIGITS: usize = 8;

/// Sets of tags that are remembered; then they are forgotten and read anew.
const MAX_KNOWN: usize = 1_024;

/// Tags of one text, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags([Option<Box<str>>; KEYS.len()]);

impl Tags {
    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = KEYS.into_iter().zip(&self.0);
        values.filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Tags that were read lately: most runs have those of another.
#[derive(Debug, Default)]
pub(super) struct TagBook(HashMap<u64, Option<Arc<Tags>>>);

impl TagBook {
    /// The tags in a comment; `None` where it has none that are kept.
    pub(super) fn read(&mut self, comment: &[u8]) -> Option<Arc<Tags>> {
        let mut raw: [&[u8]; KEYS.len()] = Default::default();
        let mut hash = 0;
        for (key, value) in pairs(comment) {
            let known = KEYS.iter().position(|known| known.as_bytes() == key);
            if let Some(key) = known.filter(|_| value.len() <= MAX_VALUE_BYTES) {
                hash = xxh3_64_with_seed(value, hash ^ (key as u64 + 1));
                raw[key] = value;
            }
        }
        if hash == 0 {
            return None;
        }
        if self.0.len() >= MAX_KNOWN {
            self.0.clear();
        }
        self.0.entry(hash).or_insert_with(|| kept(raw)).clone()
    }
}

fn kept(raw: [&[u8]; KEYS.len()]) -> Option<Arc<Tags>> {
    let mut tags = Tags::default();
    for (key, value) in raw.into_iter().enumerate() {
        tags.0[key] = match key {
            ROUTE => path(value),
            _ if VERSIONED.contains(&key) => name(value, MAX_VERSION_DIGITS),
            _ => name(value, MAX_DIGITS),
        };
    }
    (tags != Tags::default()).then(|| Arc::new(tags))
}

/// Whether a comment has a key that is kept.
pub(super) fn has_some(comment: &[u8]) -> bool {
    comment.len() <= MAX_COMMENT_BYTES
        && pairs(comment).any(|(key, _)| KEYS.iter().any(|known| known.as_bytes() == key))
}

/// `key='value'` and `key:value`, separated by commas.
fn pairs(comment: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let inside = comment.strip_prefix(b"/*").unwrap_or(comment);
    let inside = inside.strip_suffix(b"*/").unwrap_or(inside);
    inside.split(|byte| *byte == b',').filter_map(|pair| {
        let at = pair.iter().position(|b| matches!(b, b'=' | b':'))?;
        let (key, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
        let unquoted = value.strip_prefix(b"'").and_then(|v| v.strip_suffix(b"'"));
        Some((key, unquoted.unwrap_or(value)))
    })
}

/// A name of code: one word, perhaps with its place or its version.
fn name(value: &[u8], max_digits: usize) -> Option<Box<str>> {
    let value = decoded(value)?;
    is_word(&value, "_-.:/#\\", max_digits).then(|| value.into_boxed_str())
}

/// The pattern of a path, with a `?` for each part that may be a value. Without a parameter in it nobody knows whether it
/// is a pattern: then its first part is all that is sure to be code. What stands behind a `?` of its own is data.
fn path(value: &[u8]) -> Option<Box<str>> {
    let value = decoded(value)?;
    let path = match value.split_once('?') {
        Some((path, _)) if !value.contains("(?P<") => path,
        _ => &*value,
    };
    let is_pattern = path.split('/').any(is_parameter) || path.contains("(?P<");
    let mut is_first = true;
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| {
            let is_empty = part.is_empty() || part == "$";
            let is_step = is_step(part) && (is_pattern || is_first);
            let is_sure = is_empty || is_parameter(part) || is_step;
            is_first &= is_empty;
            if is_sure { part } else { "?" }
        })
        .collect();
    let path = parts.join("/");
    (!path.is_empty()).then(|| path.into_boxed_str())
}

/// A parameter of a pattern, as frameworks write them: `:id`, `{id}`, `{id:int}`, `<id>`, `<int:id>`, `[id]`, `*`.
fn is_parameter(part: &str) -> bool {
    let is_within = |open: char, close: char| part.strip_prefix(open)?.strip_suffix(close);
    let named = part
        .strip_prefix(':')
        .or_else(|| is_within('{', '}'))
        .or_else(|| is_within('<', '>'))
        .or_else(|| is_within('[', ']'));
    part == "*" || named.is_some_and(|name| is_word(name, "_:", MAX_PART_DIGITS))
}

/// A part of a path that stands for itself; a regular expression may begin and end with a mark of its own.
fn is_step(part: &str) -> bool {
    let step = part.strip_prefix('^').unwrap_or(part);
    let step = step.strip_suffix('$').unwrap_or(step);
    is_word(step, "_-", MAX_PART_DIGITS)
}

/// One word of letters, a few digits and these signs, which begins with a letter.
fn is_word(value: &str, signs: &str, max_digits: usize) -> bool {
    let begins = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_part = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    begins && digits <= max_digits && value.chars().all(is_part)
}

/// The value with `%2F` and `\'` read; `None` for what is no text.
fn decoded(value: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (digits, behind) = tail.split_first_chunk::<2>()?;
                let digits = std::str::from_utf8(digits).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = behind;
            }
            b'\\' if tail.first() == Some(&b'\'') => {}
            _ => out.push(byte),
        }
    }
    let text = String::from_utf8(out).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(comment: &str) -> Vec<(&'static str, String)> {
        let tags = TagBook::default().read(comment.as_bytes());
        let tags = tags.as_deref().cloned().unwrap_or_default();
        tags.iter()
            .map(|(key, value)| (key, value.to_owned()))
            .collect()
    }

    fn route(value: &str) -> String {
        told(&format!("/*route='{value}'*/"))[0].1.clone()
    }

    #[test]
    fn tags_of_sqlcommenter_and_of_marginalia_are_told_by_key() {
        let comment = "/*action='show',controller='orders',framework='rails%3A7.1.3',\
             traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01',user='jane'*/";
        let told_of = [
            ("action", "show"),
            ("controller", "orders"),
            ("framework", "rails:7.1.3"),
        ];
        assert_eq!(told(comment), told_of.map(|(k, v)| (k, v.to_owned())));
        let old = "/*application:Shop, controller:orders, action:show */";
        assert_eq!(told(old).len(), 3);
        assert_eq!(told("/* a note: of somebody, action */"), []);
    }

    #[test]
    fn a_route_keeps_its_pattern_and_nothing_that_may_be_a_value() {
        for pattern in [
            "/orders",
            "/orders/:id",
            "/v2/orders/{id}",
            "/polls/<int:pk>/vote",
            "/shops/[slug]/orders",
            "^polls/$",
        ] {
            assert_eq!(route(&pattern.replace('/', "%2F")), pattern);
        }
        for (told, kept) in [
            ("/orders/4711/jane@shop.example", "/orders/?/?"),
            ("/find?name=jane", "/find"),
            ("/users/5bd66ef5-0953/x", "/users/?/?"),
            ("/users/jane", "/users/?"),
            ("/users/jane.doe/:id", "/users/?/:id"),
            ("/users/:jane@shop.example", "/users/?"),
            ("/u/(jane@x.com", "/u/?"),
            ("/reset/$2b$abcDEF", "/reset/?"),
            ("/cards/:id/4111", "/cards/:id/?"),
            ("^polls/(?P<pk>[0-9]+)/$", "^polls/?/$"),
        ] {
            assert_eq!(route(told), kept);
        }
    }

    #[test]
    fn values_that_name_no_code_are_dropped() {
        for value in [
            "4711",
            "jane@shop.example",
            "caf\u{7}",
            "%ZZ",
            "user 123456",
            "refund order of Jane Doe",
            "4 1 1 1 2 2 3 3",
            "card-411-111-111-111",
        ] {
            assert_eq!(told(&format!("/*action='{value}'*/")), [], "{value}");
        }
        assert_eq!(told(&format!("/*action='{}'*/", "a".repeat(200))), []);
    }

    #[test]
    fn any_number_of_tags_takes_bounded_room() {
        let mut book = TagBook::default();
        for n in 0..5_000 {
            book.read(format!("/*action='a{n:x}'*/").as_bytes());
        }
        assert!(book.0.len() <= MAX_KNOWN);
    }
}
