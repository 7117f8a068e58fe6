//! Messages that wait, and what became of them.

use super::*;

#[test]
fn a_message_is_due_until_it_is_sent_and_then_is_an_alert_of_its_incident() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let reader = Reader::open(&settings.path).unwrap();
    let firing = incident(1, IncidentState::Firing);
    handle
        .commit_blocking(decided(100, Some(firing), NoticeKind::Fired))
        .unwrap();

    let due = reader.outbox_due(secs(200), "slack").unwrap();
    assert_eq!((due.len(), due[0].what), (1, NoticeKind::Fired));
    let retry = Delivery::Retry {
        at: secs(300),
        error: "timeout".into(),
        remote: Some("ts-0".into()),
    };
    settle(&handle, due[0].id, retry);
    assert!(reader.outbox_due(secs(299), "slack").unwrap().is_empty());
    let again = &reader.outbox_due(secs(300), "slack").unwrap()[0];
    assert_eq!((again.attempts, again.remote.as_deref()), (1, Some("ts-0")));

    let remote = "ts-1".into();
    settle(&handle, due[0].id, Delivery::Begun { remote });
    let begun = &reader.outbox_due(secs(300), "slack").unwrap()[0];
    assert_eq!((begun.attempts, begun.remote.as_deref()), (1, Some("ts-1")));

    settle(&handle, due[0].id, sent("ts-1"));
    assert!(reader.outbox_due(secs(400), "slack").unwrap().is_empty());
    let stored = reader.incident(&IncidentId::new("INC-20261121-1")).unwrap();
    assert_eq!(stored.unwrap().alerts.len(), 1);
    close(handle, thread);
}

#[test]
fn notices_that_wait_become_one_and_later_ones_know_the_message_to_edit() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    let reader = Reader::open(&settings.path).unwrap();
    let firing = |revision| Some(incident(revision, IncidentState::Firing));
    handle
        .commit_blocking(decided(100, firing(1), NoticeKind::Fired))
        .unwrap();
    let in_flight = reader.outbox_due(secs(200), "slack").unwrap()[0].id;
    handle
        .commit_blocking(decided(110, firing(2), NoticeKind::Updated))
        .unwrap();

    let due = reader.outbox_due(secs(200), "slack").unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].what, due[0].revision), (NoticeKind::Fired, 2));

    settle(&handle, in_flight, sent("ts-1"));
    let due = reader.outbox_due(secs(200), "slack").unwrap();
    assert_eq!(due[0].what, NoticeKind::Updated);
    assert_eq!(due[0].remote.as_deref(), Some("ts-1"));
    close(handle, thread);
}
