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

/// Reads the number that `text` starts with and that a blank follows, a line end or nothing, and gives back what stands
/// behind it. `None` for one that is longer than usual, which [`whole`] may read all the same.
#[inline]
pub(super) fn usual_whole(text: &[u8]) -> Option<(u64, &[u8])> {
    // half of all counts are so small
    if let [digit @ b'0'..=b'9', rest @ ..] = text
        && ends_word(rest)
    {
        return Some((u64::from(digit - b'0'), rest));
    }
    let (number, length) = short_whole(text, 18);
    let rest = &text[length..];
    (length > 0 && ends_word(rest)).then_some((number, rest))
}

/// The same for decimal seconds, which [`seconds`] may read.
#[inline]
pub(super) fn usual_seconds(text: &[u8]) -> Option<(Duration, &[u8])> {
    if let Some((eight, rest)) = text.split_first_chunk()
        && let Some(micros) = micros(*eight)
        && ends_word(rest)
    {
        return Some((Duration::from_micros(micros), rest));
    }
    // so few digits never reach LONGEST_RUN
    let (units, length) = short_whole(text, 8);
    let digits = text[length..].strip_prefix(b".")?;
    let (fraction, places) = short_whole(digits, 9);
    let rest = &digits[places..];
    let is_usual = length > 0 && ends_word(rest);
    let nanos = units * 1_000_000_000 + fraction * POWERS_OF_TEN[9 - places];
    is_usual.then_some((Duration::from_nanos(nanos), rest))
}

/// The same for decimal milliseconds, which [`milliseconds`] may read.
#[inline]
pub(super) fn usual_milliseconds(text: &[u8]) -> Option<(Duration, &[u8])> {
    let (units, length) = short_whole(text, 8);
    let digits = text[length..].strip_prefix(b".")?;
    let (fraction, places) = short_whole(digits, 8);
    let rest = &digits[places..];
    let is_usual = length > 0 && ends_word(rest);
    // finer digits are dropped by the other
    let finest = *POWERS_OF_TEN.get(6_usize.checked_sub(places)?)?;
    let nanos = units * 1_000_000 + fraction * finest;
    is_usual.then_some((Duration::from_nanos(nanos), rest))
}

/// Reads what servers write of a run of less than ten seconds, `0.000113`.
#[inline]
fn micros(text: [u8; 8]) -> Option<u64> {
    if text[1] != b'.' {
        return None;
    }
    // the point goes, and a zero comes before the first digit
    let text = u64::from_le_bytes(text);
    let without_point = (text & !0xffff) | ((text & 0xff) << 8) | u64::from(b'0');
    let (micros, digits) = eight_digits(without_point);
    (digits == 8).then_some(micros)
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

/// How many digits `text` starts with.
#[inline]
pub(super) fn digits(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let bits = above_nine(u64::from_le_bytes(*eight)).trailing_zeros();
        at += bits as usize / 8;
        if bits < u64::BITS {
            return at;
        }
    }
    at + text[at..].iter().take_while(|b| b.is_ascii_digit()).count()
}

/// The number that at most `most` digits tell, eight or more, and how many they are.
#[inline]
pub(super) fn short_whole(text: &[u8], most: usize) -> (u64, usize) {
    let eight = text.first_chunk().map(|eight| u64::from_le_bytes(*eight));
    let (mut number, mut length) = eight.map_or((0, 0), eight_digits);
    // The end of a text has no eight bytes, and few numbers more than seven digits.
    let may_go_on = length == 8 || text.len() < 8;
    if may_go_on {
        for byte in text.iter().take(most).skip(length) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number * 10 + u64::from(digit);
            length += 1;
        }
    }
    (number, length)
}

/// The same of eight bytes at once, as how many digits a number has is as good as random to a branch predictor: each
/// product adds up neighbours, digits to hundreds and those to ten thousands and more.
#[inline]
fn eight_digits(text: u64) -> (u64, usize) {
    const EVERY_FOURTH: u64 = 0x0000_00ff_0000_00ff;
    let digits = text ^ (0x30 * ONES);
    let bits = above_nine(text).trailing_zeros() & !7;
    // what is behind the number goes, and zeros come before it
    let padded = digits.checked_shl(u64::BITS - bits).unwrap_or(0);
    let pairs = padded.wrapping_mul(10).wrapping_add(padded >> 8);
    let odd = (pairs & EVERY_FOURTH).wrapping_mul(100 + (1_000_000 << 32));
    let even = (pairs >> 16 & EVERY_FOURTH).wrapping_mul(1 + (10_000 << 32));
    (odd.wrapping_add(even) >> 32, bits as usize / 8)
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// The high bit of each of eight bytes that is no digit.
#[inline]
fn above_nine(text: u64) -> u64 {
    let digits = text ^ (0x30 * ONES);
    (((digits & (0x7f * ONES)) + 0x76 * ONES) | digits) & (0x80 * ONES)
}

#[inline]
fn ends_word(rest: &[u8]) -> bool {
    let next = rest.first();
    next.is_none_or(|byte| is_blank(*byte) || *byte == b'\n')
}

/// Where in `text` its part `part` stands.
pub(super) fn place(text: &[u8], part: &[u8]) -> Range<usize> {
    if part.is_empty() {
        return 0..0;
    }
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    start..start.saturating_add(part.len())
}

/// Where a byte is that mostly stands near: a call of `memchr` takes as long as 40 bytes here.
#[inline]
pub(super) fn find_soon(byte: u8, text: &[u8]) -> Option<usize> {
    let near = match near([byte], text) {
        Ok(at) => return Some(at),
        Err(near) => near,
    };
    memchr::memchr(byte, &text[near..]).map(|at| near + at)
}

/// The same for the first of three bytes.
#[inline]
pub(super) fn find_soon_of(bytes: [u8; 3], text: &[u8]) -> Option<usize> {
    let near = match near(bytes, text) {
        Ok(at) => return Some(at),
        Err(near) => near,
    };
    let [one, two, three] = bytes;
    memchr::memchr3(one, two, three, &text[near..]).map(|at| near + at)
}

/// Where the first of some bytes is, or how far none is.
#[inline]
fn near<const N: usize>(bytes: [u8; N], text: &[u8]) -> Result<usize, usize> {
    const NEAR_BYTES: usize = 64;
    const ONES: u64 = u64::MAX / 0xff;
    let (words, _) = text[..text.len().min(NEAR_BYTES)].as_chunks();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // the lowest bit that is set is that of the first byte which is one of them
        let found = bytes.iter().fold(0, |found, byte| {
            let other = word ^ (u64::from(*byte) * ONES);
            found | (other.wrapping_sub(ONES) & !other & (ONES << 7))
        });
        if found != 0 {
            return Ok(8 * index + found.trailing_zeros() as usize / 8);
        }
    }
    Err(8 * words.len())
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
    fn a_number_is_the_same_however_many_bytes_are_read_at_once() {
        for text in [
            "",
            "7",
            "07",
            "1234567",
            "12345678",
            "123456789",
            "1795288973;\nSELECT",
            "0.000113  ",
            "/1234567",
            ":1234567",
            "12\u{b2}45678",
            "99999999 ",
            "000000000000000000009",
            "5\n# Rows",
            "1234567890123456789",
        ] {
            let text = text.as_bytes();
            let digits = text
                .iter()
                .take(18)
                .take_while(|b| b.is_ascii_digit())
                .count();
            let expected = (whole(&text[..digits]).unwrap_or(0), digits);
            assert_eq!(short_whole(text, 18), expected, "{text:?}");
        }
    }

    #[test]
    fn usual_milliseconds_are_those_that_any_are() {
        for text in [
            "0.888",
            "12345678.123456",
            "7.",
            "1.1234567",
            "1.12345678",
            "1.123456789",
            "1",
            ".5",
            "123456789.1",
        ] {
            let read = usual_milliseconds(text.as_bytes());
            assert!(
                read.is_none_or(|(time, _)| Some(time) == milliseconds(text.as_bytes())),
                "{text}"
            );
        }
        let (time, rest) = usual_milliseconds(b"0.888 ms").unwrap();
        assert_eq!(
            (time, rest),
            (Duration::from_micros(888), b" ms".as_slice())
        );
    }

    #[test]
    fn a_byte_is_found_near_and_far() {
        for length in 0..150 {
            let mut text = vec![b'!'; length];
            assert_eq!(find_soon(b'"', &text), None);
            for at in (0..length).rev() {
                text[at] = b'"';
                assert_eq!(find_soon(b'"', &text), Some(at));
            }
        }
        assert_eq!(find_soon(0, &[0x80, 1, 0xff, 0x81, 2, 3, 4, 0]), Some(7));
        for at in 0..80 {
            let text = [vec![b'.'; at], b"\r,\n".to_vec(), vec![b'-'; 9]].concat();
            assert_eq!(find_soon_of([b',', b'\n', b'\r'], &text), Some(at));
            assert_eq!(find_soon_of([b',', b'\n', b'x'], &text), Some(at + 1));
        }
    }

    #[test]
    fn usual_seconds_are_read_as_any_others() {
        for text in [
            "0.000113",
            "9.999999",
            "10.000001",
            "0.00011",
            "0.0001134",
            "0.00011x",
            "x.000113",
            "0,000113",
            "0.000113;",
            "0.00 113",
            "/.000113",
            ":.000113",
            "7",
        ] {
            let word = &text.as_bytes()[..word_length(text.as_bytes())];
            let expected = seconds(word).filter(|_| word.contains(&b'.'));
            let usual = usual_seconds(text.as_bytes()).map(|(elapsed, _)| elapsed);
            assert_eq!(usual, expected, "{text}");
        }
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
