//! Quantiles of run times and row counts, each within 0.78 % of a true value, in memory that follows the data.
//!
//! A DDSketch (Masson, Rim, Lee: *DDSketch: a fast and fully-mergeable quantile sketch with relative-error
//! guarantees*, VLDB 2019) over integers with linearly interpolated buckets: 64 buckets to each power of two, so
//! that the bucket of a value is found with shifts alone and values below 128 are exact. The crate
//! `sketches-ddsketch` was measured against the need and left out: it allocates 1 KiB at the first value (five
//! sketches per statement, 100,000 statements), computes a logarithm per value, and packs as dense doubles.
//!
//! The lowest buckets collapse beyond [`MAX_BINS`](bins::MAX_BINS) occupied ones. Which buckets remain depends only on the set of
//! values, hence merging is associative and commutative.

mod bins;
mod contest;
#[cfg(test)]
mod tests;

use self::bins::{Bins, bin, union};
pub use self::contest::Contest;

/// Buckets per power of two: the relative error is below `1 / (2 * 64 + 1)`.
const PER_OCTAVE: u64 = 64;
const OCTAVE_BITS: u32 = PER_OCTAVE.trailing_zeros();

/// One past the last bucket that a `u64` can fall into.
const BUCKETS: u64 = (64 - OCTAVE_BITS as u64 + 1) * PER_OCTAVE;

/// Count, sum, extremes and quantiles of the values recorded so far.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    count: u64,
    total: u64,
    min: u64,
    max: u64,
    /// None while every value was the same, which most statements never leave.
    bins: Bins,
}

impl PartialEq for Sketch {
    fn eq(&self, other: &Self) -> bool {
        let sums = |sketch: &Self| (sketch.count, sketch.total, sketch.min, sketch.max);
        sums(self) == sums(other) && self.bins().eq(other.bins())
    }
}

impl Eq for Sketch {}

impl Sketch {
    /// Records a value that stands for `weight` equal ones.
    #[inline]
    pub fn record(&mut self, value: u64, weight: u64) {
        let is_uniform = self.min == value && self.max == value && self.count > 0;
        if !is_uniform {
            self.record_other(value, weight);
        }
        self.count = self.count.saturating_add(weight);
        self.total = self.total.saturating_add(value.saturating_mul(weight));
    }

    /// What a value changes that is not the same as all before.
    fn record_other(&mut self, value: u64, weight: u64) {
        if weight == 0 {
            return;
        }
        if self.count > 0 {
            if self.bins.is_empty() {
                self.bins = Bins::sparse(vec![bin(bucket_of(self.min), self.count)]);
            }
            self.bins.add(bucket_of(value), weight, self.count);
        }
        self.widen(value, value);
    }

    /// Adds what another sketch saw.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            self.clone_from(other);
            return;
        }
        if self.min.min(other.min) != self.max.max(other.max) {
            let both = union(self.parts().into_iter(), other.parts().into_iter());
            self.bins = Bins::sparse(both);
        }
        self.widen(other.min, other.max);
        self.count = self.count.saturating_add(other.count);
        self.total = self.total.saturating_add(other.total);
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, saturating.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The sum of the values where none counts for more than `most`, within the error bound.
    pub fn total_capped(&self, most: u64) -> u64 {
        if most >= self.max {
            return self.total;
        }
        if self.bins.is_empty() {
            return most.saturating_mul(self.count);
        }
        let capped = self.bins.iter().fold(0_u64, |sum, (bucket, count)| {
            let value = middle(bucket).clamp(self.min, self.max).min(most);
            sum.saturating_add(value.saturating_mul(count))
        });
        capped.min(self.total)
    }

    /// The smallest; 0 for none.
    pub fn min(&self) -> u64 {
        self.min
    }

    /// The largest; 0 for none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value that at least `percent` of the values do not exceed (`percentile_disc` of SQL),
    /// within the error bound; 0 for an empty sketch.
    pub fn percentile(&self, percent: u8) -> u64 {
        if self.bins.is_empty() {
            return self.min;
        }
        let counted: u128 = self.bins.iter().map(|(_, count)| u128::from(count)).sum();
        let rank = (counted * u128::from(percent.min(100)))
            .div_ceil(100)
            .max(1);
        if rank == counted {
            return self.max;
        }
        let mut below = 0;
        for (bucket, count) in self.bins.iter() {
            below += u128::from(count);
            if below >= rank {
                return middle(bucket).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// Occupied buckets and their counts, ascending; empty while every value was the same.
    pub(super) fn bins(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.bins.iter()
    }

    /// Puts a stored sketch together again; `None` when the parts contradict each other.
    pub(super) fn from_parts(sums: Sums, bins: &[(u64, u64)]) -> Option<Self> {
        let Sums {
            count,
            total,
            min,
            max,
        } = sums;
        let ascending = bins.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let known = bins
            .iter()
            .all(|&(bucket, count)| bucket < BUCKETS && count > 0);
        let uniform = min == max;
        if count == 0 || min > max || !ascending || !known || uniform != bins.is_empty() {
            return None;
        }
        let bins = Bins::sparse(bins.iter().map(|&(k, n)| bin(k, n)).collect());
        Some(Self {
            count,
            total,
            min,
            max,
            bins,
        })
    }

    fn widen(&mut self, min: u64, max: u64) {
        if self.count == 0 {
            (self.min, self.max) = (min, max);
        }
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    /// Occupied buckets, with the one that is left out while every value was the same.
    fn parts(&self) -> Vec<(u64, u64)> {
        if self.bins.is_empty() {
            return vec![(bucket_of(self.min), self.count)];
        }
        self.bins.iter().collect()
    }
}

/// The exact part of a sketch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) count: u64,
    pub(super) total: u64,
    pub(super) min: u64,
    pub(super) max: u64,
}

fn bucket_of(value: u64) -> u64 {
    if value < PER_OCTAVE {
        return value;
    }
    let shift = value.ilog2() - OCTAVE_BITS;
    (u64::from(shift) + 1) * PER_OCTAVE + (value >> shift) % PER_OCTAVE
}

/// The value whose relative distance to both ends of the bucket is the same: `2ab / (a + b)`.
fn middle(bucket: u64) -> u64 {
    if bucket < PER_OCTAVE {
        return bucket;
    }
    let shift = bucket / PER_OCTAVE - 1;
    let low = u128::from(PER_OCTAVE + bucket % PER_OCTAVE) << shift;
    let high = low + (1 << shift) - 1;
    u64::try_from(low + low * (high - low) / (low + high)).unwrap_or(u64::MAX)
}
