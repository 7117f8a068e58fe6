//! Text of a log that would be markup, code or a command, in every form.

use super::*;

#[test]
fn html_holds_nothing_that_runs_or_is_fetched() {
    for lang in [Lang::En, Lang::Ko] {
        let page = rendered(lang, Form::Html, None);
        for bad in [
            "<script",
            "javascript:",
            "src=",
            "url(",
            " style=",
            " on",
            "<link",
            "@import",
        ] {
            let found = page.find(bad).map(|at| &page[at..]);
            let is_word = bad == " on" && found.is_none_or(|f| !f[..8].contains('='));
            assert!(
                found.is_none() || is_word,
                "{bad}: {:?}",
                found.map(|f| &f[..60])
            );
        }
        assert!(page.contains("&lt;script&gt;") && page.contains("&lt;slow&gt;.log"));
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        let own = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains("://"), "an address");
    }
}

#[test]
fn the_policy_of_the_html_allows_each_sheet_that_is_in_it_and_no_other() {
    use base64::Engine;
    let page = rendered(Lang::En, Form::Html, None);
    let sheets: Vec<&str> = page
        .split("<style>")
        .skip(1)
        .filter_map(|rest| rest.split("</style>").next())
        .collect();
    assert_eq!(sheets.len(), 2, "the page's and the chart's");
    for sheet in sheets {
        let hash = ring::digest::digest(&ring::digest::SHA256, sheet.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(hash);
        assert!(page.contains(&format!("'sha256-{hash}'")));
    }
}

#[test]
fn markdown_of_hostile_text_stays_in_its_cell_and_its_fence() {
    let page = rendered(Lang::En, Form::Markdown, None);
    assert!(
        !page.contains("\n<") && !page.contains("| <script"),
        "{page}"
    );
    let rows: Vec<_> = page.lines().filter(|l| l.starts_with("| 3 |")).collect();
    let cells = rows[0].replace("\\|", "");
    assert_eq!(cells.matches('|').count(), 9, "{rows:?}");
    assert!(
        page.contains("````sql\n"),
        "a fence longer than the one inside"
    );
    assert!(page.contains("see &lt;b&gt;the&lt;/b&gt; plan") || page.contains("See &lt;b&gt;"));
}

#[test]
fn no_report_has_a_line_break_or_a_command_for_the_terminal_in_a_name() {
    let page = text(Lang::En, 100);
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
}
