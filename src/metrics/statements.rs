//! `sqleuth_statements_total` and `sqleuth_statement_seconds`, with one exemplar a bucket.
//!
//! Written by hand because a run may stand for many (log sampling) and because a batch must cost one pass and a
//! few atomic additions; the client library would take a lock for every run.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::lock;
use crate::model::event::QueryEvent;
use crate::model::time::Timestamp;

/// Upper bounds in seconds; the last bucket is open.
const BOUNDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];
const BUCKETS: usize = BOUNDS.len() + 1;

/// A run that has a trace.
#[derive(Debug, Clone, Copy)]
struct TracedRun {
    trace: u128,
    elapsed: Duration,
    end: Timestamp,
}

/// Distribution of the run time of every statement.
#[derive(Debug, Default)]
pub(super) struct StatementHistogram {
    runs: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
    exemplars: Mutex<[Option<TracedRun>; BUCKETS]>,
}

impl StatementHistogram {
    pub(super) fn observe(&self, batch: &[QueryEvent]) {
        let mut runs = [0_u64; BUCKETS];
        let mut traced = [None; BUCKETS];
        let mut nanos = 0_u64;
        // what ran inside another is a part of what the client waited for
        for event in batch.iter().filter(|event| !event.nesting.is_inside) {
            let bucket = bucket_of(event.elapsed);
            let weight = u64::from(event.weight);
            let elapsed = u64::try_from(event.elapsed.as_nanos()).unwrap_or(u64::MAX);
            nanos = nanos.wrapping_add(elapsed.saturating_mul(weight));
            if let Some(slot) = runs.get_mut(bucket) {
                *slot += weight;
            }
            if let (Some(trace), Some(slot)) = (event.trace, traced.get_mut(bucket)) {
                *slot = Some(TracedRun {
                    trace: trace.trace,
                    elapsed: event.elapsed,
                    end: event.end,
                });
            }
        }
        self.add(&runs, nanos, &traced);
    }

    fn add(&self, runs: &[u64; BUCKETS], nanos: u64, traced: &[Option<TracedRun>; BUCKETS]) {
        for (sum, more) in self.runs.iter().zip(runs) {
            sum.fetch_add(*more, Ordering::Relaxed);
        }
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if traced.iter().all(Option::is_none) {
            return;
        }
        for (kept, newer) in lock(&self.exemplars).iter_mut().zip(traced) {
            *kept = newer.or(*kept);
        }
    }

    /// Writes both metrics as OpenMetrics text, without the end mark.
    pub(super) fn write(&self, out: &mut String, with_exemplars: bool) -> std::fmt::Result {
        let exemplars = *lock(&self.exemplars);
        let runs = self.runs.each_ref().map(|sum| sum.load(Ordering::Relaxed));
        let count: u64 = runs.iter().sum();
        out.write_str(
            "# HELP sqleuth_statements Runs of statements seen, sampling multiplied back.\n",
        )?;
        out.write_str("# TYPE sqleuth_statements counter\n")?;
        writeln!(out, "sqleuth_statements_total {count}")?;
        out.write_str("# HELP sqleuth_statement_seconds Run time of statements.\n")?;
        out.write_str("# TYPE sqleuth_statement_seconds histogram\n")?;
        let sum = Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64();
        let mut below = 0;
        for (index, (here, exemplar)) in runs.iter().zip(exemplars).enumerate() {
            below += here;
            match BOUNDS.get(index) {
                Some(bound) => write!(
                    out,
                    "sqleuth_statement_seconds_bucket{{le=\"{bound:?}\"}} {below}"
                )?,
                None => write!(
                    out,
                    "sqleuth_statement_seconds_bucket{{le=\"+Inf\"}} {below}"
                )?,
            }
            if let (true, Some(run)) = (with_exemplars, exemplar) {
                write_exemplar(out, run)?;
            }
            out.push('\n');
        }
        writeln!(out, "sqleuth_statement_seconds_sum {sum:?}")?;
        writeln!(out, "sqleuth_statement_seconds_count {count}")
    }
}

/// OpenMetrics 1.0.0, "Exemplars": labels, value, time in seconds.
fn write_exemplar(out: &mut String, run: TracedRun) -> std::fmt::Result {
    let millis = run.end.as_unix_millis();
    write!(
        out,
        " # {{trace_id=\"{:032x}\"}} {:?} {}.{:03}",
        run.trace,
        run.elapsed.as_secs_f64(),
        millis / 1_000,
        millis % 1_000
    )
}

fn bucket_of(elapsed: Duration) -> usize {
    let seconds = elapsed.as_secs_f64();
    BOUNDS.partition_point(|bound| *bound < seconds)
}
