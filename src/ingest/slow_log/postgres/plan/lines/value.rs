//! Blanks, keys and values of a plan's lines. Whatever is not quite as PostgreSQL writes it is left to the JSON reader.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::ingest::slow_log::scan;

/// A double holds this many digits exactly.
const MAX_NUMBER_BYTES: usize = 15;

/// What a field of a step tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Kind,
    Operation,
    Relationship,
    Table,
    Index,
    Conflict,
    SortSpace,
    Rows,
    Given,
    Loops,
    Filtered,
    JoinFiltered,
    Rechecked,
    /// What nobody asks for.
    Other,
}

/// The fields that are read.
const READ: [(&[u8], Field); 13] = [
    (b"Node Type", Field::Kind),
    (b"Operation", Field::Operation),
    (b"Parent Relationship", Field::Relationship),
    (b"Relation Name", Field::Table),
    (b"Index Name", Field::Index),
    (b"Conflict Resolution", Field::Conflict),
    (b"Sort Space Type", Field::SortSpace),
    (b"Plan Rows", Field::Rows),
    (b"Actual Rows", Field::Given),
    (b"Actual Loops", Field::Loops),
    (b"Rows Removed by Filter", Field::Filtered),
    (b"Rows Removed by Join Filter", Field::JoinFiltered),
    (b"Rows Removed by Index Recheck", Field::Rechecked),
];

impl Field {
    pub(super) fn of(key: &[u8]) -> Self {
        let read = READ.iter().find(|(name, _)| *name == key);
        read.map_or(Self::Other, |(_, field)| *field)
    }

    /// It, and how long its key is, when `text` starts with that.
    #[inline]
    fn at<const N: usize>(self, text: &[u8], key: &[u8; N]) -> Option<(Self, usize)> {
        (text.first_chunk()? == key).then_some((self, N))
    }

    /// The field whose key stands in most steps, by its first letters, and the length of `Key": `; `None` for another.
    #[inline]
    pub(super) fn usual(text: &[u8]) -> Option<(Self, usize)> {
        const fn word(text: [u8; 8]) -> u64 {
            u64::from_le_bytes(text)
        }
        const ACTUAL_LOOPS: u64 = word(*b"Actual L");
        const ACTUAL_ROWS: u64 = word(*b"Actual R");
        const ACTUAL_STARTUP: u64 = word(*b"Actual S");
        const ACTUAL_TOTAL: u64 = word(*b"Actual T");
        const ALIAS: u64 = word(*b"Alias\": ");
        const ASYNC: u64 = word(*b"Async Ca");
        const INDEX_COND: u64 = word(*b"Index Co");
        const INDEX_NAME: u64 = word(*b"Index Na");
        const KIND: u64 = word(*b"Node Typ");
        const PARALLEL: u64 = word(*b"Parallel");
        const PARENT: u64 = word(*b"Parent R");
        const RECHECKED: u64 = word(*b"Rows Rem");
        const ROWS: u64 = word(*b"Plan Row");
        const SCAN: u64 = word(*b"Scan Dir");
        const STARTUP: u64 = word(*b"Startup ");
        const TABLE: u64 = word(*b"Relation");
        const TOTAL: u64 = word(*b"Total Co");
        const WIDTH: u64 = word(*b"Plan Wid");
        match word(*text.first_chunk()?) {
            ACTUAL_LOOPS => Self::Loops.at(text, b"Actual Loops\": "),
            ACTUAL_ROWS => Self::Given.at(text, b"Actual Rows\": "),
            ACTUAL_STARTUP => Self::Other.at(text, b"Actual Startup Time\": "),
            ACTUAL_TOTAL => Self::Other.at(text, b"Actual Total Time\": "),
            ALIAS => Self::Other.at(text, b"Alias\": "),
            ASYNC => Self::Other.at(text, b"Async Capable\": "),
            INDEX_COND => Self::Other.at(text, b"Index Cond\": "),
            INDEX_NAME => Self::Index.at(text, b"Index Name\": "),
            KIND => Self::Kind.at(text, b"Node Type\": "),
            PARALLEL => Self::Other.at(text, b"Parallel Aware\": "),
            PARENT => Self::Relationship.at(text, b"Parent Relationship\": "),
            RECHECKED => Self::Rechecked.at(text, b"Rows Removed by Index Recheck\": "),
            ROWS => Self::Rows.at(text, b"Plan Rows\": "),
            SCAN => Self::Other.at(text, b"Scan Direction\": "),
            STARTUP => Self::Other.at(text, b"Startup Cost\": "),
            TABLE => Self::Table.at(text, b"Relation Name\": "),
            TOTAL => Self::Other.at(text, b"Total Cost\": "),
            WIDTH => Self::Other.at(text, b"Plan Width\": "),
            _ => None,
        }
    }
}

/// `"Key": value`, taken apart.
pub(super) fn key(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = line.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', text)?;
    let key = &text[..end];
    let is_text = is_plain(key) && key.is_ascii();
    is_text.then_some((key, text[end..].strip_prefix(b"\": ")?))
}

/// A text that may hold anything; `None` for what is no text.
pub(super) fn string(value: &[u8]) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if is_plain(text) {
        return std::str::from_utf8(text).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(value).ok().map(Cow::Owned)
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch for each byte several are looked at at once"
)]
fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |is_plain, byte| {
        is_plain & (*byte >= b' ') & (*byte != b'\\') & (*byte != b'"')
    })
}

/// A number without sign and exponent.
pub(super) fn number(value: &[u8]) -> Option<f64> {
    let (number, length) = leading_number(value)?;
    (length == value.len()).then_some(number)
}

/// The number that `text` starts with, and its length: so few digits that a double holds them, hence the quotient is the
/// nearest.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "of at most 15 digits")]
pub(super) fn leading_number(text: &[u8]) -> Option<(f64, usize)> {
    const UNITS: [u64; 9] = [
        1,
        10,
        100,
        1_000,
        10_000,
        100_000,
        1_000_000,
        10_000_000,
        100_000_000,
    ];
    let (whole, length) = scan::short_whole(text, MAX_NUMBER_BYTES + 1);
    let is_whole = length > 0 && length <= MAX_NUMBER_BYTES && (length == 1 || text[0] != b'0');
    if !is_whole {
        return None;
    }
    let Some(digits) = text[length..].strip_prefix(b".") else {
        return Some((whole as f64, length));
    };
    let (fraction, places) = scan::short_whole(digits, UNITS.len());
    let is_exact = places > 0 && length + places < MAX_NUMBER_BYTES;
    let unit = *UNITS.get(places).filter(|_| is_exact)?;
    Some((
        (whole * unit + fraction) as f64 / unit as f64,
        length + 1 + places,
    ))
}

/// Length of the number that `text` starts with, which [`leading_number`] may read.
#[inline]
pub(super) fn number_length(text: &[u8]) -> Option<usize> {
    let whole = scan::digits(text);
    if whole == 0 || whole > 1 && text[0] == b'0' {
        return None;
    }
    match text.get(whole) {
        Some(b'.') => match scan::digits(&text[whole + 1..]) {
            0 => None,
            places => Some(whole + 1 + places),
        },
        _ => Some(whole),
    }
}

/// Length of the text that `text` starts with behind its quote, if nothing in it is escaped and it is not the last in
/// `text`: eight bytes at once.
#[inline]
pub(super) fn text_length(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    let (words, _) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let [quote, backslash] = [b'"', b'\\'].map(|mark| word ^ (u64::from(mark) * ONES));
        let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let is_control = word.wrapping_sub(0x20 * ONES) & !word;
        // the lowest bit that is set is that of the first such byte
        let found = (is_zero(quote) | is_zero(backslash) | is_control) & (ONES << 7);
        if found != 0 {
            let at = 8 * index + found.trailing_zeros() as usize / 8;
            return (text[at] == b'"').then_some(at);
        }
    }
    None
}

/// Whether a line's value is one that the JSON reader reads, too.
pub(super) fn is_value(value: &[u8]) -> bool {
    let text = value
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""));
    text.is_some_and(is_plain)
        || matches!(value, b"true" | b"false")
        || number(value).is_some()
        || serde_json::from_slice::<IgnoredAny>(value).is_ok()
}

const BLANKS: u64 = u64::from_le_bytes([b' '; 8]);

/// Whether a line starts with so many blanks: few bytes by words that overlap, as how many they are is as good as random.
#[inline]
pub(super) fn is_blank(line: &[u8], count: usize) -> bool {
    let at = |at: usize| {
        let eight = line.get(at..).and_then(|text| text.first_chunk());
        eight.is_some_and(|eight| u64::from_le_bytes(*eight) == BLANKS)
    };
    match count {
        4 => line.first_chunk() == Some(&[b' '; 4]),
        8..=16 => at(0) && at(count - 8),
        _ => line
            .get(..count)
            .is_some_and(|text| text.iter().all(|byte| *byte == b' ')),
    }
}

/// Blanks at the start of a line, eight at once.
#[inline]
pub(super) fn indent(line: &[u8]) -> usize {
    let (words, _) = line.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let other = u64::from_le_bytes(*word) ^ BLANKS;
        if other != 0 {
            return 8 * index + other.trailing_zeros() as usize / 8;
        }
    }
    8 * words.len()
}
