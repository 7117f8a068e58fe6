//! Folds what repeats: OR chains, branches of set operations, IN lists, VALUES rows and (in `case`) CASE arms.
//!
//! A chain keeps at most two terms of one shape, so that one alternative still differs from many and many
//! are all alike; lists and rows keep one. Works from the inside out without recursion.

use std::collections::HashMap;
use std::ops::Range;

use super::fold_frame::{Frame, Inside, Row};
use super::repeats::{keep, without_aliases};
use super::token::{Kind, Token};
use crate::model::sql::SetOps;

/// Terms of one shape that a chain keeps.
pub(super) const KEPT_TERMS: u8 = 2;

/// How often each token may be compared, on average; nested chains compare the inner ones again at each level, and
/// what a person wrote nests a few levels deep. Beyond that, nothing is folded.
const COMPARISONS_PER_TOKEN: usize = 16;
/// Short texts are folded at any depth.
const MIN_COMPARISONS: usize = 1 << 16;

/// Keywords that end a condition.
pub(super) const CONDITION_ENDS: [&str; 31] = [
    "where",
    "on",
    "having",
    "when",
    "then",
    "else",
    "end",
    "group",
    "order",
    "limit",
    "union",
    "except",
    "intersect",
    "minus",
    "for",
    "returning",
    "select",
    "from",
    "set",
    "join",
    "left",
    "right",
    "inner",
    "cross",
    "full",
    "natural",
    "window",
    "offset",
    "fetch",
    "as",
    "straight_join",
];

/// Folds `tokens` and counts their set operations.
pub(super) fn fold<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, SetOps) {
    let mut folder = Folder {
        out: Vec::with_capacity(tokens.len()),
        frames: Vec::new(),
        top: Frame::new(0, Inside::Other),
        set_ops: SetOps::default(),
        budget: tokens.len() * COMPARISONS_PER_TOKEN + MIN_COMPARISONS,
    };
    for (index, token) in tokens.iter().enumerate() {
        folder.step(token, tokens.get(index + 1));
    }
    while !folder.frames.is_empty() {
        folder.finish_frame();
    }
    folder.finish_frame();
    (folder.out, folder.set_ops)
}

pub(super) struct Folder<'a> {
    pub(super) out: Vec<Token<'a>>,
    frames: Vec<Frame>,
    pub(super) top: Frame,
    set_ops: SetOps,
    /// Tokens that may still be compared.
    budget: usize,
}

impl<'a> Folder<'a> {
    /// Whether what was written from `start` on may still be compared.
    pub(super) fn affords(&mut self, start: usize) -> bool {
        let cost = self.out.len().saturating_sub(start);
        let affordable = cost <= self.budget;
        self.budget = self.budget.saturating_sub(cost);
        affordable
    }

    fn step(&mut self, token: &Token<'a>, next: Option<&Token<'a>>) {
        let separates_rows = token.is_sign(",") && next.is_some_and(|t| t.is_sign("("));
        if !self.top.rows.is_empty() && !separates_rows && !token.is_sign("(") {
            self.finish_rows();
        }
        if token.is_sign("(") || token.is_sign("[") {
            return self.open(token, next);
        }
        if token.is_sign(")") || token.is_sign("]") {
            return self.close(token);
        }
        if token.is("case") {
            self.begin_case();
        }
        if token.is("or") {
            self.top.terms.push(self.top.term..self.out.len());
            self.out.push(token.clone());
            self.top.term = self.out.len();
            return;
        }
        let comma = token.is_sign(",");
        let ends = comma || token.is_sign(";") || token.is_any(&CONDITION_ENDS);
        if ends {
            self.finish_condition();
            self.case_word(token);
        }
        if comma {
            self.top.items.push(self.top.item..self.out.len());
            self.top.item = self.out.len() + 1;
        }
        self.set_operation(token, next);
        self.out.push(token.clone());
        if ends {
            self.top.term = self.out.len();
        }
        if token.is("end") {
            self.end_case();
        }
    }

    fn open(&mut self, token: &Token<'a>, next: Option<&Token<'a>>) {
        let before = self.out.last();
        // FIELD sorts by a list of values.
        let list =
            before.is_some_and(|t| t.is_any(&["in", "any", "all", "array"]) || t.is_word("field"));
        let more_rows = self
            .top
            .rows
            .last()
            .is_some_and(|row| row.span.end + 1 == self.out.len());
        let in_list = self.top.inside == Inside::List && before.is_some_and(|t| t.is_sign("("));
        let row = before.is_some_and(|t| t.is("values")) || in_list || more_rows;
        let inside = if next.is_some_and(|t| t.is_any(&["select", "with"])) {
            Inside::Query
        } else if row {
            Inside::Row
        } else if list {
            Inside::List
        } else {
            Inside::Other
        };
        self.out.push(token.clone());
        let inner = Frame::new(self.out.len(), inside);
        self.frames.push(std::mem::replace(&mut self.top, inner));
    }

    fn close(&mut self, token: &Token<'a>) {
        if self.frames.is_empty() {
            self.finish_condition();
            self.out.push(token.clone());
            return;
        }
        let inner = self.finish_frame();
        self.out.push(token.clone());
        let open = inner.start - 1;
        match inner.inside {
            Inside::Row => self.top.rows.push(Row {
                span: open..self.out.len(),
                items: inner.items,
            }),
            Inside::Query if self.top.branch.is_none() => self.top.branch = Some(open),
            _ => {}
        }
    }

    /// Folds what is open in the innermost frame and leaves it.
    fn finish_frame(&mut self) -> Frame {
        if !self.top.rows.is_empty() {
            self.finish_rows();
        }
        self.finish_condition();
        self.finish_set();
        self.top.items.push(self.top.item..self.out.len());
        if self.top.inside == Inside::List {
            self.finish_list();
        }
        let outer = self
            .frames
            .pop()
            .unwrap_or_else(|| Frame::new(0, Inside::Other));
        std::mem::replace(&mut self.top, outer)
    }

    fn finish_condition(&mut self) {
        let mut terms = std::mem::take(&mut self.top.terms);
        if terms.is_empty() || !self.affords(terms[0].start) {
            return;
        }
        terms.push(self.top.term..self.out.len());
        let longest = &mut self.set_ops.or_terms;
        *longest = u32::try_from(terms.len()).unwrap_or(u32::MAX).max(*longest);
        let kept = keep(&self.out, &terms, KEPT_TERMS);
        let start = terms[0].start;
        let mut folded: Vec<Token<'a>> = Vec::new();
        for term in kept {
            if !folded.is_empty() {
                folded.push(Token::new(Kind::Keyword, "or"));
            }
            folded.extend_from_slice(&self.out[term]);
        }
        self.out.truncate(start);
        self.out.append(&mut folded);
        self.top.forget_behind(start);
    }

    fn set_operation(&mut self, token: &Token<'a>, next: Option<&Token<'a>>) {
        let here = self.out.len();
        if token.is_any(&["select", "values"]) && self.top.branch.is_none() {
            self.top.branch = Some(here);
        }
        if token.is_any(&["order", "limit", "offset", "fetch", "for"]) && self.top.tail.is_none() {
            self.top.tail = Some(here);
        }
        if token.is_sign(";") {
            self.finish_set();
            self.top.branch = None;
        }
        // In `UNION ALL` the operator is two words; the branch begins behind the second.
        if token.is("all") && self.top.operators.last().is_some_and(|op| op.end == here) {
            if let Some(operator) = self.top.operators.last_mut() {
                operator.end += 1;
            }
            self.top.branch = Some(here + 1);
            return;
        }
        if !token.is_any(&["union", "except", "intersect", "minus"]) {
            return;
        }
        let all = next.is_some_and(|t| t.is("all"));
        match &*token.text {
            "union" if all => self.set_ops.union_all = self.set_ops.union_all.saturating_add(1),
            "union" => self.set_ops.union = self.set_ops.union.saturating_add(1),
            _ => self.set_ops.other = self.set_ops.other.saturating_add(1),
        }
        let start = self.top.branch.unwrap_or(self.top.start).min(here);
        self.top.branches.push(start..here);
        self.top.operators.push(here..here + 1);
        self.top.branch = Some(here + 1);
        self.top.tail = None;
    }

    fn finish_set(&mut self) {
        let mut branches = std::mem::take(&mut self.top.branches);
        let operators = std::mem::take(&mut self.top.operators);
        let tail = self.top.tail.take();
        if branches.is_empty() || !self.affords(branches[0].start) {
            return;
        }
        let last = self.top.branch.unwrap_or(self.out.len());
        let end = tail.unwrap_or(self.out.len()).max(last);
        branches.push(last..end);
        // The first branch counts as joined by the operator behind it.
        let joined: Vec<(Range<usize>, Range<usize>)> = branches
            .iter()
            .enumerate()
            .map(|(i, branch)| (operators[i.saturating_sub(1)].clone(), branch.clone()))
            .collect();
        let mut seen: HashMap<(&[Token<'a>], Vec<&Token<'a>>), u8> = HashMap::new();
        let mut folded: Vec<Token<'a>> = Vec::new();
        for (operator, branch) in joined {
            let operator = &self.out[operator];
            let branch = &self.out[branch];
            let count = seen.entry((operator, without_aliases(branch))).or_default();
            if *count < KEPT_TERMS {
                *count += 1;
                if !folded.is_empty() {
                    folded.extend_from_slice(operator);
                }
                folded.extend_from_slice(branch);
            }
        }
        folded.extend_from_slice(&self.out[end..]);
        self.out.truncate(branches[0].start);
        self.out.append(&mut folded);
        self.top.forget_behind(branches[0].start);
    }

    fn finish_list(&mut self) {
        let items = std::mem::take(&mut self.top.items);
        if !self.affords(items[0].start) {
            return;
        }
        let kept = keep(&self.out, &items, 1);
        if kept.len() < items.len() {
            self.replace(items[0].start, self.out.len(), &kept);
        }
    }

    /// Rows that differ only in where a value is NULL or DEFAULT are one row.
    fn finish_rows(&mut self) {
        let rows = std::mem::take(&mut self.top.rows);
        let (first, last) = (&rows[0], &rows[rows.len() - 1]);
        if rows.len() < 2 || !self.affords(first.span.start) {
            return;
        }
        let (start, end) = (first.span.start, last.span.end);
        let width = first.items.len();
        if rows.iter().all(|row| row.items.len() == width) {
            for column in 0..width {
                self.merge_column(&rows, column);
            }
        }
        let spans: Vec<_> = rows.iter().map(|row| row.span.clone()).collect();
        let kept = keep(&self.out, &spans, 1);
        self.replace(start, end, &kept);
        self.top.forget_behind(start);
    }

    fn merge_column(&mut self, rows: &[Row], column: usize) {
        let absent = |t: &Token<'a>| t.is("null") || t.is("default");
        let cells = || rows.iter().map(|row| row.items[column].clone());
        let simple = cells().all(|cell| {
            cell.len() == 1 && (self.out[cell.start].is_literal() || absent(&self.out[cell.start]))
        });
        let valued = simple && cells().any(|cell| self.out[cell.start].is_literal());
        if valued {
            for cell in cells() {
                self.out[cell.start] = Token::LITERAL;
            }
        }
    }

    /// Puts the kept spans, joined by commas, in the place of `start..end`.
    fn replace(&mut self, start: usize, end: usize, kept: &[Range<usize>]) {
        let mut folded: Vec<Token<'a>> = Vec::new();
        for span in kept {
            if !folded.is_empty() {
                folded.push(Token::new(Kind::Sign, ","));
            }
            folded.extend_from_slice(&self.out[span.clone()]);
        }
        self.out.splice(start..end, folded);
    }
}
