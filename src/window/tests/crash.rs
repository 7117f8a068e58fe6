//! A crash between any two outputs.

use super::*;

fn runs() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    // mostly in order, as a log is, with stragglers and leaps
    let run = (-20_i64..40, 1_u64..6, 1_u64..50);
    prop::collection::vec(run, 1..120).prop_map(|runs| {
        let mut now = 100_i64;
        let mut placed = Vec::new();
        for (step, id, elapsed) in runs {
            now += step / 4;
            placed.push(((now + step.min(0)).max(0).unsigned_abs(), id, elapsed));
        }
        placed
    })
}

proptest! {
    #[test]
    fn a_crash_between_any_two_outputs_neither_loses_nor_doubles_a_run(
        runs in runs(),
        batch_len in 1_usize..9,
        crashes in prop::collection::btree_set(0_usize..80, 0..6),
    ) {
        let mut expected: BTreeMap<FingerprintId, (u64, Duration)> = BTreeMap::new();
        for &(_, id, elapsed) in &runs {
            let (count, time) = expected.entry(FingerprintId(id)).or_default();
            *count += 1;
            *time += Duration::from_millis(elapsed);
        }
        let mut store = Store::default();
        let mut windows = windows();
        let mut read = 0;
        let mut emitted = 0;
        while read < runs.len() || store.offset < runs.len() as u64 {
            let until = (read + batch_len).min(runs.len());
            let events = runs[read..until].iter().map(|&(end, id, ms)| event(at(end), id, ms));
            let now = at(300 + emitted as u64 / 3);
            let mut outputs = windows.observe(batch(events.collect(), until as u64), now);
            read = until;
            if read == runs.len() {
                outputs.extend(windows.drain());
            }
            for output in outputs {
                emitted += 1;
                if crashes.contains(&emitted) {
                    // before this output, and all that follow it, reached the store
                    windows = store.reopened();
                    read = usize::try_from(store.offset).unwrap();
                    break;
                }
                store.commit(output);
            }
        }
        prop_assert_eq!(store.sums(), expected);
    }
}
