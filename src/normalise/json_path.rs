//! Which texts are plain JSON paths, and so names rather than data.

use memchr::memchr_iter;

use super::stream::SIGN;

/// Longer argument lists are not searched: what stands in them is data.
const MAX_ARGUMENT_BYTES: usize = 4096;

/// Whether the next argument of the function `name` is a path, behind the tokens `inside` its parenthesis.
pub(super) fn is_expected(name: &[u8], inside: &[u8]) -> bool {
    if !name.starts_with(b"json") || inside.len() > MAX_ARGUMENT_BYTES {
        return false;
    }
    let argument = arguments(inside);
    match name {
        b"json_set" | b"json_insert" | b"json_replace" | b"json_array_append"
        | b"json_array_insert" => argument % 2 == 1,
        b"json_extract" | b"json_remove" => argument >= 1,
        b"json_contains" => argument == 2,
        b"json_contains_path" => argument >= 2,
        b"json_search" => argument >= 4,
        b"json_value" | b"json_query" | b"json_exists" | b"json_keys" | b"json_length"
        | b"json_table" => argument == 1,
        _ => name.starts_with(b"jsonb_path_") && argument == 1,
    }
}

/// Arguments that end in `inside`, which begins with the parenthesis.
fn arguments(inside: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut count = 0;
    for at in memchr_iter(SIGN, inside) {
        match inside.get(at + 1) {
            Some(b'(' | b'[') => depth += 1,
            Some(b')' | b']') => depth = depth.saturating_sub(1),
            Some(b',') if depth == 1 => count += 1,
            _ => {}
        }
    }
    count
}

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
