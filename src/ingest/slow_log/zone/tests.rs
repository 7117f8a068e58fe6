use super::*;

fn read(text: &str) -> Option<String> {
    let mut calendar = Calendar::new(TimeZone::fixed(jiff::tz::offset(2)));
    let (at, _) = calendar.date(text.as_bytes())?;
    Some(at.to_string())
}

#[test]
fn a_date_is_read_in_the_zone_it_names() {
    assert_eq!(
        read("2026-11-21 19:26:58.608 KST [1]").unwrap(),
        "2026-11-21T10:26:58.608Z"
    );
    assert_eq!(
        read("2026-11-21T19:26:58.1234567891+09:00").unwrap(),
        "2026-11-21T10:26:58.123456789Z"
    );
    assert_eq!(
        read("2026-11-21 19:26:58 +0530").unwrap(),
        "2026-11-21T13:56:58Z"
    );
    assert_eq!(
        read("2026-11-21T19:26:58Z").unwrap(),
        "2026-11-21T19:26:58Z"
    );
}

#[test]
fn a_date_without_a_clear_zone_is_in_the_servers() {
    assert_eq!(read("2026-11-21 19:26:58").unwrap(), "2026-11-21T17:26:58Z");
    assert_eq!(
        read("2026-11-21 19:26:58 CST").unwrap(),
        "2026-11-21T17:26:58Z"
    );
}

#[test]
fn the_name_of_a_zone_that_is_not_clear_is_remembered() {
    let unclear = |text: &str| {
        let mut calendar = Calendar::new(TimeZone::UTC);
        calendar.date(text.as_bytes()).unwrap();
        calendar.unclear().map(str::to_owned)
    };
    assert_eq!(unclear("2026-11-21 19:26:58 IST [7] LOG:").unwrap(), "IST");
    for clear in [
        "KST",
        "ACDT",
        "+05:30",
        "[7] LOG:  x",
        "LOG:  x",
        "HINT:  x",
        "SELECT x",
    ] {
        assert_eq!(
            unclear(&format!("2026-11-21 19:26:58 {clear}")),
            None,
            "{clear}"
        );
    }
    assert_eq!(
        read("2026-11-21 19:26:58 ACDT").unwrap(),
        "2026-11-21T08:56:58Z"
    );
}

#[test]
fn a_date_is_the_same_whatever_stood_before_it() {
    let dates = [
        "2026-11-21 19:26:58.608 UTC",
        "2026-11-21 19:26:58.608 UTC [1]",
        "2026-11-21 19:26:58.60 UTC[1]",
        "2026-11-21 19:26:58.6081 UTCX",
        "2026-11-21 19:26:59,608 KST",
        "2026-11-21 19:26:58 CST [1]",
        "2026-11-21T19:26:58.608Z",
        "2026-11-21T19:26:58.608+09:00",
        "2026-11-21 19:26:58",
        "2026-13-21 19:26:58.608 UTC",
    ];
    for before in dates {
        for date in dates {
            let zone = TimeZone::fixed(jiff::tz::offset(2));
            let mut calendar = Calendar::new(zone.clone());
            let _ = calendar.date(before.as_bytes());
            let expected = Calendar::new(zone).date(date.as_bytes());
            let again = calendar.date_as_before(date.as_bytes());
            assert!(again.is_none() || again == expected, "{before} {date}");
            assert_eq!(calendar.date(date.as_bytes()), expected, "{before} {date}");
        }
    }
}

#[test]
fn the_short_form_pads_its_hour_with_a_space() {
    let mut calendar = Calendar::new(TimeZone::UTC);
    let (at, _) = calendar.short_date(b"081127  8:51:20").unwrap();
    assert_eq!(at.to_string(), "2008-11-27T08:51:20Z");
}

#[test]
fn a_date_that_does_not_exist_is_none() {
    assert_eq!(read("2026-13-41 19:26:58"), None);
    assert_eq!(read("garbled"), None);
}
