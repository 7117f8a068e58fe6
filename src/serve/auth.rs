//! Who may read and who may change: two tokens, kept in files.
//!
//! Without tokens everybody on this machine may do everything, hence only loopback may be bound ([`check_bind`]).

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use crate::ingest::token::{Token, TokenError};
use crate::serve::ServeError;
use crate::serve::session::{COOKIE, Sessions};

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// File whose first line is the token for sending telemetry; none: whoever reaches the port may send.
    pub ingest_token_file: Option<PathBuf>,
    /// File whose first line is the token for reading; none: reading needs the admin token, or nothing if that is
    /// not set either.
    pub read_token_file: Option<PathBuf>,
    /// File whose first line is the token for changes (acknowledge, markers); it reads, too.
    pub admin_token_file: Option<PathBuf>,
}

/// What a caller may do; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything.
    Read,
    /// Change things, too.
    Admin,
}

/// Refuses a bind that lets other machines in without a token.
///
/// # Errors
/// [`ServeError::OpenBind`], naming the keys and the fix.
pub fn check_bind(address: SocketAddr, auth: &Settings) -> Result<(), ServeError> {
    let has_token = auth.read_token_file.is_some() || auth.admin_token_file.is_some();
    if address.ip().is_loopback() || has_token {
        return Ok(());
    }
    Err(ServeError::OpenBind { address })
}

/// The tokens in force, and who has logged in with them.
#[derive(Debug, Default)]
pub struct Auth {
    read: Option<Token>,
    admin: Option<Token>,
    pub(super) sessions: Sessions,
}

impl Auth {
    /// Reads the token files.
    ///
    /// # Errors
    /// [`TokenError`], naming key and file.
    pub fn load(settings: &Settings) -> Result<Self, TokenError> {
        let token = |key, file: &Option<PathBuf>| {
            file.as_deref()
                .map(|path| Token::read(key, path))
                .transpose()
        };
        Ok(Self {
            read: token("auth.read_token_file", &settings.read_token_file)?,
            admin: token("auth.admin_token_file", &settings.admin_token_file)?,
            sessions: Sessions::default(),
        })
    }

    /// Whether anybody has to say who they are.
    pub fn is_required(&self) -> bool {
        self.read.is_some() || self.admin.is_some()
    }

    /// What the bearer of this token may do. Both tokens are always compared.
    pub fn role_of_token(&self, offered: &str) -> Option<Role> {
        let is = |token: &Option<Token>| token.as_ref().is_some_and(|t| t.equals(offered));
        let (is_admin, is_read) = (is(&self.admin), is(&self.read));
        if is_admin {
            return Some(Role::Admin);
        }
        is_read.then_some(Role::Read)
    }

    /// What whoever sent these headers may do.
    pub fn role(&self, headers: &HeaderMap) -> Option<Role> {
        if !self.is_required() {
            return Some(Role::Admin);
        }
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
            return scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| self.role_of_token(token.trim()))?;
        }
        self.sessions.role(cookie(headers)?)
    }
}

/// The value of the session cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn settings(token: &str) -> (tempfile::NamedTempFile, Settings) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{token}").unwrap();
        let admin_token_file = Some(file.path().to_owned());
        let settings = Settings {
            admin_token_file,
            ..Settings::default()
        };
        (file, settings)
    }

    #[test]
    fn an_open_bind_without_token_is_refused_and_the_fix_is_named() {
        let refused = check_bind("0.0.0.0:7470".parse().unwrap(), &Settings::default());
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("listen.http"), "{message}");
        assert!(message.contains("auth.read_token_file"), "{message}");
    }

    #[test]
    fn loopback_needs_no_token() {
        for address in ["127.0.0.1:1", "[::1]:1", "127.8.0.1:1"] {
            check_bind(address.parse().unwrap(), &Settings::default()).unwrap();
        }
    }

    #[test]
    fn a_short_token_is_refused_by_key_and_file_but_not_printed() {
        let (file, settings) = settings("hunter2");
        let message = Auth::load(&settings).unwrap_err().to_string();
        assert!(message.contains("auth.admin_token_file"), "{message}");
        assert!(message.contains(&file.path().display().to_string()));
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn only_the_whole_token_counts() {
        let (_file, settings) = settings("0123456789abcdef");
        let auth = Auth::load(&settings).unwrap();
        assert_eq!(auth.role_of_token("0123456789abcdef"), Some(Role::Admin));
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdefg",
            "0123456789ABCDEF",
        ] {
            assert_eq!(auth.role_of_token(wrong), None);
        }
        assert!(!format!("{auth:?}").contains("0123456789abcdef"));
    }
}
