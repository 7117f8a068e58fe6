//! Reads the `log_line_prefix` of a line: by the setting when it is known, else by what its parts look like.

use super::template::Template;
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;
use crate::model::time::Timestamp;

/// What a prefix tells; empty, or 0 for the process, when it does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) at: Option<Timestamp>,
    pub(super) pid: u32,
    pub(super) user: &'a [u8],
    pub(super) database: &'a [u8],
    pub(super) client: &'a [u8],
    pub(super) code: &'a [u8],
}

/// Reader of prefixes.
#[derive(Debug)]
pub(in crate::ingest::slow_log) struct Prefix(Option<Template>);

impl Prefix {
    /// `log_line_prefix`, when it is known.
    pub(in crate::ingest::slow_log) fn new(setting: Option<&str>) -> Self {
        Self(setting.and_then(Template::new))
    }

    pub(super) fn read<'a>(&self, prefix: &'a [u8], calendar: &mut Calendar) -> Fields<'a> {
        self.0
            .as_ref()
            .and_then(|template| template.read(prefix, calendar))
            .unwrap_or_else(|| guess(prefix, calendar))
    }
}

/// Tells the parts of a prefix by their looks.
fn guess<'a>(prefix: &'a [u8], calendar: &mut Calendar) -> Fields<'a> {
    let mut fields = Fields::default();
    let mut rest = prefix;
    if let Some((at, behind)) = date(prefix, calendar) {
        fields.at = Some(at);
        rest = &prefix[behind..];
    }
    fields.pid = bracketed_pid(rest).unwrap_or(0);
    for word in rest.split(|b| b" ,;|:\t[]".contains(b)) {
        if !word.is_empty() {
            word_of(&mut fields, word);
        }
    }
    fields
}

/// Finds the date, and where the rest of the prefix starts.
fn date(prefix: &[u8], calendar: &mut Calendar) -> Option<(Timestamp, usize)> {
    let mut before = 0_u8;
    for (at, byte) in prefix.iter().enumerate() {
        let starts_number = byte.is_ascii_digit() && !before.is_ascii_digit();
        before = *byte;
        if !starts_number {
            continue;
        }
        let text = &prefix[at..];
        if let Some((time, length)) = calendar.date(text).or_else(|| epoch(text)) {
            return Some((time, at + length));
        }
    }
    None
}

/// `%n`: `1795289218.608`.
pub(super) fn epoch(text: &[u8]) -> Option<(Timestamp, usize)> {
    let (secs, 10) = scan::leading_whole(text)? else {
        return None;
    };
    let fraction = text.get(10..)?.strip_prefix(b".")?;
    let (millis, 3) = scan::leading_whole(fraction)? else {
        return None;
    };
    let at = Timestamp::from_unix_millis(secs.saturating_mul(1000).saturating_add(millis));
    Some((at, 14))
}

/// `[24085]` or `[24085-1]`.
fn bracketed_pid(text: &[u8]) -> Option<u32> {
    memchr::memchr_iter(b'[', text).find_map(|at| {
        let (pid, length) = scan::leading_whole(&text[at + 1..])?;
        let end = text.get(at + 1 + length)?;
        u32::try_from(pid)
            .ok()
            .filter(|_| matches!(end, b']' | b'-'))
    })
}

/// Takes one word for what it looks like most.
fn word_of<'a>(fields: &mut Fields<'a>, word: &'a [u8]) {
    if let Some(at) = memchr::memchr(b'=', word) {
        key_value(fields, &word[..at], &word[at + 1..]);
    } else if memchr::memchr(b'@', word).is_some() {
        user_at_database(fields, word);
    } else if let Some(open) = memchr::memchr(b'(', word).filter(|_| word.ends_with(b")")) {
        fields.client = &word[..open];
    } else if let Some(pid) = number(word) {
        if fields.pid == 0 {
            fields.pid = pid;
        }
    } else if is_code(word) {
        fields.code = word;
    } else if fields.pid == 0 {
        fields.pid = session_pid(word).unwrap_or(0);
    }
    // `57014` is a number too, and five digits that are not the process
    if fields.code.is_empty() && is_code(word) && number(word) != Some(fields.pid) {
        fields.code = word;
    }
}

fn key_value<'a>(fields: &mut Fields<'a>, key: &[u8], value: &'a [u8]) {
    match key {
        b"user" | b"u" if memchr::memchr(b'@', value).is_some() => user_at_database(fields, value),
        b"user" | b"u" => fields.user = known(value),
        b"db" | b"database" | b"d" => fields.database = known(value),
        b"client" | b"host" | b"remote" | b"h" | b"r" => {
            fields.client = value.split(|b| *b == b'(').next().unwrap_or_default();
        }
        b"pid" | b"p" => fields.pid = number(value).unwrap_or(fields.pid),
        b"code" | b"state" | b"sqlstate" | b"e" => fields.code = value,
        _ => {}
    }
}

/// `%u@%d`, with `/%a` or a client behind it.
fn user_at_database<'a>(fields: &mut Fields<'a>, word: &'a [u8]) {
    let Some(at) = memchr::memchr(b'@', word) else {
        return;
    };
    fields.user = known(&word[..at]);
    let database = &word[at + 1..];
    let end = database.iter().position(|b| matches!(b, b'/' | b'('));
    fields.database = known(&database[..end.unwrap_or(database.len())]);
}

/// `[unknown]` of a session that has not logged in yet; its brackets may have been taken off.
pub(super) fn known(name: &[u8]) -> &[u8] {
    match name {
        b"unknown" | b"[unknown]" => b"",
        _ => name,
    }
}

fn number(word: &[u8]) -> Option<u32> {
    scan::whole(word).and_then(|pid| u32::try_from(pid).ok())
}

/// `%c`: hexadecimal start time and process, `6b01f082.5e15`.
pub(super) fn session_pid(word: &[u8]) -> Option<u32> {
    let dot = memchr::memchr(b'.', word)?;
    let started = &word[..dot];
    if started.len() != 8 || !started.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pid = std::str::from_utf8(&word[dot + 1..]).ok()?;
    u32::from_str_radix(pid, 16).ok()
}

/// Whether a word is like a SQLSTATE of an error: five characters, the first two a class that errors have.
fn is_code(word: &[u8]) -> bool {
    const CLASSES: [&[u8; 2]; 24] = [
        b"08", b"0A", b"21", b"22", b"23", b"24", b"25", b"26", b"28", b"2D", b"34", b"3D", b"3F",
        b"40", b"42", b"44", b"53", b"54", b"55", b"57", b"58", b"P0", b"XX", b"F0",
    ];
    let plain = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    word.len() == 5
        && word.iter().all(plain)
        && CLASSES.iter().any(|class| word.starts_with(*class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn read<'a>(setting: Option<&str>, prefix: &'a str) -> Fields<'a> {
        let mut calendar = Calendar::new(TimeZone::UTC);
        Prefix::new(setting).read(prefix.as_bytes(), &mut calendar)
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
}
