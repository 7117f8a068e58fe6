//! A small part of Markdown, as detectors' documentation uses it: headings, paragraphs, lists, code, emphasis.
//!
//! HTML in the text is text. Links are shown as their words.

use crate::serve::ui::html::{Element, Html, el};

/// Renders a text; whatever it does not know stays as it is written.
pub(super) fn render(text: &str) -> Html {
    let mut html = Html::none();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_end();
        if line.trim_start().starts_with("```") {
            let code: Vec<&str> = lines
                .by_ref()
                .take_while(|line| !line.trim_start().starts_with("```"))
                .collect();
            html.push(el("pre").child(el("code").child(code.join("\n"))));
        } else if let Some((tag, words)) = heading(line) {
            html.push(inline(el(tag), words));
        } else if let Some(first) = bullet(line) {
            let mut list = el("ul");
            let mut item = first.to_owned();
            while let Some(next) = lines.next_if(|next| !next.trim().is_empty()) {
                if let Some(next) = bullet(next) {
                    list = list.child(inline(el("li"), &item));
                    next.clone_into(&mut item);
                } else {
                    item = item + " " + next.trim();
                }
            }
            html.push(list.child(inline(el("li"), &item)));
        } else if !line.trim().is_empty() {
            let mut paragraph = line.trim().to_owned();
            while let Some(next) = lines.next_if(|next| continues_paragraph(next)) {
                paragraph = paragraph + " " + next.trim();
            }
            html.push(inline(el("p"), &paragraph));
        }
    }
    html
}

/// One level lower than written: the page has its own title.
fn heading(line: &str) -> Option<(&'static str, &str)> {
    let words = line.trim_start_matches('#');
    let tag = match line.len() - words.len() {
        1 | 2 => "h2",
        3 => "h3",
        4..=6 => "h4",
        _ => return None,
    };
    words.strip_prefix(' ').map(|words| (tag, words.trim()))
}

fn bullet(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}

fn continues_paragraph(line: &str) -> bool {
    let begins_block =
        heading(line).is_some() || bullet(line).is_some() || line.trim_start().starts_with("```");
    !line.trim().is_empty() && !begins_block
}

/// Code between back quotes, strong words between double asterisks.
fn inline(mut element: Element, text: &str) -> Element {
    for (index, piece) in text.split('`').enumerate() {
        let is_code = index % 2 == 1;
        if is_code {
            element = element.child(el("code").child(piece));
            continue;
        }
        for (index, words) in piece.split("**").enumerate() {
            let is_strong = index % 2 == 1;
            element = if is_strong {
                element.child(el("strong").child(words))
            } else {
                element.child(words)
            };
        }
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text).into_string()
    }

    #[test]
    fn blocks_become_elements() {
        assert_eq!(
            html(
                "## A `b`\n\none\ntwo **three**\n\n- x\n  y\n- z\n\n```sql\nSELECT 1\n\n-- a\n```\n"
            ),
            "<h2>A <code>b</code></h2><p>one two <strong>three</strong></p><ul><li>x y</li><li>z</li></ul>\
             <pre><code>SELECT 1\n\n-- a</code></pre>"
        );
    }

    #[test]
    fn html_in_markdown_is_text() {
        let page =
            html("<img src=x onerror=alert(1)>\n\n`<b>`\n\n```\n</code><script>\n```\n# <i>");
        for tag in ["<img", "<b>", "<script", "<i>"] {
            assert!(!page.contains(tag), "{page}");
        }
    }

    #[test]
    fn an_open_fence_ends_with_the_text() {
        assert_eq!(html("```\na"), "<pre><code>a</code></pre>");
    }
}
