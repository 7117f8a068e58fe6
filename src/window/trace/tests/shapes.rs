//! What is a loop, and what is none.

use super::*;

#[test]
fn a_statement_for_each_row_is_a_loop_with_its_share_and_its_source() {
    let mut spans = Telling::new();
    looping(&mut spans, 10, item);
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    let [found] = &profile.loops[..] else {
        panic!("one loop: {:?}", profile.loops);
    };
    assert_eq!(
        (found.load.requests, found.load.runs, found.load.most),
        (1, 10, 10)
    );
    assert_eq!(found.load.critical, Duration::from_millis(50));
    assert_eq!(found.load.saving, Duration::from_millis(45));
    assert_eq!((found.told, found.distinct, found.same), (10, 10, false));
    let source = found.source.as_ref().unwrap();
    assert!(
        source
            .template
            .as_str()
            .starts_with("SELECT id FROM orders")
    );
    assert_eq!(profile.load.requests, 1);
    assert_eq!(found.load.exemplars[0].trace, 1);
}

#[test]
fn what_runs_between_breaks_no_loop() {
    let mut spans = Telling::new();
    for n in 0..8 {
        let from = 10 * n;
        spans.connection((100 + n, 1), (from, from + 1));
        spans.span((200 + n, 1), (from + 1, from + 2), "orm.hydrate");
        spans.query((300 + n, 1), (from + 2, from + 7), &item(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert_eq!(profile.loops[0].load.runs, 8);
    assert_eq!(profile.waits[0].load.runs, 8);
}

#[test]
fn runs_at_once_that_wait_for_the_connections_of_each_other_are_one_loop_with_its_waits() {
    let mut spans = Telling::new();
    for n in 0..12 {
        let round = 10 * (n / 2);
        spans.connection((100 + n, 1), (0, round));
        spans.query((300 + n, 1), (round, round + 10), &item(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    let load = &profile.loops[0].load;
    assert_eq!(
        (
            load.runs,
            load.critical.as_millis(),
            load.saving.as_millis()
        ),
        (12, 60, 50)
    );
}

#[test]
fn calls_of_an_orm_that_make_a_span_each_are_one_loop() {
    let mut spans = Telling::new();
    spans.span((2, 1), (0, 90), "OrderService.list");
    for n in 0..6 {
        let (from, id) = (10 * n, 100 * (n + 1));
        spans.span((id, 2), (from, from + 9), "ItemRepository.find");
        spans.span((id + 1, id), (from + 1, from + 8), "Session.load");
        spans.query((id + 2, id + 1), (from + 2, from + 7), &item(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert_eq!(profile.loops[0].load.runs, 6);
    assert_eq!(profile.loops[0].load.critical, Duration::from_millis(30));
}

#[test]
fn a_loop_that_runs_at_once_is_one_and_costs_what_is_waited_for() {
    let mut spans = Telling::new();
    for n in 0..10 {
        spans.query((10 + n, 1), (10, 20 + n), &item(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    let found = &profile.loops[0];
    assert_eq!((found.load.runs, found.parallel), (10, 1));
    assert_eq!(found.load.critical, Duration::from_millis(19));
}

#[test]
fn lists_and_comments_that_change_hide_no_loop() {
    let mut spans = Telling::new();
    looping(&mut spans, 6, |n| {
        let list: Vec<String> = (0..=n).map(|i| i.to_string()).collect();
        let list = list.join(", ");
        format!(
            "SELECT name FROM items WHERE id IN ({list}) /*traceparent='00-{n:032x}-{n:016x}-01'*/"
        )
    });
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert_eq!(profile.loops[0].load.runs, 6);
}

#[test]
fn the_same_values_again_are_a_repeat() {
    let mut spans = Telling::new();
    looping(&mut spans, 10, |_| item(7));
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert!(profile.loops[0].same);
    assert_eq!(profile.loops[0].distinct, 1);
}

#[test]
fn different_statements_are_no_loop() {
    let mut spans = Telling::new();
    looping(&mut spans, 12, |n| {
        format!(
            "SELECT a FROM table_{} WHERE id = 1",
            ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]
                [usize::try_from(n).unwrap()]
        )
    });
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert!(profile.loops.is_empty(), "{:?}", profile.loops);
}

#[test]
fn failed_runs_are_tries() {
    let mut spans = Telling::new();
    looping(&mut spans, 10, item);
    for event in &mut spans.events {
        event.outcome = Outcome::Error {
            code: "1205".into(),
        };
    }
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert!(profile.loops.is_empty());
    assert!(profile.cuts.iter().any(|cut| cut.load.runs == 10));
}

#[test]
fn a_job_and_a_request_are_told_apart() {
    let mut spans = Telling::new();
    looping(&mut spans, 4, item);
    spans.trace = 2;
    spans.span((1, 0), (0, 100), "nightly import");
    let closed = closed(vec![spans.batch()]);
    assert_eq!(
        operation(&closed, "GET /orders").role,
        crate::model::operation::Role::Request
    );
    assert_eq!(
        operation(&closed, "nightly import").role,
        crate::model::operation::Role::Job
    );
}

#[test]
fn two_services_are_two_units_whatever_their_clocks_say() {
    let hours = 5 * 3_600_000;
    let mut spans = Telling::new();
    spans.peer((2, 1), (10, 90), "stock");
    spans.span((1, 0), (0, 100), "GET /orders");
    let first = spans.batch();
    spans.service = "stock";
    looping(&mut spans, 10, item);
    for span in &mut spans.spans {
        span.start = span.start.plus(Duration::from_millis(hours));
        span.id += 1_000;
        span.parent = Some(span.parent.map_or(2, |parent| parent + 1_000));
        if &*span.name == "GET /orders" {
            span.name = "GET /stock".into();
        }
    }
    let closed = closed(vec![first, spans.batch()]);
    let shop = operation(&closed, "GET /orders");
    assert_eq!(shop.peers[0].load.critical, Duration::from_millis(80));
    assert!(shop.loops.is_empty());
    let stock = operation(&closed, "GET /stock");
    assert_eq!(stock.loops[0].load.critical, Duration::from_millis(50));
}

#[test]
fn a_run_that_two_instrumentations_tell_of_counts_once() {
    for nested in [false, true] {
        let mut spans = Telling::new();
        for n in 0..6 {
            let from = 10 * n;
            spans.scope = "psycopg2";
            let inner = if nested { 200 + n } else { 1 };
            spans.query((100 + n, inner), (from + 1, from + 6), &item(n));
            spans.scope = "sqlalchemy";
            spans.query((200 + n, 1), (from, from + 7), &item(n));
        }
        spans.span((1, 0), (0, 100), "GET /orders");
        let closed = closed(vec![spans.batch()]);
        let profile = operation(&closed, "GET /orders");
        assert_eq!(profile.loops[0].load.runs, 6, "nested: {nested}");
        assert_eq!(profile.load.statements, 6);
        let windows = closed.iter().flat_map(|closed| &closed.profiles);
        let runs: Vec<u64> = windows.map(|query| query.load.count).collect();
        assert_eq!(runs, [6], "nested: {nested}");
    }
}

#[test]
fn a_long_loop_that_two_instrumentations_tell_of_counts_once_though_one_tells_all_of_it_first() {
    for nested in [false, true] {
        let mut spans = Telling::new();
        spans.span((1, 0), (0, 1_000), "GET /orders");
        spans.scope = "psycopg2";
        spans.query((50, 1), (0, 1), "SET NAMES utf8mb4");
        for n in 0..90 {
            let parent = if nested { 200 + n } else { 1 };
            spans.query((100 + n, parent), (10 * n + 1, 10 * n + 6), &item(n));
        }
        spans.scope = "sqlalchemy";
        for n in 0..90 {
            spans.query((200 + n, 1), (10 * n, 10 * n + 7), &item(n));
        }
        let closed = closed(vec![spans.batch()]);
        let profile = operation(&closed, "GET /orders");
        assert_eq!(profile.loops[0].load.runs, 90, "nested: {nested}");
        assert_eq!(profile.load.statements, 91, "nested: {nested}");
        let windows = closed.iter().flat_map(|closed| &closed.profiles);
        let runs: u64 = windows.map(|query| query.load.count).sum();
        assert_eq!(runs, 91, "nested: {nested}");
    }
}

#[test]
fn two_runs_of_one_instrumentation_are_two() {
    let mut spans = Telling::new();
    for n in 0..6 {
        spans.query((100 + n, 1), (10, 20), &item(n));
    }
    spans.span((1, 0), (0, 100), "GET /orders");
    let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
    assert_eq!(profile.load.statements, 6);
}
