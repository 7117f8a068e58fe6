//! What is known of the parentheses that are open while the text is folded.

use std::ops::Range;

use super::case::Case;

/// What a pair of parentheses holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    List,
    Row,
    Query,
    Other,
}

/// An open pair of parentheses, or the whole text. Spans are indices of what was written.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) start: usize,
    pub(super) inside: Inside,
    /// The alternatives of the OR chain that is open, and where its last begins.
    pub(super) terms: Vec<Range<usize>>,
    pub(super) term: usize,
    /// The branches of the set operation that is open, and the operators behind them.
    pub(super) branches: Vec<Range<usize>>,
    pub(super) operators: Vec<Range<usize>>,
    pub(super) branch: Option<usize>,
    /// Where the ORDER BY of the whole set operation may begin.
    pub(super) tail: Option<usize>,
    /// What commas separate, and where the last begins.
    pub(super) items: Vec<Range<usize>>,
    pub(super) item: usize,
    pub(super) rows: Vec<Row>,
    pub(super) cases: Vec<Case>,
}

/// One row of VALUES.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) span: Range<usize>,
    pub(super) items: Vec<Range<usize>>,
}

impl Frame {
    /// What begins at `start`.
    pub(super) fn new(start: usize, inside: Inside) -> Self {
        Self {
            start,
            inside,
            terms: Vec::new(),
            term: start,
            branches: Vec::new(),
            operators: Vec::new(),
            branch: None,
            tail: None,
            items: Vec::new(),
            item: start,
            rows: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// What lies behind `start` was folded, so nothing is where it was. What is forgotten by it is the inside of texts
    /// that are no SQL (`ARRAY[1 UNION 2, 3]`), or was read to its end.
    pub(super) fn forget_behind(&mut self, start: usize) {
        let stays = |span: &Range<usize>| span.end <= start;
        self.terms.retain(stays);
        self.term = self.term.min(start);
        self.items.retain(stays);
        self.item = self.item.min(start);
        self.rows.retain(|row| stays(&row.span));
        if !self.operators.iter().all(stays) {
            self.branches.clear();
            self.operators.clear();
        }
        self.branch = self.branch.map(|at| at.min(start));
        self.tail = self.tail.map(|at| at.min(start));
        for case in &mut self.cases {
            case.forget_behind(start);
        }
    }
}
