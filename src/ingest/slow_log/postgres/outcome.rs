//! How a statement of an error record ended, and how long it may have run.

use std::sync::Arc;
use std::time::Duration;

use super::sessions::MAX_GUESSED_RUN;
use crate::ingest::slow_log::scan;
use crate::model::event::Outcome;
use crate::model::time::Timestamp;

/// Texts whose SQLSTATE is known, for logs that do not tell it; from `errcodes.txt` and the sources of version 15.
const TEXTS: [(&[u8], &str); 8] = [
    (b"canceling statement due to ", "57014"),
    (b"canceling autovacuum task", "57014"),
    (
        b"terminating connection due to administrator command",
        "57P01",
    ),
    (b"deadlock detected", "40P01"),
    (b"could not serialize access", "40001"),
    (b"could not obtain lock", "55P03"),
    (b"duplicate key value violates unique constraint", "23505"),
    (b"syntax error", "42601"),
];

/// How the statement ended, by the SQLSTATE or else by the text of the error.
pub(super) fn of_error(text: &[u8], code: &[u8]) -> Outcome {
    let code: Arc<str> = if code.is_empty() || code == b"00000" {
        Arc::from(by_text(text))
    } else {
        Arc::from(scan::name(code))
    };
    if matches!(&*code, "57014" | "57P01") {
        Outcome::Cancelled { code }
    } else {
        Outcome::Error { code }
    }
}

/// Whether the server's own limit cut the statement.
pub(super) fn is_limit(text: &[u8]) -> bool {
    text.starts_with(b"canceling statement due to statement timeout")
}

fn by_text(text: &[u8]) -> &'static str {
    if text.starts_with(b"canceling statement due to lock timeout") {
        return "55P03";
    }
    let known = TEXTS.iter().find(|(start, _)| text.starts_with(start));
    known.map_or("", |(_, code)| code)
}

/// How long a statement ran that an error ended. The error does not tell it. Where the log showed its start
/// (`log_statement`, or `parse` and `bind`), that is exact. Else, for a cancelled statement, the time since the
/// session's record before is taken: the run and whatever the session was idle before it, hence an upper bound
/// ([`super::limits`] brings it down for a statement timeout); zero, "not known", beyond [`MAX_GUESSED_RUN`] and for errors that come at once as a rule.
pub(super) fn elapsed(
    end: Option<Timestamp>,
    known_start: Option<Timestamp>,
    record_before: Option<Timestamp>,
    outcome: &Outcome,
) -> Duration {
    let Some(end) = end else {
        return Duration::ZERO;
    };
    if let Some(start) = known_start {
        return end.since(start);
    }
    let was_cut = matches!(outcome, Outcome::Cancelled { .. });
    let gap = record_before.map(|before| end.since(before));
    gap.filter(|gap| was_cut && *gap <= MAX_GUESSED_RUN)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_timeout_is_a_cancellation_and_a_lock_timeout_an_error() {
        let cancelled = Outcome::Cancelled {
            code: "57014".into(),
        };
        assert_eq!(
            of_error(b"canceling statement due to statement timeout", b""),
            cancelled
        );
        assert_eq!(
            of_error(b"canceling statement due to user request", b"57014"),
            cancelled
        );
        let error = Outcome::Error {
            code: "55P03".into(),
        };
        assert_eq!(
            of_error(b"canceling statement due to lock timeout", b""),
            error
        );
    }

    #[test]
    fn the_run_of_a_cancelled_statement_is_guessed_only_when_it_may_be_near() {
        let at = |secs| Some(Timestamp::from_unix_secs(secs));
        let cut = Outcome::Cancelled {
            code: "57014".into(),
        };
        let error = Outcome::Error {
            code: "42P01".into(),
        };
        assert_eq!(
            elapsed(at(1030), at(1000), at(900), &error),
            Duration::from_secs(30)
        );
        assert_eq!(
            elapsed(at(1030), None, at(1000), &cut),
            Duration::from_secs(30)
        );
        assert_eq!(elapsed(at(9030), None, at(1000), &cut), Duration::ZERO);
        assert_eq!(elapsed(at(1030), None, at(1000), &error), Duration::ZERO);
    }
}
