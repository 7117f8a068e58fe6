//! Which texts are plain JSON paths, and so names rather than data.

/// Whether `text` is `$` and steps to members, elements or all of them, without filters, functions or values.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let Some((b'$', steps)) = text.split_first() else {
        return false;
    };
    let begins = matches!(steps, [] | [b'.' | b'[', ..] | [b'*', b'*', ..]);
    let step = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'*' | b'"')
            || !b.is_ascii()
    };
    begins && steps.iter().all(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_a_price_and_from_a_filter() {
        for path in ["$", "$.a", "$.a[0].b", "$**.c", "$[*]", "$.\"a-b\""] {
            assert!(is_plain(path.as_bytes()), "{path}");
        }
        for value in ["$100", "$v", "a", "", "$.u[*] ? (@.e == \"bob@x.com\")"] {
            assert!(!is_plain(value.as_bytes()), "{value}");
        }
    }
}
