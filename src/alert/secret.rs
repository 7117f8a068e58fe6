//! Reads secrets from files; a secret is never printed, logged or serialised.

use std::io::Read;
use std::path::Path;

use secrecy::SecretString;

use crate::alert::AlertError;

/// No token and no webhook URL is longer.
const MAX_BYTES: u64 = 4_096;

/// The content of the file without the white space around it; `key` names the setting in errors.
pub(crate) fn read(key: &'static str, path: &Path) -> Result<SecretString, AlertError> {
    let unreadable = |source| AlertError::Unreadable {
        key,
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let secret = text.trim();
    let is_plain = !secret.is_empty() && secret.bytes().all(|b| b.is_ascii_graphic());
    if !is_plain {
        return Err(AlertError::Unusable {
            key,
            path: path.to_owned(),
            expected: "one line of printable ASCII",
        });
    }
    Ok(SecretString::from(secret))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_missing_file_is_named_with_its_key() {
        let error = read("slack.token_file", Path::new("/nowhere/token")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "slack.token_file: /nowhere/token cannot be read"
        );
    }

    #[test]
    fn white_space_around_a_secret_is_no_part_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "xoxb-1\r\n").unwrap();
        let secret = read("slack.token_file", &path).unwrap();
        assert_eq!(secret.expose_secret(), "xoxb-1");
        assert!(!format!("{secret:?}").contains("xoxb"));
    }

    #[test]
    fn an_empty_or_broken_file_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        for content in ["", " \n", "a b", "geheim\u{e9}"] {
            std::fs::write(&path, content).unwrap();
            let error = read("slack.token_file", &path).unwrap_err().to_string();
            assert!(error.ends_with("must hold one line of printable ASCII"));
        }
    }
}
