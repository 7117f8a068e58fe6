//! The two text formats that scrapers ask for.
//!
//! The client library writes OpenMetrics; the classic format is derived from it line by line. They differ in four
//! ways: a counter's metadata carries `_total`, an info metric is a gauge, there is no unit and no end mark.

use std::fmt::Write;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

use crate::metrics::statements::StatementHistogram;

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// `text/plain; version=0.0.4`, understood by everything.
    Classic,
    /// OpenMetrics 1.0.0, the one with exemplars.
    OpenMetrics,
}

impl Exposition {
    /// Chooses by the `Accept` header: OpenMetrics only for those who ask for it.
    pub fn accepted(accept: &str) -> Self {
        let wants_open_metrics = accept.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
            is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
        });
        if wants_open_metrics {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// The `Content-Type` of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes everything; an error of the formatter cannot happen, for a `String` takes any text.
pub(super) fn render(
    registry: &Registry,
    statements: &StatementHistogram,
    exposition: Exposition,
) -> String {
    let mut text = String::with_capacity(8 * 1024);
    let with_exemplars = exposition == Exposition::OpenMetrics;
    let written = statements
        .write(&mut text, with_exemplars)
        .and_then(|()| encode_registry(&mut text, registry));
    debug_assert!(written.is_ok(), "a string takes any text");
    match exposition {
        Exposition::Classic => to_classic(&text),
        Exposition::OpenMetrics => text + "# EOF\n",
    }
}

fn to_classic(open_metrics: &str) -> String {
    let mut classic = String::with_capacity(open_metrics.len() + 512);
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // The type, which decides the name, comes one line later.
            help = rest.split_once(' ').map_or("", |(_, words)| words);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            write_metadata(&mut classic, rest, help);
        } else if !line.starts_with('#') {
            classic.push_str(line);
            classic.push('\n');
        }
    }
    classic
}

fn write_metadata(classic: &mut String, name_and_type: &str, help: &str) {
    let (name, kind) = name_and_type
        .split_once(' ')
        .unwrap_or((name_and_type, "untyped"));
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    };
    let written = writeln!(
        classic,
        "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}"
    );
    debug_assert!(written.is_ok(), "a string takes any text");
}
