//! Which problems belong together: linked entities, at about the same time.

use std::time::Duration;

use crate::detect::{About, catalogue};
use crate::model::evidence::Evidence;
use crate::model::finding::Finding;
use crate::model::id::FingerprintId;
use crate::model::incident::Incident;
use crate::model::time::Interval;

/// Whether two findings concern the same thing: a statement, a table, an operation, or, where one of them is about the server
/// and not about a statement, the database.
///
/// Names mean the same only within one service or one database that is told: half the world has a table `users`,
/// and asks for it in the same words.
pub(super) fn are_linked(a: &Finding, b: &Finding) -> bool {
    let same_service = a.service == b.service;
    let same_database = a.database == b.database && (same_service || !a.database.is_empty());
    let same_statement = a.fingerprint.is_some() && a.fingerprint == b.fingerprint;
    let same_table = a.tables.iter().any(|table| b.tables.contains(table));
    let same_operation = a.operation.is_some() && a.operation == b.operation;
    let is_about_server = is_about_server(a) || is_about_server(b);
    (same_statement && (same_service || same_database))
        || (same_table && same_database)
        || (same_operation && same_service)
        || (is_about_server && same_service && same_database)
}

/// Whether two findings tell of the same errors, which a server and a program both log, each as far as it knows: one
/// names the database and the other does not, or one tells the statement and the other only the message.
pub(super) fn is_same_error(a: &Finding, b: &Finding) -> bool {
    let agree =
        |a: Option<FingerprintId>, b: Option<FingerprintId>| a.is_none() || b.is_none() || a == b;
    let code = clause(a, "error_code");
    let same_database = a.database == b.database || a.database.is_empty() || b.database.is_empty();
    let same_statement = match (a.fingerprint, b.fingerprint) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.errors == b.errors,
        _ => clause(a, "message").is_some() && clause(a, "message") == clause(b, "message"),
    };
    a.detector == b.detector
        && a.service == b.service
        && code.is_some()
        && code == clause(b, "error_code")
        && same_database
        && same_statement
        && (agree(a.errors, b.errors) || a.fingerprint.is_none() != b.fingerprint.is_none())
}

fn clause<'f>(finding: &'f Finding, role: &str) -> Option<&'f str> {
    finding.evidence.iter().find_map(|fact| match fact {
        Evidence::Clause { role: named, text } if **named == *role => Some(&**text),
        _ => None,
    })
}

/// Whether it concerns all of a server: nobody gets a connection, or transactions are in each other's way. An error
/// without a statement does not: a monitoring with a wrong password is no part of an outage.
fn is_about_server(finding: &Finding) -> bool {
    let detector = catalogue::find(&finding.detector);
    finding.fingerprint.is_none() && detector.is_some_and(|meta| meta.about == About::Server)
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
            began: None,
            at: Interval {
                from: Timestamp::EPOCH,
                to: Timestamp::EPOCH,
            },
            service: ServiceName::new(service),
            database: Arc::from(database),
            fingerprint: Some(FingerprintId(statement)),
            errors: None,
            operation: None,
            template: None,
            tables: vec![Arc::from("users")],
            recurring: false,
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

    /// An error as some log tells it.
    fn error(database: &str, statement: Option<u64>, code: &str, message: &str) -> Finding {
        Finding {
            detector: Arc::from("error-burst"),
            fingerprint: statement.map(FingerprintId),
            errors: statement.is_none().then_some(FingerprintId(7)),
            evidence: vec![
                Evidence::clause("error_code", code),
                Evidence::clause("message", message),
            ],
            ..on_users("shop", database, 1)
        }
    }

    #[test]
    fn an_error_that_two_logs_tell_is_one_and_two_errors_are_two() {
        let of_server = error("main", Some(1), "42703", "column \"a\" does not exist");
        for (other, same) in [
            (error("", Some(1), "42703", "other words"), true),
            (
                error("", None, "42703", "column \"a\" does not exist"),
                true,
            ),
            (
                error("", None, "42703", "column \"b\" does not exist"),
                false,
            ),
            (
                error("", Some(2), "42703", "column \"a\" does not exist"),
                false,
            ),
            (
                error("", Some(1), "42P01", "column \"a\" does not exist"),
                false,
            ),
            (error("archive", Some(1), "42703", "other words"), false),
        ] {
            assert_eq!(is_same_error(&of_server, &other), same, "{other:?}");
            assert_eq!(is_same_error(&other, &of_server), same, "{other:?}");
        }
    }

    #[test]
    fn an_error_without_a_statement_is_no_part_of_another_problem_of_the_database() {
        let scan = on_users("shop", "main", 1);
        let without_statement = |detector: &str| Finding {
            detector: Arc::from(detector),
            fingerprint: None,
            tables: Vec::new(),
            ..on_users("shop", "main", 1)
        };
        assert!(!are_linked(&scan, &without_statement("error-burst")));
        assert!(are_linked(&scan, &without_statement("connection-refusal")));
    }

    #[test]
    fn two_databases_that_nobody_named_are_not_the_same() {
        let shop = on_users("shop", "", 1);
        assert!(are_linked(&shop, &on_users("shop", "", 2)));
        assert!(!are_linked(&shop, &on_users("blog", "", 1)));
        assert!(!are_linked(&shop, &on_users("blog", "", 2)));
    }
}
