//! Findings in the order in which a report tells them.

use std::cmp::Reverse;
use std::time::Duration;

use crate::incident::Causes;
use crate::model::finding::Severity;
use crate::model::sql::StatementKey;

/// Where a finding is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Statement, and its number among the findings of that.
    Statement(StatementKey, u32),
    /// The statement that fails or is asked, where one is told, and its number among the findings about errors and
    /// operations.
    Other(Option<StatementKey>, usize),
}

impl Place {
    pub(super) fn statement(self) -> Option<StatementKey> {
        match self {
            Self::Statement(statement, _) => Some(statement),
            Self::Other(statement, _) => statement,
        }
    }
}

/// A finding without its evidence. Sorted as a report has them: the worst first, of these what fails before what is
/// slow, the most frequent and the costliest first; of one statement, what explains the others first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ailment {
    pub(super) severity: Reverse<Severity>,
    /// In the worst minute; none for what is slow. An error takes no run time that could tell how much it matters.
    pub(super) errors: Reverse<u64>,
    pub(super) cost: Reverse<Duration>,
    /// Kinds of problem that it may lead to.
    pub(super) reach: Reverse<usize>,
    pub(super) detector: &'static str,
    pub(super) place: Place,
}

/// What may have led to another problem of the same statement is as bad as that.
pub(super) fn raise_causes(of_one: &mut [Ailment], causes: &Causes) {
    for at in 0..of_one.len() {
        let slug = of_one[at].detector;
        let effects = of_one.iter();
        let effects = effects.filter(|a| causes.strength(slug, a.detector) > 0.0);
        // `Reverse`: the least is the worst
        let worst = effects.map(|a| a.severity).min();
        of_one[at].severity = worst
            .unwrap_or(of_one[at].severity)
            .min(of_one[at].severity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::FingerprintId;
    use crate::model::sql::Dialect;

    fn ailment(detector: &'static str, severity: Severity, number: u32) -> Ailment {
        Ailment {
            severity: Reverse(severity),
            errors: Reverse(0),
            cost: Reverse(Duration::from_secs(1)),
            reach: Reverse(Causes::built_in().reach(detector)),
            detector,
            place: Place::Statement(
                StatementKey {
                    fingerprint: FingerprintId(1),
                    dialect: Dialect::Mysql,
                },
                number,
            ),
        }
    }

    #[test]
    fn what_explains_the_others_comes_first() {
        let mut of_one = [
            ailment("full-scan", Severity::Critical, 0),
            ailment("load-hog", Severity::Critical, 1),
            ailment("missing-index", Severity::Warning, 2),
            ailment("non-sargable", Severity::Warning, 3),
            ailment("cacheable-read", Severity::Info, 4),
        ];
        raise_causes(&mut of_one, &Causes::built_in());
        of_one.sort_unstable();
        let order = of_one.map(|a| a.detector);
        assert_eq!(
            order,
            [
                "non-sargable",
                "missing-index",
                "full-scan",
                "load-hog",
                "cacheable-read"
            ]
        );
    }
}
