//! Browser sessions: a random name in a cookie stands for a token that was shown once.
//!
//! Kept in memory only, so that a restart or a changed token ends them all.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::serve::auth::Role;

/// Name of the cookie.
pub(super) const COOKIE: &str = "sqleuth_session";
/// A working day; then the token is asked for again.
pub(super) const MAX_AGE: Duration = Duration::from_secs(12 * 3_600);
/// Sessions at once; the oldest ends when there is one more.
const MAX_SESSIONS: usize = 64;

#[derive(Debug)]
struct Session {
    name: String,
    role: Role,
    ends: Instant,
}

/// Who has logged in.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<VecDeque<Session>>);

impl Sessions {
    /// Begins a session and returns its name; `None` when the system has no randomness to give.
    pub(super) fn begin(&self, role: Role) -> Option<String> {
        let name = random_name()?;
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(Session {
            name: name.clone(),
            role,
            ends: Instant::now() + MAX_AGE,
        });
        Some(name)
    }

    /// What the session of this name may do.
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        let now = Instant::now();
        let mut sessions = self.lock();
        sessions.retain(|session| session.ends > now);
        sessions
            .iter()
            .find(|session| session.name.as_bytes().ct_eq(name.as_bytes()).into())
            .map(|session| session.role)
    }

    /// Ends the session of this name.
    pub(super) fn end(&self, name: &str) {
        self.lock()
            .retain(|session| !bool::from(session.name.as_bytes().ct_eq(name.as_bytes())));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 random bits in hex. The one place of this stage that asks for randomness: it must not be guessable.
fn random_name() -> Option<String> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).ok()?;
    let mut name = String::with_capacity(64);
    for byte in bits {
        write!(name, "{byte:02x}").ok()?;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_after_a_working_day() {
        let sessions = Sessions::default();
        let name = sessions.begin(Role::Read).unwrap();
        assert_eq!(sessions.role(&name), Some(Role::Read));
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(sessions.role(&name), None);
    }

    #[tokio::test]
    async fn one_session_too_many_ends_the_oldest() {
        let sessions = Sessions::default();
        let first = sessions.begin(Role::Read).unwrap();
        for _ in 0..MAX_SESSIONS {
            sessions.begin(Role::Read).unwrap();
        }
        assert_eq!(sessions.role(&first), None);
    }
}
