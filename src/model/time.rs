//! Instants and intervals by the emitter's clock.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Nanoseconds since the Unix epoch by the emitter's clock, as OTLP writes it; RFC 3339 in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch; also what an unknown time is clamped to.
    pub const EPOCH: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the Unix epoch, saturating.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds since the Unix epoch, saturating.
    pub const fn from_unix_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_unix_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the Unix epoch.
    pub const fn as_unix_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_unix_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// This instant moved later, saturating.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }

    /// This instant moved earlier, saturating at the epoch.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by)))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The start of the grid cell of length `step` that holds this instant; itself for a zero step.
    #[must_use]
    pub fn floor(self, step: Duration) -> Self {
        let step = nanos(step);
        if step == 0 {
            return self;
        }
        Self(self.0 - self.0 % step)
    }

    /// The same instant for calendar work, clamped to what a calendar can hold.
    pub fn to_jiff(self) -> jiff::Timestamp {
        let nanos = i128::from(self.0);
        jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::MAX)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl From<jiff::Timestamp> for Timestamp {
    /// Instants before 1970 become the epoch.
    fn from(at: jiff::Timestamp) -> Self {
        Self(u64::try_from(at.as_nanosecond()).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse::<jiff::Timestamp>()
            .map(Self::from)
            .map_err(serde::de::Error::custom)
    }
}

/// A stretch of time: `from` is part of it, `to` is not.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
pub struct Interval {
    /// First instant inside.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
}

impl Interval {
    /// How long it is; zero if it ends before it begins.
    pub fn duration(self) -> Duration {
        self.to.since(self.from)
    }

    /// Whether the two share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }
}

/// Serde for durations that people count in days: `"30d"`, `"2w"`, `"36h"`. A day has 24 hours.
pub mod days {
    use std::time::Duration;

    use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
    use jiff::{Span, SpanRelativeTo};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes days where there are only whole ones, else hours and less.
    ///
    /// # Errors
    /// Whatever the serializer says.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        const DAY: u64 = 24 * 3600;
        let secs = value.as_secs();
        if secs > 0 && secs.is_multiple_of(DAY) {
            return serializer.collect_str(&format_args!("{}d", secs / DAY));
        }
        friendly::serialize(value, serializer)
    }

    /// Reads any unit from weeks down.
    ///
    /// # Errors
    /// Text that is no duration, or a negative one.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span: Span = text.parse().map_err(D::Error::custom)?;
        let exact = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(D::Error::custom)?;
        Duration::try_from(exact).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_rfc_3339_in_json() {
        let at = Timestamp::from_unix_millis(1_795_288_972_250);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, "\"2026-11-21T19:22:52.25Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }

    #[test]
    fn the_furthest_future_does_not_panic() {
        assert!(!Timestamp::from_unix_nanos(u64::MAX).to_string().is_empty());
    }
}
