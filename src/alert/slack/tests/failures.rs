//! Slack that is busy, broken, or refuses.

use super::*;

#[tokio::test]
async fn a_busy_slack_is_left_alone_for_as_long_as_it_asks() {
    let mut bench = Bench::bot().await;
    bench.fake.next([Mood::Busy(30)]);
    bench.outbox.queue(&example::incident());
    bench.work(29).await;
    bench.postman.round(&CancellationToken::new()).await;
    assert_eq!(bench.fake.requests().len(), 1);
    assert_eq!(count(&bench.metrics.failed), 1);
    assert!(bench.metrics.oldest_seconds(example::at(60)) > 59.0);
}

#[tokio::test]
async fn passing_failures_are_tried_again_and_nothing_is_doubled() {
    let mut bench = Bench::impatient().await;
    bench.fake.next([
        Mood::Status(500, "oops"),
        Mood::Silence,
        Mood::Refuse("internal_error"),
    ]);
    bench.outbox.queue(&example::incident());
    for _ in 0..4 {
        bench.work(600).await;
    }
    assert!(bench.outbox.is_empty());
    assert_eq!(count(&bench.metrics.failed), 3);
    assert_eq!(count(&bench.metrics.sent), 1);
}

#[tokio::test]
async fn a_reply_that_failed_does_not_post_the_message_again() {
    let mut bench = Bench::bot().await;
    let taken = Mood::Status(200, r#"{"ok":true,"channel":"C0DE","ts":"9.9"}"#);
    bench.fake.next([taken, Mood::Status(503, "")]);
    bench.outbox.queue(&example::incident());
    bench.work(600).await;
    bench.work(600).await;
    assert_eq!(methods(&bench.fake), ["chat.postMessage", "reply", "reply"]);
    assert!(bench.outbox.is_empty());
}

#[tokio::test]
async fn a_message_waits_until_somebody_has_mended_the_token() {
    let mut bench = Bench::bot().await;
    bench
        .fake
        .next(["invalid_auth", "token_revoked", "not_in_channel"].map(Mood::Refuse));
    bench.outbox.queue(&example::incident());
    for _ in 0..3 {
        bench.work(299).await;
        let asked = bench.fake.requests().len();
        bench.work(1).await;
        assert_eq!(
            bench.fake.requests().len(),
            asked,
            "no more often than every five minutes"
        );
    }
    assert_eq!(bench.fake.parents(), 3);
    bench.work(1).await;
    assert!(bench.outbox.is_empty());
    assert_eq!(count(&bench.metrics.dead), 0);
    assert_eq!(count(&bench.metrics.failed), 3);
    assert_eq!(count(&bench.metrics.sent), 1);
}

#[tokio::test]
async fn a_message_that_slack_will_never_take_is_given_up_at_once() {
    let mut bench = Bench::bot().await;
    bench.fake.next([Mood::Refuse("no_text")]);
    bench.outbox.queue(&example::incident());
    bench.work(1).await;
    assert_eq!(bench.outbox.0.lock().unwrap().dead, ["refused: no_text"]);
    assert_eq!(count(&bench.metrics.dead), 1);
}

#[tokio::test]
async fn an_answer_that_echoes_a_secret_is_not_repeated() {
    let mut bench = Bench::webhook().await;
    bench
        .fake
        .next([Mood::Status(404, "no /hook/SECRET"), Mood::Redirect]);
    bench.outbox.queue(&example::incident());
    bench.work(300).await;
    bench.work(1).await;
    let kept = bench.outbox.0.lock().unwrap();
    assert_eq!(kept.retries, ["status 404 "]);
    assert_eq!(kept.dead, ["status 302 "]);
}

#[tokio::test]
async fn blocks_that_are_refused_become_text() {
    let mut bench = Bench::bot().await;
    bench.fake.next([Mood::Refuse("invalid_blocks")]);
    bench.outbox.queue(&example::incident());
    bench.work(1).await;
    let requests = bench.fake.requests();
    assert!(requests[1].body.get("blocks").is_none());
    assert!(bench.outbox.is_empty());
}

#[tokio::test]
async fn a_message_that_somebody_deleted_is_posted_again() {
    let mut bench = Bench::bot().await;
    bench.outbox.queue(&example::incident());
    bench.work(1).await;
    bench.fake.next([Mood::Refuse("message_not_found")]);
    bench.outbox.queue(&example::resolved());
    bench.work(1).await;
    assert_eq!(bench.fake.parents(), 2);
    assert!(bench.outbox.is_empty());
}

#[tokio::test]
async fn a_store_that_cannot_keep_the_outcome_does_not_double_the_message() {
    let mut bench = Bench::bot().await;
    bench.outbox.queue(&example::incident());
    bench.outbox.0.lock().unwrap().refuse = 2;
    bench.work(1).await;
    bench.work(1).await;
    bench.work(1).await;
    assert!(bench.outbox.is_empty());
    assert_eq!(bench.fake.parents(), 1);
}
