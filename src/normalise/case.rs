//! Folds the arms of a CASE: bulk updates have one for each row, like VALUES.

use std::ops::Range;

use super::fold::Folder;
use super::repeats::keep;
use super::token::Token;

/// A CASE that is not closed yet.
#[derive(Debug, Default)]
pub(super) struct Case {
    arm: Option<usize>,
    arms: Vec<Range<usize>>,
    /// The OR chain around it, which goes on behind END.
    terms: Vec<Range<usize>>,
    term: usize,
}

impl Case {
    /// What lies behind `start` was folded.
    pub(super) fn forget_behind(&mut self, start: usize) {
        let stays = |span: &Range<usize>| span.end <= start;
        self.arm = self.arm.map(|at| at.min(start));
        self.arms.retain(stays);
        self.terms.retain(stays);
        self.term = self.term.min(start);
    }
}

impl<'a> Folder<'a> {
    pub(super) fn begin_case(&mut self) {
        let terms = std::mem::take(&mut self.top.terms);
        let case = Case {
            terms,
            term: self.top.term,
            ..Case::default()
        };
        self.top.cases.push(case);
    }

    /// WHEN ends an arm and begins one; ELSE and END end the last.
    pub(super) fn case_word(&mut self, token: &Token<'a>) {
        let here = self.out.len();
        let Some(case) = self.top.cases.last_mut() else {
            return;
        };
        if !token.is_any(&["when", "else", "end"]) {
            return;
        }
        if let Some(start) = case.arm.take() {
            case.arms.push(start..here);
        }
        if token.is("when") {
            case.arm = Some(here);
            return;
        }
        let arms = std::mem::take(&mut case.arms);
        let Some(first) = arms.first() else {
            return;
        };
        if !self.affords(first.start) {
            return;
        }
        let kept = keep(&self.out, &arms, 1);
        if kept.len() < arms.len() {
            let mut folded: Vec<Token<'a>> = Vec::new();
            for arm in kept {
                folded.extend_from_slice(&self.out[arm]);
            }
            self.out.splice(first.start..here, folded);
            self.top.forget_behind(first.start);
        }
    }

    pub(super) fn end_case(&mut self) {
        if let Some(case) = self.top.cases.pop() {
            self.top.terms = case.terms;
            self.top.term = case.term;
        }
    }
}
