//! What takes more than one request, or more than one source, to see.

use super::*;
use crate::model::event::TraceRef;
use crate::model::operation::Submissions;

/// The same requests one after the other, `apart` milliseconds.
fn each(spans: &mut Telling, requests: u64, apart: u64, make: impl Fn(&mut Telling, u64)) {
    for n in 0..requests {
        let (from_span, from_event) = (spans.spans.len(), spans.events.len());
        spans.trace += 1;
        make(spans, n);
        let by = Duration::from_millis(n * apart);
        for span in &mut spans.spans[from_span..] {
            span.start = span.start.plus(by);
        }
        for event in &mut spans.events[from_event..] {
            event.end = event.end.plus(by);
        }
    }
}

fn letter(spans: &mut Telling, text: &str, caller: Caller) {
    let sql = format!("INSERT INTO letters (owner, text) VALUES (7, '{text}')");
    spans.query((2, 1), (1, 5), &sql);
    spans.span((1, 0), (0, 10), "POST /letters");
    if let Some(Span { work, .. }) = spans.spans.last_mut() {
        *work = SpanWork::Entry {
            caller,
            status: 201,
        };
    }
}

fn submissions(make: impl Fn(&mut Telling, u64), apart: u64) -> Submissions {
    let mut spans = Telling::new();
    each(&mut spans, 3, apart, make);
    operation(&closed(vec![spans.batch()]), "POST /letters").submissions
}

#[test]
fn the_same_rows_written_again_are_a_repeat() {
    let seen = submissions(|spans, _| letter(spans, "hello", Caller::Unknown), 2_000);
    assert_eq!((seen.told, seen.repeated, seen.same_values), (3, 2, 2));
    assert_eq!((seen.callers, seen.most), (1, 2));
    assert_eq!(seen.gap.unwrap().0, Duration::from_secs(2));
}

#[test]
fn other_rows_are_none_even_of_one_caller() {
    let texts = ["hello", "dear", "yours"];
    let seen = submissions(
        |spans, n| {
            let text = texts[usize::try_from(n).unwrap()];
            letter(spans, text, Caller::Named(9));
        },
        2_000,
    );
    assert_eq!((seen.told, seen.repeated), (3, 0));
}

/// Thirty people, each with an address of their own, and one browser that sends letters whose values are not told, from
/// an address that `others` use as well.
fn pressed_twice(apart: u64, others: u64) -> Submissions {
    let browser = |address| Caller::Browser {
        address,
        both: address,
    };
    let untold = |spans: &mut Telling, caller| {
        letter(spans, "hello", caller);
        if let Some(event) = spans.events.last_mut() {
            event.parameters = 0;
        }
    };
    let mut spans = Telling::new();
    each(&mut spans, 30 + others, 0, |spans, n| {
        untold(spans, browser(if n < 30 { 100 + n } else { 7 }));
        if let Some(entry) = spans.spans.last_mut() {
            entry.name = format!("POST /other/{n}").into();
        }
    });
    let before = spans.batch();
    each(&mut spans, 2, apart, |spans, _| untold(spans, browser(7)));
    operation(&closed(vec![before, spans.batch()]), "POST /letters").submissions
}

#[test]
fn a_browser_that_sends_twice_within_a_moment_is_one_that_nobody_shares() {
    let seen = pressed_twice(400, 0);
    assert_eq!((seen.told, seen.repeated, seen.by_address), (2, 1, 1));
    assert_eq!(pressed_twice(5_000, 0).repeated, 0, "a moment is no more");
    assert_eq!(pressed_twice(400, 10).repeated, 0, "a proxy");
}

#[test]
fn connections_were_held_by_what_ran_while_others_waited() {
    let mut spans = Telling::new();
    spans.query((2, 1), (0, 5_000), "SELECT name FROM exports");
    spans.span((1, 0), (0, 5_000), "GET /exports");
    spans.trace += 1;
    spans.query((2, 1), (12_000, 13_000), "SELECT id FROM notes");
    spans.span((1, 0), (12_000, 13_000), "GET /notes");
    spans.trace += 1;
    spans.connection((2, 1), (12_000, 12_900));
    spans.span((1, 0), (12_000, 13_000), "GET /carts");
    let profile = operation(&closed(vec![spans.batch()]), "GET /carts");
    let holder = profile.waits[0].holder.as_ref().unwrap();
    assert_eq!(holder.statement.template.as_str(), "SELECT id FROM notes");
    assert_eq!(holder.busy, Duration::from_secs(1));
}

#[test]
fn a_try_after_a_failure_is_none() {
    let failing = |spans: &mut Telling, _| {
        letter(spans, "hello", Caller::Named(9));
        if let Some(entry) = spans.spans.last_mut() {
            entry.failed = true;
        }
    };
    assert_eq!(submissions(failing, 2_000).repeated, 0);
}

#[test]
fn a_condition_that_is_gone_is_told_with_what_ran_before() {
    let mut spans = Telling::new();
    each(&mut spans, 30, 10, |spans, n| {
        let sql = match n {
            0..25 => "SELECT id FROM classes WHERE school = 3 AND user_id = 7",
            _ => "SELECT id FROM classes WHERE school = 3",
        };
        spans.query((2, 1), (1, 5), sql);
        spans.span((1, 0), (0, 10), "GET /classes");
    });
    let profile = operation(&closed(vec![spans.batch()]), "GET /classes");
    let [lost] = &profile.dropped[..] else {
        panic!("one lost condition: {:?}", profile.dropped);
    };
    assert_eq!((lost.load.requests, lost.known_by), (5, 25));
    assert!(lost.before.template.as_str().contains("user_id"));
}

#[test]
fn a_filter_that_was_optional_from_the_beginning_is_not_lost() {
    let mut spans = Telling::new();
    each(&mut spans, 60, 10, |spans, n| {
        let sql = match n % 2 {
            0 => "SELECT id FROM classes WHERE school = 3 AND user_id = 7",
            _ => "SELECT id FROM classes WHERE school = 3",
        };
        spans.query((2, 1), (1, 5), sql);
        spans.span((1, 0), (0, 10), "GET /classes");
    });
    let profile = operation(&closed(vec![spans.batch()]), "GET /classes");
    assert!(profile.dropped.is_empty());
}

#[test]
fn chunks_of_many_rows_are_no_loop_and_rows_that_are_called_a_batch_are() {
    for (size, loops) in [(1_000, 0), (8, 1)] {
        let mut spans = Telling::new();
        looping(&mut spans, 8, |n| {
            format!("INSERT INTO items (order_id) VALUES ({n})")
        });
        for span in &mut spans.spans {
            if let SpanWork::Query { batch, .. } = &mut span.work {
                *batch = size;
            }
        }
        let profile = operation(&closed(vec![spans.batch()]), "GET /orders");
        assert_eq!(profile.loops.len(), loops, "batches of {size}");
        assert!(profile.loops.iter().all(|l| l.batched == 8));
    }
}

#[test]
fn a_run_that_a_span_and_a_log_tell_of_is_joined_and_never_added() {
    let mut spans = Telling::new();
    looping(&mut spans, 10, item);
    for event in &mut spans.events {
        event.trace = Some(TraceRef { trace: 1, span: 2 });
    }
    let told = spans.batch();
    let mut logged = idle(0);
    logged.mark.idle_at = None;
    let meta = SourceMeta {
        id: SourceId::new("slow_log"),
        service: ServiceName::new("shop"),
        target: DbTarget::default(),
    };
    logged.source = Arc::new(meta);
    logged.events = told.events.clone();
    for event in &mut logged.events {
        event.origin = Origin::Log;
        event.trace = None;
        event.rows.examined = Some(7);
        event.lock = Some(Duration::from_millis(2));
    }
    // the comment of one of them names its trace
    logged.events[3].trace = Some(TraceRef { trace: 1, span: 9 });
    logged.events[3].elapsed += Duration::from_millis(1);
    let mut log_idle = idle(30_000);
    log_idle.source = Arc::clone(&logged.source);
    let closed = closed(vec![told, logged, log_idle]);
    let found = &operation(&closed, "GET /orders").loops[0];
    let log = found.logged.unwrap();
    assert_eq!(
        (found.load.runs, log.runs, log.rows_examined),
        (10, 10, Some(70))
    );
    assert_eq!(
        (log.lock, log.names_trace),
        (Some(Duration::from_millis(20)), true)
    );
    let profiles = || closed.iter().flat_map(|closed| &closed.profiles);
    let of = |origin: Origin| profiles().filter(move |p| p.origin == origin && p.load.count == 10);
    let (by_span, by_log) = (of(Origin::Span).count(), of(Origin::Log).count());
    assert_eq!((by_span, by_log), (1, 1), "each in its own origin");
    for profile in profiles() {
        assert_eq!(profile.total.count, 11, "shares are of one origin");
    }
    let joined = of(Origin::Log)
        .flat_map(|p| &p.exemplars)
        .filter_map(|run| run.trace);
    assert!(joined.map(|of| of.trace).all(|trace| trace == 1));
    assert!(of(Origin::Log).all(|p| p.exemplars.iter().all(|run| run.trace.is_some())));
}
