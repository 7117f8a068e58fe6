//! Reads numbers and lines from bytes that need not be text.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

/// A run longer than this is a counter that wrapped (`Query_time: 18446744073709.55`), not a run.
const LONGEST_RUN: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Reads a whole number; `None` unless every byte is a digit and it fits.
pub(in crate::ingest) fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Reads the number that `text` starts with, and says how many bytes it took.
pub(in crate::ingest) fn leading_whole(text: &[u8]) -> Option<(u64, usize)> {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    Some((whole(&text[..length])?, length))
}

/// Reads decimal seconds, `0.000332`; a wrapped counter is told as zero, which is "not known".
pub(super) fn seconds(text: &[u8]) -> Option<Duration> {
    let run = decimal(text, 1_000_000_000)?;
    Some(if run > LONGEST_RUN {
        Duration::ZERO
    } else {
        run
    })
}

/// Reads decimal milliseconds, `0.888`.
pub(super) fn milliseconds(text: &[u8]) -> Option<Duration> {
    let run = decimal(text, 1_000_000)?;
    Some(if run > LONGEST_RUN {
        Duration::ZERO
    } else {
        run
    })
}

/// Reads a decimal number of units of `nanos_per_unit`, which is a power of ten; finer digits are dropped.
fn decimal(text: &[u8], nanos_per_unit: u64) -> Option<Duration> {
    let (units, length) = leading_whole(text)?;
    let nanos = match text.get(length) {
        None => 0,
        Some(b'.') => fraction(&text[length + 1..], nanos_per_unit)?,
        Some(_) => return None,
    };
    let nanos = units.saturating_mul(nanos_per_unit).saturating_add(nanos);
    Some(Duration::from_nanos(nanos))
}

/// Reads the digits behind a decimal point, in units of one nanosecond.
fn fraction(digits: &[u8], nanos_per_unit: u64) -> Option<u64> {
    let mut nanos = 0;
    let mut place = nanos_per_unit;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        place /= 10;
        nanos += u64::from(digit) * place;
    }
    Some(nanos)
}

/// Reads the number that `text` starts with and that a blank follows, or nothing, and gives back what stands behind
/// it. `None` for one that is longer than usual, which [`whole`] may read all the same.
#[inline]
pub(super) fn usual_whole(text: &[u8]) -> Option<(u64, &[u8])> {
    let (number, length) = short_whole(text, 18);
    let rest = &text[length..];
    (length > 0 && ends_word(rest)).then_some((number, rest))
}

/// The same for decimal seconds, which [`seconds`] may read.
#[inline]
pub(super) fn usual_seconds(text: &[u8]) -> Option<(Duration, &[u8])> {
    // so few digits never reach LONGEST_RUN
    let (units, length) = short_whole(text, 8);
    let digits = text[length..].strip_prefix(b".")?;
    let (fraction, places) = short_whole(digits, 9);
    let rest = &digits[places..];
    let is_usual = length > 0 && ends_word(rest);
    let nanos = units * 1_000_000_000 + fraction * POWERS_OF_TEN[9 - places];
    is_usual.then_some((Duration::from_nanos(nanos), rest))
}

const POWERS_OF_TEN: [u64; 10] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
];

/// The number that at most `most` digits tell, and how many they are.
#[inline]
fn short_whole(text: &[u8], most: usize) -> (u64, usize) {
    let mut number = 0;
    let mut length = 0;
    for byte in text.iter().take(most) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number * 10 + u64::from(digit);
        length += 1;
    }
    (number, length)
}

#[inline]
fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_blank(*byte))
}

/// Where in `text` its part `part` stands.
pub(super) fn place(text: &[u8], part: &[u8]) -> Range<usize> {
    if part.is_empty() {
        return 0..0;
    }
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    start..start.saturating_add(part.len())
}

/// Length of the line that `text` starts with, line end included; `None` when it does not end.
pub(in crate::ingest) fn line_length(text: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', text).map(|end| end + 1)
}

/// The line that starts at `at`, without its end, and where the next one starts.
pub(super) fn line_at(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = text.get(at..).unwrap_or_default();
    let length = line_length(rest).unwrap_or(rest.len());
    (rest[..length].trim_ascii_end(), at + length)
}

/// The words of a line, which blanks and tabs part.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|b| !is_blank(*b))?;
        let word = &rest[start..];
        let (word, behind) = word.split_at(word_length(word));
        rest = behind;
        Some(word)
    })
}

/// Length of the word that `text` starts with; 0 when it starts with a blank.
#[inline]
pub(super) fn word_length(text: &[u8]) -> usize {
    let length = text.iter().position(|b| is_blank(*b));
    length.unwrap_or(text.len())
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Text for a name; what is not UTF-8 is replaced.
pub(in crate::ingest) fn name(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// A statement without the white space, `NUL` bytes and semicolons behind it.
pub(in crate::ingest) fn without_end(sql: &[u8]) -> &[u8] {
    let end = sql
        .iter()
        .rposition(|b| !(b.is_ascii_whitespace() || *b == 0 || *b == b';'))
        .map_or(0, |last| last + 1);
    &sql[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_to_the_nanosecond() {
        assert_eq!(seconds(b"1.000332"), Some(Duration::from_micros(1_000_332)));
        assert_eq!(seconds(b"3"), Some(Duration::from_secs(3)));
        assert_eq!(milliseconds(b"0.888"), Some(Duration::from_micros(888)));
        assert_eq!(seconds(b"1.2.3"), None);
        assert_eq!(seconds(b""), None);
    }

    #[test]
    fn words_are_parted_by_any_number_of_blanks() {
        let found: Vec<&[u8]> = words(b"  Id:\t 8  Db: x ").collect();
        assert_eq!(found, [b"Id:".as_slice(), b"8", b"Db:", b"x"]);
        assert_eq!(words(b" \t").count(), 0);
    }

    #[test]
    fn a_wrapped_counter_is_not_a_run() {
        assert_eq!(seconds(b"18446744073709.55"), Some(Duration::ZERO));
    }
}
