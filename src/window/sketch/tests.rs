use proptest::prelude::*;

use super::bins::{DENSE_FROM, MAX_BINS};
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
    fn counts_of_empty_buckets_change_nothing_that_is_told(
        before in prop::collection::vec(200_u64..5_000, 40..80),
        after in values(),
        percent in 0_u8..=100,
        most in any::<u64>(),
    ) {
        let mut told = Sketch::default();
        for value in before.into_iter().chain(after) {
            told.record(value, DENSE_FROM);
        }
        let sums = Sums { count: told.count, total: told.total, min: told.min, max: told.max };
        let bins: Vec<_> = told.bins().collect();
        let sparse = Sketch::from_parts(sums, &bins).unwrap();
        prop_assert_eq!(told.percentile(percent), sparse.percentile(percent));
        prop_assert_eq!(told.total_capped(most), sparse.total_capped(most));
        prop_assert_eq!(merged(&told, &sparse), merged(&sparse, &told));
        prop_assert_eq!(told, sparse);
    }

    #[test]
    fn what_is_dense_counts_as_what_is_searched_for(
        values in prop::collection::vec((0_u64..3_000, 1_u64..5_000), 2..200),
        giant in prop::option::of(any::<u32>()),
    ) {
        let mut bins = Bins::default();
        let mut known = std::collections::BTreeMap::new();
        let giant = giant.map(|bucket| (u64::from(bucket % 3_000), 1 << 33));
        let mut before = 0;
        for (bucket, count) in values.iter().copied().chain(giant) {
            bins.add(bucket, count, before);
            before += count;
            *known.entry(bucket).or_insert(0) += count;
        }
        prop_assert!(bins.iter().eq(known));
    }
}

#[test]
fn many_values_that_lie_together_are_found_without_a_search() {
    let mut sketch = Sketch::default();
    for round in 1..DENSE_FROM {
        sketch.record(1_000 + round * 7 % 300 * 3, 1);
    }
    assert!(matches!(sketch.bins, Bins::Sparse(_)), "they are too few");
    for round in 0..DENSE_FROM {
        sketch.record(1_000 + round * 7 % 300 * 3, 1);
    }
    assert!(matches!(sketch.bins, Bins::Dense { .. }));
}

#[test]
fn values_that_lie_far_apart_take_no_more_room_for_it() {
    let mut sketch = Sketch::default();
    for value in [1, 1 << 20, 1 << 40, 1 << 60] {
        sketch.record(value, 2 * DENSE_FROM);
    }
    assert!(matches!(sketch.bins, Bins::Sparse(_)));
}

#[test]
fn a_weight_counts_as_so_many_values() {
    let mut weighted = Sketch::default();
    weighted.record(7, 1);
    weighted.record(9, 3);
    assert_eq!(weighted, sketch(&[7, 9, 9, 9]));
}

#[test]
fn values_over_all_powers_of_two_are_the_same_one_by_one_and_together() {
    let values: Vec<u64> = (0..20_000_u64)
        .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n * 7 % 62))
        .collect();
    let one_by_one = sketch(&values);
    let mut together = Sketch::default();
    for part in values.chunks(100) {
        together.merge(&sketch(part));
    }
    assert_eq!(one_by_one, together);
    let mut backwards = values;
    backwards.sort_unstable_by_key(|value| std::cmp::Reverse(*value));
    assert_eq!(one_by_one, sketch(&backwards));
}
