//! Learns from a logged statement which statements the server logs.

use std::time::Duration;

use crate::ingest::slow_log::scan;

/// No statement that sets a server variable is longer.
const MAX_SETTING_BYTES: usize = 256;

/// The number in `SET GLOBAL long_query_time = 0.5`; a session's own setting speaks only for that session.
pub(super) fn long_query_time(sql: &[u8]) -> Option<Duration> {
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
