//! Instants as people read them: in one zone, and the zone is always shown.

use jiff::tz::TimeZone;

use crate::model::time::Timestamp;

/// Date, time to the second and zone: `2026-11-21 14:03:20 KST`.
pub fn full(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", stamp(at, zone), zone_name(at, zone))
}

/// Date and time to the second; the zone stands nearby, in a heading.
pub fn stamp(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_jiff().to_zoned(zone.clone());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Time to the second; date and zone stand nearby.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff()
        .to_zoned(zone.clone())
        .strftime("%H:%M:%S")
        .to_string()
}

/// Time to the minute, for axes.
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff()
        .to_zoned(zone.clone())
        .strftime("%H:%M")
        .to_string()
}

/// Month and day, for axes that span days.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff()
        .to_zoned(zone.clone())
        .strftime("%m-%d")
        .to_string()
}

/// RFC 3339 with the zone's offset: `2026-11-21T14:03:20+09:00`.
pub fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_jiff().to_zoned(zone.clone());
    local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The zone's short name at that instant: `KST`, `CET`, `UTC`, `+09`.
pub fn zone_name(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_jiff().to_zoned(zone.clone());
    local.strftime("%Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seoul() -> TimeZone {
        TimeZone::posix("KST-9").unwrap()
    }

    #[test]
    fn an_instant_shows_its_zone() {
        let at = Timestamp::from_unix_secs(1_795_237_400);
        assert_eq!(full(at, &seoul()), "2026-11-21 14:03:20 KST");
        assert_eq!(rfc3339(at, &seoul()), "2026-11-21T14:03:20+09:00");
        assert_eq!(full(at, &TimeZone::UTC), "2026-11-21 05:03:20 UTC");
    }

    #[test]
    fn the_furthest_future_is_shown_too() {
        let last = Timestamp::from_unix_nanos(u64::MAX);
        assert!(!full(last, &seoul()).is_empty());
    }
}
