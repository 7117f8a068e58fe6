//! A crash at any byte of the write-ahead log leaves the state of some commit, whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    /// Writes a window's body.
    Flush { window: u64, body: u8 },
    /// Judges a window; an incident fires or changes.
    Decide { window: u64, incident: bool },
    /// The message that is due is sent.
    Send,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..6_u64, any::<u8>()).prop_map(|(window, body)| Act::Flush { window, body }),
        (0..6_u64, any::<bool>()).prop_map(|(window, incident)| Act::Decide { window, incident }),
        Just(Act::Send),
    ];
    prop::collection::vec(act, 1..25)
}

/// What the store must hold.
#[derive(Debug, Clone, PartialEq, Default)]
struct Model {
    /// Body and whether it is judged, by start.
    windows: BTreeMap<u64, (u8, bool)>,
    revision: u64,
    due: Option<u64>,
    alerts: usize,
}

impl Model {
    fn apply(&mut self, act: &Act) {
        match act {
            Act::Flush { window, body } => {
                let kept = self.windows.entry(*window).or_insert((*body, false));
                if !kept.1 {
                    kept.0 = *body;
                }
            }
            Act::Decide { window, incident } => {
                if let Some(kept) = self.windows.get_mut(window) {
                    kept.1 = true;
                }
                if *incident {
                    self.revision += 1;
                    self.due = Some(self.revision);
                }
            }
            Act::Send => {
                if self.due.take().is_some() {
                    self.alerts += 1;
                }
            }
        }
    }
}

fn start(window: u64) -> u64 {
    1_000 + 10 * window
}

fn commit(handle: &StoreHandle, reader: &Reader, act: &Act, revision: u64) {
    match act {
        Act::Flush { window: n, body } => {
            let flush = flush(vec![window(start(*n), &[*body])]);
            handle.commit_blocking(flush).unwrap();
        }
        Act::Decide {
            window,
            incident: is_changed,
        } => {
            let changed = is_changed.then(|| incident(revision, IncidentState::Firing));
            let decided = decided(start(*window), changed, NoticeKind::Updated);
            handle.commit_blocking(decided).unwrap();
        }
        Act::Send => {
            for row in reader.outbox_due(secs(10_000), "slack").unwrap() {
                settle(handle, row.id, sent("ts"));
            }
        }
    }
}

/// What a restart finds at `path`.
fn found(path: &Path) -> Model {
    let settings = Settings {
        path: path.to_owned(),
        ..Settings::default()
    };
    let (handle, thread, recovered) = open(&settings);
    assert_eq!(recovered.set_aside, None);
    let reader = Reader::open(path).unwrap();
    let judged = |windows: &[PackedWindow], is_judged| {
        let entries = windows.iter().map(|window| {
            let n = (window.key.start.as_unix_secs() - 1_000) / 10;
            (n, (window.body[0], is_judged))
        });
        entries.collect::<Vec<_>>()
    };
    let mut windows: BTreeMap<_, _> = judged(&recovered.open_windows, false).into_iter().collect();
    windows.extend(judged(&recovered.history, true));
    let stored = reader.incident(&IncidentId::new("INC-20261121-1")).unwrap();
    let due = reader.outbox_due(secs(10_000), "slack").unwrap();
    let model = Model {
        windows,
        revision: stored.as_ref().map_or(0, |incident| incident.revision),
        due: due.first().map(|row| row.revision),
        alerts: stored.map_or(0, |incident| incident.alerts.len()),
    };
    drop(reader);
    close(handle, thread);
    model
}

/// Copies the store as a crash would leave it, with only so much of its log.
fn crash(from: &Path, to: &Path, kept: f64) {
    fs::copy(from, to).unwrap();
    let log = |path: &Path| path.with_extension("db-wal");
    let mut bytes = fs::read(log(from)).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "any byte will do"
    )]
    bytes.truncate((bytes.len() as f64 * kept) as usize);
    fs::write(log(to), bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_crash_leaves_the_state_of_some_commit(acts in acts(), kept in 0.0..=1.0_f64) {
        let dir = TempDir::new().unwrap();
        let settings = settings(&dir);
        // Made, and closed, so that the log holds nothing but the acts.
        let (handle, thread, _) = open(&settings);
        close(handle, thread);
        let (handle, thread, _) = open(&settings);
        let reader = Reader::open(&settings.path).unwrap();
        let mut model = Model::default();
        let mut states = vec![model.clone()];
        for act in &acts {
            model.apply(act);
            commit(&handle, &reader, act, model.revision);
            states.push(model.clone());
        }
        let torn = dir.path().join("torn.db");
        crash(&settings.path, &torn, kept);
        let killed = dir.path().join("killed.db");
        crash(&settings.path, &killed, 1.0);
        drop(reader);
        close(handle, thread);

        prop_assert_eq!(&found(&killed), states.last().unwrap());
        prop_assert_eq!(&found(&settings.path), states.last().unwrap());
        let left = found(&torn);
        prop_assert!(states.contains(&left), "{left:?} is none of {states:?}");
    }
}
