//! A secret that callers have to show, kept in a file.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// A shorter token could be guessed.
const MIN_TOKEN_CHARS: usize = 16;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A token file cannot be read.
    #[error("{key} = \"{}\": the file cannot be read", path.display())]
    File {
        /// Key of the configuration.
        key: &'static str,
        /// File.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A token is too short.
    #[error("{key} = \"{}\": the first line must be a token of at least {MIN_TOKEN_CHARS} characters", path.display())]
    Weak {
        /// Key of the configuration.
        key: &'static str,
        /// File.
        path: PathBuf,
    },
}

/// A token in force.
#[derive(Debug)]
pub struct Token(SecretString);

impl Token {
    /// Reads the first line of the file that `key` names.
    ///
    /// # Errors
    /// [`TokenError`], naming key and file.
    pub fn read(key: &'static str, path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(|source| TokenError::File {
            key,
            path: path.to_owned(),
            source,
        })?;
        let token = text.lines().next().unwrap_or_default().trim();
        if token.chars().count() < MIN_TOKEN_CHARS {
            let path = path.to_owned();
            return Err(TokenError::Weak { key, path });
        }
        Ok(Self(SecretString::from(token)))
    }

    /// Takes the same time wherever they differ; a different length shows.
    pub fn equals(&self, offered: &str) -> bool {
        let own = self.0.expose_secret().as_bytes();
        own.ct_eq(offered.as_bytes()).into()
    }
}
