//! The rows that stand behind `COPY ... FROM stdin;` in a dump.

use memchr::memmem;

/// The line that ends the rows.
pub(super) const END: &[u8] = b"\n\\.";

/// Whether the statement, which starts with no comment, takes the rows that follow it.
pub(super) fn takes_rows(statement: &[u8]) -> bool {
    let verb = statement.get(..5).is_some_and(|verb| {
        verb[..4].eq_ignore_ascii_case(b"copy") && verb[4].is_ascii_whitespace()
    });
    verb && statement
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .skip_while(|word| !word.eq_ignore_ascii_case(b"from"))
        .nth(1)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"stdin"))
}

/// Where the rows end that `text` starts with, if their end is there.
pub(super) fn rows_end(text: &[u8]) -> Option<usize> {
    memmem::find(text, END).map(|at| at + END.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_copy_from_the_client_takes_rows() {
        assert!(takes_rows(b"COPY public.t (a, b) FROM stdin"));
        assert!(takes_rows(b"copy t from\nSTDIN with (format csv)"));
        assert!(!takes_rows(b"COPY t TO STDOUT"));
        assert!(!takes_rows(b"COPY t FROM '/tmp/stdin'"));
    }
}
