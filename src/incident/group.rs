//! Which problems belong together: linked entities, at about the same time.

use std::time::Duration;

use crate::model::finding::Finding;
use crate::model::incident::Incident;
use crate::model::time::Interval;

/// Whether two findings concern the same thing: a statement, a table, or, where one of them is about the server
/// and not about a statement, the database.
///
/// Names mean the same only within one service or one database that is told: half the world has a table `users`,
/// and asks for it in the same words.
pub(super) fn are_linked(a: &Finding, b: &Finding) -> bool {
    let same_service = a.service == b.service;
    let same_database = a.database == b.database && (same_service || !a.database.is_empty());
    let same_statement = a.fingerprint.is_some() && a.fingerprint == b.fingerprint;
    let same_table = a.tables.iter().any(|table| b.tables.contains(table));
    let is_about_server = a.fingerprint.is_none() || b.fingerprint.is_none();
    (same_statement && (same_service || same_database))
        || (same_table && same_database)
        || (is_about_server && same_service && same_database)
}

/// Whether a problem that began in `onset` belongs to the incident.
pub(super) fn belongs_to(
    incident: &Incident,
    finding: &Finding,
    onset: Interval,
    within: Duration,
) -> bool {
    incident.findings.iter().any(|member| {
        let seen = Interval {
            from: member.onset.from,
            to: member.last_seen,
        };
        is_near(seen, onset, within) && are_linked(&member.finding, finding)
    })
}

/// Whether the two overlap, or lie no further apart than `within`.
fn is_near(a: Interval, b: Interval, within: Duration) -> bool {
    b.from <= a.to.plus(within) && a.from <= b.to.plus(within)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::finding::{Severity, Urgency};
    use crate::model::id::{FingerprintId, ServiceName};
    use crate::model::time::Timestamp;

    fn on_users(service: &str, database: &str, statement: u64) -> Finding {
        Finding {
            detector: Arc::from("full-scan"),
            severity: Severity::Warning,
            urgency: Urgency::Acute,
            at: Interval {
                from: Timestamp::EPOCH,
                to: Timestamp::EPOCH,
            },
            service: ServiceName::new(service),
            database: Arc::from(database),
            fingerprint: Some(FingerprintId(statement)),
            template: None,
            tables: vec![Arc::from("users")],
            evidence: Vec::new(),
            remedies: Vec::new(),
        }
    }

    #[test]
    fn a_name_that_two_services_share_links_them_only_in_one_database() {
        let shop = on_users("shop", "main", 1);
        for (other, linked) in [
            (on_users("shop", "main", 2), true),
            (on_users("blog", "main", 2), true),
            (on_users("shop", "archive", 2), false),
            (on_users("blog", "archive", 1), false),
            // One deploy that is slow for every tenant is one outage.
            (on_users("shop", "archive", 1), true),
        ] {
            assert_eq!(are_linked(&shop, &other), linked, "{other:?}");
            assert_eq!(are_linked(&other, &shop), linked, "{other:?}");
        }
    }

    #[test]
    fn two_databases_that_nobody_named_are_not_the_same() {
        let shop = on_users("shop", "", 1);
        assert!(are_linked(&shop, &on_users("shop", "", 2)));
        assert!(!are_linked(&shop, &on_users("blog", "", 1)));
        assert!(!are_linked(&shop, &on_users("blog", "", 2)));
    }
}
