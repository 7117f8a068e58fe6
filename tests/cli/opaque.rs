//! How many statements of real logs no parser reads.

use std::collections::BTreeMap;

use super::{REAL, digest, fixture, name};

/// Share of the runs that may be of such statements, in percent.
const MOST_OPAQUE: u64 = 2;

#[test]
fn few_statements_of_the_logs_of_any_dialect_are_opaque() {
    let mut by_dialect: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (log, format) in REAL {
        let source = &digest(&[name(&fixture(log))])["source"];
        let count = |key: &str| source[key].as_u64().expect("a count");
        let dialect = format.split('-').next().unwrap_or_default();
        let (opaque, all) = by_dialect.entry(dialect).or_default();
        *opaque += count("opaque_statements");
        *all += count("statements");
    }
    assert_eq!(by_dialect.len(), 2, "both kinds of server");
    for (dialect, (opaque, all)) in by_dialect {
        println!("{dialect}: {opaque} of {all} runs opaque");
        assert!(
            all > 0 && opaque * 100 <= all * MOST_OPAQUE,
            "{dialect}: {opaque} of {all}"
        );
    }
}
