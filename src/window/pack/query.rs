//! One statement of a packed window, number by number; `write` and `read` mirror each other.

use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{PlanRow, TraceRef};
use crate::model::id::FingerprintId;
use crate::model::subject::Exemplar;
use crate::model::time::Timestamp;
use crate::window::names::{Names, Role};
use crate::window::pack::UnpackError;
use crate::window::pack::columns::{Column, Place, Reader, Writer};
use crate::window::parameters::{MAX_SETS, ParameterSum, Parameters};
use crate::window::query::{AccessSums, Failures, MAX_EXEMPLARS, QueryStats, SlowestPlan, nanos};
use crate::window::sketch::{Sketch, Sums};

/// Steps of a plan that are stored.
const MAX_PLAN_ROWS: usize = 64;

/// Bins of a stored sketch: more than a sketch keeps.
const MAX_BINS: usize = 4_096;

/// Names of a statement that are read: more than are kept.
const MAX_NAMES: usize = 64;

const ELAPSED: usize = 0;
const CANCELLED: usize = 5;

pub(super) fn write(writer: &mut Writer, stats: &QueryStats, start: Timestamp, detailed: bool) {
    let runs = stats.elapsed.count();
    write_sketch(writer, ELAPSED, &stats.elapsed, 0);
    for (kind, sketch) in (1..).zip([
        &stats.examined,
        &stats.returned,
        &stats.affected,
        &stats.bytes,
    ]) {
        write_sketch(writer, kind, sketch, runs);
    }
    write_seen(writer, stats.seen, start);
    writer.put_option(Column::Lock, stats.lock);
    writer.put_nanos(Column::Lock, stats.inner);
    write_access(writer, stats.access.as_deref());
    writer.put_option(Column::Errors, stats.failures.as_ref().map(|f| f.errors));
    if let Some(failures) = &stats.failures {
        write_sketch(writer, CANCELLED, &failures.cancelled, runs);
        writer.put(Column::Errors, failures.untimed);
        writer.put(Column::Errors, failures.untimed_cuts);
    }
    write_names(writer, &stats.names);
    let detail = detailed.then_some(stats);
    write_parameters(writer, detail.map(|s| &s.parameters));
    write_exemplars(writer, detail.map_or(&[], |s| &s.exemplars), start);
    write_plan(writer, detail.and_then(|s| s.plan.as_deref()));
}

/// Version 1 took runs whose time is not known for runs of no time; version 2 knew none inside others.
pub(super) fn read(
    reader: &mut Reader<'_>,
    start: Timestamp,
    version: u8,
) -> Result<QueryStats, UnpackError> {
    let tells_untimed = version > 1;
    let told = |reader: &mut Reader<'_>| {
        if tells_untimed {
            reader.get(Column::Errors)
        } else {
            Ok(0)
        }
    };
    let elapsed = read_sketch(reader, ELAPSED, 0)?;
    let runs = elapsed.count();
    Ok(QueryStats {
        examined: read_sketch(reader, 1, runs)?,
        returned: read_sketch(reader, 2, runs)?,
        affected: read_sketch(reader, 3, runs)?,
        bytes: read_sketch(reader, 4, runs)?,
        elapsed,
        seen: read_seen(reader, start)?,
        lock: reader.get_option(Column::Lock)?,
        inner: match version {
            ..3 => 0,
            _ => reader.get_nanos(Column::Lock)?,
        },
        access: read_access(reader)?,
        failures: match reader.get_option(Column::Errors)? {
            Some(errors) => Some(Box::new(Failures {
                errors,
                cancelled: read_sketch(reader, CANCELLED, runs)?,
                untimed: told(reader)?,
                untimed_cuts: told(reader)?,
            })),
            None => None,
        },
        names: read_names(reader)?,
        parameters: read_parameters(reader)?,
        exemplars: read_exemplars(reader, start)?,
        plan: read_plan(reader)?,
    })
}

/// Up to three values are told one by one, and take less than their bins. `usual` is the count that most sketches
/// of the statement share.
fn write_sketch(writer: &mut Writer, kind: usize, sketch: &Sketch, usual: u64) {
    let part = |part| Place::of_sketch(kind, part);
    let is_time = kind == ELAPSED || kind == CANCELLED;
    let count = match sketch.count() {
        0 => 0,
        count if count == usual => 1,
        count => count.saturating_add(1),
    };
    writer.put(part(0), count);
    if count == 0 {
        return;
    }
    let mut put_value = |place, value| {
        if is_time {
            writer.put_nanos(place, value);
        } else {
            writer.put(place, value);
        }
    };
    put_value(part(1), sketch.min());
    put_value(part(2), sketch.max() - sketch.min());
    if sketch.min() == sketch.max() || sketch.count() == 2 {
        return;
    }
    if sketch.count() == 3 {
        let extremes = sketch.min().saturating_add(sketch.max());
        let third = sketch.total().saturating_sub(extremes);
        return put_value(part(3), third.saturating_sub(sketch.min()));
    }
    put_value(part(3), sketch.total());
    writer.put(part(4), sketch.bins().len() as u64);
    let mut before = 0;
    for (bucket, count) in sketch.bins() {
        writer.put(part(4), bucket - before);
        writer.put(part(4), count);
        before = bucket;
    }
}

fn read_sketch(reader: &mut Reader<'_>, kind: usize, usual: u64) -> Result<Sketch, UnpackError> {
    let part = |part| Place::of_sketch(kind, part);
    let is_time = kind == ELAPSED || kind == CANCELLED;
    let count = match reader.get(part(0))? {
        0 => return Ok(Sketch::default()),
        1 if usual > 0 => usual,
        count => count - 1,
    };
    let mut get_value = |place| {
        if is_time {
            reader.get_nanos(place)
        } else {
            reader.get(place)
        }
    };
    let min = get_value(part(1))?;
    let spread = get_value(part(2))?;
    let max = min.saturating_add(spread);
    if max == min || count == 2 {
        let mut sketch = Sketch::default();
        sketch.record(min, count.div_ceil(2));
        sketch.record(max, count / 2);
        return Ok(sketch);
    }
    let total = get_value(part(3))?;
    if count == 3 {
        let mut sketch = Sketch::default();
        for value in [min, min.saturating_add(total).min(max), max] {
            sketch.record(value, 1);
        }
        return Ok(sketch);
    }
    let mut bins = Vec::new();
    let mut bucket = 0_u64;
    for _ in 0..reader.get_len(part(4), MAX_BINS)? {
        bucket = bucket.saturating_add(reader.get(part(4))?);
        bins.push((bucket, reader.get(part(4))?));
    }
    let sums = Sums {
        count,
        total,
        min,
        max,
    };
    Sketch::from_parts(sums, &bins).ok_or(UnpackError::Corrupt("sketch"))
}

/// Late entries lie before the start of their window.
fn write_instant(writer: &mut Writer, column: Column, at: Timestamp, start: Timestamp) {
    let before = at < start;
    let distance = if before {
        start.since(at)
    } else {
        at.since(start)
    };
    writer.put(column, u64::from(before));
    writer.put_nanos(column, nanos(distance));
}

fn read_instant(
    reader: &mut Reader<'_>,
    column: Column,
    start: Timestamp,
) -> Result<Timestamp, UnpackError> {
    let before = reader.get(column)? == 1;
    let distance = Duration::from_nanos(reader.get_nanos(column)?);
    Ok(if before {
        start.minus(distance)
    } else {
        start.plus(distance)
    })
}

fn write_seen(writer: &mut Writer, seen: Option<(Timestamp, Timestamp)>, start: Timestamp) {
    writer.put(Column::Seen, u64::from(seen.is_some()));
    if let Some((first, last)) = seen {
        write_instant(writer, Column::Seen, first, start);
        writer.put_nanos(Column::Seen, nanos(last.since(first)));
    }
}

fn read_seen(
    reader: &mut Reader<'_>,
    start: Timestamp,
) -> Result<Option<(Timestamp, Timestamp)>, UnpackError> {
    if reader.get(Column::Seen)? == 0 {
        return Ok(None);
    }
    let first = read_instant(reader, Column::Seen, start)?;
    let length = Duration::from_nanos(reader.get_nanos(Column::Seen)?);
    Ok(Some((first, first.plus(length))))
}

fn write_access(writer: &mut Writer, access: Option<&AccessSums>) {
    writer.put(Column::Access, u64::from(access.is_some()));
    for sum in access.map(|a| a.fields()).into_iter().flatten() {
        writer.put(Column::Access, sum);
    }
}

fn read_access(reader: &mut Reader<'_>) -> Result<Option<Box<AccessSums>>, UnpackError> {
    if reader.get(Column::Access)? == 0 {
        return Ok(None);
    }
    let mut access = Box::new(AccessSums::default());
    for sum in access.fields_mut() {
        *sum = reader.get(Column::Access)?;
    }
    Ok(Some(access))
}

fn write_names(writer: &mut Writer, names: &Names) {
    let roles = [Role::Database, Role::User, Role::Client];
    let of_roles = roles.map(|role| names.of(role));
    let len: usize = of_roles.iter().map(Vec::len).sum();
    writer.put(Column::Names, len as u64);
    for (role, names) in (0_u64..).zip(&of_roles) {
        for name in names {
            let id = writer.text_id(name);
            writer.put(Column::Names, id * 3 + role);
        }
    }
}

fn read_names(reader: &mut Reader<'_>) -> Result<Names, UnpackError> {
    let mut names = Names::default();
    for _ in 0..reader.get_len(Column::Names, MAX_NAMES)? {
        let id = reader.get(Column::Names)?;
        let role = match id % 3 {
            0 => Role::Database,
            1 => Role::User,
            _ => Role::Client,
        };
        names.note(role, &reader.text(id / 3)?);
    }
    Ok(names)
}

fn write_parameters(writer: &mut Writer, parameters: Option<&Parameters>) {
    let sets = parameters.map_or(0, |p| p.iter().len());
    writer.put(Column::Parameters, sets as u64);
    for set in parameters.into_iter().flat_map(Parameters::iter) {
        writer.put(Column::ParameterHashes, set.parameters);
        writer.put(Column::Parameters, set.count);
        writer.put_nanos(Column::Parameters, set.total);
        writer.put_nanos(Column::Parameters, set.max);
        writer.put(Column::Parameters, set.examined);
    }
}

fn read_parameters(reader: &mut Reader<'_>) -> Result<Parameters, UnpackError> {
    let mut parameters = Parameters::default();
    for _ in 0..reader.get_len(Column::Parameters, MAX_SETS)? {
        let set = ParameterSum {
            parameters: reader.get(Column::ParameterHashes)?,
            count: reader.get(Column::Parameters)?,
            total: reader.get_nanos(Column::Parameters)?,
            max: reader.get_nanos(Column::Parameters)?,
            examined: reader.get(Column::Parameters)?,
        };
        parameters.add(set);
    }
    Ok(parameters)
}

fn write_exemplars(writer: &mut Writer, exemplars: &[Exemplar], start: Timestamp) {
    writer.put(Column::Exemplars, exemplars.len() as u64);
    for exemplar in exemplars {
        write_instant(writer, Column::Exemplars, exemplar.end, start);
        writer.put_nanos(Column::Exemplars, nanos(exemplar.elapsed));
        writer.put(Column::ExemplarHashes, exemplar.parameters.0);
        writer.put_option(Column::Exemplars, exemplar.rows_examined);
        writer.put_option(Column::Exemplars, exemplar.rows_returned);
        writer.put(Column::Exemplars, u64::from(exemplar.trace.is_some()));
        if let Some(TraceRef { trace, span }) = exemplar.trace {
            let low = trace & u128::from(u64::MAX);
            for half in [trace >> 64, low, u128::from(span)] {
                let half = u64::try_from(half).unwrap_or_default();
                writer.put(Column::ExemplarHashes, half);
            }
        }
    }
}

fn read_exemplars(reader: &mut Reader<'_>, start: Timestamp) -> Result<Vec<Exemplar>, UnpackError> {
    let mut exemplars = Vec::new();
    for _ in 0..reader.get_len(Column::Exemplars, MAX_EXEMPLARS)? {
        exemplars.push(Exemplar {
            end: read_instant(reader, Column::Exemplars, start)?,
            elapsed: Duration::from_nanos(reader.get_nanos(Column::Exemplars)?),
            parameters: FingerprintId(reader.get(Column::ExemplarHashes)?),
            rows_examined: reader.get_option(Column::Exemplars)?,
            rows_returned: reader.get_option(Column::Exemplars)?,
            trace: match reader.get(Column::Exemplars)? {
                0 => None,
                _ => Some(read_trace(reader)?),
            },
        });
    }
    Ok(exemplars)
}

fn read_trace(reader: &mut Reader<'_>) -> Result<TraceRef, UnpackError> {
    let high = u128::from(reader.get(Column::ExemplarHashes)?);
    let low = u128::from(reader.get(Column::ExemplarHashes)?);
    Ok(TraceRef {
        trace: high << 64 | low,
        span: reader.get(Column::ExemplarHashes)?,
    })
}

fn write_plan(writer: &mut Writer, plan: Option<&SlowestPlan>) {
    let rows = plan.map_or(&[][..], |p| &p.rows);
    let rows = &rows[..rows.len().min(MAX_PLAN_ROWS)];
    writer.put(Column::Plan, rows.len() as u64);
    for row in rows {
        for text in [&row.step, &row.table, &row.access, &row.key, &row.extra] {
            writer.put_text(Column::Plan, text);
        }
        writer.put_option(Column::Plan, row.rows);
        writer.put_option(Column::Plan, row.actual_rows);
    }
    if let Some(plan) = plan.filter(|_| !rows.is_empty()) {
        writer.put_nanos(Column::Plan, plan.elapsed);
    }
}

fn read_plan(reader: &mut Reader<'_>) -> Result<Option<Box<SlowestPlan>>, UnpackError> {
    let len = reader.get_len(Column::Plan, MAX_PLAN_ROWS)?;
    if len == 0 {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(len);
    for _ in 0..len {
        rows.push(PlanRow {
            step: reader.get_text(Column::Plan)?,
            table: reader.get_text(Column::Plan)?,
            access: reader.get_text(Column::Plan)?,
            key: reader.get_text(Column::Plan)?,
            extra: reader.get_text(Column::Plan)?,
            rows: reader.get_option(Column::Plan)?,
            actual_rows: reader.get_option(Column::Plan)?,
        });
    }
    let rows = Arc::from(rows);
    let elapsed = reader.get_nanos(Column::Plan)?;
    Ok(Some(Box::new(SlowestPlan { elapsed, rows })))
}
