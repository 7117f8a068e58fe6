//! What is missing after an end that was no stop.

use super::*;
use crate::model::id::SourceId;
use crate::store::view::{GapReason, SourceGap};

fn gap(from: u64, to: u64) -> SourceGap {
    SourceGap {
        source: SourceId::new("slow:a"),
        over: Interval {
            from: secs(from),
            to: secs(to),
        },
        why: GapReason::Crash,
    }
}

#[test]
fn an_end_without_a_stop_is_known_by_the_next_start_and_a_stop_is_none() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, recovered) = open(&settings);
    assert!(!recovered.was_cut, "nobody was there before");
    handle
        .commit_blocking(Change::Flush(Flush::default()))
        .unwrap();
    // what a process leaves that is killed
    let copy = TempDir::new().unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().contains(".db") {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    close(handle, thread);
    let (handle, thread, recovered) = open(&settings);
    assert!(!recovered.was_cut, "it was stopped");
    close(handle, thread);
    let killed = super::settings(&copy);
    let (handle, thread, recovered) = open(&killed);
    assert!(recovered.was_cut);
    close(handle, thread);
    let (handle, thread, recovered) = open(&killed);
    assert!(!recovered.was_cut, "the stop after it was one");
    close(handle, thread);
}

#[test]
fn gaps_are_listed_with_their_source_the_newest_first() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let checkpoint = crate::ingest::Checkpoint::nowhere(&SourceId::new("slow:a"));
    let (writer, _) = Writer::open(&settings, Vec::new(), &Clock::system()).unwrap();
    writer.note_gaps(&[gap(10, 20), gap(40, 50)]).unwrap();
    writer.note_gaps(&[gap(40, 60)]).unwrap();
    let (handle, thread) = writer.spawn().unwrap();
    let flush = Flush {
        checkpoints: vec![checkpoint],
        ..Flush::default()
    };
    handle.commit_blocking(Change::Flush(flush)).unwrap();
    close(handle, thread);
    let sources = Reader::open(&settings.path).unwrap().sources().unwrap();
    assert_eq!(sources[0].gaps, [gap(40, 60), gap(10, 20)]);
}
