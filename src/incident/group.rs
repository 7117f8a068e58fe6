//! Which problems belong together: linked entities, at about the same time.

use std::time::Duration;

use crate::model::finding::Finding;
use crate::model::incident::Incident;
use crate::model::time::Interval;

/// Whether two findings concern the same thing: a statement, a table, or, where one of them is about the server
/// and not about a statement, the database.
pub(super) fn are_linked(a: &Finding, b: &Finding) -> bool {
    let same_statement = a.fingerprint.is_some() && a.fingerprint == b.fingerprint;
    let same_database = a.database == b.database;
    let same_table = same_database && a.tables.iter().any(|table| b.tables.contains(table));
    let is_about_server = a.fingerprint.is_none() || b.fingerprint.is_none();
    same_statement || same_table || (is_about_server && same_database && a.service == b.service)
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
