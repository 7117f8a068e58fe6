//! Between model types and columns.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::finding::Severity;
use crate::model::id::FingerprintId;
use crate::model::time::Timestamp;
use crate::store::StoreError;

/// Nanoseconds since the Unix epoch; what SQLite cannot hold (after 2262) becomes the last instant that it can.
pub(super) fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_unix_nanos()).unwrap_or(i64::MAX)
}

/// The instant that [`nanos`] wrote; a negative one becomes the epoch.
pub(super) fn instant(nanos: i64) -> Timestamp {
    Timestamp::from_unix_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// A count; what SQLite cannot hold becomes the largest that it can.
pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The count that [`count`] wrote.
pub(super) fn uncount(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// The 64 bits of a fingerprint as a signed integer.
pub(super) fn fingerprint(id: FingerprintId) -> i64 {
    id.0.cast_signed()
}

/// The fingerprint that [`fingerprint`] wrote.
pub(super) fn unfingerprint(bits: i64) -> FingerprintId {
    FingerprintId(bits.cast_unsigned())
}

/// A severity as a number that sorts as severities do.
pub(super) fn severity(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

/// A body as JSON.
pub(super) fn encode<T: Serialize>(table: &'static str, body: &T) -> Result<String, StoreError> {
    serde_json::to_string(body).map_err(|e| unreadable(table, e))
}

/// A body from JSON.
pub(super) fn decode<T: DeserializeOwned>(
    table: &'static str,
    body: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|e| unreadable(table, e))
}

/// A row that does not fit its type.
pub(super) fn unreadable(
    table: &'static str,
    why: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Row {
        table,
        source: Box::new(why),
    }
}
