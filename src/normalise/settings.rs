//! Settings of the normaliser and the table-name patterns that they fold.

use serde::{Deserialize, Serialize};

/// `[fingerprint]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Names of one family: `{hex}` stands for six or more hex digits, decimal ones and letters, or for a UUID,
    /// `{n}` for decimal digits, `{name}` for any text, which is kept, `{any}` for any text. By default only suffixes
    /// that are clearly random, of names that begin or end as temporary ones do, and what servers call theirs.
    pub fold: Vec<String>,
    /// Distinct statement texts remembered, at most; a service has some thousands.
    pub max_shapes: usize,
    /// Memory for them, estimated; the texts are the bulk of it.
    pub max_bytes: bytesize::ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fold: [
                "tmp_{hex}",
                "temp_{hex}",
                "tmp_{name}_{hex}",
                "temp_{name}_{hex}",
                "{name}_tmp_{hex}",
                "{name}_temp_{hex}",
                "pg_temp_{n}",
                "pg_toast_temp_{n}",
                "#sql{any}",
            ]
            .map(str::to_owned)
            .into(),
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
    Name,
    Any,
}

impl NamePatterns {
    /// Compiles the patterns, which are folded to lower case. Only the first `{name}` or `{any}` is taken as such:
    /// matching stays quadratic.
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
        let next = [
            ("{hex}", Part::Hex),
            ("{n}", Part::Number),
            ("{name}", Part::Name),
            ("{any}", Part::Any),
        ]
        .into_iter()
        .filter_map(|(mark, part)| rest.find(mark).map(|at| (at, mark, part)))
        .min_by_key(|(at, _, _)| *at);
        let Some((at, mark, part)) = next else {
            parts.push(Part::Text(rest.to_owned()));
            break;
        };
        parts.push(Part::Text(rest[..at].to_owned()));
        let is_text = |part: &Part| matches!(part, Part::Name | Part::Any);
        let repeated = is_text(&part) && parts.iter().any(is_text);
        parts.push(if repeated {
            Part::Text(mark.to_owned())
        } else {
            part
        });
        rest = &rest[at + mark.len()..];
    }
    parts
}

/// The family of `name`, if `parts` match all of it; a `{name}` takes as much as it can.
fn match_parts(parts: &[Part], name: &str) -> Option<String> {
    let Some((part, parts)) = parts.split_first() else {
        return name.is_empty().then(String::new);
    };
    let digits = |is_digit: fn(&u8) -> bool| name.bytes().take_while(is_digit).count();
    match part {
        Part::Text(text) => {
            let rest = name.strip_prefix(text.as_str())?;
            Some(text.clone() + &match_parts(parts, rest)?)
        }
        Part::Hex => {
            let run = uuid_bytes(name).unwrap_or_else(|| digits(u8::is_ascii_hexdigit));
            let has = |test: fn(&u8) -> bool| name.as_bytes()[..run].iter().any(test);
            let random = run >= 6 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
            random
                .then(|| match_parts(parts, &name[run..]))?
                .map(|family| format!("x{family}"))
        }
        Part::Number => {
            let run = digits(u8::is_ascii_digit);
            (run > 0)
                .then(|| match_parts(parts, &name[run..]))?
                .map(|family| format!("n{family}"))
        }
        Part::Any => {
            let ends = (1..=name.len())
                .rev()
                .filter(|&end| name.is_char_boundary(end));
            ends.map(|end| &name[end..])
                .find_map(|rest| Some(format!("x{}", match_parts(parts, rest)?)))
        }
        Part::Name => (1..=name.len())
            .rev()
            .filter(|&end| name.is_char_boundary(end))
            .find_map(|end| Some(name[..end].to_owned() + &match_parts(parts, &name[end..])?)),
    }
}

/// Length of the UUID that `name` begins with.
fn uuid_bytes(name: &str) -> Option<usize> {
    let mut end = 0;
    for (group, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if group > 0 {
            end += usize::from(matches!(name.as_bytes().get(end), Some(b'-' | b'_')));
        }
        let digits = name.as_bytes().get(end..end + length)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        end += length;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_suffix_is_folded_and_a_meaningful_one_is_not() {
        let patterns = NamePatterns::new(&Settings::default().fold);
        assert_eq!(patterns.fold("tmp_a1b2c3").as_deref(), Some("tmp_x"));
        assert_eq!(patterns.fold("tmp_feed"), None);
        assert_eq!(patterns.fold("tmp_feedface"), None);
        assert_eq!(patterns.fold("tmp_20261122"), None);
        assert_eq!(patterns.fold("backup_tmp_20261122"), None);
        assert_eq!(patterns.fold("orders_2024"), None);
        assert_eq!(
            patterns.fold("tmp_orders_by_day_5f3a9b").as_deref(),
            Some("tmp_orders_by_day_x")
        );
        assert_eq!(
            patterns.fold("orders_tmp_5f3a9b").as_deref(),
            Some("orders_tmp_x")
        );
        assert_eq!(patterns.fold("orders_tmp"), None);
        for separator in ["-", "_", ""] {
            let uuid = ["tmp_550e8400", "e29b", "41d4", "a716", "446655440000"].join(separator);
            assert_eq!(patterns.fold(&uuid).as_deref(), Some("tmp_x"));
        }
        assert_eq!(patterns.fold("pg_temp_14").as_deref(), Some("pg_temp_n"));
        assert_eq!(patterns.fold("#sql-1a2_5").as_deref(), Some("#sqlx"));
    }

    #[test]
    fn numbered_tables_are_folded_when_asked() {
        let patterns = NamePatterns::new(&["orders_{n}".to_owned()]);
        assert_eq!(patterns.fold("orders_2024").as_deref(), Some("orders_n"));
    }
}
