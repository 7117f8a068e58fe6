//! How long a statement may have run that an error ended.

use std::time::Duration;

use super::sessions::MAX_GUESSED_RUN;
use crate::model::event::Outcome;
use crate::model::time::Timestamp;

/// Whether the server's own limit cut the statement.
pub(super) fn is_limit(text: &[u8]) -> bool {
    text.starts_with(b"canceling statement due to statement timeout")
}

/// How long a statement ran that an error ended. The error does not tell it. Where the log showed its start
/// (`log_statement`, or `parse` and `bind`), that is exact. Else, for one that the server's limit cut, the time since the
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
