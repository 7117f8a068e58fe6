//! How much a channel may be told: one message a second for Slack, few new ones a minute for people.
//!
//! ```text
//! new messages ─► Storm ─┬─ room for all ─────────────► Each
//!                        ├─ room for one, held enough ─► Digest   (one message that lists them)
//!                        └─ else ─────────────────────► Hold
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A bucket that holds one token: one message an interval, and no burst.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// Lets the first message through at once.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now(),
        }
    }

    /// Waits until a message may be sent. Cancel safe: the token is taken only on return.
    pub async fn turn(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + self.interval;
    }

    /// Lets nothing through for `wait`, because the server asked for it.
    pub fn pause(&mut self, wait: Duration) {
        if let Some(until) = Instant::now().checked_add(wait) {
            self.next = self.next.max(until);
        }
    }

    /// How long until a message may be sent.
    pub fn remaining(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }
}

/// What to do with the new messages that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send each.
    Each,
    /// Send one that lists them all.
    Digest,
    /// Send none now.
    Hold,
}

/// Counts the new messages of the last minute; an edit or a reply in a thread is not new.
///
/// At most `per_minute` new messages go out in any minute. The last of them is kept for a digest, so that a
/// storm of incidents ends in one list and not in silence.
#[derive(Debug)]
pub struct Storm {
    per_minute: usize,
    hold: Duration,
    sent: VecDeque<Instant>,
}

impl Storm {
    /// At most `per_minute` new messages (at least 2); a digest waits `hold` for more incidents to list.
    pub fn new(per_minute: usize, hold: Duration) -> Self {
        Self {
            per_minute: per_minute.max(2),
            hold,
            sent: VecDeque::new(),
        }
    }

    /// Judges `waiting` new messages, the oldest of which has waited for `oldest`.
    pub fn judge(&mut self, waiting: usize, oldest: Duration) -> Verdict {
        let now = Instant::now();
        while (self.sent.front()).is_some_and(|sent| now.duration_since(*sent) >= MINUTE) {
            self.sent.pop_front();
        }
        let room = self.per_minute.saturating_sub(self.sent.len());
        if waiting < room {
            return Verdict::Each;
        }
        if room > 0 && oldest >= self.hold {
            return Verdict::Digest;
        }
        Verdict::Hold
    }

    /// Counts one new message.
    pub fn count(&mut self) {
        if self.sent.len() >= self.per_minute {
            self.sent.pop_front();
        }
        self.sent.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn messages_are_a_second_apart() {
        let started = Instant::now();
        let mut pace = Pace::new(Duration::from_secs(1));
        for _ in 0..3 {
            pace.turn().await;
        }
        assert_eq!(started.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_the_server_is_kept() {
        let mut pace = Pace::new(Duration::from_secs(1));
        pace.pause(Duration::from_secs(30));
        pace.pause(Duration::from_secs(2));
        assert_eq!(pace.remaining().as_secs(), 30);
        let started = Instant::now();
        pace.turn().await;
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_becomes_one_digest() {
        let mut storm = Storm::new(3, HELD);
        assert_eq!(storm.judge(20, Duration::ZERO), Verdict::Hold);
        assert_eq!(storm.judge(20, HELD), Verdict::Digest);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_place_of_a_minute_is_for_a_digest() {
        let mut storm = Storm::new(3, HELD);
        for _ in 0..2 {
            assert_eq!(storm.judge(1, Duration::ZERO), Verdict::Each);
            storm.count();
        }
        assert_eq!(storm.judge(1, HELD), Verdict::Digest);
        storm.count();
        assert_eq!(storm.judge(1, HELD), Verdict::Hold);
        tokio::time::advance(MINUTE).await;
        assert_eq!(storm.judge(1, Duration::ZERO), Verdict::Each);
    }
}
