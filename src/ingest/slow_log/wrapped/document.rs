//! JSON in a document of several lines: `gcloud logging read --format=json`, `aws logs get-log-events`.
//!
//! What stands between the objects of its list, the keys of what holds the list among it, is passed over.

use serde::{Deserialize, Serialize};

/// Keys of a list of records in an object that holds nothing else of interest.
const LISTS: [&[u8]; 6] = [
    b"events", b"entries", b"records", b"results", b"value", b"logs",
];

/// What a part of a document starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many bytes belong to no object.
    Gap(usize),
    /// An object of so many bytes.
    Object(usize),
    /// An object, or the rest of something, that does not end here.
    Open,
}

/// Whether `head` is a list of objects, or an object over several lines.
pub(super) fn is_document(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let Some((first, rest)) = text.split_first() else {
        return false;
    };
    let inner = rest.trim_ascii_start();
    let is_broken = rest.len() > inner.len()
        && memchr::memchr(b'\n', &rest[..rest.len() - inner.len()]).is_some();
    match first {
        b'[' => inner.first() == Some(&b'{'),
        b'{' => (is_broken && inner.first() == Some(&b'"')) || list(text).is_some(),
        _ => false,
    }
}

/// Looks at what `text` starts with.
pub(super) fn next(text: &[u8]) -> Unit {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'{' if at > 0 => return Unit::Gap(at),
            b'{' => {
                return match list(text) {
                    Some(length) => Unit::Gap(length),
                    None => object(text),
                };
            }
            b'"' => match string(&text[at..]) {
                Some(length) => at += length,
                None if at > 0 => return Unit::Gap(at),
                None => return Unit::Open,
            },
            _ => at += 1,
        }
    }
    Unit::Gap(at)
}

/// Length of `{"events": [`.
fn list(text: &[u8]) -> Option<usize> {
    let key = text.strip_prefix(b"{")?.trim_ascii_start();
    let length = string(key)?;
    let is_list = LISTS.contains(&&key[1..length - 1]);
    let value = key[length..].trim_ascii_start().strip_prefix(b":")?;
    let inner = value.trim_ascii_start().strip_prefix(b"[")?;
    is_list.then_some(text.len() - inner.len())
}

/// Length of the string that `text` starts with.
fn string(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inner.get(at..)?)?;
        if inner[at] == b'"' {
            return Some(at + 2);
        }
        at += 2;
    }
}

fn object(text: &[u8]) -> Unit {
    Inside::default().end(text).map_or(Unit::Open, Unit::Object)
}

/// Where in an object a part of it ends.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Inside {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
}

impl Inside {
    /// Goes through the next part of an object; says where it ends, if it does.
    pub(super) fn end(&mut self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < text.len() {
            if self.is_string {
                at += self.string(&text[at..])?;
            } else {
                match text[at] {
                    b'"' => self.is_string = true,
                    b'{' => self.depth += 1,
                    b'}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
            if self.depth == 0 && !self.is_string {
                return Some(at);
            }
        }
        None
    }

    /// Bytes up to the next backslash, what it escapes, or the end of the string; `None` when none of them is there.
    fn string(&mut self, text: &[u8]) -> Option<usize> {
        if std::mem::take(&mut self.is_escaped) {
            return Some(1);
        }
        let at = memchr::memchr2(b'"', b'\\', text)?;
        self.is_escaped = text[at] == b'\\';
        self.is_string = self.is_escaped;
        Some(at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<&str> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < text.len() {
            match next(&text.as_bytes()[at..]) {
                Unit::Gap(length) => at += length,
                Unit::Object(length) => {
                    found.push(&text[at..at + length]);
                    at += length;
                }
                Unit::Open => break,
            }
        }
        found
    }

    #[test]
    fn the_objects_of_a_list_are_found_wherever_the_list_is() {
        let records = "[\n  {\n \"a\": \"}{\\\"\"\n  },\n  {\"b\": {\"c\": 1}}\n]";
        let expected = ["{\n \"a\": \"}{\\\"\"\n  }", "{\"b\": {\"c\": 1}}"];
        assert_eq!(objects(records), expected);
        let events = format!("{{\n \"events\": {records},\n \"next\": \"f/{{\"\n}}\n");
        assert_eq!(objects(&events), expected);
        assert_eq!(
            objects("{\n\"a\": 1}\n{\n\"b\": 2\n}"),
            ["{\n\"a\": 1}", "{\n\"b\": 2\n}"]
        );
        assert_eq!(objects("[{\"a\": 1"), Vec::<&str>::new());
    }

    #[test]
    fn the_end_of_an_object_is_found_in_parts_of_any_length() {
        let text = br#"{"a": "}\\\"{", "b": {"c": [1, {}]}} , {"#;
        let Unit::Object(whole) = next(text) else {
            panic!("it ends");
        };
        for length in 1..whole {
            let mut inside = Inside::default();
            let ends: Vec<_> = text.chunks(length).map(|part| inside.end(part)).collect();
            let at = ends.iter().position(Option::is_some).unwrap();
            assert_eq!(at * length + ends[at].unwrap(), whole, "{length}");
        }
    }

    #[test]
    fn a_document_is_told_from_lines() {
        for text in [
            "[\n {\"a\": 1}]",
            "[{\"a\"",
            "{\n\"a\": 1\n}",
            "{\"events\": [{",
        ] {
            assert!(is_document(text.as_bytes()), "{text}");
        }
        for text in ["{\"a\": 1}\n", "[123] LOG:  x", "[]", ""] {
            assert!(!is_document(text.as_bytes()), "{text}");
        }
    }
}
