//! Settings of the normaliser and the table-name patterns that they fold.

use serde::{Deserialize, Serialize};

/// `[fingerprint]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Names of one family: `{hex}` stands for six or more hex digits with a decimal digit among them,
    /// `{n}` for decimal digits. By default only suffixes that are clearly random.
    pub fold: Vec<String>,
    /// Distinct statement texts remembered, at most; a service has some thousands.
    pub max_shapes: usize,
    /// Memory for them, estimated; the texts are the bulk of it.
    pub max_bytes: bytesize::ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fold: ["tmp_{hex}", "temp_{hex}"].map(str::to_owned).into(),
            max_shapes: 20_000,
            max_bytes: bytesize::ByteSize::mib(32),
        }
    }
}

/// Compiled name patterns.
#[derive(Debug, Clone, Default)]
pub(super) struct NamePatterns(Vec<Vec<Part>>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Hex,
    Number,
}

impl NamePatterns {
    /// Compiles the patterns, which are folded to lower case.
    pub(super) fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|p| parts(&p.to_lowercase())).collect())
    }

    /// The family name of `name`, if a pattern matches all of it.
    pub(super) fn fold(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|pattern| match_parts(pattern, name))
    }
}

fn parts(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let next = [("{hex}", Part::Hex), ("{n}", Part::Number)]
            .into_iter()
            .filter_map(|(mark, part)| rest.find(mark).map(|at| (at, mark, part)))
            .min_by_key(|(at, _, _)| *at);
        let Some((at, mark, part)) = next else {
            parts.push(Part::Text(rest.to_owned()));
            break;
        };
        parts.push(Part::Text(rest[..at].to_owned()));
        parts.push(part);
        rest = &rest[at + mark.len()..];
    }
    parts
}

fn match_parts(parts: &[Part], name: &str) -> Option<String> {
    let mut family = String::new();
    let mut rest = name;
    for part in parts {
        let matched = match part {
            Part::Text(text) => {
                rest.starts_with(text.as_str()).then_some(())?;
                family.push_str(text);
                text.len()
            }
            Part::Hex => {
                let run = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
                let random = run >= 6 && rest[..run].bytes().any(|b| b.is_ascii_digit());
                random.then_some(())?;
                family.push('x');
                run
            }
            Part::Number => {
                let run = rest.bytes().take_while(u8::is_ascii_digit).count();
                (run > 0).then_some(())?;
                family.push('n');
                run
            }
        };
        rest = &rest[matched..];
    }
    rest.is_empty().then_some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_suffix_is_folded_and_a_meaningful_one_is_not() {
        let patterns = NamePatterns::new(&Settings::default().fold);
        assert_eq!(patterns.fold("tmp_a1b2c3").as_deref(), Some("tmp_x"));
        assert_eq!(patterns.fold("tmp_feed"), None);
        assert_eq!(patterns.fold("orders_2024"), None);
    }

    #[test]
    fn numbered_tables_are_folded_when_asked() {
        let patterns = NamePatterns::new(&["orders_{n}".to_owned()]);
        assert_eq!(patterns.fold("orders_2024").as_deref(), Some("orders_n"));
    }
}
