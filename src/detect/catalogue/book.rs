//! What is told of the detectors themselves: the table of the README, the book, and `sqleuth explain`.

use super::ALL;
use crate::detect::DetectorMeta;
use crate::model::finding::Urgency;

/// What is known of the detector of that name.
pub fn find(slug: &str) -> Option<&'static DetectorMeta> {
    ALL.iter().copied().find(|meta| meta.slug == slug)
}

/// The docs of a detector, with its name and summary, in Markdown.
pub fn explain(slug: &str) -> Option<String> {
    let meta = find(slug)?;
    let (summary, body) = (meta.summary, meta.markdown());
    Some(format!("# {slug}\n\n*{summary}*\n\n{body}"))
}

/// The table of all detectors for the README, in Markdown.
pub fn markdown_table() -> String {
    let head = "| detector | finds | kind | needs | since |\n|---|---|---|---|---|\n";
    let row = |meta: &&DetectorMeta| {
        let kind = match meta.urgency {
            Urgency::Acute => "acute",
            Urgency::Chronic => "advice",
        };
        let DetectorMeta {
            slug,
            summary,
            needs,
            since,
            ..
        } = meta;
        format!("| `{slug}` | {summary} | {kind} | {needs} | {since} |\n")
    };
    let rows = ALL.iter().map(row);
    std::iter::once(head.to_owned()).chain(rows).collect()
}

/// The docs of all detectors, one after the other, in Markdown.
pub fn markdown_book() -> String {
    let nested = |text: String| text.replace("\n## ", "\n### ").replacen("# ", "## ", 1);
    let chapters = ALL.iter().filter_map(|meta| explain(meta.slug)).map(nested);
    let head = "# Detectors\n\nGenerated from the source (`BLESS=1 cargo test --test conventions`); do not edit.\n";
    chapters.fold(head.to_owned(), |book, chapter| book + "\n" + &chapter)
}
