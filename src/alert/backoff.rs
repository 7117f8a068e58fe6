//! When to try again: exponential, capped, jittered.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

/// Waits longer after every failure.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Wait after the first failure, before the jitter.
    pub base: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(300),
        }
    }
}

impl Backoff {
    /// How long to wait after `attempts` failures: between half and all of `base · 2^(attempts - 1)`.
    ///
    /// The jitter is drawn from `seed` and `attempts`, so that a test repeats; different messages of one outage
    /// have different seeds and do not come back all at once.
    pub fn wait(&self, attempts: u32, seed: &str) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let full = self.base.saturating_mul(1 << doublings).min(self.cap);
        let draw = xxh3_64(format!("{seed}/{attempts}").as_bytes());
        let part = f64::from(u32::try_from(draw >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        full.mul_f64(0.5 + 0.5 * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff::default();
        for (attempts, most) in [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300)] {
            let wait = backoff.wait(attempts, "INC-1");
            let most = Duration::from_secs(most);
            assert!(wait <= most && wait >= most / 2, "{attempts}: {wait:?}");
        }
        assert!(backoff.wait(u32::MAX, "x") <= backoff.cap);
    }

    #[test]
    fn two_messages_do_not_come_back_together() {
        let backoff = Backoff::default();
        assert_ne!(backoff.wait(5, "INC-1"), backoff.wait(5, "INC-2"));
    }
}
