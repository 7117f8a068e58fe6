//! `sqleuth run`: builds the app, runs it, and builds it anew on SIGHUP.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::app::App;
use crate::cli::{ConfigFile, load};
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry;

/// Two threads: one may wait for a page while the other hands over batches.
const WORKERS: usize = 2;

/// Runs until a signal ends it.
pub(super) fn run(options: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = load(options.config.as_deref())?;
    // Before the log is set up: it may be what is wrong.
    config.consistent()?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let _spans = telemetry::install(&config.telemetry)?;
        Box::pin(supervise(config, options)).await
    });
    // A stage that was given up must not keep the process.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

/// The runtime of every command that serves.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Runs one app after the other, each with the configuration that the last SIGHUP has found good.
async fn supervise(mut config: Config, options: &ConfigFile) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut app = App::build(config.clone(), Clock::system()).await?;
    loop {
        tracing::info!(address = %app.address(), store = %config.store.path.display(), "sqleuth runs");
        let begun = Notify::new();
        let mut next = None;
        let shutdown = async {
            next = signals.end_or_reload(options).await;
            begun.notify_one();
        };
        let impatient = async {
            begun.notified().await;
            // Made only now: the first signal must not count twice.
            Signals::new()?.end().await;
            anyhow::Ok(())
        };
        tokio::select! {
            ended = app.run(shutdown) => ended?,
            Ok(()) = impatient => anyhow::bail!("stopped by a second signal; what was not stored is read again at the next start"),
        }
        let Some(new) = next else {
            tracing::info!("sqleuth has stopped");
            return Ok(());
        };
        app = match App::build(new.clone(), Clock::system()).await {
            Ok(app) => {
                config = new;
                app
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the new configuration does not work, the old one stays"
                );
                App::build(config.clone(), Clock::system()).await?
            }
        };
    }
}

/// Signals that mean something to us.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// `None` when it is time to end, else a new configuration; one that has mistakes is told and ignored.
    async fn end_or_reload(&mut self, options: &ConfigFile) -> Option<Config> {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return None,
                _ = self.interrupt.recv() => return None,
                _ = self.hang_up.recv() => match load(options.config.as_deref()) {
                    Ok(config) => {
                        tracing::info!("configuration read again");
                        return Some(config);
                    }
                    Err(error) => {
                        tracing::error!(error = format!("{:#}", anyhow::Error::from(error)), "configuration refused, the old one stays");
                    }
                },
            }
        }
    }
}
