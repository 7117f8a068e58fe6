//! What sqleuth tells of itself: log lines on stderr, and its own spans by OTLP when an endpoint is configured.

use std::any::Any;

use anyhow::Context;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::Telemetry;

/// Crates whose events about sending spans would make spans, which would be sent.
const QUIET: &str = "h2=off,hyper=off,hyper_util=off,tonic=warn,tower=off,reqwest=warn,rustls=warn,opentelemetry_sdk=warn,opentelemetry-otlp=warn";

/// Sends the spans that still wait when it is dropped.
#[derive(Debug)]
#[must_use = "spans are lost without it"]
pub struct Guard(Option<SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "some own spans were not sent");
        }
    }
}

/// Installs the log and, if configured, the exporter; to be called once, inside the runtime.
///
/// Panics are told without their data from now on.
///
/// # Errors
/// A filter that cannot be read, an endpoint that is no URL, or a second call.
pub fn install(settings: &Telemetry) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log))
        .with_context(|| format!("`telemetry.log`: {:?} is no log filter", settings.log))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if settings.json {
        lines.json().boxed()
    } else {
        lines.with_target(false).boxed()
    };
    let provider = settings.otlp.as_deref().map(provider).transpose()?;
    let spans = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("sqleuth")));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(spans)
        .try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let what = shown(panic.payload());
        tracing::error!(place, what, "a thread panicked, which is a bug of sqleuth");
    }));
    Ok(Guard(provider))
}

/// What of a panic may be shown: a formatted message may quote the text that was worked on, literals and all.
fn shown(payload: &dyn Any) -> &'static str {
    let fixed = payload.downcast_ref::<&'static str>();
    fixed.copied().unwrap_or("(message not shown)")
}

fn provider(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .with_context(|| format!("`telemetry.otlp`: {endpoint:?} is no OTLP/gRPC endpoint"))?;
    let resource = Resource::builder()
        .with_service_name("sqleuth")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_shows_no_text_that_was_made_from_data() {
        let made = String::from("byte index 9 is out of bounds of `SELECT 'secret'`");
        assert_eq!(shown(&made), "(message not shown)");
        assert_eq!(shown(&"planned"), "planned");
    }
}
