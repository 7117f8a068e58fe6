//! Where quoted texts and comments end.

use memchr::{memchr, memchr2, memmem};

use super::marks::is_word_byte;

/// Words behind which `#name` is a table.
const TABLE_WORDS: [&[u8]; 7] = [
    b"from", b"join", b"into", b"update", b"table", b"exists", b"delete",
];

/// Whether a word right before a quote belongs to the string.
pub(super) fn is_string_prefix(word: &[u8]) -> bool {
    matches!(
        word,
        [b'e' | b'E' | b'n' | b'N' | b'b' | b'B' | b'x' | b'X']
    ) || word[0] == b'_'
}

/// Where the text that starts at `from` ends, where reading goes on, and whether it was closed.
#[inline]
pub(super) fn find_close(
    sql: &[u8],
    from: usize,
    quote: u8,
    escapes: bool,
) -> (usize, usize, bool) {
    let mut at = from;
    loop {
        let rest = sql.get(at..).unwrap_or_default();
        let found = if escapes {
            memchr2(quote, b'\\', rest)
        } else {
            memchr(quote, rest)
        };
        let Some(offset) = found else {
            return (sql.len(), sql.len(), false);
        };
        let here = at + offset;
        let escaped = sql[here] == b'\\' || sql.get(here + 1) == Some(&quote);
        if !escaped {
            return (here, here + 1, true);
        }
        at = here + 2;
    }
}

/// The same for a string behind `E`: PostgreSQL reads on where a line break and another quote follow it.
pub(super) fn escape_string_end(sql: &[u8], from: usize) -> (usize, usize, bool) {
    let mut from = from;
    loop {
        let (end, after, closed) = find_close(sql, from, b'\'', true);
        match continuation(sql, after).filter(|_| closed) {
            Some(next) => from = next,
            None => return (end, after, closed),
        }
    }
}

/// Where the string that ended before `from` goes on behind a line break and perhaps comments.
fn continuation(sql: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut breaks = false;
    loop {
        match *sql.get(at)? {
            b'\'' if breaks => return Some(at + 1),
            b'-' if sql.get(at + 1) == Some(&b'-') => at += memchr(b'\n', &sql[at..])?,
            byte if byte.is_ascii_whitespace() => {
                breaks |= matches!(byte, b'\n' | b'\r');
                at += 1;
            }
            _ => return None,
        }
    }
}

/// Whether a backslash stands before a quote in `text`, or before the one that ends it.
#[inline]
pub(super) fn has_escaped_quote(text: &[u8], quote: u8) -> bool {
    let Some(first) = memchr(b'\\', text) else {
        return false;
    };
    text.last() == Some(&b'\\') || memmem::find(&text[first..], &[b'\\', quote]).is_some()
}

/// Length of the mark `$tag$` that opens a string at `at`, if one does.
pub(super) fn dollar_fence(sql: &[u8], at: usize) -> Option<usize> {
    let tail = sql.get(at + 1..)?;
    let end = tail
        .iter()
        .position(|&b| b == b'$' || !is_word_byte(b))
        .filter(|&end| tail[end] == b'$')?;
    let numbered = tail.first().is_some_and(u8::is_ascii_digit);
    (!numbered).then_some(end + 2)
}

/// Whether `#` at `at` starts a comment of a server that is not known. What may be one is one, save `#tmp`, a table.
pub(super) fn may_start_comment(sql: &[u8], at: usize) -> bool {
    let next = sql.get(at + 1).copied().unwrap_or(b' ');
    if next <= b' ' {
        return true;
    }
    let before = &sql[..at];
    if before.last().is_some_and(|b| *b > b' ') || matches!(next, b'>' | b'-' | b'{') {
        return false;
    }
    let before = before.trim_ascii_end();
    let word = before.iter().rposition(|&b| !is_word_byte(b));
    let word = &before[word.map_or(0, |at| at + 1)..];
    let names_table = TABLE_WORDS.iter().any(|w| word.eq_ignore_ascii_case(w));
    !names_table || !(is_word_byte(next) || next == b'#')
}

/// Where the comment of a server that is not known ends, whose inside starts at `from`: if comments nest or if they
/// do not, whichever is more.
pub(super) fn widest_comment_end(sql: &[u8], from: usize) -> Option<usize> {
    let mut end = comment_end(sql, from, false)?;
    let opened = |inside: &[u8]| memmem::find_iter(inside, b"/*").count();
    let mut open = opened(&sql[from..end]);
    while open > 0 {
        let Some(next) = comment_end(sql, end, false) else {
            break;
        };
        if opened(&sql[end..next]) > 0 {
            break;
        }
        end = next;
        open -= 1;
    }
    Some(end)
}

/// Index behind the `*/` that closes a comment whose inside starts at `from`.
pub(super) fn comment_end(sql: &[u8], from: usize, nested: bool) -> Option<usize> {
    let mut depth = 1_usize;
    let mut at = from;
    loop {
        let rest = sql.get(at..)?;
        let offset = if nested {
            memchr2(b'*', b'/', rest)?
        } else {
            memchr(b'*', rest)?
        };
        at += offset;
        match sql.get(at..at + 2)? {
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            b"/*" => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
}
