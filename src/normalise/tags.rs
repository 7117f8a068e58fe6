//! What a comment says of the code that asks: the tags of sqlcommenter (`route='%2Forders'`) and of marginalia
//! (`controller:orders`).
//!
//! Values are what a program wrote, hence only keys that name code are kept, and of a path no part that may be an id.

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

/// Which of them is a path.
const ROUTE: usize = 5;

/// Longer comments are read by nobody.
pub(super) const MAX_COMMENT_BYTES: usize = 1_024;

/// Longer values name no code.
const MAX_VALUE_BYTES: usize = 128;

/// Digits in a row that are more than a version: `django:4.2.11`.
const MAX_DIGITS: usize = 3;

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
        tags.0[key] = if key == ROUTE {
            path(value)
        } else {
            name(value)
        };
    }
    (tags != Tags::default()).then(|| Arc::new(tags))
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

/// A name of code: a word, perhaps with a version.
fn name(value: &[u8]) -> Option<Box<str>> {
    let value = decoded(value)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.:/#\\ ".contains(c);
    let is_name = !value.is_empty() && value.chars().all(is_part) && !has_number(&value);
    is_name.then(|| value.into_boxed_str())
}

/// A path, with a `?` for each part that may be an id; what stands behind a `?` of its own is data.
fn path(value: &[u8]) -> Option<Box<str>> {
    let value = decoded(value)?;
    let is_pattern = value.contains("(?P<");
    let path = match value.split_once('?') {
        Some((path, _)) if !is_pattern => path,
        _ => &*value,
    };
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_data(part) { "?" } else { part })
        .collect();
    let path = parts.join("/");
    (!path.is_empty()).then(|| path.into_boxed_str())
}

/// Whether a part of a path may be a value: it is no pattern, no plain word and no version (`v2`).
fn is_data(part: &str) -> bool {
    let version = part.strip_prefix('v').unwrap_or_default();
    let is_version = matches!(version.len(), 1..=2) && version.bytes().all(|b| b.is_ascii_digit());
    let is_marked = part.starts_with([':', '{', '<', '(', '^', '[', '$', '*']);
    let is_plain = part
        .chars()
        .all(|c| c.is_ascii_alphabetic() || "_-.$".contains(c));
    has_number(part) || !(is_marked || is_plain || is_version)
}

fn has_number(value: &str) -> bool {
    let mut run = 0;
    value.bytes().any(|byte| {
        run = if byte.is_ascii_digit() { run + 1 } else { 0 };
        run > MAX_DIGITS
    })
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
        for pattern in ["/orders/:id", "/v2/orders/{id}", "/polls/<int:pk>/vote"] {
            assert_eq!(route(&pattern.replace('/', "%2F")), pattern);
        }
        assert_eq!(route("/orders/4711/jane@shop.example"), "/orders/?/?");
        assert_eq!(route("/find?name=jane"), "/find");
        assert_eq!(route("/users/5bd66ef5-0953/x"), "/users/?/x");
    }

    #[test]
    fn values_that_name_no_code_are_dropped() {
        for value in [
            "4711",
            "jane@shop.example",
            "caf\u{7}",
            "%ZZ",
            "user 123456",
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
