//! The costliest parameter sets of a statement, in bounded memory.
//!
//! The Space-Saving algorithm (Metwally, Agrawal, El Abbadi: *Efficient computation of frequent and top-k elements
//! in data streams*, ICDT 2005), weighted by time: a newcomer takes the place of the cheapest set and inherits its
//! sums, so that a set that matters is never missed and its sums are upper bounds.

use std::time::Duration;

use crate::model::id::FingerprintId;
use crate::model::subject::ParameterLoad;

/// Sets that are kept.
pub(super) const MAX_SETS: usize = 16;

/// Sums per parameter set, at most [`MAX_SETS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parameters(Vec<ParameterSum>);

/// What one set costs, in nanoseconds and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ParameterSum {
    pub(super) parameters: u64,
    pub(super) count: u64,
    pub(super) total: u64,
    pub(super) max: u64,
    /// Rows read plus 1; 0 when not told.
    pub(super) examined: u64,
}

impl Parameters {
    /// Adds the runs of one set.
    pub(super) fn add(&mut self, new: ParameterSum) {
        if let Some(known) = self.0.iter_mut().find(|s| s.parameters == new.parameters) {
            known.absorb(new);
        } else if self.0.len() < MAX_SETS {
            self.0.reserve_exact(1);
            self.0.push(new);
        } else if let Some(cheapest) = self.0.iter_mut().min_by_key(|s| (s.total, s.parameters)) {
            cheapest.parameters = new.parameters;
            cheapest.max = 0;
            cheapest.absorb(new);
        }
    }

    /// Adds what another statement's window saw and keeps the costliest.
    pub(super) fn merge(&mut self, other: &Self) {
        for &theirs in &other.0 {
            match self
                .0
                .iter_mut()
                .find(|s| s.parameters == theirs.parameters)
            {
                Some(ours) => ours.absorb(theirs),
                None => self.0.push(theirs),
            }
        }
        if self.0.len() > MAX_SETS {
            self.0
                .sort_unstable_by_key(|s| (std::cmp::Reverse(s.total), s.parameters));
            self.0.truncate(MAX_SETS);
            self.0.shrink_to_fit();
        }
    }

    /// The sets, the costliest first.
    pub(super) fn costliest_first(&self) -> Vec<ParameterLoad> {
        let mut sums = self.0.clone();
        sums.sort_unstable_by_key(|s| (std::cmp::Reverse(s.total), s.parameters));
        sums.iter().map(ParameterSum::load).collect()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &ParameterSum> {
        self.0.iter()
    }

    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

impl ParameterSum {
    /// What one run of a set, which stands for `weight` ones, costs.
    pub(super) fn of_run(parameters: u64, nanos: u64, examined: Option<u64>, weight: u64) -> Self {
        let examined = examined.map_or(0, |rows| rows.saturating_mul(weight).saturating_add(1));
        Self {
            parameters,
            count: weight,
            total: nanos.saturating_mul(weight),
            max: nanos,
            examined,
        }
    }

    fn absorb(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.total = self.total.saturating_add(other.total);
        self.max = self.max.max(other.max);
        let told_twice = u64::from(self.examined > 0 && other.examined > 0);
        let examined = self.examined.saturating_add(other.examined);
        self.examined = examined.saturating_sub(told_twice);
    }

    fn load(&self) -> ParameterLoad {
        ParameterLoad {
            parameters: FingerprintId(self.parameters),
            count: self.count,
            total: Duration::from_nanos(self.total),
            max: Duration::from_nanos(self.max),
            rows_examined: self.examined.checked_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_costly_set_is_found_among_many_cheap_ones() {
        let mut parameters = Parameters::default();
        for run in 0..1_000 {
            parameters.add(ParameterSum::of_run(run, 10, None, 1));
            if run % 10 == 0 {
                parameters.add(ParameterSum::of_run(7_777, 5_000, Some(3), 1));
            }
        }
        let costliest = &parameters.costliest_first()[0];
        assert_eq!(costliest.parameters, FingerprintId(7_777));
        assert_eq!(costliest.rows_examined, Some(300));
        assert_eq!(parameters.iter().len(), MAX_SETS);
    }

    #[test]
    fn rows_that_nobody_told_stay_unknown() {
        let mut parameters = Parameters::default();
        parameters.add(ParameterSum::of_run(1, 10, None, 1));
        parameters.add(ParameterSum::of_run(1, 10, None, 1));
        assert_eq!(parameters.costliest_first()[0].rows_examined, None);
    }
}
