//! How much of what is read is skipped to reach a page.

use crate::detect::basis::weight::number;
use crate::model::offset::Offsets;
use crate::model::subject::QueryProfile;

/// Half of the rows, less what rounding an offset to its first digit takes away.
pub(in crate::detect) const MOST: f64 = 0.25;

/// What the texts tell of the offsets, where most of them do.
pub(in crate::detect) fn told(profile: &QueryProfile) -> Option<&Offsets> {
    let offsets = profile.load.offsets.as_ref();
    offsets.filter(|offsets| offsets.told().saturating_mul(2) >= profile.load.count)
}

/// Rows that a run skips.
pub(in crate::detect) fn skipped(offsets: &Offsets) -> f64 {
    number(offsets.rows) / number(offsets.told().max(1))
}

/// Whether rows are read to be skipped, most of all.
pub(in crate::detect) fn is_mostly(profile: &QueryProfile, examined: f64) -> bool {
    told(profile).is_some_and(|offsets| explains(profile, offsets, examined, MOST))
}

/// Whether rows that are skipped are such a share of the rows read: of every table that is joined, for each row.
pub(in crate::detect) fn explains(
    profile: &QueryProfile,
    offsets: &Offsets,
    examined: f64,
    share: f64,
) -> bool {
    let tables = profile.statement.tables().len().max(1) as u64;
    skipped(offsets) > 0.0 && skipped(offsets) * number(tables) >= examined * share
}
