//! Which queries and joins stand in parentheses that they can go without.

use super::parens::{Pass, SET_OPERATIONS};

impl Pass<'_, '_> {
    pub(super) fn joins_may_stand_alone(&self, index: usize) -> bool {
        self.tokens
            .get(index + 1)
            .is_none_or(|t| !t.is_name() && !t.is("as") && !t.is_sign(","))
    }

    /// A branch of a set operation, a query in two pairs, the source of an INSERT.
    pub(super) fn query_may_stand_alone(&self, open: usize, index: usize) -> bool {
        let next = self.tokens.get(index + 1);
        let before = self.before(open, 1);
        let ends = next.is_none_or(|t| {
            t.is_sign(")") || t.is_sign(";") || t.is_any(&SET_OPERATIONS) || t.is("order")
        });
        let begins = before.is_none_or(|t| {
            let all = t.is_any(&["all", "distinct"])
                && self
                    .before(open, 2)
                    .is_some_and(|t| t.is_any(&SET_OPERATIONS));
            let doubled =
                t.is_sign("(") && (!next.is_some_and(|t| t.is_sign(")")) || self.holds_a_query());
            doubled || t.is_sign(";") || all || t.is_any(&SET_OPERATIONS)
        });
        let inserts = self
            .tokens
            .first()
            .is_some_and(|t| t.is_any(&["insert", "replace"]))
            && self.frames.is_empty()
            && before.is_some_and(|t| t.is_sign(")") || t.is_name());
        inserts || begins && ends
    }

    /// Whether the chain of UNION ALL in the parenthesis is one with what stands around.
    pub(super) fn chain_may_go_on(&self, open: usize, index: usize) -> bool {
        let (first, second) = (self.before(open, 2), self.before(open, 1));
        let union_all = second.is_some_and(|t| t.is("all")) && first.is_some_and(|t| t.is("union"));
        let begins =
            second.is_none_or(|t| !t.is_any(&SET_OPERATIONS) && !t.is_any(&["all", "distinct"]));
        (union_all || begins) && !self.next_is(index, |t| t.is("intersect"))
    }

    /// Whether the parenthesis around stands where a query does, not an argument.
    fn holds_a_query(&self) -> bool {
        self.before(self.top.open, 1).is_some_and(|t| {
            t.is_any(&[
                "exists", "in", "any", "all", "from", "join", "lateral", "as",
            ])
        })
    }
}
