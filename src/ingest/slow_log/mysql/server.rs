//! Learns from the entries which statements the server logs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::header::Header;
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::threshold::{Reason, Threshold};
use crate::model::event::{Coverage, Outcome};

/// No statement that sets a server variable is longer.
const MAX_SETTING_BYTES: usize = 256;

/// What is known of the server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    threshold: Threshold,
    /// Some entry told whether it used an index: those that do not tell did.
    tells_access: bool,
}

impl Server {
    /// Takes note of an entry, which stands for so many, and ended so.
    pub(super) fn note(
        &mut self,
        (header, one_in): (&Header<'_>, Option<u32>),
        body: &Body<'_>,
        outcome: &Outcome,
    ) {
        let access = &header.access;
        self.tells_access |= access.full_scan.is_some();
        self.threshold.sampled(one_in);
        if let Some(threshold) = long_query_time(body.sql) {
            self.threshold.state(threshold);
        }
        if *outcome != Outcome::Ok || body.is_command() {
            return;
        }
        let scans = access.full_scan == Some(true) || access.full_join == Some(true);
        // `log_queries_not_using_indexes` means what reads several rows
        let may_scan = !self.tells_access && header.rows.examined.is_none_or(|rows| rows > 1);
        let reason = if scans || may_scan {
            Reason::TimeOrScan
        } else {
            Reason::Time
        };
        let elapsed = header.elapsed.unwrap_or_default();
        self.threshold.observe(elapsed, reason);
    }

    /// One of which nothing is known but whether it tells how rows were found.
    pub(super) fn who_tells_access(tells_access: bool) -> Self {
        Self {
            tells_access,
            ..Self::default()
        }
    }

    /// Whether it tells how rows were found.
    pub(super) fn tells_access(&self) -> bool {
        self.tells_access
    }

    /// What is known when `later` was seen behind this.
    pub(super) fn then(&self, later: &Self) -> Self {
        Self {
            threshold: self.threshold.then(&later.threshold),
            tells_access: self.tells_access || later.tells_access,
        }
    }

    /// What follows of it.
    pub(super) fn coverage(&self) -> Coverage {
        self.threshold.coverage()
    }

    /// The same for all that was read.
    pub(super) fn coverage_of_all(&self) -> Coverage {
        self.threshold.coverage_of_all()
    }
}

/// The number in `SET GLOBAL long_query_time = 0.5`; a session's own setting speaks only for that session.
fn long_query_time(sql: &[u8]) -> Option<Duration> {
    let is_set = sql.len() <= MAX_SETTING_BYTES
        && sql
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"SET "));
    if !is_set {
        return None;
    }
    let sql = sql.to_ascii_lowercase();
    let global = memchr::memmem::find(&sql, b"global")?;
    let name = b"long_query_time";
    let behind = global + memchr::memmem::find(&sql[global..], name)? + name.len();
    let value = sql[behind..].trim_ascii_start();
    let value = value.strip_prefix(b":").unwrap_or(value);
    let value = value.strip_prefix(b"=")?.trim_ascii_start();
    let number = value
        .split(|b| !(b.is_ascii_digit() || *b == b'.'))
        .next()?;
    scan::seconds(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_own_threshold_says_nothing_of_the_log() {
        assert_eq!(long_query_time(b"SET long_query_time=0"), None);
        assert_eq!(
            long_query_time(b"SET @@global.long_query_time := 2"),
            Some(Duration::from_secs(2))
        );
    }
}
