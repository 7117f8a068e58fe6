//! Blocks that the machine wrote, and how a document is written anew without touching what people wrote.
//!
//! ```text
//! <!-- sqleuth:begin NAME sha256=… -->      the hash is of the lines in between, when the machine wrote them
//! …
//! <!-- sqleuth:end -->
//! ```
//!
//! A block whose lines no longer have the hash was edited by somebody: it is theirs now and stays as it is. In the
//! front matter, which is YAML, the marks are comments that begin with `#`.

use std::collections::BTreeMap;

use ring::digest;

const BEGIN: &str = "sqleuth:begin ";
const END: &str = "sqleuth:end";

/// How a mark is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Marks {
    Markdown,
    Yaml,
}

/// The body between marks with its name and hash; the body must not hold a line that is a mark.
pub(crate) fn machine(marks: Marks, name: &str, body: &str) -> String {
    let body = body.trim_matches('\n');
    let hash = sha256(body.as_bytes());
    match marks {
        Marks::Markdown => {
            format!("<!-- {BEGIN}{name} sha256={hash} -->\n{body}\n<!-- {END} -->")
        }
        Marks::Yaml => format!("# {BEGIN}{name} sha256={hash}\n{body}\n# {END}"),
    }
}

/// SHA-256 as hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    let hex = |byte: &u8| [byte >> 4, byte & 15].map(|n| char::from_digit(n.into(), 16));
    digest.as_ref().iter().flat_map(hex).flatten().collect()
}

/// A document written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The document.
    pub text: String,
    /// Names of blocks that people had edited, and that were therefore kept.
    pub kept: Vec<String>,
}

/// Puts the blocks of `fresh` in the place of those of `existing` that nobody touched.
///
/// All else of `existing` stays, byte for byte. A block that people have deleted stays deleted.
pub fn merge(existing: &str, fresh: &str) -> Merged {
    let fresh: BTreeMap<_, _> = parts(fresh)
        .into_iter()
        .filter_map(|part| match part {
            Part::Block { name, raw, .. } => Some((name, raw)),
            Part::Human(_) => None,
        })
        .collect();
    let mut text = String::with_capacity(existing.len());
    let mut kept = Vec::new();
    for part in parts(existing) {
        match part {
            Part::Human(raw) => text.push_str(raw),
            Part::Block {
                name,
                raw,
                touched: true,
            } => {
                text.push_str(raw);
                kept.push(name.to_owned());
            }
            Part::Block { name, raw, .. } => text.push_str(fresh.get(name).copied().unwrap_or(raw)),
        }
    }
    Merged { text, kept }
}

/// A stretch of a document; `raw` is all of it, marks included.
#[derive(Debug)]
enum Part<'a> {
    Human(&'a str),
    Block {
        name: &'a str,
        raw: &'a str,
        touched: bool,
    },
}

/// Splits a document. A beginning without an end, or with another beginning before it, is human text.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut human_from = 0;
    let mut open: Option<Open<'_>> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let line_from = at;
        at += line.len();
        match (mark(line), open.take()) {
            (Some(Mark::Begin { name, hash }), _) => {
                open = Some(Open {
                    name,
                    hash,
                    from: line_from,
                    body_from: at,
                });
            }
            (Some(Mark::End), Some(block)) => {
                parts.push(Part::Human(&text[human_from..block.from]));
                let body = text[block.body_from..line_from].replace("\r\n", "\n");
                parts.push(Part::Block {
                    name: block.name,
                    raw: &text[block.from..at],
                    touched: sha256(body.trim_matches('\n').as_bytes()) != block.hash,
                });
                human_from = at;
            }
            (_, still) => open = still,
        }
    }
    parts.push(Part::Human(&text[human_from..]));
    parts
}

struct Open<'a> {
    name: &'a str,
    hash: &'a str,
    from: usize,
    body_from: usize,
}

enum Mark<'a> {
    Begin { name: &'a str, hash: &'a str },
    End,
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let line = line.trim();
    let inner = line
        .strip_prefix("<!--")
        .and_then(|rest| rest.strip_suffix("-->"))
        .or_else(|| line.strip_prefix('#'))?
        .trim();
    if inner == END {
        return Some(Mark::End);
    }
    let (name, hash) = inner.strip_prefix(BEGIN)?.split_once(" sha256=")?;
    Some(Mark::Begin { name, hash })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(summary: &str, timeline: &str) -> String {
        let summary = machine(Marks::Markdown, "summary", summary);
        let timeline = machine(Marks::Yaml, "timeline", timeline);
        format!("# Title\n\n{summary}\n\nmine\n\n{timeline}\n")
    }

    #[test]
    fn what_nobody_touched_is_written_anew() {
        let merged = merge(&document("old", "x"), &document("new", "y"));
        assert_eq!(merged.text, document("new", "y"));
        assert!(merged.kept.is_empty());
    }

    #[test]
    fn what_people_wrote_stays() {
        let existing = document("old", "x")
            .replace("mine", "my own words")
            .replace("# Title", "# Other title");
        let merged = merge(&existing, &document("new", "y"));
        assert!(merged.text.contains("my own words"));
        assert!(merged.text.contains("# Other title"));
        assert!(merged.text.contains("\nnew\n"));
    }

    #[test]
    fn an_edited_block_is_theirs() {
        let existing = document("old", "x").replace("\nold\n", "\nold, but better\n");
        let merged = merge(&existing, &document("new", "y"));
        assert!(merged.text.contains("old, but better") && !merged.text.contains("\nnew\n"));
        assert_eq!(merged.kept, ["summary"]);
    }

    #[test]
    fn a_deleted_block_stays_deleted() {
        let merged = merge("# Title\nall mine\n", &document("new", "y"));
        assert_eq!(merged.text, "# Title\nall mine\n");
    }

    #[test]
    fn windows_line_ends_are_no_edit() {
        let existing = document("old\nlines", "x").replace('\n', "\r\n");
        assert!(merge(&existing, &document("new", "y")).text.contains("new"));
    }

    #[test]
    fn a_block_without_an_end_is_human_text() {
        let existing = "<!-- sqleuth:begin summary sha256=00 -->\nfree text\n";
        assert_eq!(merge(existing, &document("new", "y")).text, existing);
    }

    proptest! {
        #[test]
        fn human_text_is_never_touched(
            lines in prop::collection::vec("(<!-- sqleuth:(begin a sha256=[0-9]|end) -->|# sqleuth:end|[가-힣a-z]{0,9})", 0..20),
        ) {
            let existing = lines.join("\n");
            // No line has the hash of its block, hence everything is human or touched.
            prop_assert_eq!(merge(&existing, &document("new", "y")).text, existing);
        }
    }
}
