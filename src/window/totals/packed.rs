//! The runs of a statement that ran a few times, one by one, some twenty bytes each.
//!
//! Sums take a thousand bytes however few the runs; of 100,000 statements most ran a few times. Their runs are
//! kept as they were told and summed up when somebody asks, which comes to the same to the last bit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::{Access, Nesting, Outcome, RowCounts};
use crate::model::time::Timestamp;
use crate::window::query::{Detail, nanos};
use crate::window::run::Run;
use crate::window::totals::Sums;

/// Runs are summed up when they take more than this: then sums take less.
const MAX_BYTES: usize = 768;

/// From so many runs on, even one of very many statements keeps detail, which is not packed.
const MAX_RUNS: u8 = 64;

/// Names that are known by number; a statement of a later one is summed up, which keeps the name itself.
const MAX_NAMES: usize = 4_096;
/// The same for longer ones.
const MAX_NAME_BYTES: usize = 128;

/// What the first number of a run says is there.
mod has {
    pub(super) const DETAIL: u64 = 1;
    pub(super) const LOCK: u64 = 1 << 1;
    pub(super) const EXAMINED: u64 = 1 << 2;
    pub(super) const RETURNED: u64 = 1 << 3;
    pub(super) const AFFECTED: u64 = 1 << 4;
    pub(super) const BYTES: u64 = 1 << 5;
    pub(super) const ACCESS: u64 = 1 << 6;
    pub(super) const WHOLE_SECONDS: u64 = 1 << 7;
    pub(super) const NO_END: u64 = 1 << 8;
    pub(super) const ERROR: u64 = 1 << 9;
    pub(super) const CANCELLED: u64 = 1 << 10;
    pub(super) const WEIGHT: u64 = 1 << 11;
    pub(super) const MERGE_PASSES: u64 = 1 << 12;
    pub(super) const TEMP_BYTES: u64 = 1 << 13;
    pub(super) const INNER: u64 = 1 << 14;
}

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Runs of one statement.
#[derive(Debug, Default)]
pub(super) struct Packed {
    runs: u8,
    bytes: Box<[u8]>,
}

/// Numbers of names; the empty one is 0.
#[derive(Debug, Default)]
pub(super) struct NameBook {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u64>,
}

impl NameBook {
    fn number(&mut self, name: &Arc<str>) -> Option<u64> {
        if name.is_empty() {
            return Some(0);
        }
        if let Some(&known) = self.numbers.get(name) {
            return Some(known);
        }
        if self.names.len() >= MAX_NAMES || name.len() > MAX_NAME_BYTES {
            return None;
        }
        self.names.push(Arc::clone(name));
        let number = self.names.len() as u64;
        self.numbers.insert(Arc::clone(name), number);
        Some(number)
    }

    fn name(&self, number: u64) -> Arc<str> {
        let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        let known = index.and_then(|index| self.names.get(index));
        known.map_or_else(|| Arc::from(""), Arc::clone)
    }
}

impl Packed {
    /// Keeps a run, unless it is one too many or tells what is not packed.
    pub(super) fn push(
        &mut self,
        run: &Run<'_>,
        end: Timestamp,
        detail: Detail,
        names: &mut NameBook,
    ) -> bool {
        let runs = u64::from(self.runs) + u64::from(run.weight.max(1));
        let has_plan = run.access.is_some_and(|access| access.plan.is_some());
        let is_detailed = detail == Detail::Full;
        if runs > u64::from(MAX_RUNS) || has_plan || (is_detailed && run.trace.is_some()) {
            return false;
        }
        let who = [run.database, run.user, run.client].map(|name| names.number(name));
        let ([Some(database), Some(user), Some(client)], Ok(elapsed)) =
            (who, u64::try_from(run.elapsed.as_nanos()))
        else {
            return false;
        };
        let mut out = Vec::with_capacity(64);
        put(&mut out, flags(run, end, detail));
        put(&mut out, elapsed);
        put_inner(&mut out, run);
        put_end(&mut out, end);
        for number in [database, user, client] {
            put(&mut out, number);
        }
        if !put_counts(&mut out, run) || self.bytes.len() + out.len() > MAX_BYTES {
            return false;
        }
        if is_detailed {
            out.extend_from_slice(&run.parameters.to_le_bytes());
        }
        self.append(&out);
        self.runs = u8::try_from(runs).unwrap_or(u8::MAX);
        true
    }

    /// Sums of what was kept.
    pub(super) fn sums(&self, names: &NameBook) -> Sums {
        let mut sums = Sums::default();
        let mut rest = &*self.bytes;
        while !rest.is_empty() && replay(&mut rest, names, &mut sums).is_some() {}
        sums
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Without spare room: there are very many of these.
    fn append(&mut self, run: &[u8]) {
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.reserve_exact(run.len());
        bytes.extend_from_slice(run);
        self.bytes = bytes.into_boxed_slice();
    }
}

fn flags(run: &Run<'_>, end: Timestamp, detail: Detail) -> u64 {
    let nanos = end.as_unix_nanos();
    let access = run.access;
    let flags = [
        (has::DETAIL, detail == Detail::Full),
        (has::LOCK, run.lock.is_some()),
        (has::EXAMINED, run.rows.examined.is_some()),
        (has::RETURNED, run.rows.returned.is_some()),
        (has::AFFECTED, run.rows.affected.is_some()),
        (has::BYTES, run.bytes_sent.is_some()),
        (has::ACCESS, access.is_some()),
        (has::WHOLE_SECONDS, nanos.is_multiple_of(NANOS_PER_SEC)),
        (has::NO_END, end == Timestamp::EPOCH),
        (has::ERROR, matches!(run.outcome, Outcome::Error { .. })),
        (
            has::CANCELLED,
            matches!(run.outcome, Outcome::Cancelled { .. }),
        ),
        (has::WEIGHT, run.weight > 1),
        (
            has::MERGE_PASSES,
            access.is_some_and(|a| a.merge_passes.is_some()),
        ),
        (
            has::TEMP_BYTES,
            access.is_some_and(|a| a.temp_bytes.is_some()),
        ),
        (has::INNER, !run.nesting.inner.is_zero()),
    ];
    let set = flags.into_iter().filter(|(_, is_set)| *is_set);
    set.fold(0, |all, (flag, _)| all | flag)
}

fn put_inner(out: &mut Vec<u8>, run: &Run<'_>) {
    if !run.nesting.inner.is_zero() {
        put(out, nanos(run.nesting.inner));
    }
}

fn put_end(out: &mut Vec<u8>, end: Timestamp) {
    let nanos = end.as_unix_nanos();
    if end == Timestamp::EPOCH {
        return;
    }
    let whole = nanos.is_multiple_of(NANOS_PER_SEC);
    put(out, if whole { nanos / NANOS_PER_SEC } else { nanos });
}

/// All numbers that may be missing, in the order of their flags; false when one cannot be told.
fn put_counts(out: &mut Vec<u8>, run: &Run<'_>) -> bool {
    let lock = run.lock.map(|lock| u64::try_from(lock.as_nanos()));
    let Ok(lock) = lock.transpose() else {
        return false;
    };
    let rows = run.rows;
    let counts = [
        lock,
        rows.examined,
        rows.returned,
        rows.affected,
        run.bytes_sent,
    ];
    for count in counts.into_iter().flatten() {
        put(out, count);
    }
    if let Some(access) = run.access {
        put(out, told(access));
        for count in [access.merge_passes, access.temp_bytes]
            .into_iter()
            .flatten()
        {
            put(out, count);
        }
    }
    if run.weight > 1 {
        put(out, u64::from(run.weight));
    }
    true
}

/// What may be yes, no or not told, as digits to the base of three.
fn told(access: &Access) -> u64 {
    let answers = [
        access.full_scan,
        access.full_join,
        access.tmp_table,
        access.tmp_table_on_disk,
        access.filesort,
        access.filesort_on_disk,
    ];
    let digit = |answer: Option<bool>| answer.map_or(0, |yes| 1 + u64::from(yes));
    answers
        .into_iter()
        .fold(0, |all, answer| all * 3 + digit(answer))
}

fn answers(mut told: u64) -> Access {
    let mut next = || {
        let digit = told % 3;
        told /= 3;
        digit.checked_sub(1).map(|yes| yes == 1)
    };
    let filesort_on_disk = next();
    let filesort = next();
    let tmp_table_on_disk = next();
    let tmp_table = next();
    let full_join = next();
    let full_scan = next();
    Access {
        full_scan,
        full_join,
        tmp_table,
        tmp_table_on_disk,
        filesort,
        filesort_on_disk,
        ..Access::default()
    }
}

/// Adds the next run; `None` when the bytes end early, which they never do.
fn replay(rest: &mut &[u8], names: &NameBook, sums: &mut Sums) -> Option<()> {
    let flags = take(rest)?;
    let if_has = |flag: u64, rest: &mut &[u8]| match flags & flag {
        0 => Some(None),
        _ => take(rest).map(Some),
    };
    let elapsed = Duration::from_nanos(take(rest)?);
    let inner = if_has(has::INNER, rest)?.map_or(Duration::ZERO, Duration::from_nanos);
    let end = match flags & (has::NO_END | has::WHOLE_SECONDS) {
        0 => Timestamp::from_unix_nanos(take(rest)?),
        has::WHOLE_SECONDS => Timestamp::from_unix_secs(take(rest)?),
        _ => Timestamp::EPOCH,
    };
    let [database, user, client] = [take(rest)?, take(rest)?, take(rest)?].map(|n| names.name(n));
    let lock = if_has(has::LOCK, rest)?.map(Duration::from_nanos);
    let rows = RowCounts {
        examined: if_has(has::EXAMINED, rest)?,
        returned: if_has(has::RETURNED, rest)?,
        affected: if_has(has::AFFECTED, rest)?,
    };
    let bytes_sent = if_has(has::BYTES, rest)?;
    let mut access = if_has(has::ACCESS, rest)?.map(answers);
    if let Some(access) = &mut access {
        access.merge_passes = if_has(has::MERGE_PASSES, rest)?;
        access.temp_bytes = if_has(has::TEMP_BYTES, rest)?;
    }
    let weight = if_has(has::WEIGHT, rest)?.unwrap_or(1);
    let (detail, parameters) = match flags & has::DETAIL {
        0 => (Detail::Sparse, 0),
        _ => (Detail::Full, take_hash(rest)?),
    };
    let run = Run {
        end,
        elapsed,
        lock,
        rows,
        bytes_sent,
        access: access.as_ref(),
        outcome: &outcome(flags),
        parameters,
        trace: None,
        database: &database,
        user: &user,
        client: &client,
        weight: u32::try_from(weight).ok()?,
        nesting: Nesting {
            is_inside: false,
            inner,
        },
    };
    sums.add(&run, end, detail);
    Some(())
}

/// The sums look at the kind alone.
fn outcome(flags: u64) -> Outcome {
    let code = Arc::default();
    match flags & (has::ERROR | has::CANCELLED) {
        has::ERROR => Outcome::Error { code },
        has::CANCELLED => Outcome::Cancelled { code },
        _ => Outcome::Ok,
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_hash(rest: &mut &[u8]) -> Option<u64> {
    let (hash, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u64::from_le_bytes(*hash))
}
