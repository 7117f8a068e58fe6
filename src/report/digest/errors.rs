//! The most frequent errors, on the page of text.

use std::fmt::{self, Write};

use super::Failed;
use super::text::{counted, indented};
use crate::report::unit;

/// Families shown.
const SHOWN: usize = 10;

/// Lists the families of errors; writes nothing where there were none.
pub(super) fn errors(page: &mut String, errors: &[Failed]) -> fmt::Result {
    if errors.is_empty() {
        return Ok(());
    }
    writeln!(page, "\nErrors, the most frequent first\n")?;
    for (rank, failed) in errors.iter().take(SHOWN).enumerate() {
        family(page, rank + 1, failed)?;
    }
    let left_out = errors.len().saturating_sub(SHOWN);
    if left_out > 0 {
        let more = counted(left_out, "more kind of error", "more kinds of errors");
        writeln!(page, "\n{more}: see --format json.")?;
    }
    Ok(())
}

fn family(page: &mut String, rank: usize, failed: &Failed) -> fmt::Result {
    let times = counted(failed.count, "time", "times");
    let code = match &*failed.code {
        "" => String::new(),
        code => format!(" {code}"),
    };
    writeln!(page, "{rank:>3}. {}{code}, {times}", failed.class)?;
    if !failed.message.as_str().is_empty() {
        indented(page, "", failed.message.as_str())?;
    }
    if !failed.waited_s.0.is_zero() {
        let waited = unit::seconds(failed.waited_s.0.as_secs_f64());
        indented(page, "", &format!("waited {waited}"))?;
    }
    match (&failed.template, failed.fingerprint) {
        (Some(template), Some(fingerprint)) => {
            let template = crate::report::sentence::shorten(template.as_str(), 200);
            indented(page, "", &format!("{template}  ({fingerprint})"))
        }
        _ => Ok(()),
    }
}
