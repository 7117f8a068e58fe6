//! From verdicts to what people see: decided, stored, and only then told.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::app::pipeline::Stages;
use crate::incident::{Decisions, Incidents};
use crate::metrics::Metrics;
use crate::model::incident::Incident;
use crate::serve::{Command, Live, LiveEvent};
use crate::store::{Change, Committed, StoreHandle};
use crate::{detect, window};

/// A change on its way to the store, and who waits for it.
#[derive(Debug)]
pub(super) struct Letter {
    change: Change,
    then: Then,
}

/// What follows once a change is durable.
#[derive(Debug)]
pub(super) enum Then {
    /// Viewers look again; with `mail`, the postman too.
    Tell {
        events: Vec<LiveEvent>,
        mail: bool,
    },
    Taken(Box<Incident>, oneshot::Sender<Option<Incident>>),
    Marked(oneshot::Sender<()>),
}

impl Stages {
    /// Decides what follows from verdicts, and does what people ask for.
    pub(super) async fn incident(
        &self,
        mut inbox: Receiver<detect::Output>,
        mut commands: Receiver<Command>,
        mut incidents: Incidents,
        next: Sender<Letter>,
    ) -> anyhow::Result<()> {
        self.show(&incidents);
        loop {
            let letter = tokio::select! {
                // cancel safe: yes, recv loses nothing
                output = inbox.recv() => match output {
                    Some(detect::Output::Flush(flush)) => flushed(flush),
                    Some(detect::Output::Judged(judged)) => {
                        let _span = tracing::info_span!("incident", window = %judged.span.from).entered();
                        decided(incidents.decide(*judged))
                    }
                    None => return Ok(()),
                },
                Some(command) = commands.recv() => match self.obey(command, &mut incidents) {
                    Some(letter) => letter,
                    None => continue,
                },
            };
            if !matches!(letter.change, Change::Flush(_)) {
                self.show(&incidents);
            }
            next.send(letter).await?;
        }
    }

    fn obey(&self, command: Command, incidents: &mut Incidents) -> Option<Letter> {
        match command {
            Command::Acknowledge { id, by, reply } => {
                let Some(taken) = incidents.acknowledge(&id, &by, self.clock.now()) else {
                    // The asker may have gone.
                    drop(reply.send(incidents.open(&id).cloned()));
                    return None;
                };
                let incident = Box::new(taken.incident.clone());
                Some(Letter {
                    change: Change::Acknowledged(Box::new(taken)),
                    then: Then::Taken(incident, reply),
                })
            }
            Command::Mark { marker, reply } => Some(Letter {
                change: Change::Marker(marker),
                then: Then::Marked(reply),
            }),
        }
    }

    /// Shows what is sick now.
    fn show(&self, incidents: &Incidents) {
        let now = incidents.snapshot();
        let mut states = BTreeMap::new();
        for incident in &now.incidents {
            *states
                .entry((incident.state, incident.severity))
                .or_insert(0) += 1;
        }
        let states: Vec<_> = states.into_iter().map(|((s, v), n)| (s, v, n)).collect();
        self.metrics.set_incidents(&states);
        let mut sick = BTreeMap::new();
        for problem in now.problems.iter().filter(|p| p.well_since.is_none()) {
            let key = (problem.key.detector.clone(), problem.worst.severity);
            *sick.entry(key).or_insert(0) += 1;
        }
        let sick: Vec<_> = sick.into_iter().map(|((d, s), n)| (d, s, n)).collect();
        self.metrics.set_findings(&sick);
    }
}

fn flushed(flush: window::Flush) -> Letter {
    let newest = flush.windows.iter().map(|w| w.end).max();
    let events = newest
        .map(|id| LiveEvent::Window { id })
        .into_iter()
        .collect();
    Letter {
        change: Change::Flush(flush),
        then: Then::Tell {
            events,
            mail: false,
        },
    }
}

fn decided(decisions: Decisions) -> Letter {
    let events = decisions
        .incidents
        .iter()
        .map(|incident| LiveEvent::Incident {
            id: incident.id.clone(),
            revision: incident.revision,
        })
        .collect();
    let mail = !decisions.notices.is_empty();
    for notice in &decisions.notices {
        tracing::info!(incident = %notice.incident, what = ?notice.what, "incident changed");
    }
    Letter {
        change: Change::Decided(Box::new(decisions)),
        then: Then::Tell { events, mail },
    }
}

/// Sends changes to the store in their order, without waiting for the disk.
pub(super) async fn submit(
    mut inbox: Receiver<Letter>,
    store: StoreHandle,
    next: Sender<(Committed, Then, Instant)>,
) -> anyhow::Result<()> {
    while let Some(Letter { change, then }) = inbox.recv().await {
        let committed = store.submit(change).await?;
        next.send((committed, then, Instant::now())).await?;
    }
    Ok(())
}

/// A change that cannot be stored ends the daemon: the next start reads the log again from the last checkpoint.
pub(super) async fn durable(
    mut inbox: Receiver<(Committed, Then, Instant)>,
    metrics: Metrics,
    live: Live,
    wake: Arc<Notify>,
) -> anyhow::Result<()> {
    while let Some((committed, then, since)) = inbox.recv().await {
        committed.durable().await?;
        metrics.observe_commit(since.elapsed());
        match then {
            Then::Tell { events, mail } => {
                for event in events {
                    live.tell(event);
                }
                if mail {
                    wake.notify_one();
                }
            }
            // Whoever asked may have gone.
            Then::Taken(incident, reply) => {
                live.tell(LiveEvent::Incident {
                    id: incident.id.clone(),
                    revision: incident.revision,
                });
                wake.notify_one();
                drop(reply.send(Some(*incident)));
            }
            Then::Marked(reply) => drop(reply.send(())),
        }
    }
    Ok(())
}
