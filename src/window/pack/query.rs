//! One statement of a packed window, number by number; `write` and `read` mirror each other.

use std::time::Duration;

use crate::model::offset::Offsets;
use crate::model::time::Timestamp;
use crate::window::names::{Names, Role};
use crate::window::pack::UnpackError;
use crate::window::pack::columns::{Column, Place, Reader, Writer};
use crate::window::pack::detail::{
    read_exemplars, read_parameters, read_plan, write_exemplars, write_parameters, write_plan,
};
use crate::window::query::{AccessSums, Failures, QueryStats, nanos};
use crate::window::sketch::{Sketch, Sums};

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
    write_offsets(writer, stats.offsets.as_deref());
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

/// Version 1 took runs whose time is not known for runs of no time; version 2 knew none inside others, version 3 no
/// offsets.
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
        offsets: match version {
            ..4 => None,
            _ => read_offsets(reader)?,
        },
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
    writer.put(part(4), sketch.bins().count() as u64);
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
pub(super) fn write_instant(writer: &mut Writer, column: Column, at: Timestamp, start: Timestamp) {
    let before = at < start;
    let distance = if before {
        start.since(at)
    } else {
        at.since(start)
    };
    writer.put(column, u64::from(before));
    writer.put_nanos(column, nanos(distance));
}

pub(super) fn read_instant(
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

fn write_offsets(writer: &mut Writer, offsets: Option<&Offsets>) {
    writer.put(Column::Access, u64::from(offsets.is_some()));
    if let Some(offsets) = offsets {
        for number in offsets.runs.into_iter().chain([offsets.rows]) {
            writer.put(Column::Access, number);
        }
    }
}

fn read_offsets(reader: &mut Reader<'_>) -> Result<Option<Box<Offsets>>, UnpackError> {
    if reader.get(Column::Access)? == 0 {
        return Ok(None);
    }
    let mut offsets = Box::new(Offsets::default());
    for runs in &mut offsets.runs {
        *runs = reader.get(Column::Access)?;
    }
    offsets.rows = reader.get(Column::Access)?;
    Ok(Some(offsets))
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
