//! Late, lost, hostile: what comes in any order, does not come, or never ends.

use proptest::prelude::*;

use super::*;

fn one_by_one(mut batch: EventBatch, order: impl Fn(&mut Vec<usize>)) -> Vec<EventBatch> {
    let mut places: Vec<usize> = (0..batch.spans.len()).collect();
    order(&mut places);
    let alone = |place: usize| {
        let mut one = idle(0);
        one.mark.idle_at = None;
        let mut span = batch.spans[place].clone();
        if let SpanWork::Query { run, .. } = &mut span.work {
            let event = batch.events[usize::try_from(*run).unwrap()].clone();
            *run = 0;
            one.events.push(event);
        }
        one.spans.push(span);
        one
    };
    let batches = places.into_iter().map(alone).collect();
    batch.spans.clear();
    batches
}

#[test]
fn spans_may_come_one_by_one_in_any_order() {
    let told = |order: &dyn Fn(&mut Vec<usize>)| {
        let mut spans = Telling::new();
        looping(&mut spans, 10, item);
        let closed = closed(one_by_one(spans.batch(), order));
        operation(&closed, "GET /orders").loops
    };
    let forwards = told(&|_| {});
    assert_eq!(forwards[0].load.runs, 10);
    assert_eq!(told(&|places| places.reverse()), forwards);
    assert_eq!(told(&|places| places.rotate_left(5)), forwards);
}

#[test]
fn a_trace_that_misses_a_parent_is_waited_for() {
    let mut spans = Telling::new();
    looping(&mut spans, 6, item);
    let mut whole = spans.batch();
    let root = whole.spans.pop().unwrap();
    let mut late = idle(12_000);
    late.spans.push(root);
    // 12 s without a word are more than a complete trace is waited for
    let closed = closed(vec![whole, idle(11_000), late]);
    let profile = operation(&closed, "GET /orders");
    assert_eq!(profile.loops[0].load.runs, 6);
}

#[test]
fn what_lost_its_parent_belongs_to_the_only_request_under_way() {
    let mut spans = Telling::new();
    for n in 0..6 {
        spans.query((10 + n, 999), (10 * n, 10 * n + 5), &item(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert_eq!(profile.loops[0].load.runs, 6);
}

#[test]
fn parents_in_a_circle_do_no_harm() {
    let mut spans = Telling::new();
    looping(&mut spans, 6, item);
    spans
        .span((50, 51), (0, 10), "a")
        .span((51, 50), (0, 10), "b");
    spans.span((60, 60), (0, 10), "its own parent");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert_eq!(profile.loops[0].load.runs, 6);
}

#[test]
fn a_million_spans_of_one_trace_are_counted_and_left_out() {
    let mut windows = Windows::new(Settings::default(), at(0));
    let mut spans = Telling::new();
    spans.span((1, 0), (0, 100), "GET /orders");
    let mut all = vec![spans.batch()];
    spans.query((2, 1), (1, 2), &item(1));
    let model = spans.batch();
    for chunk in 0..250_u64 {
        let mut batch = idle(0);
        batch.mark.idle_at = None;
        batch.events.clone_from(&model.events);
        batch.spans = (0..4_000)
            .map(|n| Span {
                id: 10 + chunk * 4_000 + n,
                ..model.spans[0].clone()
            })
            .collect();
        all.push(batch);
    }
    let ticks = (1..30).map(|second| idle(second * 1_000));
    let mut kept = 0;
    for batch in all.into_iter().chain(ticks) {
        for output in windows.observe(batch, at(60_000)) {
            let Output::Closed(closed) = output else {
                continue;
            };
            kept += closed
                .operations
                .iter()
                .map(|o| o.load.statements)
                .sum::<u64>();
        }
    }
    assert_eq!(windows.trace_counters().left_out, 1_000_000 - 4_096);
    assert_eq!(kept, 4_096);
}

#[test]
fn open_traces_have_a_bound_and_the_oldest_makes_room() {
    let settings = super::super::Settings {
        max_traces: 10,
        ..super::super::Settings::default()
    };
    let mut windows = Windows::new(Settings::default(), at(0)).with_traces(settings);
    let mut spans = Telling::new();
    for trace in 1..=100 {
        spans.trace = trace;
        spans.span((1, 0), (0, 100), "GET /orders");
    }
    let _ = windows.observe(spans.batch(), at(1_000));
    let counters = windows.trace_counters();
    assert_eq!((counters.closed, counters.early), (90, 90));
}

#[test]
fn a_replay_closes_the_same_traces_in_the_same_windows() {
    let told = || {
        let mut spans = Telling::new();
        let mut batches = Vec::new();
        for trace in 1..40_u64 {
            spans.trace = u128::from(trace);
            looping(&mut spans, 5, item);
            for span in &mut spans.spans {
                span.start = span.start.plus(Duration::from_millis(400 * trace));
            }
            for event in &mut spans.events {
                event.end = event.end.plus(Duration::from_millis(400 * trace));
            }
            batches.push(spans.batch());
        }
        let closed = closed(batches);
        let told = closed.iter().map(|c| (c.key.start, c.operations.clone()));
        told.collect::<Vec<_>>()
    };
    let first = told();
    assert!(
        first
            .iter()
            .filter(|(_, operations)| !operations.is_empty())
            .count()
            > 2
    );
    assert_eq!(first, told());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_spans_are_judged_without_harm(
        spans in proptest::collection::vec((0_u64..12, 0_u64..12, 0_u64..200, 0_u64..100, 0_u8..5), 0..60),
    ) {
        let mut told = Telling::new();
        for (id, parent, from, length, kind) in spans {
            let (ids, time) = ((id, parent), (from, from + length));
            match kind {
                0 => told.span(ids, time, "GET /a"),
                1 => told.span(ids, time, "inner"),
                2 => told.peer(ids, time, "b"),
                3 => told.connection(ids, time),
                _ => told.query(ids, time, &item(from)),
            };
        }
        for closed in closed(vec![told.batch()]) {
            for operation in closed.operations {
                for found in operation.loops {
                    prop_assert!(found.load.critical <= found.load.elapsed);
                    prop_assert!(found.load.saving <= found.load.critical);
                }
            }
        }
    }
}
