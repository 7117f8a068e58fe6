//! Counts by bucket, in memory that follows the data.

/// Occupied buckets that are kept; the paper's choice, enough for 32 fully occupied powers of two.
pub(super) const MAX_BINS: usize = 2_048;

/// From so many values on it may be worth the room to keep a count for empty buckets too: none is searched for then.
/// So many runs have few of very many statements.
pub(super) const DENSE_FROM: u64 = 4_096;

/// Buckets that are dense at most for each that is occupied: their counts are half as wide.
const MAX_SPREAD: usize = 8;

/// So many may be dense however few are occupied: 2 KiB.
const SMALL_SPAN: usize = 512;

/// A bin is the bucket in the upper 16 bits and the count in the lower 48.
const COUNT_BITS: u32 = 48;
const MAX_COUNT: u64 = (1 << COUNT_BITS) - 1;

/// Buckets and how many values fell into each.
#[derive(Debug, Clone)]
pub(super) enum Bins {
    /// Those that are occupied, sorted. Without spare room: new buckets are rare, statements are many.
    Sparse(Box<[u64]>),
    /// All from the first to the last one that is occupied.
    Dense { first: u64, counts: Box<[u32]> },
}

impl Default for Bins {
    fn default() -> Self {
        Self::Sparse(Box::default())
    }
}

impl Bins {
    /// Of these bins, sorted.
    pub(super) fn sparse(bins: Vec<u64>) -> Self {
        Self::Sparse(collapsed(bins).into_boxed_slice())
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Sparse(bins) => bins.is_empty(),
            Self::Dense { counts, .. } => counts.is_empty(),
        }
    }

    /// Occupied buckets and their counts, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let (sparse, first, counts) = match self {
            Self::Sparse(bins) => (&**bins, 0, &[][..]),
            Self::Dense { first, counts } => (&[][..], *first, &**counts),
        };
        let dense = (first..).zip(counts.iter().map(|count| u64::from(*count)));
        let sparse = sparse.iter().map(|&b| (b >> COUNT_BITS, b & MAX_COUNT));
        sparse.chain(dense.filter(|(_, count)| *count > 0))
    }

    /// Adds so many values, of which `before` were seen earlier.
    #[inline]
    pub(super) fn add(&mut self, bucket: u64, values: u64, before: u64) {
        let is_added = match self {
            Self::Sparse(bins) => {
                let at = bins.partition_point(|&b| b >> COUNT_BITS < bucket);
                let found = bins.get_mut(at).filter(|b| **b >> COUNT_BITS == bucket);
                // looked at from time to time alone: it costs a glance at each bin
                let may_be_dense = (before % DENSE_FROM).saturating_add(values) >= DENSE_FROM;
                match found.filter(|_| !may_be_dense) {
                    Some(found) => {
                        *found = grown(*found, values);
                        true
                    }
                    None => false,
                }
            }
            Self::Dense { first, counts } => {
                let at = usize::try_from(bucket.wrapping_sub(*first));
                let count = at.ok().and_then(|at| counts.get_mut(at));
                let values = u32::try_from(values).ok();
                match (count, values) {
                    (Some(count), Some(values)) if count.checked_add(values).is_some() => {
                        *count += values;
                        true
                    }
                    _ => false,
                }
            }
        };
        if !is_added {
            self.put(bucket, values, before);
        }
    }

    /// Gives values of a bucket below all others to the lowest of these, where there is no room for more; says whether
    /// there is none. Of values that spread over very many powers of two nearly all are such, and nothing is moved.
    fn collapse(&mut self, bucket: u64, values: u64) -> bool {
        match self {
            Self::Sparse(bins) if bins.len() >= MAX_BINS => {
                let lowest = bins.first_mut().filter(|b| **b >> COUNT_BITS > bucket);
                let lowest = lowest.map(|lowest| *lowest = grown(*lowest, values));
                lowest.is_some()
            }
            Self::Dense { first, counts } if *first > bucket && counts.len() >= MAX_BINS => {
                let is_full = counts.iter().fold(1, |all, n| all & u8::from(*n > 0)) == 1;
                let lowest = counts.first_mut().filter(|_| is_full);
                let grown = lowest.as_ref().and_then(|lowest| {
                    let values = u32::try_from(values).ok()?;
                    lowest.checked_add(values)
                });
                lowest
                    .zip(grown)
                    .map(|(lowest, grown)| *lowest = grown)
                    .is_some()
            }
            Self::Sparse(_) | Self::Dense { .. } => false,
        }
    }

    #[cold]
    fn put(&mut self, bucket: u64, values: u64, before: u64) {
        if self.collapse(bucket, values) {
            return;
        }
        let mut bins = match std::mem::take(self) {
            Self::Sparse(bins) => bins.into_vec(),
            dense @ Self::Dense { .. } => dense.iter().map(|(b, n)| bin(b, n)).collect(),
        };
        let at = bins.partition_point(|&b| b >> COUNT_BITS < bucket);
        match bins.get_mut(at) {
            Some(found) if *found >> COUNT_BITS == bucket => *found = grown(*found, values),
            _ => {
                bins.reserve_exact(1);
                bins.insert(at, bin(bucket, values));
            }
        }
        let bins = collapsed(bins);
        let is_worth_it = before.saturating_add(values) >= DENSE_FROM;
        let dense = if is_worth_it { dense(&bins) } else { None };
        *self = dense.unwrap_or_else(|| Self::Sparse(bins.into_boxed_slice()));
    }
}

/// The same with a count for each bucket between them, where these are not too many.
fn dense(bins: &[u64]) -> Option<Bins> {
    let first = bins.first()? >> COUNT_BITS;
    let last = bins.last()? >> COUNT_BITS;
    let span = usize::try_from(last - first + 1).ok()?;
    let worth = SMALL_SPAN.max(MAX_SPREAD * bins.len()).min(MAX_BINS);
    if span > worth {
        return None;
    }
    let mut counts = vec![0; span];
    for bin in bins {
        let at = usize::try_from((bin >> COUNT_BITS) - first).ok()?;
        *counts.get_mut(at)? = u32::try_from(bin & MAX_COUNT).ok()?;
    }
    let counts = counts.into_boxed_slice();
    Some(Bins::Dense { first, counts })
}

/// The bins of both, sorted.
pub(super) fn union(
    left: impl Iterator<Item = (u64, u64)>,
    right: impl Iterator<Item = (u64, u64)>,
) -> Vec<u64> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    let mut merged = Vec::new();
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) if l.0 > r.0 => right.next(),
            (Some(_), _) => left.next(),
            (None, _) => right.next(),
        };
        let Some((bucket, mut count)) = next else {
            return merged;
        };
        if let Some((_, too)) = right.next_if(|r| r.0 == bucket) {
            count = count.saturating_add(too);
        }
        merged.push(bin(bucket, count));
    }
}

/// Gives the counts of all but the highest [`MAX_BINS`] bins to the lowest that remains.
fn collapsed(mut bins: Vec<u64>) -> Vec<u64> {
    let excess = bins.len().saturating_sub(MAX_BINS);
    if excess > 0 {
        let counts = bins.drain(..excess).map(|b| b & MAX_COUNT);
        let folded = counts.fold(0, u64::saturating_add);
        bins[0] = grown(bins[0], folded);
    }
    bins
}

pub(super) fn bin(bucket: u64, count: u64) -> u64 {
    bucket << COUNT_BITS | count.min(MAX_COUNT)
}

fn grown(old: u64, by: u64) -> u64 {
    bin(old >> COUNT_BITS, (old & MAX_COUNT).saturating_add(by))
}
