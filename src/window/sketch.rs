//! Quantiles of run times and row counts, each within 0.78 % of a true value, in memory that follows the data.
//!
//! A DDSketch (Masson, Rim, Lee: *DDSketch: a fast and fully-mergeable quantile sketch with relative-error
//! guarantees*, VLDB 2019) over integers with linearly interpolated buckets: 64 buckets to each power of two, so
//! that the bucket of a value is found with shifts alone and values below 128 are exact. The crate
//! `sketches-ddsketch` was measured against the need and left out: it allocates 1 KiB at the first value (five
//! sketches per statement, 100,000 statements), computes a logarithm per value, and packs as dense doubles.
//!
//! The lowest buckets collapse beyond [`MAX_BINS`] occupied ones. Which buckets remain depends only on the set of
//! values, hence merging is associative and commutative.

#[cfg(test)]
mod tests;

/// Occupied buckets that are kept; the paper's choice, enough for 32 fully occupied powers of two.
const MAX_BINS: usize = 2_048;

/// Buckets per power of two: the relative error is below `1 / (2 * 64 + 1)`.
const PER_OCTAVE: u64 = 64;
const OCTAVE_BITS: u32 = PER_OCTAVE.trailing_zeros();

/// One past the last bucket that a `u64` can fall into.
const BUCKETS: u64 = (64 - OCTAVE_BITS as u64 + 1) * PER_OCTAVE;

/// From so many values on, bins may be kept for empty buckets too: a bin is then found by its distance from the first
/// one. So many runs of a statement are worth the room, which few of very many statements have.
const SPREAD_FROM: u64 = 4_096;

/// At most so many bins are kept for each that is occupied.
const MAX_SPREAD: usize = 4;

/// A bin is the bucket in the upper 16 bits and the count in the lower 48.
const COUNT_BITS: u32 = 48;
const MAX_COUNT: u64 = (1 << COUNT_BITS) - 1;

/// Count, sum, extremes and quantiles of the values recorded so far.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    count: u64,
    total: u64,
    min: u64,
    max: u64,
    /// Sorted by bucket; empty while every value was the same, which most statements never leave. Without spare
    /// room: new buckets are rare, statements are many. Of many values some may be of empty buckets, see [`spread`].
    bins: Box<[u64]>,
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
    pub fn record(&mut self, value: u64, weight: u64) {
        if weight == 0 {
            return;
        }
        let uniform = self.count == 0 || (self.min == value && self.max == value);
        if !uniform {
            if self.bins.is_empty() {
                self.bins = self.parts().into_boxed_slice();
            }
            self.add(bucket_of(value), weight);
        }
        self.widen(value, value);
        self.count = self.count.saturating_add(weight);
        self.total = self.total.saturating_add(value.saturating_mul(weight));
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
            self.bins = union(&self.parts(), &other.parts()).into_boxed_slice();
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
        let capped = self.bins.iter().fold(0_u64, |sum, &b| {
            let value = middle(b >> COUNT_BITS).clamp(self.min, self.max).min(most);
            sum.saturating_add(value.saturating_mul(count_of(b)))
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
        let counted: u128 = self.bins.iter().map(|&b| u128::from(count_of(b))).sum();
        let rank = (counted * u128::from(percent.min(100)))
            .div_ceil(100)
            .max(1);
        if rank == counted {
            return self.max;
        }
        let mut below = 0;
        for &b in &self.bins {
            below += u128::from(count_of(b));
            if below >= rank {
                return middle(b >> COUNT_BITS).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// Occupied buckets and their counts, ascending; empty while every value was the same.
    pub(super) fn bins(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let occupied = self.bins.iter().filter(|b| is_occupied(**b));
        occupied.map(|&b| (b >> COUNT_BITS, count_of(b)))
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
        let packed: Vec<u64> = bins.iter().map(|&(k, n)| bin(k, n)).collect();
        let bins = collapsed(packed).into_boxed_slice();
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

    /// Occupied bins, with the one that is left out while every value was the same.
    fn parts(&self) -> Vec<u64> {
        if self.bins.is_empty() {
            return vec![bin(bucket_of(self.min), self.count)];
        }
        occupied(&self.bins)
    }

    fn add(&mut self, bucket: u64, weight: u64) {
        // where no bucket is left out, its bin is so far behind that of the smallest value: spares a search
        let behind = usize::try_from(bucket.wrapping_sub(bucket_of(self.min)));
        let guess = behind.ok().and_then(|at| self.bins.get_mut(at));
        match guess.filter(|guess| **guess >> COUNT_BITS == bucket) {
            Some(found) => *found = grown(*found, weight),
            None => self.search(bucket, weight),
        }
    }

    fn search(&mut self, bucket: u64, weight: u64) {
        let at = self.bins.partition_point(|&b| b >> COUNT_BITS < bucket);
        match self.bins.get_mut(at) {
            Some(found) if *found >> COUNT_BITS == bucket => *found = grown(*found, weight),
            _ => {
                let mut bins = std::mem::take(&mut self.bins).into_vec();
                bins.reserve_exact(1);
                bins.insert(at, bin(bucket, weight));
                let bins = collapsed(bins);
                let is_worth_it = self.count >= SPREAD_FROM;
                let bins = if is_worth_it { spread(bins) } else { bins };
                self.bins = bins.into_boxed_slice();
            }
        }
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

fn union(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut merged = Vec::with_capacity(left.len().max(right.len()));
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(&&l), Some(&&r)) if l >> COUNT_BITS == r >> COUNT_BITS => {
                left.next();
                right.next();
                grown(l, count_of(r))
            }
            (Some(&&l), Some(&&r)) if l < r => {
                left.next();
                l
            }
            (Some(_), None) => *left.next().unwrap_or(&0),
            (_, Some(&&r)) => {
                right.next();
                r
            }
            (None, None) => return collapsed(merged),
        };
        merged.push(next);
    }
}

/// Gives the counts of all but the highest [`MAX_BINS`] occupied bins to the lowest that remains.
fn collapsed(mut bins: Vec<u64>) -> Vec<u64> {
    if bins.len() > MAX_BINS {
        bins.retain(|&bin| is_occupied(bin));
    }
    let excess = bins.len().saturating_sub(MAX_BINS);
    if excess > 0 {
        let folded = bins.drain(..excess).fold(0_u64, |sum, b| sum + count_of(b));
        bins[0] = grown(bins[0], folded);
    }
    bins
}

/// The same with bins for the buckets between them, where these are not too many.
fn spread(bins: Vec<u64>) -> Vec<u64> {
    let (Some(first), Some(last)) = (bins.first(), bins.last()) else {
        return bins;
    };
    let (first, last) = (first >> COUNT_BITS, last >> COUNT_BITS);
    let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let occupied = bins.iter().filter(|bin| is_occupied(**bin)).count();
    if span == bins.len() || span > MAX_BINS || span > MAX_SPREAD * occupied {
        return bins;
    }
    let mut known = bins.into_iter().peekable();
    let bin_of = |bucket| {
        let here = known.next_if(|bin| bin >> COUNT_BITS == bucket);
        here.unwrap_or_else(|| bin(bucket, 0))
    };
    (first..=last).map(bin_of).collect()
}

fn occupied(bins: &[u64]) -> Vec<u64> {
    let bins = bins.iter().copied();
    bins.filter(|bin| is_occupied(*bin)).collect()
}

fn is_occupied(bin: u64) -> bool {
    count_of(bin) > 0
}

fn bin(bucket: u64, count: u64) -> u64 {
    bucket << COUNT_BITS | count.min(MAX_COUNT)
}

fn count_of(bin: u64) -> u64 {
    bin & MAX_COUNT
}

fn grown(old: u64, by: u64) -> u64 {
    bin(old >> COUNT_BITS, count_of(old).saturating_add(by))
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
