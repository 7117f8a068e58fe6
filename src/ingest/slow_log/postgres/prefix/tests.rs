use super::*;
use jiff::tz::TimeZone;

fn read<'a>(setting: Option<&str>, prefix: &'a str) -> Fields<'a> {
    let mut calendar = Calendar::new(TimeZone::UTC);
    Prefix::new(setting).read(prefix.as_bytes(), prefix.len(), &mut calendar)
}

fn named(fields: &Fields<'_>) -> (u32, String, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        fields.pid,
        text(fields.user),
        text(fields.database),
        text(fields.client),
    )
}

#[test]
fn the_parts_of_common_prefixes_are_guessed() {
    let expected = (24085, "app".to_owned(), "shop".to_owned(), String::new());
    for prefix in [
        "2026-11-21 19:26:58.611 UTC [24085] app@shop/[billing] ",
        "2026-11-21 19:26:58 UTC [24085]: [3-1] user=app,db=shop,app=psql ",
        "1795289218.608 24085 app@shop ",
        "2026-11-21 19:26:58 UTC 6b01f082.5e15 app@shop ",
    ] {
        let fields = read(None, prefix);
        assert_eq!(named(&fields), expected, "{prefix}");
        assert_eq!(fields.at.unwrap().as_unix_secs(), 1_795_289_218, "{prefix}");
    }
}

#[test]
fn a_prefix_that_was_seen_with_another_time_is_read_as_if_it_were_new() {
    let first = "2026-11-21 19:26:58 UTC [7] app@shop ";
    let later = "2026-11-21 19:26:59 UTC [7] app@shop ";
    let lines = [
        first.to_owned(),
        later.to_owned(),
        format!("2026-11-21 19:26:58 UTC {first}"),
        format!("2026-11-21 19:20:00 UTC {first}"),
    ];
    for setting in [None, Some("%t [%p] %u@%d "), Some("%s %t [%p] %u@%d ")] {
        let mut calendar = Calendar::new(TimeZone::UTC);
        let mut prefix = Prefix::new(setting);
        for line in &lines {
            let again = prefix.read(line.as_bytes(), line.len(), &mut calendar);
            assert_eq!(again, read(setting, line), "{setting:?} {line}");
        }
    }
}

#[test]
fn the_prefix_of_rds_is_guessed() {
    let fields = read(
        None,
        "2026-11-21 19:26:58 UTC:10.0.0.1(58786):app@shop:[24085]:",
    );
    assert_eq!(
        named(&fields),
        (24085, "app".into(), "shop".into(), "10.0.0.1".into())
    );
}

#[test]
fn a_code_of_five_digits_is_not_the_process() {
    let fields = read(None, "2026-11-21 19:26:58.611 UTC [24085] 57014 app@shop ");
    assert_eq!((fields.pid, fields.code), (24085, b"57014".as_slice()));
}

/// What the second of two sessions tells, once the setting is learned from both.
fn learned(setting: &str) -> (u32, String, String, String) {
    let sessions = [
        ("24085", "5e15", "app", "shop", "10.0.0.1"),
        ("24086", "5e16", "report", "sales", "10.0.0.2"),
    ];
    let mut log = String::new();
    let mut last = String::new();
    for (number, (pid, hex, user, db, host)) in sessions.iter().cycle().take(20).enumerate() {
        let line = (number / 2 + 3).to_string();
        let values: [(&str, &str); 18] = [
            ("%m", "2026-11-21 19:26:58.611 UTC"),
            ("%t", "2026-11-21 19:26:58 UTC"),
            ("%n", "1795289218.611"),
            ("%s", "2026-11-21 19:00:00 UTC"),
            ("%u", user),
            ("%d", db),
            ("%r", &format!("{host}(58786)")),
            ("%h", host),
            ("%p", pid),
            ("%P", ""),
            ("%c", &format!("6b01f082.{hex}")),
            ("%l", &line),
            ("%v", "3/17"),
            ("%x", "0"),
            ("%e", "00000"),
            (
                "%a",
                if number % 5 == 0 {
                    "DBeaver 22 - Main"
                } else {
                    "psql"
                },
            ),
            ("%q", ""),
            ("%i", "SELECT"),
        ];
        last = setting.to_owned();
        for (escape, value) in values {
            last = last.replace(escape, value);
        }
        log += &last;
        log += "LOG:  duration: 1.0 ms  statement: SELECT 1\n";
    }
    let calendar = Calendar::new(TimeZone::UTC);
    let mut prefix = Prefix::new(None);
    prefix.learn(log.as_bytes(), 0, Next::More, &calendar);
    let fields = prefix.read(last.as_bytes(), last.len(), &mut calendar.clone());
    assert_eq!(
        fields.at.unwrap().as_unix_secs(),
        1_795_289_218,
        "{setting}"
    );
    named(&fields)
}

#[test]
fn the_setting_of_a_file_is_learned_from_its_records() {
    let (pid, host) = (24086, "10.0.0.2");
    let named = |host: &str| {
        (
            pid,
            "report".to_owned(),
            "sales".to_owned(),
            host.to_owned(),
        )
    };
    for (setting, host) in [
        ("%m [%p] %q%u@%d ", ""),
        ("%m [%p] %q%u@%d/%a ", ""),
        ("%m [%p] %u %d %h ", host),
        ("%t:%r:%u@%d:[%p]:", host),
        ("%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", host),
        ("%m [%p]: [%l-1] db=%d,user=%u ", ""),
        ("%m|%u|%d|%p|%a|%r|%e|%x|", host),
        ("%n %c %u %d ", ""),
        ("[%p-%l] %m %u@%d(%h) ", host),
        ("%h %m [%p] %q%u@%d ", host),
        ("pid=%p,user=%u,db=%d,app=%a,client=%h %t ", host),
        ("%m %p %l %v %x %e %u %d %a %r ", host),
        ("< %m %u %d >", ""),
        ("%m [%p] %s %u@%d ", ""),
        ("%s %m [%p] %u@%d ", ""),
        ("%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q", host),
        ("%m [%p] %i %u@%d ", ""),
    ] {
        let mut expected = named(host);
        if setting == "< %m %u %d >" {
            expected.0 = 0;
        }
        assert_eq!(learned(setting), expected, "{setting}");
    }
}

/// The process that each line tells, once the setting is learned from all of them.
fn processes(prefixes: &[&str]) -> Vec<u32> {
    let line = |prefix: &&str| {
        format!(
            "2026-11-21 19:26:58.611 UTC {prefix} LOG:  duration: 1.0 ms  statement: SELECT 1\n"
        )
    };
    let log: String = prefixes.iter().map(line).collect();
    let calendar = Calendar::new(TimeZone::UTC);
    let mut prefix = Prefix::new(None);
    prefix.learn(log.as_bytes(), 0, Next::End, &calendar);
    let read = |prefix: &mut Prefix, text: &str| {
        let text = format!("2026-11-21 19:26:58.611 UTC {text} ");
        prefix
            .read(text.as_bytes(), text.len(), &mut calendar.clone())
            .pid
    };
    prefixes
        .iter()
        .map(|text| read(&mut prefix, text))
        .collect()
}

#[test]
fn the_number_of_a_line_is_no_process() {
    for (prefixes, pids) in [
        (
            ["6b01f082.5e15 7", "6b01f082.5e15 8", "6b01f082.5e15 9"],
            [24085; 3],
        ),
        (
            ["7 6b01f082.5e15", "8 6b01f082.5e15", "9 6b01f082.5e15"],
            [24085; 3],
        ),
        (
            [
                "<6b01f082.5e15 1 00000>",
                "<6b01f082.5e16 1 00000>",
                "<6b01f082.5e15 445 00000>",
            ],
            [24085, 24086, 24085],
        ),
        (["7 24085", "3 24086", "8 24085"], [24085, 24086, 24085]),
        (["24085 7", "24086 3", "24085 8"], [24085, 24086, 24085]),
        (["24085 3", "24086 3", "24087 3"], [24085, 24086, 24087]),
        (["3 24085", "3 24086", "3 24087"], [24085, 24086, 24087]),
        (["7", "8", "9"], [0; 3]),
        (["[24085]", "[24086]", "[24087]"], [24085, 24086, 24087]),
        (["24085", "24085", "24091"], [24085, 24085, 24091]),
    ] {
        assert_eq!(processes(&prefixes), pids, "{prefixes:?}");
    }
}

#[test]
fn the_process_of_a_session_is_guessed_before_the_number_of_a_line() {
    let fields = read(None, "2026-11-21 19:26:58 UTC 7 6b01f082.5e15 ");
    assert_eq!(fields.pid, 24085);
}

#[test]
fn one_name_alone_may_be_that_of_anything() {
    assert_eq!(
        learned("%m [%p] %a "),
        (24086, String::new(), String::new(), String::new())
    );
}

#[test]
fn a_process_without_session_is_read_by_what_sessions_taught() {
    let calendar = Calendar::new(TimeZone::UTC);
    let line =
        "2026-11-21 19:26:58.611 UTC [7] app@shop LOG:  duration: 1.0 ms  statement: SELECT 1\n";
    let mut prefix = Prefix::new(None);
    prefix.learn(line.repeat(20).as_bytes(), 0, Next::More, &calendar);
    assert_eq!(prefix.learned(), Some("%m [%p] %q%u@%d "));
    let line = b"2026-11-21 19:26:58.611 UTC [9] ";
    let fields = prefix.read(line, line.len(), &mut calendar.clone());
    assert_eq!((fields.pid, fields.user), (9, b"".as_slice()));
}

#[test]
fn padded_escapes_are_read_to_their_width() {
    let fields = read(
        Some("%m [%8p] %-10u|%10d> "),
        "2026-11-21 19:26:58.611 UTC [   24085] app       |      shop> ",
    );
    assert_eq!(
        named(&fields),
        (24085, "app".into(), "shop".into(), String::new())
    );
}

#[test]
fn every_escape_of_the_manual_is_read() {
    let setting = "%a|%u|%d|%r|%h|%L|%b|%p|%P|%t|%m|%n|%i|%e|%c|%l|%s|%v|%x|%Q|%q%%>";
    let prefix = "psql|app|shop|10.0.0.1(5)|10.0.0.1|10.0.0.9|client backend|24085||2026-11-21 19:26:58 UTC|2026-11-21 19:26:58.611 UTC|1795289218.611|SELECT|42P01|6b01f082.5e15|3|2026-11-21 19:00:00 UTC|3/17|0|-81|%>";
    let fields = read(Some(setting), prefix);
    assert_eq!(fields.code, b"42P01");
    assert_eq!(
        named(&fields),
        (24085, "app".into(), "shop".into(), "10.0.0.1".into())
    );
    let blanks = read(
        Some("%t %b %i %u@%d "),
        "2026-11-21 19:26:58 UTC client backend CREATE TABLE app@shop ",
    );
    assert_eq!(blanks.user, b"app");
}

#[test]
fn a_known_setting_is_followed() {
    let fields = read(
        Some("%m %q<%p|%u|%d|%h> "),
        "2026-11-21 19:26:58.611 UTC <24085|a b|shop|::1> ",
    );
    assert_eq!(
        named(&fields),
        (24085, "a b".into(), "shop".into(), "::1".into())
    );
}

#[test]
fn a_process_without_session_stops_at_the_q() {
    let fields = read(
        Some("%m [%p] %q%u@%d "),
        "2026-11-21 19:26:58.611 UTC [24085] ",
    );
    assert_eq!(
        named(&fields),
        (24085, String::new(), String::new(), String::new())
    );
}
