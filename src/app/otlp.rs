//! The ports that take OTLP: bound before anything runs, served until the stop.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::app::Sources;
use crate::config::Config;
use crate::forward::Forward;
use crate::ingest::SourceMeta;
use crate::ingest::intake::Intake;
use crate::ingest::otlp::server::{self, ListenError, Options, Settings, check_bind};
use crate::ingest::otlp::source_id;
use crate::ingest::relay::Relay;
use crate::ingest::token::Token;
use crate::metrics::Metrics;
use crate::model::event::DbTarget;
use crate::topology::Topology;

/// Ports that are bound and not served yet.
#[derive(Debug)]
pub(super) struct Bound {
    listeners: Vec<TcpListener>,
    token: Option<Token>,
}

/// Whether the ports may be opened: those for other machines need a token.
///
/// # Errors
/// What is wrong, naming the key.
pub(crate) fn check(config: &Config) -> Result<(), ListenError> {
    let has_token = config.auth.ingest_token_file.is_some();
    config
        .listen
        .otlp()
        .try_for_each(|(key, address)| check_bind(key, address, has_token))
}

/// Reads the token of those who send.
///
/// # Errors
/// What is wrong with the file, naming the key.
pub(crate) fn token(config: &Config) -> anyhow::Result<Option<Token>> {
    let file = config.auth.ingest_token_file.as_deref();
    let token = file.map(|path| Token::read("auth.ingest_token_file", path));
    Ok(token.transpose()?)
}

/// Binds what the configuration names; `None` when it names nothing.
///
/// # Errors
/// What is wrong, naming the key.
pub(super) async fn bind(config: &Config) -> anyhow::Result<Option<Bound>> {
    check(config)?;
    let token = token(config)?;
    let mut listeners = Vec::new();
    for (key, address) in config.listen.otlp() {
        listeners.push(server::bind(key, address).await?);
    }
    Ok((!listeners.is_empty()).then_some(Bound { listeners, token }))
}

impl Bound {
    /// Serves until the stop.
    pub(super) fn spawn(
        self,
        topology: &mut Topology,
        intake: Intake,
        (metrics, forward): (Metrics, Option<Forward>),
        sources: &Sources,
    ) {
        let config = &sources.config;
        for listener in &self.listeners {
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "OTLP is taken");
            }
        }
        let options = Options {
            settings: Settings {
                max_message: config.listen.otlp_max_message,
                memory: config.listen.otlp_memory,
            },
            token: self.token,
            source: Arc::new(SourceMeta {
                id: source_id(),
                service: config.general.service.clone(),
                target: DbTarget::default(),
            }),
            relay: forward.map(|forward| Arc::new(forward) as Arc<dyn Relay>),
            metrics,
            clock: sources.clock.clone(),
        };
        let (listeners, stop) = (self.listeners, topology.stop_token());
        topology.spawn("otlp", async move {
            server::run(listeners, options, intake, stop).await;
            Ok(())
        });
    }
}
