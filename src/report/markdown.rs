//! Markdown from hostile text: nothing that a log said can become markup, a link or a comment.

/// Text for a paragraph or a table cell, on one line.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A name as code, on one line; safe in a table cell too.
pub(crate) fn code(text: &str) -> String {
    let line: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '`' { '\'' } else { c })
        .collect();
    if line.is_empty() {
        return "–".to_owned();
    }
    format!("`{}`", open_comments(&line).replace('|', "\\|"))
}

/// Lines as a fenced block; the fence is longer than any inside.
pub(crate) fn fence(language: &str, lines: &[String]) -> String {
    let text = open_comments(&lines.join("\n"));
    let ticks = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{ticks}{language}\n{text}\n{ticks}")
}

/// An invisible space keeps text from beginning a comment, and so from posing as the end of a machine's block.
fn open_comments(text: &str) -> String {
    text.replace("<!--", "<!\u{200b}--")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default()
}

/// A table; cells must be safe already.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut lines = vec![
        format!("| {} |", head.join(" | ")),
        format!("|{}", " --- |".repeat(head.len())),
    ];
    lines.extend(rows.iter().map(|row| format!("| {} |", row.join(" | "))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            inline("<img src=x> [a](b) | *c*\n# d"),
            "&lt;img src=x&gt; \\[a\\](b) \\| \\*c\\* \\# d"
        );
    }

    #[test]
    fn code_cannot_leave_its_cell() {
        assert_eq!(code("a`b|c\nd"), "`a'b\\|c d`");
        assert_eq!(code(" "), "–");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        let text = fence(
            "sql",
            &["````".to_owned(), "<!-- sqleuth:end -->".to_owned()],
        );
        assert!(text.starts_with("`````sql\n"));
        assert!(!text.contains("<!--"));
    }
}
