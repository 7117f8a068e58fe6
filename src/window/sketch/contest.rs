//! Whether what was measured after a change is less than what was measured before it.
//!
//! Two tests, for two kinds of change: Mann and Whitney's (most runs moved; *On a test of whether one of two random
//! variables is stochastically larger than the other*, 1947, with the correction for ties) and Welch's (a few runs became
//! so slow that the mean moved; *The generalization of Student's problem*, 1947). Both work on buckets, hence within the
//! error of a sketch.

use super::{Sketch, middle};

/// Standard errors that a difference must be large: one in four hundred by chance alone, and tables have dozens of rows.
const MIN_ERRORS: f64 = 3.0;

/// Fewer values on a side could not differ by so many standard errors even if all were on one side of the others.
const MIN_VALUES: f64 = 7.0;

/// How often a value of the one is below one of the other, at least, for most to have moved: a medium effect (Vargha and
/// Delaney, *A critique and improvement of the CL common language effect size statistics*, 2000).
const MIN_EFFECT: f64 = 0.64;

/// Means that differ by less are alike for whoever waits.
const MIN_RATIO: f64 = 1.25;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contest {
    /// Less than before.
    Less,
    /// More than before.
    More,
    /// No difference that could not be chance, or that anybody would feel.
    Alike,
    /// Too few values to tell.
    Unclear,
}

impl Sketch {
    /// What came after, held against this one; each value stands for one in `one_in`.
    pub fn against(&self, after: &Self, one_in: [u32; 2]) -> Contest {
        let (before, after) = (Side::of(self, one_in[0]), Side::of(after, one_in[1]));
        if before.count < MIN_VALUES || after.count < MIN_VALUES {
            return Contest::Unclear;
        }
        let ratio = after.mean / before.mean;
        let has_moved = before.mean_moved(&after);
        if has_moved && ratio <= 1.0 / MIN_RATIO {
            return Contest::Less;
        }
        if has_moved && ratio >= MIN_RATIO {
            return Contest::More;
        }
        let (effect, errors) = below(&before, &after);
        if errors >= MIN_ERRORS && effect >= MIN_EFFECT && ratio <= 1.0 {
            return Contest::Less;
        }
        if errors >= MIN_ERRORS && effect <= 1.0 - MIN_EFFECT && ratio >= 1.0 {
            return Contest::More;
        }
        Contest::Alike
    }
}

/// One of both.
#[derive(Debug)]
struct Side {
    count: f64,
    mean: f64,
    /// Of a value.
    variance: f64,
    /// Values with how many there are of each, ascending.
    bins: Vec<(u64, f64)>,
}

impl Side {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a test needs no more than 53 bits"
    )]
    fn of(sketch: &Sketch, one_in: u32) -> Self {
        let weight = f64::from(one_in.max(1));
        let bins: Vec<_> = sketch
            .parts()
            .into_iter()
            .map(|(bucket, count)| (bucket, count as f64 / weight))
            .collect();
        let count = sketch.count as f64 / weight;
        let mean = sketch.total as f64 / sketch.count as f64;
        let apart = bins.iter().map(|&(bucket, count)| {
            let value = middle(bucket).clamp(sketch.min, sketch.max) as f64;
            count * (value - mean).powi(2)
        });
        let variance = apart.sum::<f64>() / (count - 1.0);
        Self {
            count,
            mean,
            variance,
            bins,
        }
    }

    /// Whether the means differ by more than chance.
    fn mean_moved(&self, other: &Self) -> bool {
        let error = (self.variance / self.count + other.variance / other.count).sqrt();
        (self.mean - other.mean).abs() >= MIN_ERRORS * error
    }
}

/// How often a value of `after` is below one of `before`, ties by half, and how many standard errors that is from one
/// half.
fn below(before: &Side, after: &Side) -> (f64, f64) {
    let (mut wins, mut ties) = (0.0, 0.0);
    let mut left = after.bins.iter().peekable();
    let mut passed = 0.0;
    for &(bucket, count) in &before.bins {
        while let Some((_, smaller)) = left.next_if(|(other, _)| *other < bucket) {
            passed += smaller;
            ties += smaller.powi(3) - smaller;
        }
        let equal = left.next_if(|(other, _)| *other == bucket);
        let equal = equal.map_or(0.0, |(_, equal)| *equal);
        wins += count * (passed + equal / 2.0);
        passed += equal;
        ties += (count + equal).powi(3) - (count + equal);
    }
    ties += left.map(|(_, rest)| rest.powi(3) - rest).sum::<f64>();
    let (n, m) = (before.count, after.count);
    let all = n + m;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    let effect = wins / (n * m);
    (effect, ((wins - n * m / 2.0) / variance.sqrt()).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        values.into_iter().for_each(|value| sketch.record(value, 1));
        sketch
    }

    fn contest(before: &Sketch, after: &Sketch) -> Contest {
        before.against(after, [1, 1])
    }

    #[test]
    fn what_halves_is_less_and_what_doubles_is_more() {
        let slow = sketch((0..50).map(|n| 10_000 + n * 40));
        let fast = sketch((0..50).map(|n| 5_000 + n * 40));
        assert_eq!(contest(&slow, &fast), Contest::Less);
        assert_eq!(contest(&fast, &slow), Contest::More);
    }

    #[test]
    fn what_wavers_alike_is_alike() {
        let one = sketch((0..500).map(|n| 10_000 + n * 7_919 % 9_000));
        let other = sketch((0..300).map(|n| 10_000 + n * 6_007 % 9_000));
        assert_eq!(contest(&one, &other), Contest::Alike);
        assert_eq!(contest(&one, &one), Contest::Alike);
    }

    #[test]
    fn equal_values_are_alike_and_different_ones_are_not() {
        let (same, more) = (sketch([70; 20]), sketch([700; 20]));
        assert_eq!(contest(&same, &same), Contest::Alike);
        assert_eq!(contest(&same, &more), Contest::More);
    }

    #[test]
    fn a_difference_that_nobody_feels_is_none() {
        let one = sketch((0..10_000).map(|n| 10_000 + n % 4_000));
        let other = sketch((0..10_000).map(|n| 10_300 + n % 4_000));
        assert_eq!(contest(&one, &other), Contest::Alike);
    }

    #[test]
    fn a_tail_that_grows_is_more_although_most_stay() {
        let before = sketch((0..1_000).map(|n| 1_000 + n % 100));
        let tail = |n: u64| {
            if n.is_multiple_of(20) {
                90_000
            } else {
                1_000 + n % 100
            }
        };
        assert_eq!(
            contest(&before, &sketch((0..1_000).map(tail))),
            Contest::More
        );
    }

    #[test]
    fn few_values_tell_nothing() {
        let (few, many) = (sketch([10; 6]), sketch([1_000; 600]));
        assert_eq!(contest(&few, &many), Contest::Unclear);
        assert_eq!(contest(&many, &few), Contest::Unclear);
        assert_eq!(
            contest(&Sketch::default(), &Sketch::default()),
            Contest::Unclear
        );
        // ten values, each written down once in two
        assert_eq!(many.against(&sketch([10; 10]), [1, 2]), Contest::Unclear);
    }
}
