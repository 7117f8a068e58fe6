//! What is packed comes out again; what is damaged is refused.

use proptest::prelude::*;

use super::*;
use crate::model::event::{Access, Outcome, PlanRow, QueryEvent, TraceRef};
use crate::window::query::Detail;
use crate::window::tests::event;

fn start() -> Timestamp {
    Timestamp::from_unix_secs(1_800_000_000)
}

fn scope(event: &QueryEvent) -> Arc<Scope> {
    Arc::new(Scope::of(event))
}

prop_compose! {
    fn run()(
        offset_us in 0_u64..10_000_000,
        shift in 0_u32..64,
        raw in any::<u64>(),
        told in any::<[bool; 7]>(),
        failure in 0_u8..3,
        weight in 1_u32..4,
        inner in 1_u32..9,
    ) -> QueryEvent {
        let value = raw >> shift;
        let mut run = event(start().plus(Duration::from_micros(offset_us)), 1, 0);
        run.elapsed = Duration::from_nanos(value >> 12);
        run.parameters = raw % 20;
        run.lock = told[0].then(|| Duration::from_nanos(value >> 8));
        run.rows.examined = told[1].then_some(value >> 4);
        run.rows.returned = told[2].then_some(value % 7);
        run.bytes_sent = told[3].then_some(value % 1_000);
        run.access = told[4].then(|| Box::new(access(value)));
        run.trace = told[5].then_some(TraceRef { trace: u128::from(raw) << 70 | 5, span: raw });
        run.outcome = match failure {
            0 => Outcome::Ok,
            1 => Outcome::Error { code: Arc::from("1064") },
            _ => Outcome::Cancelled { code: Arc::from("1317") },
        };
        run.offset = told[6].then_some(value % 1_000_000);
        run.weight = weight;
        run.nesting.inner = run.elapsed / inner;
        run
    }
}

fn access(value: u64) -> Access {
    Access {
        full_scan: Some(value.is_multiple_of(2)),
        merge_passes: Some(value % 5),
        plan: Some(Arc::from([PlanRow {
            step: Arc::from("SIMPLE"),
            table: Arc::from("t"),
            access: Arc::from("ALL"),
            rows: Some(value),
            ..PlanRow::default()
        }])),
        ..Access::default()
    }
}

fn body(runs: &[QueryEvent]) -> Body {
    let mut queries: BTreeMap<u64, PackedQuery> = BTreeMap::new();
    for (at, run) in (0_u64..).zip(runs) {
        let fingerprint = (at % 4) * 0x1234_5678_9abc_def0;
        let query = queries.entry(fingerprint).or_insert_with(|| PackedQuery {
            fingerprint: FingerprintId(fingerprint),
            scope: scope(run),
            stats: QueryStats::default(),
        });
        query.stats.observe(run, run.end, Detail::Full);
        query.stats.note_offset(run.offset, run.weight);
    }
    Body {
        start: start(),
        coverage: Coverage {
            slower_than: Some(Duration::from_millis(100)),
            one_in: Some(10),
            known_by: CoverageSource::Stated,
        },
        queries: queries.into_values().collect(),
        errors: Vec::new(),
    }
}

#[test]
fn a_failed_run_that_tells_no_time_is_counted_and_is_no_run_of_no_time() {
    let mut stats = QueryStats::default();
    let slow = event(start(), 1, 2_000);
    let failed = QueryEvent {
        elapsed: Duration::ZERO,
        outcome: Outcome::Error {
            code: Arc::from("42501"),
        },
        ..slow.clone()
    };
    for run in [&slow, &failed, &failed] {
        stats.observe(run, run.end, Detail::Full);
    }
    let load = stats.load();
    assert_eq!((load.count, load.errors, load.untimed), (3, 2, 2));
    let two_seconds = Duration::from_secs(2);
    assert_eq!(
        (load.elapsed.min, load.elapsed.p50),
        (two_seconds, two_seconds)
    );
}

proptest! {
    #[test]
    fn what_is_packed_comes_out_again(runs in prop::collection::vec(run(), 0..60)) {
        let body = body(&runs);
        let packed = pack(&body);
        prop_assert_eq!(unpack_body(&packed).unwrap(), body);
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_panic(
        runs in prop::collection::vec(run(), 0..20),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        // damage behind the compression, which would notice it
        let packed = pack(&body(&runs));
        let mut content = decompressed(&packed[1..]).unwrap();
        for (at, byte) in damage {
            *at.get_mut(&mut content) = byte;
        }
        let mut bytes = vec![VERSION];
        bytes.extend(zstd::bulk::compress(&content, 1).unwrap());
        for query in unpack(&bytes).unwrap_or_default() {
            let load = query.stats.load();
            prop_assert!(load.elapsed.p95 <= load.elapsed.max);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let versioned = [&[VERSION], &*bytes].concat();
        for bytes in [bytes, versioned] {
            prop_assert!(unpack(&bytes).is_err() || bytes[0] == VERSION);
        }
    }
}

/// As random as a fingerprint (Steele, Lea, Flood: `SplitMix64`).
fn hashed(id: u64) -> FingerprintId {
    let mut x = id.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    FingerprintId(x ^ (x >> 31))
}

#[test]
fn a_newer_version_is_named() {
    assert!(matches!(unpack(&[9, 1, 2]), Err(UnpackError::Version(9))));
    assert!(matches!(unpack(&[]), Err(UnpackError::Empty)));
}

#[test]
fn a_statement_without_detail_takes_twenty_bytes() {
    let mut queries = Vec::new();
    for id in 0..1_000_u64 {
        let mut stats = QueryStats::default();
        for run in 0..=id % 3 {
            let FingerprintId(noise) = hashed(id * 7 + run);
            let mut event = event(
                start().plus(Duration::from_secs(noise % 10)),
                id,
                1 + noise % 100,
            );
            event.rows.returned = Some(noise % 20);
            stats.observe(&event, event.end, Detail::Full);
        }
        let sample = event(start(), id, 1);
        queries.push(PackedQuery {
            fingerprint: hashed(id),
            scope: scope(&sample),
            stats,
        });
    }
    queries.sort_by_key(|q| q.fingerprint);
    let sorted: Vec<_> = queries
        .iter()
        .map(|q| (q.fingerprint, &q.scope, &q.stats))
        .collect();
    let bytes = pack_sorted(start(), Coverage::default(), &sorted, Duration::MAX, &[]).len();
    assert!(bytes <= 20 * 1_000, "{bytes} bytes for 1,000 statements");
}

#[test]
fn windows_that_are_merged_hold_the_runs_of_all() {
    let run = event(start(), 1, 10);
    let mut later = body(std::slice::from_ref(&run));
    later.start = start().plus(Duration::from_secs(10));
    let merged = Body::merged([later, body(&[run.clone(), run])]);
    assert_eq!(merged.start, start());
    let counts: Vec<_> = merged.queries.iter().map(|q| q.stats.count()).collect();
    assert_eq!(counts, [2, 1]);
}
