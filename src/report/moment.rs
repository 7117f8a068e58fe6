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

/// Two instants as stamps; the day is told once when it is the same.
pub fn range(from: Timestamp, to: Timestamp, zone: &TimeZone) -> (String, String) {
    let (first, last) = (stamp(from, zone), stamp(to, zone));
    match (first.split_once(' '), last.split_once(' ')) {
        (Some((day, _)), Some((same, clock))) if day == same => {
            let clock = clock.to_owned();
            (first, clock)
        }
        _ => (first, last),
    }
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
    fn a_range_tells_its_day_once() {
        let from = Timestamp::from_unix_secs(1_795_237_400);
        let day = std::time::Duration::from_secs(86_400);
        let told = |to| range(from, to, &TimeZone::UTC).1;
        assert_eq!(told(from), "05:03:20");
        assert_eq!(told(from.plus(day)), "2026-11-22 05:03:20");
    }

    #[test]
    fn the_furthest_future_is_shown_too() {
        let last = Timestamp::from_unix_nanos(u64::MAX);
        assert!(!full(last, &seoul()).is_empty());
    }
}
