//! `sqleuth postmortem`: an incident written up, on standard output or as files.

use std::process::ExitCode;

use anyhow::bail;

use crate::app::archive::StoreArchive;
use crate::cli::incidents::open;
use crate::cli::{Postmortem, load, print, tell};
use crate::clock::Clock;
use crate::model::id::IncidentId;
use crate::report::export::export;

/// Writes the postmortem.
pub(super) fn postmortem(options: &Postmortem) -> anyhow::Result<ExitCode> {
    let config = load(options.config.config.as_deref())?;
    let style = config.style();
    let reader = open(&config.store.path)?;
    let id = IncidentId::new(options.id.as_str());
    let Some(incident) = reader.incident(&id)? else {
        bail!("there is no incident {id}; `sqleuth incidents` lists them");
    };
    let lang = options.lang.unwrap_or(style.lang);
    let written = StoreArchive::new(reader, style, Clock::system()).write_up(&incident, lang)?;
    let Some(out) = &options.out else {
        print(&written.markdown)?;
        return Ok(ExitCode::SUCCESS);
    };
    let exported = export(out, &written)?;
    print(&format!("{}\n", exported.path.display()))?;
    for block in exported.kept {
        tell(format_args!(
            "sqleuth: kept as people have edited it: {block}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
