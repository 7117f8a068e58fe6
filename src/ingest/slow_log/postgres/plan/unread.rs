//! Plans of `auto_explain.log_format = xml` and `yaml`: the run counts, its plan is not read.

use super::{Explained, Steps};

/// An entity of XML is no longer.
const MAX_ENTITY_BYTES: usize = 8;

pub(super) fn is_xml(text: &[u8]) -> bool {
    text.starts_with(b"<explain")
}

/// No statement begins with a quotation mark, so that it is none of a plan in text.
pub(super) fn is_yaml(text: &[u8]) -> bool {
    text.starts_with(b"Query Text: \"")
}

/// `<explain xmlns="..."> <Query-Text>SELECT 1 &lt; 2</Query-Text> <Plan> ...`
pub(super) fn of_xml(text: &[u8]) -> Option<Explained<'static>> {
    const BEGIN: &[u8] = b"<Query-Text>";
    let from = memchr::memmem::find(text, BEGIN)? + BEGIN.len();
    let length = memchr::memmem::find(&text[from..], b"</Query-Text>")?;
    Some(Steps::default().explain(unescaped(&text[from..from + length]).into()))
}

/// `Query Text: "SELECT 'a\"b'"`, escaped as JSON is, and on one line.
pub(super) fn of_yaml(text: &[u8]) -> Option<Explained<'static>> {
    let line = text
        .strip_prefix(b"Query Text: ")?
        .split(|b| *b == b'\n')
        .next()?;
    let sql: String = serde_json::from_slice(line.trim_ascii_end()).ok()?;
    Some(Steps::default().explain(sql.into_bytes().into()))
}

/// The entities that PostgreSQL writes; whatever else follows an `&` stays.
fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let Some(at) = memchr::memchr(b'&', text) {
        plain.extend_from_slice(&text[..at]);
        text = &text[at..];
        let end = memchr::memchr(b';', &text[..text.len().min(MAX_ENTITY_BYTES)]);
        let (byte, length) = match end.map(|end| (&text[1..end], end + 1)) {
            Some((b"lt", length)) => (b'<', length),
            Some((b"gt", length)) => (b'>', length),
            Some((b"amp", length)) => (b'&', length),
            Some((b"quot", length)) => (b'"', length),
            Some((b"apos", length)) => (b'\'', length),
            Some((b"#x0d", length)) => (b'\r', length),
            _ => (b'&', 1),
        };
        plain.push(byte);
        text = &text[length..];
    }
    plain.extend_from_slice(text);
    plain
}

#[cfg(test)]
mod tests {
    use super::super::{is_unread, read};
    use crate::model::event::{Access, RowCounts};

    /// As PostgreSQL 15 writes them.
    const XML: &str = "\n<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query-Text>select relname from \
        pg_class where relname &lt; 'a\"b' \n and relname &lt;&gt; '&lt;x&gt; &amp; y' limit 1</Query-Text>\n  <Plan>\n    \
        <Node-Type>Seq Scan</Node-Type>\n    <Filter>(relname = 'secret'::name)</Filter>\n  </Plan>\n</explain>";
    const YAML: &str = "\nQuery Text: \"select relname from pg_class where relname < 'a\\\"b' \\n and relname <> '<x> & y' \
        limit 1\"\nPlan: \n  Node Type: \"Seq Scan\"\n  Filter: \"(relname = 'secret'::name)\"";

    #[test]
    fn of_a_plan_in_xml_or_yaml_the_statement_is_read() {
        for text in [XML, YAML] {
            assert!(is_unread(text.as_bytes()), "{text}");
            let explained = read(text.as_bytes()).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&explained.sql),
                "select relname from pg_class where relname < 'a\"b' \n and relname <> '<x> & y' limit 1"
            );
            assert_eq!(*explained.access, Access::default());
            assert_eq!(explained.rows, RowCounts::default());
        }
    }

    #[test]
    fn what_was_cut_within_its_statement_is_no_plan() {
        for text in [&XML[..100], &YAML[..60]] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert!(!is_unread(
            b"\nQuery Text: SELECT 1\nResult  (cost=0.00..0.01 rows=1 width=4)"
        ));
    }
}
