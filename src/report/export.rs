//! Writes postmortems to disk without touching what people wrote there.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::report::block;
use crate::report::postmortem::Postmortem;

/// No postmortem that people edit is larger.
const MAX_DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Why a postmortem could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file could not be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An incident whose name is no name of a folder.
    #[error("{0:?} cannot name a folder")]
    Name(String),
    /// A document that is there already and is not one of ours.
    #[error("{} is larger than 16 MiB", .0.display())]
    TooLarge(PathBuf),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The document.
    pub path: PathBuf,
    /// Blocks of it that people had edited, and that were kept as they are.
    pub kept: Vec<String>,
}

/// Writes document, charts and evidence into `out/INC-…/`; a document that is there already is merged with.
pub fn export(out: &Path, postmortem: &Postmortem) -> Result<Written, ExportError> {
    let folder = out.join(plain(&postmortem.folder)?);
    for (name, content) in &postmortem.files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
        }
        write(&path, content)?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| failed(&folder, e))?;
    let path = folder.join(postmortem.name);
    let (text, kept) = match existing(&path)? {
        None => (postmortem.markdown.clone(), Vec::new()),
        Some(existing) => {
            let merged = block::merge(&existing, &postmortem.markdown);
            (merged.text, merged.kept)
        }
    };
    write(&path, text.as_bytes())?;
    Ok(Written { path, kept })
}

fn existing(path: &Path) -> Result<Option<String>, ExportError> {
    match std::fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(path, e)),
        Ok(meta) if meta.len() > MAX_DOCUMENT_BYTES => {
            return Err(ExportError::TooLarge(path.to_owned()));
        }
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(path).map_err(|e| failed(path, e))?;
    Ok(Some(text))
}

/// Beside it first, then in its place: a crash leaves the old document or the new one.
fn write(path: &Path, content: &[u8]) -> Result<(), ExportError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    std::fs::write(&beside, content).map_err(|e| failed(&beside, e))?;
    std::fs::rename(&beside, path).map_err(|e| failed(path, e))
}

/// The name, if it is one plain component.
fn plain(name: &str) -> Result<&Path, ExportError> {
    let path = Path::new(name);
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(path),
        _ => Err(ExportError::Name(name.to_owned())),
    }
}

fn failed(path: &Path, source: io::Error) -> ExportError {
    ExportError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Lang, example, postmortem::postmortem};

    #[test]
    fn writing_again_keeps_what_people_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let firing = postmortem(&example::incident(), &example::context(), Lang::En);
        let path = export(dir.path(), &firing).unwrap().path;
        let text = std::fs::read_to_string(&path).unwrap();
        let edited = text
            .replace("status: draft", "status: reviewed")
            .replace("It began at", "As we know, it began at")
            .replace("> What do we still", "We know all.\n\n> What do we still");
        std::fs::write(&path, edited).unwrap();

        let resolved = postmortem(&example::resolved(), &example::context(), Lang::En);
        let written = export(dir.path(), &resolved).unwrap();
        assert_eq!(written.kept, ["summary"]);
        let text = std::fs::read_to_string(&path).unwrap();
        for theirs in ["status: reviewed", "As we know, it began", "We know all."] {
            assert!(text.contains(theirs), "{theirs}");
        }
        assert!(text.contains("Time to resolve (TTR): 7 m."), "{text}");
        assert!(dir.path().join("INC-20261121-1/charts/load.svg").exists());
        assert!(dir.path().join("INC-20261121-1/evidence.json").exists());
    }

    #[test]
    fn an_incident_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let mut incident = example::incident();
        for name in ["../x", "/x", "", "a/b", ".."] {
            incident.id = crate::model::id::IncidentId::new(name);
            let document = postmortem(&incident, &example::context(), Lang::En);
            assert!(export(dir.path(), &document).is_err(), "{name}");
        }
    }
}
