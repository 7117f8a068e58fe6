//! Where ticks stand: round numbers on the vertical axis, round times on the horizontal one.

use std::time::Duration;

use crate::model::time::{Interval, Timestamp};

/// Ticks of the vertical axis, zero left out.
const TICKS: f64 = 4.0;
/// Most ticks of the time axis.
const MAX_TIME_TICKS: u64 = 8;

/// Round values from 0 to at least `max`, each `1`, `2` or `5` times a power of ten apart.
pub(super) fn values(max: f64) -> Vec<f64> {
    let max = if max.is_finite() && max > 0.0 {
        max
    } else {
        1.0
    };
    let rough = max / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let mut ticks = vec![0.0];
    for index in 1..=10 {
        let value = step * f64::from(index);
        ticks.push(value);
        if value >= max {
            break;
        }
    }
    ticks
}

/// Round instants inside the interval, and how far apart they are.
pub(super) fn times(over: Interval) -> (Vec<Timestamp>, Duration) {
    const STEPS: [u64; 16] = [
        1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800,
    ];
    let length = over.duration().as_secs();
    let step = STEPS
        .into_iter()
        .find(|step| length / step <= MAX_TIME_TICKS)
        .unwrap_or_else(|| length / MAX_TIME_TICKS + 1);
    let step = Duration::from_secs(step);
    let first = over.from.floor(step);
    let ticks = (0..=u32::try_from(MAX_TIME_TICKS).unwrap_or(0) + 1)
        .map(|index| first.plus(step * index))
        .filter(|at| *at >= over.from && *at <= over.to)
        .collect();
    (ticks, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_round_and_reach_the_top() {
        assert_eq!(values(7.3), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(values(100.0), [0.0, 50.0, 100.0]);
        for odd in [
            0.0,
            -1.0,
            f64::NAN,
            f64::INFINITY,
            f64::MIN_POSITIVE,
            f64::MAX,
        ] {
            assert!(!values(odd).is_empty());
        }
    }

    #[test]
    fn times_are_round() {
        let over = Interval {
            from: Timestamp::from_unix_secs(3_599),
            to: Timestamp::from_unix_secs(7_300),
        };
        let (ticks, step) = times(over);
        assert_eq!(step.as_secs(), 600);
        assert_eq!(ticks.first(), Some(&Timestamp::from_unix_secs(3_600)));
        assert!(ticks.len() <= 9);
        assert!(times(Interval::default()).0.len() <= 9);
    }
}
