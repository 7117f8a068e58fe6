//! Starts the stages and stops them in order.
//!
//! ```text
//! signal ─► sources are told to stop ─► each later stage ends because its input ended ─► done
//!                                        └─ one deadline for all; the rest is named and given up
//! ```
//!
//! A stage that ends or panics on its own stops the daemon with an error: a sidecar that no longer detects must not
//! look alive.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// What ended a stage.
type StageResult = Result<(), anyhow::Error>;

/// Running stages.
#[derive(Debug)]
pub struct Topology {
    stages: JoinSet<StageResult>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

/// Why the topology ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A stage ended by itself, while nobody had asked it to.
    #[error("stage {0} ended by itself")]
    Ended(&'static str),
    /// A stage failed.
    #[error("stage {0} failed")]
    Failed(&'static str, #[source] anyhow::Error),
    /// A stage panicked; the message went to the log.
    #[error("stage {0} panicked")]
    Panicked(&'static str),
    /// Stages were still busy at the deadline.
    #[error("stopped late: still busy were {0}")]
    Late(Names),
}

/// Names of stages, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(pub Vec<&'static str>);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl Default for Topology {
    fn default() -> Self {
        Self::new()
    }
}

impl Topology {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self {
            stages: JoinSet::new(),
            names: HashMap::new(),
            stop: CancellationToken::new(),
        }
    }

    /// What sources listen to; later stages end when their input does.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts an asynchronous stage.
    pub fn spawn(
        &mut self,
        name: &'static str,
        stage: impl Future<Output = StageResult> + Send + 'static,
    ) {
        let handle = self.stages.spawn(stage);
        self.names.insert(handle.id(), name);
    }

    /// Starts a stage that blocks, on a thread of its own.
    pub fn spawn_blocking(
        &mut self,
        name: &'static str,
        stage: impl FnOnce() -> StageResult + Send + 'static,
    ) {
        let handle = self.stages.spawn_blocking(stage);
        self.names.insert(handle.id(), name);
    }

    /// Runs until `shutdown` is ready or a stage ends by itself, then drains for at most `patience`.
    ///
    /// # Errors
    /// The first [`Fault`]: what ended it, else who was late.
    pub async fn run(
        mut self,
        shutdown: impl Future<Output = ()>,
        patience: Duration,
    ) -> Result<(), Fault> {
        let first = tokio::select! {
            () = shutdown => None,
            // cancel safe: yes, join_next_with_id loses no result
            Some(ended) = self.stages.join_next_with_id() => {
                Some(self.fault_of(ended).unwrap_or_else(Fault::Ended))
            }
        };
        self.stop.cancel();
        let drained = tokio::time::timeout(patience, self.drain()).await;
        match (first, drained) {
            (Some(fault), _) => Err(fault),
            (None, Ok(result)) => result,
            (None, Err(_elapsed)) => Err(Fault::Late(self.busy())),
        }
    }

    async fn drain(&mut self) -> Result<(), Fault> {
        let mut result = Ok(());
        while let Some(ended) = self.stages.join_next_with_id().await {
            if let Ok(fault) = self.fault_of(ended) {
                result = result.and(Err(fault));
            }
        }
        result
    }

    /// The fault of a stage, or its name if it ended well.
    fn fault_of(
        &mut self,
        ended: Result<(Id, StageResult), JoinError>,
    ) -> Result<Fault, &'static str> {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let name = self.names.remove(&id).unwrap_or("unnamed");
        match ended {
            Ok((_, Ok(()))) => Err(name),
            Ok((_, Err(error))) => Ok(Fault::Failed(name, error)),
            Err(_panic) => Ok(Fault::Panicked(name)),
        }
    }

    fn busy(&self) -> Names {
        let mut names: Vec<_> = self.names.values().copied().collect();
        names.sort_unstable();
        Names(names)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn everything_accepted_is_drained_before_the_end() {
        let mut topology = Topology::new();
        let (tx, mut rx) = mpsc::channel(8);
        let (done, mut sum) = mpsc::channel(1);
        let stop = topology.stop_token();
        topology.spawn("source", async move {
            for n in 0..5 {
                tx.send(n).await?;
            }
            stop.cancelled().await;
            Ok(())
        });
        topology.spawn("sink", async move {
            let mut total = 0;
            while let Some(n) = rx.recv().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
                total += n;
            }
            Ok(done.send(total).await?)
        });
        topology.run(async {}, PATIENCE).await.unwrap();
        assert_eq!(sum.recv().await, Some(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_ends_by_itself_stops_the_daemon() {
        let mut topology = Topology::new();
        topology.spawn("window", async { Ok(()) });
        let fault = topology.run(std::future::pending(), PATIENCE).await;
        assert!(matches!(fault, Err(Fault::Ended("window"))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panicking_stage_still_drains_the_others() {
        let mut topology = Topology::new();
        let (tx, mut rx) = mpsc::channel(1);
        let stop = topology.stop_token();
        topology.spawn("broken", async { panic!("planned") });
        topology.spawn("well", async move {
            stop.cancelled().await;
            Ok(tx.send(()).await?)
        });
        let fault = topology.run(std::future::pending(), PATIENCE).await;
        assert!(matches!(fault, Err(Fault::Panicked("broken"))));
        assert_eq!(rx.recv().await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_stage_is_named_and_given_up() {
        let mut topology = Topology::new();
        topology.spawn("stuck", std::future::pending());
        let fault = topology.run(async {}, PATIENCE).await;
        assert_eq!(
            fault.map_err(|f| f.to_string()),
            Err("stopped late: still busy were stuck".to_owned())
        );
    }
}
