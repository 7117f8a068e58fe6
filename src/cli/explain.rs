//! `sqleuth explain`: the catalogue, or one detector of it.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::bail;

use crate::cli::{Explain, print};
use crate::detect::catalogue::{self, ALL};

/// Prints one detector's documentation, or the list of all.
pub(super) fn explain(options: &Explain) -> anyhow::Result<ExitCode> {
    let Some(slug) = &options.slug else {
        let mut list = String::new();
        for meta in ALL {
            writeln!(list, "{:<16} {}", meta.slug, meta.summary)?;
        }
        print(&list)?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(text) = catalogue::explain(slug) else {
        let near = ALL
            .iter()
            .map(|meta| (strsim::jaro_winkler(slug, meta.slug), meta.slug));
        match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((score, near)) if score > 0.7 => {
                bail!("no detector is called {slug}; did you mean {near}?")
            }
            _ => bail!("no detector is called {slug}; `sqleuth explain` lists them"),
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
