//! The only place that asks what time it is.
//!
//! A replay drives the pipeline by [`Clock::manual`], so that the same recording gives the same incidents.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::time::Timestamp;

/// A clock that can be handed out; clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance_to`] moves it.
    pub fn manual(at: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(at.as_unix_nanos()))))
    }

    /// What time it is.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since_epoch = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::EPOCH.plus(since_epoch)
            }
            Source::Manual(at) => Timestamp::from_unix_nanos(at.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock forward; never backward, and the system's clock not at all.
    pub fn advance_to(&self, at: Timestamp) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_max(at.as_unix_nanos(), Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_never_goes_back() {
        let clock = Clock::manual(Timestamp::from_unix_secs(10));
        clock.advance_to(Timestamp::from_unix_secs(5));
        assert_eq!(clock.now(), Timestamp::from_unix_secs(10));
    }
}
