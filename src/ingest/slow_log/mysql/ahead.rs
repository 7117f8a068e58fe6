//! Remembers how far a string stays open, so that no header is looked at again for each of the entries before it.
//!
//! A quote that never closes is sought its end for many headers ahead, and so is that of the next entry, and the next.
//! Two searches that come to one header inside the same quotes go on alike: the second goes on where the first ended.
//!
//! ```text
//! SELECT 'cut   # header   SELECT 'cut   # header   SELECT 'cut   # header   ...   # header: 64 KiB, enough
//!        └────────────────────────────────────────────────────────────────────────────┘ first search
//!                                └────────── inside of ' at a header of the first ──────┘ far, at once
//! ```

use std::collections::VecDeque;

use super::literal::Inside;

/// Ways to be inside of something at a header.
const WAYS: usize = 4;

/// The headers that searches came by inside of strings, in order.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    marks: VecDeque<Mark>,
    /// Where the search that is under way was, and inside of what.
    walked: Vec<(u64, Inside)>,
    /// Headers that searches looked at.
    #[cfg(test)]
    pub(super) looks: usize,
    /// Nothing is remembered.
    #[cfg(test)]
    pub(super) is_forgetful: bool,
}

/// A header that is beyond doubt, but for the string that it may stand in.
#[derive(Debug)]
struct Mark {
    at: u64,
    /// For each way to be inside: the farthest header reached without a way out, and inside of what.
    far: [Option<(u64, Inside)>; WAYS],
}

impl Ahead {
    /// A search begins for the entry at `at`; nobody asks for what is before it any more.
    pub(super) fn begin(&mut self, at: u64) {
        self.walked.clear();
        #[cfg(test)]
        if self.is_forgetful {
            self.marks.clear();
        }
        while self.marks.front().is_some_and(|mark| mark.at < at) {
            self.marks.pop_front();
        }
    }

    /// The search is at the header `at`, inside of something; returns where it may go on.
    pub(super) fn reach(&mut self, at: u64, inside: Inside) -> (u64, Inside) {
        let mut place = (at, inside);
        self.note(at);
        self.walked.push(place);
        while let Some(far) = self.far(place) {
            place = far;
            self.walked.push(place);
        }
        #[cfg(test)]
        {
            self.looks += 1;
        }
        place
    }

    /// Headers from `first` to `last`, both among them.
    pub(super) fn count(&self, first: u64, last: u64) -> usize {
        match (self.index(first), self.index(last)) {
            (Ok(first), Ok(last)) => last.saturating_sub(first) + 1,
            _ => 1,
        }
    }

    /// The search found no way out up to where it is.
    pub(super) fn keep(&mut self) {
        let Some(last) = self.walked.pop() else {
            return;
        };
        while let Some((at, inside)) = self.walked.pop() {
            if let (Ok(index), Some(way)) = (self.index(at), way(inside)) {
                self.marks[index].far[way] = Some(last);
            }
        }
    }

    fn note(&mut self, at: u64) {
        if let Err(index) = self.index(at) {
            let far = [None; WAYS];
            self.marks.insert(index, Mark { at, far });
        }
    }

    fn far(&self, (at, inside): (u64, Inside)) -> Option<(u64, Inside)> {
        self.marks[self.index(at).ok()?].far[way(inside)?]
    }

    fn index(&self, at: u64) -> Result<usize, usize> {
        self.marks.binary_search_by_key(&at, |mark| mark.at)
    }
}

fn way(inside: Inside) -> Option<usize> {
    match inside {
        Inside::Quotes(b'\'') => Some(0),
        Inside::Quotes(b'"') => Some(1),
        Inside::Quotes(_) => Some(2),
        Inside::BlockComment => Some(3),
        Inside::Code | Inside::LineComment => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTE: Inside = Inside::Quotes(b'\'');
    const NAME: Inside = Inside::Quotes(b'`');

    #[test]
    fn a_search_goes_on_where_another_of_the_same_kind_ended() {
        let mut ahead = Ahead::default();
        ahead.begin(0);
        for at in [10, 20, 30] {
            assert_eq!(ahead.reach(at, QUOTE), (at, QUOTE));
        }
        ahead.keep();
        ahead.begin(15);
        assert_eq!(ahead.reach(20, QUOTE), (30, QUOTE));
        assert_eq!(ahead.reach(40, NAME), (40, NAME));
        assert_eq!(ahead.count(20, 40), 3);
        ahead.keep();
        ahead.begin(20);
        assert_eq!(ahead.reach(20, QUOTE), (40, NAME));
        assert_eq!(
            ahead.reach(20, NAME),
            (20, NAME),
            "inside of something else"
        );
    }

    #[test]
    fn a_search_that_found_its_end_says_nothing_of_the_next() {
        let mut ahead = Ahead::default();
        ahead.begin(0);
        ahead.reach(10, QUOTE);
        ahead.reach(20, QUOTE);
        ahead.begin(5);
        assert_eq!(ahead.reach(10, QUOTE), (10, QUOTE));
    }
}
