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
pub(super) struct Parameters {
    /// What each run looks for stands by itself: a fifth of the memory to look through.
    keys: Vec<Key>,
    /// The rest of each.
    costs: Vec<Cost>,
}

/// Which set it is, and the time that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    parameters: u64,
    total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    count: u64,
    max: u64,
    /// As in [`ParameterSum`].
    examined: u64,
}

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
        match self.position(new.parameters) {
            Some(at) => self.absorb(at, new),
            None if self.keys.len() < MAX_SETS => self.push(new),
            None => self.replace_cheapest(new),
        }
    }

    /// Adds what another statement's window saw and keeps the costliest.
    pub(super) fn merge(&mut self, other: &Self) {
        for theirs in other.iter() {
            match self.position(theirs.parameters) {
                Some(at) => self.absorb(at, theirs),
                None => self.push(theirs),
            }
        }
        if self.keys.len() > MAX_SETS {
            let sums = self.by_cost();
            self.clear();
            self.keys.reserve_exact(MAX_SETS);
            self.costs.reserve_exact(MAX_SETS);
            sums.into_iter()
                .take(MAX_SETS)
                .for_each(|sum| self.push(sum));
        }
    }

    /// The sets, the costliest first.
    pub(super) fn costliest_first(&self) -> Vec<ParameterLoad> {
        self.by_cost().iter().map(ParameterSum::load).collect()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = ParameterSum> {
        self.keys.iter().zip(&self.costs).map(sum_of)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn by_cost(&self) -> Vec<ParameterSum> {
        let mut sums: Vec<ParameterSum> = self.iter().collect();
        sums.sort_unstable_by_key(|s| (std::cmp::Reverse(s.total), s.parameters));
        sums
    }

    fn position(&self, parameters: u64) -> Option<usize> {
        self.keys.iter().position(|k| k.parameters == parameters)
    }

    fn push(&mut self, new: ParameterSum) {
        self.keys.reserve_exact(1);
        self.costs.reserve_exact(1);
        self.keys.push(Key {
            parameters: new.parameters,
            total: new.total,
        });
        self.costs.push(Cost {
            count: new.count,
            max: new.max,
            examined: new.examined,
        });
    }

    fn absorb(&mut self, at: usize, new: ParameterSum) {
        let known = (self.keys.get_mut(at), self.costs.get_mut(at));
        if let (Some(key), Some(cost)) = known {
            key.total = key.total.saturating_add(new.total);
            cost.absorb(&new);
        }
    }

    fn replace_cheapest(&mut self, new: ParameterSum) {
        let cheapest = cheapest(&self.keys);
        let known = (self.keys.get_mut(cheapest), self.costs.get_mut(cheapest));
        if let (Some(key), Some(cost)) = known {
            key.parameters = new.parameters;
            cost.max = 0;
            self.absorb(cheapest, new);
        }
    }
}

impl Cost {
    fn absorb(&mut self, new: &ParameterSum) {
        self.count = self.count.saturating_add(new.count);
        self.max = self.max.max(new.max);
        let told_twice = u64::from(self.examined > 0 && new.examined > 0);
        let examined = self.examined.saturating_add(new.examined);
        self.examined = examined.saturating_sub(told_twice);
    }
}

/// Where the set stands that took the least time; of several that with the smallest hash.
fn cheapest(keys: &[Key]) -> usize {
    // as one number two keys are compared without a branch that nobody could foretell
    let rank = |key: &Key| u128::from(key.total) << 64 | u128::from(key.parameters);
    let (mut at, mut least) = (0, u128::MAX);
    for (here, key) in keys.iter().enumerate() {
        let rank = rank(key);
        at = if rank < least { here } else { at };
        least = least.min(rank);
    }
    at
}

fn sum_of((key, cost): (&Key, &Cost)) -> ParameterSum {
    ParameterSum {
        parameters: key.parameters,
        count: cost.count,
        total: key.total,
        max: cost.max,
        examined: cost.examined,
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
