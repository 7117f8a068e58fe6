//! Robust trends: whether a series rises all the time, along which line, and how sure that line is.
//!
//! - Mann's tau (H. B. Mann: *Nonparametric tests against trend*, Econometrica 13, 1945; M. G. Kendall: *Rank
//!   correlation methods*, 1948): of all pairs of points, the share that rises less the share that falls. It asks
//!   nothing of the distribution, and no outlier can carry it.
//! - The line of Theil and Sen (P. K. Sen: *Estimates of the regression coefficient based on Kendall's tau*, JASA
//!   63, 1968): the median of the slopes of all pairs; up to 29 % of the points may be wrong. The same paper gives
//!   the bounds of the slope, by ranks.

/// Standard deviations of a normal distribution that hold 80 % of it.
const Z_OF_80_PERCENT: f64 = 1.281_6;

/// Pairs of a time and a number, at least two, in the order of the times, which differ.
#[derive(Debug, Clone)]
pub(in crate::detect) struct Series(Vec<(f64, f64)>);

/// A straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::detect) struct Line {
    /// Rise per unit of time.
    pub slope: f64,
    /// Number at time 0.
    pub start: f64,
}

impl Line {
    /// The number at a time.
    pub(in crate::detect) fn at(self, time: f64) -> f64 {
        self.start + self.slope * time
    }
}

impl Series {
    /// `None` for fewer than two points.
    pub(in crate::detect) fn new(points: Vec<(f64, f64)>) -> Option<Self> {
        let ordered = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (points.len() >= 2 && ordered).then_some(Self(points))
    }

    /// The first and the last point.
    pub(in crate::detect) fn ends(&self) -> ((f64, f64), (f64, f64)) {
        let first = self.0.first().copied().unwrap_or_default();
        (first, self.0.last().copied().unwrap_or_default())
    }

    /// 1 when each point is above all before it, -1 when each is below; ties count as neither.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred pairs")]
    pub(in crate::detect) fn tau(&self) -> f64 {
        let signs: f64 = self.pairs().map(|(a, b)| sign(b.1 - a.1)).sum();
        signs / self.pairs().count().max(1) as f64
    }

    /// The line of Theil and Sen.
    pub(in crate::detect) fn line(&self) -> Line {
        let slope = median(self.slopes());
        let starts = self.0.iter().map(|(time, number)| number - slope * time);
        Line {
            slope,
            start: median(starts.collect()),
        }
    }

    /// Bounds that hold the true slope with a probability of 80 %.
    pub(in crate::detect) fn slope_bounds(&self) -> (f64, f64) {
        let slopes = self.slopes();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred pairs")]
        let (points, pairs) = (self.0.len() as f64, slopes.len() as f64);
        let variance = points * (points - 1.0) * (2.0 * points + 5.0) / 18.0;
        let reach = Z_OF_80_PERCENT * variance.sqrt();
        let rank = |rank: f64| *ranked(&slopes, rank);
        (
            rank(f64::midpoint(pairs, -reach).floor() - 1.0),
            rank(f64::midpoint(pairs, reach).ceil()),
        )
    }

    /// Median distance of the points from a line.
    pub(in crate::detect) fn scatter(&self, line: Line) -> f64 {
        let off = |(time, number): &(f64, f64)| (number - line.at(*time)).abs();
        median(self.0.iter().map(off).collect())
    }

    /// The largest rise from one point to the next, beyond what the line rises in between, that does not go back
    /// with the next: both sides are told by two points where there are two.
    pub(in crate::detect) fn largest_jump(&self, line: Line) -> f64 {
        let points = &self.0;
        let jumps = (1..points.len()).map(|at| {
            let before = points[at - 1].1.max(points[at.saturating_sub(2)].1);
            let after = points[at].1.min(points[(at + 1).min(points.len() - 1)].1);
            after - before - line.slope * (points[at].0 - points[at - 1].0)
        });
        jumps.fold(0.0, f64::max)
    }

    /// Rise per unit of time in the last part of it, which begins at the last point before `from`.
    pub(in crate::detect) fn pace_since(&self, from: f64) -> f64 {
        let ((_, first), (last_time, last)) = self.ends();
        let before = self.0.iter().rev().find(|(time, _)| *time <= from);
        let (time, number) = before.copied().unwrap_or((0.0, first));
        if last_time <= time {
            return 0.0;
        }
        (last - number) / (last_time - time)
    }

    fn pairs(&self) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
        let points = self.0.iter().enumerate();
        points.flat_map(|(index, a)| self.0[index + 1..].iter().map(move |b| (*a, *b)))
    }

    /// Slopes of all pairs, ascending.
    fn slopes(&self) -> Vec<f64> {
        let slope = |(a, b): ((f64, f64), (f64, f64))| (b.1 - a.1) / (b.0 - a.0);
        let mut slopes: Vec<f64> = self.pairs().map(slope).collect();
        slopes.sort_unstable_by(f64::total_cmp);
        slopes
    }
}

fn sign(number: f64) -> f64 {
    if number > 0.0 {
        1.0
    } else if number < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// The number at a rank from 0 on, or the nearest there is; there is one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among a few hundred, and a cast saturates"
)]
fn ranked(ascending: &[f64], rank: f64) -> &f64 {
    let last = ascending.len().saturating_sub(1);
    &ascending[(rank.max(0.0) as usize).min(last)]
}

/// The median; 0 for none.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.get(middle) {
        None => 0.0,
        Some(upper) if numbers.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(numbers[middle - 1], *upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(numbers: &[f64]) -> Series {
        let points = (0_u32..).zip(numbers);
        Series::new(points.map(|(t, n)| (f64::from(t), *n)).collect()).unwrap()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn an_outlier_does_not_bend_the_line() {
        let line = series(&[10.0, 12.0, 14.0, 900.0, 18.0, 20.0, 22.0]).line();
        assert!(
            close(line.slope, 2.0) && close(line.start, 10.0),
            "{line:?}"
        );
    }

    #[test]
    fn tau_counts_pairs_that_rise_against_pairs_that_fall() {
        assert!(close(series(&[1.0, 2.0, 3.0, 4.0]).tau(), 1.0));
        assert!(close(series(&[4.0, 3.0, 2.0, 1.0]).tau(), -1.0));
        assert!(close(series(&[1.0, 1.0, 1.0, 1.0]).tau(), 0.0));
        assert!(close(series(&[1.0, 3.0, 2.0, 4.0]).tau(), 4.0 / 6.0));
    }

    #[test]
    fn the_bounds_hold_the_slope_and_are_those_of_a_straight_line() {
        let straight = series(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(straight.slope_bounds(), (1.0, 1.0));
        let rough = series(&[1.0, 2.5, 2.6, 4.4, 4.9, 6.3]);
        let (low, high) = rough.slope_bounds();
        let slope = rough.line().slope;
        assert!(
            low < slope && slope < high && low > 0.0,
            "{low} {slope} {high}"
        );
    }

    #[test]
    fn a_step_is_one_jump_and_a_ramp_is_none() {
        let step = series(&[10.0, 10.0, 10.0, 100.0, 100.0, 100.0]);
        assert!(step.largest_jump(step.line()) > 50.0);
        let ramp = series(&[10.0, 30.0, 50.0, 0.0, 90.0, 110.0, 500.0, 150.0, 170.0]);
        // next to what is out of the ordinary, one step of the line is left
        assert!(ramp.largest_jump(ramp.line()) < 25.0);
    }

    #[test]
    fn the_pace_of_the_last_part_is_its_own() {
        let filled = series(&[10.0, 20.0, 30.0, 40.0, 40.0, 40.0, 40.0]);
        assert!(close(filled.pace_since(4.0), 0.0));
        assert!(close(filled.pace_since(0.0), 5.0));
    }

    #[test]
    fn too_few_points_are_no_series() {
        assert!(Series::new(vec![(0.0, 1.0)]).is_none());
        assert!(Series::new(vec![(1.0, 1.0), (1.0, 2.0)]).is_none());
    }
}
