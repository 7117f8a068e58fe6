//! Which parts of a chain, a list or a set operation repeat others.

use std::collections::HashMap;
use std::ops::Range;

use super::token::{Kind, Token};

/// Only the first branch names the columns: whether it does is no difference between branches.
pub(super) fn without_aliases<'t, 'a>(branch: &'t [Token<'a>]) -> Vec<&'t Token<'a>> {
    let is_alias = |at: usize| {
        let (name, next) = (branch.get(at + 1), branch.get(at + 2));
        branch[at].is("as")
            && name.is_some_and(|t| matches!(t.kind, Kind::Name | Kind::Keyword))
            && next.is_none_or(|t| t.is_sign(",") || t.is("from"))
    };
    let kept = |at: &usize| !is_alias(*at) && !at.checked_sub(1).is_some_and(is_alias);
    (0..branch.len())
        .filter(kept)
        .map(|at| &branch[at])
        .collect()
}

/// The spans whose tokens were seen fewer than `most` times before, in order.
pub(super) fn keep(tokens: &[Token<'_>], spans: &[Range<usize>], most: u8) -> Vec<Range<usize>> {
    let mut seen: HashMap<&[Token<'_>], u8> = HashMap::new();
    let is_new = |span: &&Range<usize>| {
        let count = seen.entry(&tokens[(*span).clone()]).or_default();
        *count = count.saturating_add(1);
        *count <= most
    };
    spans.iter().filter(is_new).cloned().collect()
}
