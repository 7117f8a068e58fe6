//! How far behind pages begin: what the texts of a statement say in `OFFSET`.

use serde::{Deserialize, Serialize};

/// Powers of ten that are told apart; the last one takes all that is larger.
const CLASSES: usize = 9;

/// Runs by the rows that they skip, as far as their texts tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Offsets {
    /// Runs whose offset is below 10, from 10 on, from 100 on ...
    pub runs: [u64; CLASSES],
    /// Rows that all of them skip, each offset rounded down to its first digit.
    pub rows: u64,
}

impl Offsets {
    /// Adds a run that skips `offset` rows and stands for `weight` equal ones.
    pub fn add(&mut self, offset: u64, weight: u64) {
        let power = offset.checked_ilog10().unwrap_or(0) as usize;
        let runs = &mut self.runs[power.min(CLASSES - 1)];
        *runs = runs.saturating_add(weight);
        self.rows = self.rows.saturating_add(offset.saturating_mul(weight));
    }

    /// Adds what was seen elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (runs, more) in self.runs.iter_mut().zip(other.runs) {
            *runs = runs.saturating_add(more);
        }
        self.rows = self.rows.saturating_add(other.rows);
    }

    /// Runs whose text tells its offset.
    pub fn told(&self) -> u64 {
        self.runs
            .iter()
            .fold(0, |sum, runs| sum.saturating_add(*runs))
    }

    /// Runs that skip so many rows or more; `rows` counts as the next power of ten.
    pub fn at_least(&self, rows: u64) -> u64 {
        let deep = self.by_power().filter(|(least, _)| *least >= rows);
        deep.fold(0, |sum, (_, runs)| sum.saturating_add(runs))
    }

    /// Runs by the power of ten that their offset reaches at least; 0 for less than ten.
    pub fn by_power(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let powers = (0_u32..).map(|power| if power == 0 { 0 } else { 10_u64.pow(power) });
        powers.zip(self.runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_apart_by_the_power_of_ten_that_they_skip() {
        let mut offsets = Offsets::default();
        for (offset, weight) in [(0, 5), (20, 3), (10_000, 2), (90_000, 1), (u64::MAX, 1)] {
            offsets.add(offset, weight);
        }
        assert_eq!(offsets.told(), 12);
        assert_eq!(offsets.at_least(10_000), 4);
        assert_eq!(offsets.at_least(10_001), 1, "from 100,000 on");
        assert_eq!(offsets.at_least(0), 12);
    }
}
