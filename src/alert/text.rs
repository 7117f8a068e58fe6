//! Text for Slack: escaped, bounded, and never cut inside an escape or a code fence.
//!
//! Slack counts characters after escaping, hence so does every bound here; a character is a Unicode scalar value.

/// What marks a cut.
const CUT: char = '…';

/// One line of text, escaped, in at most `max_chars` characters.
pub(crate) fn line(text: &str, max_chars: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    bounded(&one_line, max_chars)
}

/// Text escaped for `mrkdwn` and `plain_text`, in at most `max_chars` characters.
///
/// Only `&`, `<` and `>` are escaped, as Slack asks; characters that a reader cannot see are dropped.
pub(crate) fn bounded(text: &str, max_chars: usize) -> String {
    let mut pieces = Vec::new();
    let mut chars = 0;
    let mut fits_with_mark = 0;
    for c in text.chars().filter(|c| is_shown(*c)) {
        let len = escaped_len(c);
        if chars + len > max_chars {
            pieces.truncate(fits_with_mark);
            if max_chars > 0 {
                pieces.push(CUT);
            }
            return escape(&pieces);
        }
        pieces.push(c);
        chars += len;
        if chars < max_chars {
            fits_with_mark = pieces.len();
        }
    }
    escape(&pieces)
}

/// Lines in a code fence, escaped, in at most `max_chars` characters, the fence included.
///
/// Returns `None` when nothing is left to show.
pub(crate) fn fence(lines: &[String], max_chars: usize) -> Option<String> {
    const OPEN: &str = "```\n";
    const CLOSE: &str = "\n```";
    let room = max_chars.checked_sub(OPEN.len() + CLOSE.len())?;
    // Three backticks would close the fence; an invisible space between them does not.
    let code = lines.join("\n").replace("``", "`\u{200b}`");
    let code = bounded(code.trim(), room);
    if code.is_empty() {
        return None;
    }
    Some(format!("{OPEN}{code}{CLOSE}"))
}

fn escape(chars: &[char]) -> String {
    let mut out = String::with_capacity(chars.len());
    for c in chars {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(*c),
        }
    }
    out
}

fn escaped_len(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        _ => 1,
    }
}

/// Controls and marks that reorder the line are not shown: a service name must not disguise the rest.
fn is_shown(c: char) -> bool {
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == '\n' || !(c.is_control() || reorders)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unescape(text: &str) -> String {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    #[test]
    fn a_cut_never_splits_an_escape() {
        assert_eq!(bounded("a<b", 6), "a&lt;b");
        assert_eq!(bounded("a<b", 5), "a…");
        assert_eq!(bounded("<", 3), "…");
        assert_eq!(bounded("가나다", 2), "가…");
        assert_eq!(bounded("가나다", 0), "");
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        let text = fence(&["SELECT ```; <!channel>".to_owned()], 100).unwrap();
        assert_eq!(text.matches("```").count(), 2);
        assert!(!text.contains('<'));
    }

    #[test]
    fn a_name_cannot_turn_the_line_around() {
        assert_eq!(bounded("a\u{202e}b\u{0}c", 10), "abc");
    }

    #[test]
    fn an_empty_fence_is_no_fence() {
        assert_eq!(fence(&[" ".to_owned()], 100), None);
        assert_eq!(fence(&["x".to_owned()], 8), None);
    }

    proptest! {
        #[test]
        fn any_text_is_bounded_and_well_escaped(
            text in "([가-힣]|😀|👩‍💻|&|<|>|`|[a-z]|\n|\\PC){0,200}",
            max in 0_usize..120,
        ) {
            let shown = bounded(&text, max);
            prop_assert!(shown.chars().count() <= max);
            prop_assert!(!shown.contains(['<', '>']));
            let again = bounded(&unescape(&shown), max);
            prop_assert_eq!(again, shown, "every & begins a whole escape");
        }

        #[test]
        fn any_text_stays_inside_its_fence(text in "(`|&|[가-힣]|😀|[a-z]){0,200}", max in 0_usize..120) {
            if let Some(shown) = fence(&[text], max) {
                prop_assert!(shown.chars().count() <= max);
                prop_assert!(shown.starts_with("```\n") && shown.ends_with("\n```"));
                prop_assert_eq!(shown.matches("```").count(), 2);
            }
        }
    }
}
