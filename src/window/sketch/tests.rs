use proptest::prelude::*;

use super::*;

fn sketch(values: &[u64]) -> Sketch {
    let mut sketch = Sketch::default();
    for &value in values {
        sketch.record(value, 1);
    }
    sketch
}

fn merged(left: &Sketch, right: &Sketch) -> Sketch {
    let mut both = left.clone();
    both.merge(right);
    both
}

fn values() -> impl Strategy<Value = Vec<u64>> {
    // every magnitude is as likely as any other
    let value = (0_u32..64, any::<u64>()).prop_map(|(shift, v)| v >> shift);
    prop::collection::vec(value, 0..300)
}

proptest! {
    #[test]
    fn a_percentile_is_within_one_per_cent_of_the_exact_one(values in values(), percent in 1_u8..=100) {
        prop_assume!(!values.is_empty());
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * usize::from(percent)).div_ceil(100);
        let exact = sorted[rank - 1];
        let told = sketch(&values).percentile(percent);
        prop_assert!(u128::from(told.abs_diff(exact)) * 100 <= u128::from(exact), "{told} for {exact}");
    }

    #[test]
    fn merging_is_the_same_as_recording_everything(left in values(), right in values()) {
        let all: Vec<u64> = left.iter().chain(&right).copied().collect();
        prop_assert_eq!(merged(&sketch(&left), &sketch(&right)), sketch(&all));
    }

    #[test]
    fn merging_is_associative_and_commutative(a in values(), b in values(), c in values()) {
        let (a, b, c) = (sketch(&a), sketch(&b), sketch(&c));
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }
}

#[test]
fn a_sketch_never_has_more_than_its_bound_of_bins() {
    let every_bucket: Vec<u64> = (0..BUCKETS).map(middle).collect();
    let full = sketch(&every_bucket);
    assert_eq!(full.bins().count(), MAX_BINS);
    assert_eq!(full.bins().map(|(_, count)| count).sum::<u64>(), BUCKETS);
}

proptest! {
    #[test]
    fn bins_of_empty_buckets_change_nothing_that_is_told(
        before in prop::collection::vec(200_u64..5_000, 40..80),
        after in values(),
        percent in 0_u8..=100,
        most in any::<u64>(),
    ) {
        let mut spread = Sketch::default();
        for value in before.into_iter().chain(after) {
            spread.record(value, SPREAD_FROM);
        }
        let sums = Sums { count: spread.count, total: spread.total, min: spread.min, max: spread.max };
        let bins: Vec<_> = spread.bins().collect();
        let dense = Sketch::from_parts(sums, &bins).unwrap();
        prop_assert!(dense.bins.len() <= spread.bins.len());
        prop_assert_eq!(spread.percentile(percent), dense.percentile(percent));
        prop_assert_eq!(spread.total_capped(most), dense.total_capped(most));
        prop_assert_eq!(merged(&spread, &dense), merged(&dense, &spread));
        prop_assert_eq!(spread, dense);
    }
}

#[test]
fn many_values_that_lie_together_are_found_without_a_search() {
    let mut sketch = Sketch::default();
    for value in (0..300_u64).map(|n| 1_000 + n * 7 % 300 * 3) {
        sketch.record(value, SPREAD_FROM);
    }
    let first = sketch.bins[0] >> COUNT_BITS;
    let found = |(at, bin): (u64, &u64)| bin >> COUNT_BITS == first + at;
    assert!((0..).zip(&sketch.bins).all(found));
    assert!(sketch.bins.len() <= sketch.bins().count() * MAX_SPREAD);
}

#[test]
fn a_weight_counts_as_so_many_values() {
    let mut weighted = Sketch::default();
    weighted.record(7, 1);
    weighted.record(9, 3);
    assert_eq!(weighted, sketch(&[7, 9, 9, 9]));
}
