//! What can keep a source from being read; each message names the file and the fix.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a source cannot be read, for now or for good.
#[derive(Debug, Error)]
pub enum IngestError {
    /// Nothing is there yet.
    #[error("{} does not exist yet; waiting for it to appear", .0.display())]
    Missing(PathBuf),
    /// The file may not be read.
    #[error("no permission to read {}; make it readable for the user sqleuth runs as, for example by its group", .0.display())]
    Permission(PathBuf),
    /// A directory stands where a file should be.
    #[error("{} is a directory; give the path of the log file in it", .0.display())]
    Directory(PathBuf),
    /// A pipe, a socket or a device.
    #[error("{} is not a regular file; give the path of a file that the server appends to", .0.display())]
    NotAFile(PathBuf),
    /// The head of the file looks like none of the formats.
    #[error("cannot tell the format of {} from its head; set `format`, or the `kind` of a [[log]]", .0.display())]
    UnknownFormat(PathBuf),
    /// Anything else that the operating system says.
    #[error("cannot read {}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The next stage has ended, so that nothing can be handed over.
    #[error("the stage behind the intake has ended")]
    Closed,
}

impl IngestError {
    /// What the operating system said about `path`.
    pub(crate) fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::PermissionDenied => Self::Permission(path),
            io::ErrorKind::IsADirectory => Self::Directory(path),
            _ => Self::Io { path, source },
        }
    }

    /// Nothing is there, which often means "not yet".
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_file_and_the_fix() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let message = IngestError::at(Path::new("/var/log/slow.log"), denied).to_string();
        assert!(message.contains("/var/log/slow.log") && message.contains("make it readable"));
    }
}
