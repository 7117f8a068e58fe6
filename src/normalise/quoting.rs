//! Where quoted texts and comments end.

use memchr::{memchr, memchr2, memmem};

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

/// Whether a backslash stands before a quote in `text`, or before the one that ends it.
#[inline]
pub(super) fn has_escaped_quote(text: &[u8]) -> bool {
    let Some(first) = memchr(b'\\', text) else {
        return false;
    };
    text.last() == Some(&b'\\') || memmem::find(&text[first..], b"\\'").is_some()
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
