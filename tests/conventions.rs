//! Keeps detectors, their docs and what is generated from them alike; `BLESS=1` writes the generated parts.

use std::fs;
use std::path::{Path, PathBuf};

use sqleuth::detect::DetectorMeta;
use sqleuth::detect::catalogue::{ALL, markdown_book, markdown_table};

const BEGIN: &str = "<!-- detectors:begin -->\n";
const END: &str = "<!-- detectors:end -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares a generated file, or writes it when blessing.
fn assert_fresh(path: &Path, wanted: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, wanted).expect("the checkout is writable");
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let name = path.display();
    assert!(
        found == wanted,
        "{name} is stale: BLESS=1 cargo test --test conventions"
    );
}

#[test]
fn every_file_of_a_detector_is_in_the_catalogue_and_sorted() {
    let folder = root().join("src/detect");
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let stems = files.map(|path| {
        path.file_stem()
            .unwrap()
            .to_string_lossy()
            .replace('_', "-")
    });
    let mut stems: Vec<_> = stems
        .filter(|stem| stem != "mod" && stem != "catalogue")
        .collect();
    stems.sort();
    let slugs: Vec<_> = ALL.iter().map(|meta| meta.slug).collect();
    assert_eq!(stems, slugs);
}

#[test]
fn the_docs_of_a_detector_have_all_headings_in_order() {
    for meta in ALL {
        let docs = meta.markdown();
        let headings: Vec<_> = docs
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(headings, DetectorMeta::HEADINGS, "{}", meta.slug);
        assert!(docs.contains("```sql\n"), "{} has no example", meta.slug);
        assert!(
            docs.contains("-- Use instead") || docs.contains("-- First aid"),
            "{}",
            meta.slug
        );
    }
}

#[test]
fn the_docs_of_a_detector_name_its_thresholds() {
    for meta in ALL {
        let file = format!("src/detect/{}.rs", meta.slug.replace('-', "_"));
        let source = fs::read_to_string(root().join(file)).unwrap();
        let fields = source
            .lines()
            .filter_map(|line| line.strip_prefix("    pub "));
        let fields = fields.filter_map(|field| Some(field.split_once(':')?.0));
        let thresholds = fields.filter(|f| f.starts_with("min_") || f.starts_with("max_"));
        for threshold in thresholds {
            assert!(
                meta.docs.contains(&format!("`{threshold}`")),
                "{}: {threshold}",
                meta.slug
            );
        }
    }
}

#[test]
fn the_table_of_the_readme_is_fresh() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (head, rest) = readme
        .split_once(BEGIN)
        .expect("README marks where the table begins");
    let (_, tail) = rest
        .split_once(END)
        .expect("README marks where the table ends");
    assert_fresh(
        &path,
        &format!("{head}{BEGIN}{}{END}{tail}", markdown_table()),
    );
}

#[test]
fn the_book_of_detectors_is_fresh() {
    assert_fresh(&root().join("docs/detectors.md"), &markdown_book());
}
