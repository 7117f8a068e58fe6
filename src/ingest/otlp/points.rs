//! Reads an `ExportMetricsServiceRequest`: connection pools and memory; every other metric is passed over.
//!
//! Names: <https://github.com/open-telemetry/semantic-conventions>, `docs/db/database-metrics.md`,
//! `docs/runtime/jvm-metrics.md`, `docs/system/process-metrics.md`, and those of before. Field numbers:
//! <https://github.com/open-telemetry/opentelemetry-proto>, `metrics/v1/metrics.proto`.

use crate::ingest::otlp::spans::key_value;
use crate::ingest::otlp::wire::{Fields, Malformed, Value};
use crate::model::metric::Reading;

/// Readings of one request; a service has some dozens.
const MAX_READINGS: usize = 4_096;
/// Longer names of pools and services are cut.
const MAX_NAME_BYTES: usize = 128;

/// Names of what is read, and the name of today.
const KNOWN: [(&[u8], &str); 18] = [
    (b"db.client.connection.count", "db.client.connection.count"),
    (b"db.client.connections.usage", "db.client.connection.count"),
    (b"db.client.connection.max", "db.client.connection.max"),
    (b"db.client.connections.max", "db.client.connection.max"),
    (
        b"db.client.connection.idle.max",
        "db.client.connection.idle.max",
    ),
    (
        b"db.client.connections.idle.max",
        "db.client.connection.idle.max",
    ),
    (
        b"db.client.connection.idle.min",
        "db.client.connection.idle.min",
    ),
    (
        b"db.client.connections.idle.min",
        "db.client.connection.idle.min",
    ),
    (
        b"db.client.connection.pending_requests",
        "db.client.connection.pending_requests",
    ),
    (
        b"db.client.connections.pending_requests",
        "db.client.connection.pending_requests",
    ),
    (
        b"db.client.connection.timeouts",
        "db.client.connection.timeouts",
    ),
    (
        b"db.client.connections.timeouts",
        "db.client.connection.timeouts",
    ),
    (b"jvm.memory.used", "jvm.memory.used"),
    (b"jvm.memory.committed", "jvm.memory.committed"),
    (b"jvm.memory.limit", "jvm.memory.limit"),
    (
        b"jvm.memory.used_after_last_gc",
        "jvm.memory.used_after_last_gc",
    ),
    (b"process.memory.usage", "process.memory.usage"),
    (b"process.memory.virtual", "process.memory.virtual"),
];

/// What a request holds.
#[derive(Debug, Default)]
pub struct Points {
    /// Values of what is known, in the order of the request.
    pub readings: Vec<Reading>,
    /// Metrics that are passed over.
    pub passed_over: u64,
}

/// Reads a request.
///
/// # Errors
/// [`Malformed`] when it is no such message.
pub fn read(body: &[u8]) -> Result<Points, Malformed> {
    let mut points = Points::default();
    let mut request = Fields::of(body);
    while let Some((number, value)) = request.next()? {
        if number == 1 {
            points.resource_metrics(value.bytes()?)?;
        }
    }
    Ok(points)
}

impl Points {
    fn resource_metrics(&mut self, message: &[u8]) -> Result<(), Malformed> {
        let first = self.readings.len();
        let mut service = String::new();
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => service = service_name(value.message()?)?,
                2 => self.scope_metrics(value.message()?)?,
                _ => {}
            }
        }
        // The resource may stand behind its metrics.
        for reading in self.readings.iter_mut().skip(first) {
            reading.service.clone_from(&service);
        }
        Ok(())
    }

    fn scope_metrics(&mut self, mut scope: Fields<'_>) -> Result<(), Malformed> {
        while let Some((number, value)) = scope.next()? {
            if number == 2 {
                self.metric(value.bytes()?)?;
            }
        }
        Ok(())
    }

    fn metric(&mut self, message: &[u8]) -> Result<(), Malformed> {
        let mut known = None;
        let mut data = Vec::new();
        let mut fields = Fields::of(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => {
                    let name = value.bytes()?;
                    known = KNOWN.iter().find(|(other, _)| *other == name);
                }
                // gauge and sum; nothing that is known is a histogram
                5 | 7 => data.push(value.message()?),
                _ => {}
            }
        }
        let Some((_, metric)) = known else {
            self.passed_over += 1;
            return Ok(());
        };
        for mut points in data {
            while let Some((number, value)) = points.next()? {
                if number == 1 && self.readings.len() < MAX_READINGS {
                    self.readings.extend(reading(metric, value.message()?)?);
                }
            }
        }
        Ok(())
    }
}

fn reading(metric: &'static str, mut point: Fields<'_>) -> Result<Option<Reading>, Malformed> {
    let (mut pool, mut state) = (String::new(), String::new());
    let mut told = None;
    while let Some((number, value)) = point.next()? {
        match number {
            4 => told = Some(f64::from_bits(value.fixed64()?)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "connections and bytes of a machine are below 2^53"
            )]
            6 => told = Some(value.fixed64()?.cast_signed() as f64),
            7 => match key_value(value.bytes()?)? {
                (
                    b"db.client.connection.pool.name" | b"pool.name" | b"jvm.memory.pool.name",
                    Some(Value::Bytes(name)),
                ) => pool = cut(name),
                (
                    b"db.client.connection.state" | b"state" | b"jvm.memory.type",
                    Some(Value::Bytes(name)),
                ) => state = cut(name),
                _ => {}
            },
            _ => {}
        }
    }
    let value = told.filter(|value| value.is_finite());
    Ok(value.map(|value| Reading {
        metric,
        service: String::new(),
        pool,
        state,
        value,
    }))
}

fn service_name(mut resource: Fields<'_>) -> Result<String, Malformed> {
    while let Some((number, value)) = resource.next()? {
        if number == 1
            && let (b"service.name", Some(Value::Bytes(name))) = key_value(value.bytes()?)?
        {
            return Ok(cut(name));
        }
    }
    Ok(String::new())
}

fn cut(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(MAX_NAME_BYTES)]).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ingest::otlp::json::to_protobuf;
    use crate::ingest::otlp::json_schema::METRICS;

    #[test]
    fn pools_and_memory_are_read_by_old_names_and_new_and_all_else_is_counted() {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let request = json!({"resourceMetrics": [{
            "scopeMetrics": [{"metrics": [
                {"name": "db.client.connections.usage", "sum": {"dataPoints": [
                    {"asInt": "4", "attributes": [text("pool.name", "main"), text("state", "used")]},
                    {"asInt": 6, "attributes": [text("pool.name", "main"), text("state", "idle")]}]}},
                {"name": "jvm.memory.used", "gauge": {"dataPoints": [
                    {"asDouble": 1.5, "attributes": [text("jvm.memory.type", "heap")]}, {"asDouble": "NaN"}]}},
                {"name": "http.server.request.duration", "histogram": {"dataPoints": [{"count": "3"}]}},
            ]}],
            "resource": {"attributes": [text("service.name", "shop")]},
        }]});
        let points = read(&to_protobuf(request.to_string().as_bytes(), &METRICS).unwrap()).unwrap();
        let told: Vec<_> = points
            .readings
            .iter()
            .map(|r| (r.metric, &*r.service, &*r.pool, &*r.state, r.value))
            .collect();
        assert_eq!(
            told,
            [
                ("db.client.connection.count", "shop", "main", "used", 4.0),
                ("db.client.connection.count", "shop", "main", "idle", 6.0),
                ("jvm.memory.used", "shop", "", "heap", 1.5),
            ]
        );
        assert_eq!(points.passed_over, 1);
    }
}
