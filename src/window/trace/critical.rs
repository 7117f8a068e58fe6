//! Which span explains which part of the waiting.
//!
//! Walked backwards from the end of a span: what its last-ending child was busy with is the child's, down to the
//! child's start; then the child that ended last before that, and so on; what no child explains is the span's own.
//! (The longest chain of dependent work, as in Yang and Miller, "Critical Path Analysis for the Execution of Parallel
//! and Distributed Programs", ICDCS 1988, applied to spans as Jaeger's viewer does.)

/// A span as this walk needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) parent: Option<u32>,
}

/// Nanoseconds of the critical path that each span explains by itself. The sum over a tree is the length of its root.
pub(super) fn path(spans: &[Stretch]) -> Vec<u64> {
    let children = Children::of(spans);
    let mut own = vec![0; spans.len()];
    // A stack of our own: hostile traces are deep.
    let mut open: Vec<(u32, u64, u64)> = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        if span.parent.is_none() {
            open.push((index(at), span.start, span.end));
        }
    }
    while let Some((at, from, until)) = open.pop() {
        let mut cursor = until;
        let mut own_time = 0;
        for &child in children.by_end_backwards(at) {
            let Some(stretch) = spans.get(child as usize) else {
                continue;
            };
            let end = stretch.end.min(cursor);
            let start = stretch.start.max(from);
            if end <= start {
                continue;
            }
            own_time += cursor - end;
            open.push((child, start, end));
            cursor = start;
        }
        own_time += cursor.saturating_sub(from);
        if let Some(own) = own.get_mut(at as usize) {
            *own = own_time;
        }
    }
    own
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Children of every span, the last to end first.
struct Children {
    all: Vec<u32>,
    /// Where the children of span n begin in `all`; one more than spans.
    begin: Vec<usize>,
}

impl Children {
    fn of(spans: &[Stretch]) -> Self {
        let mut all: Vec<u32> = (0..index(spans.len()))
            .filter(|&at| spans.get(at as usize).is_some_and(|s| s.parent.is_some()))
            .collect();
        let key = |at: &u32| {
            spans.get(*at as usize).map_or((u32::MAX, 0), |span| {
                (span.parent.unwrap_or(u32::MAX), u64::MAX - span.end)
            })
        };
        all.sort_by_key(key);
        let mut begin = vec![0; spans.len() + 1];
        for &child in &all {
            let parent = spans.get(child as usize).and_then(|span| span.parent);
            if let Some(slot) = parent.and_then(|parent| begin.get_mut(parent as usize + 1)) {
                *slot += 1;
            }
        }
        let mut sum = 0;
        for slot in &mut begin {
            sum += *slot;
            *slot = sum;
        }
        Self { all, begin }
    }

    fn by_end_backwards(&self, of: u32) -> &[u32] {
        let at = of as usize;
        let range = self.begin.get(at).zip(self.begin.get(at + 1));
        range
            .and_then(|(from, to)| self.all.get(*from..*to))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start: u64, end: u64, parent: Option<u32>) -> Stretch {
        Stretch { start, end, parent }
    }

    #[test]
    fn what_no_child_explains_is_the_parents_own() {
        let spans = [
            span(0, 100, None),
            span(10, 30, Some(0)),
            span(40, 90, Some(0)),
        ];
        assert_eq!(path(&spans), [30, 20, 50]);
    }

    #[test]
    fn of_children_that_run_at_once_the_last_to_end_is_waited_for() {
        let spans = [
            span(0, 100, None),
            span(0, 90, Some(0)),
            span(0, 100, Some(0)),
        ];
        assert_eq!(path(&spans), [0, 0, 100]);
    }

    #[test]
    fn a_child_counts_only_while_its_parent_lasts() {
        // a clock that is off, and work that goes on after the answer
        let spans = [span(50, 100, None), span(20, 180, Some(0))];
        assert_eq!(path(&spans), [0, 50]);
    }

    proptest! {
        #[test]
        fn the_path_is_as_long_as_its_root(
            children in proptest::collection::vec((0_u64..200, 0_u64..100, any::<prop::sample::Index>()), 0..60),
        ) {
            let mut spans = vec![span(50, 150, None)];
            for (start, length, parent) in children {
                let parent = u32::try_from(parent.index(spans.len())).unwrap();
                spans.push(span(start, start + length, Some(parent)));
            }
            prop_assert_eq!(path(&spans).iter().sum::<u64>(), 100);
        }
    }
}
