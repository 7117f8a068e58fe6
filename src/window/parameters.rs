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

/// Sets that are looked through together, which a compiler does by vectors.
const LANES: usize = 8;

/// Sums per parameter set, at most [`MAX_SETS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parameters {
    /// What each run looks for stands by itself: an eighth of the memory to look through.
    keys: Vec<u64>,
    /// Nanoseconds of each, through which a newcomer looks for the fewest.
    totals: Vec<u64>,
    /// The rest of each.
    costs: Vec<Cost>,
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
            self.reserve(MAX_SETS);
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
        let sums = self.keys.iter().zip(&self.totals).zip(&self.costs);
        sums.map(|((parameters, total), cost)| cost.sum(*parameters, *total))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn by_cost(&self) -> Vec<ParameterSum> {
        let mut sums: Vec<ParameterSum> = self.iter().collect();
        sums.sort_unstable_by_key(|s| (std::cmp::Reverse(s.total), s.parameters));
        sums
    }

    #[inline]
    fn position(&self, parameters: u64) -> Option<usize> {
        let (blocks, rest) = self.keys.as_chunks::<LANES>();
        let is_among = |keys: &[u64; LANES]| {
            let any = keys
                .iter()
                .fold(0, |any, key| any | u8::from(*key == parameters));
            (any > 0).then(|| keys.iter().position(|key| *key == parameters))?
        };
        let places = blocks.iter().zip((0..).step_by(LANES));
        let mut found = places.filter_map(|(keys, first)| Some(first + is_among(keys)?));
        found.next().or_else(|| {
            let at = rest.iter().position(|key| *key == parameters)?;
            Some(LANES * blocks.len() + at)
        })
    }

    fn reserve(&mut self, sets: usize) {
        self.keys.reserve_exact(sets);
        self.totals.reserve_exact(sets);
        self.costs.reserve_exact(sets);
    }

    fn push(&mut self, new: ParameterSum) {
        self.reserve(1);
        self.keys.push(new.parameters);
        self.totals.push(new.total);
        self.costs.push(Cost {
            count: new.count,
            max: new.max,
            examined: new.examined,
        });
    }

    fn absorb(&mut self, at: usize, new: ParameterSum) {
        let known = (self.totals.get_mut(at), self.costs.get_mut(at));
        if let (Some(total), Some(cost)) = known {
            *total = total.saturating_add(new.total);
            cost.absorb(&new);
        }
    }

    fn replace_cheapest(&mut self, new: ParameterSum) {
        let cheapest = self.cheapest();
        let known = (self.keys.get_mut(cheapest), self.costs.get_mut(cheapest));
        if let (Some(key), Some(cost)) = known {
            *key = new.parameters;
            cost.max = 0;
            self.absorb(cheapest, new);
        }
    }

    /// Where the set stands that took the least time; of several that with the smallest hash.
    fn cheapest(&self) -> usize {
        // without a branch that nobody could foretell
        let mut least = u64::MAX;
        for &total in &self.totals {
            least = least.min(total);
        }
        let mut found: Option<(u64, usize)> = None;
        for (at, &total) in self.totals.iter().enumerate() {
            if total == least {
                let this = (self.keys.get(at).copied().unwrap_or_default(), at);
                found = Some(found.map_or(this, |known| known.min(this)));
            }
        }
        found.map_or(0, |(_, at)| at)
    }
}

impl Cost {
    fn sum(&self, parameters: u64, total: u64) -> ParameterSum {
        ParameterSum {
            parameters,
            count: self.count,
            total,
            max: self.max,
            examined: self.examined,
        }
    }

    fn absorb(&mut self, new: &ParameterSum) {
        self.count = self.count.saturating_add(new.count);
        self.max = self.max.max(new.max);
        let told_twice = u64::from(self.examined > 0 && new.examined > 0);
        let examined = self.examined.saturating_add(new.examined);
        self.examined = examined.saturating_sub(told_twice);
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
    fn each_set_is_found_again_wherever_it_stands() {
        let mut parameters = Parameters::default();
        for set in 0..MAX_SETS as u64 {
            parameters.add(ParameterSum::of_run(set, 10 + set, None, 1));
            for known in 0..=set {
                parameters.add(ParameterSum::of_run(known, 0, None, 1));
            }
            assert_eq!(parameters.iter().len() as u64, set + 1);
        }
        parameters.add(ParameterSum::of_run(77, 5, None, 1));
        let cheapest = parameters.iter().find(|sum| sum.parameters == 77).unwrap();
        assert_eq!(
            (cheapest.total, cheapest.max),
            (15, 5),
            "in the place of the first"
        );
    }

    #[test]
    fn rows_that_nobody_told_stay_unknown() {
        let mut parameters = Parameters::default();
        parameters.add(ParameterSum::of_run(1, 10, None, 1));
        parameters.add(ParameterSum::of_run(1, 10, None, 1));
        assert_eq!(parameters.costliest_first()[0].rows_examined, None);
    }
}
