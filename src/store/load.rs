//! How much time the costliest statements took, step by step: the chart of the load.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, params};

use crate::model::id::FingerprintId;
use crate::model::time::{Interval, Timestamp};
use crate::store::StoreError;
use crate::store::read::Reader;
use crate::store::row::{instant, nanos, uncount, unfingerprint};
use crate::store::series::{Pieces, each_piece};
use crate::store::view::LoadPoint;
use crate::window::QueryStats;

/// The shortest step: that of a window.
const MIN_STEP: Duration = Duration::from_secs(10);
const HOURLY: Duration = Duration::from_secs(3_600);
/// Added before rounding down, it rounds up.
const LAST_OF_HOUR: Duration = Duration::from_nanos(3_600 * 1_000_000_000 - 1);
/// Steps of one series; a longer interval gets longer steps.
const MAX_STEPS: u32 = 500;
/// Statements that one series tells apart.
const MAX_TOP: usize = 50;
/// Statements that a finished step tells apart, before the costliest of all steps are known.
const KEPT_PER_STEP: usize = 4 * MAX_TOP;

/// Seconds and runs.
#[derive(Debug, Clone, Copy, Default)]
struct Amount {
    seconds: f64,
    count: u64,
}

impl Amount {
    fn of(stats: &QueryStats) -> Self {
        Self {
            seconds: stats.elapsed().as_secs_f64(),
            count: stats.count(),
        }
    }

    fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.count = self.count.saturating_add(other.count);
    }
}

/// The steps of a series in the making; a step is made small once the next has begun.
struct Steps {
    step: Duration,
    open: Option<(Timestamp, BTreeMap<FingerprintId, Amount>)>,
    done: Vec<(Timestamp, BTreeMap<Option<FingerprintId>, Amount>)>,
}

impl Reader {
    /// Seconds of run time per step of the `top` costliest statements, the rest under `None`; oldest first.
    ///
    /// Steps are raised to at least 10 s and so that there are at most 500 of them.
    pub fn load_series(
        &self,
        within: Interval,
        step: Duration,
        top: usize,
    ) -> Result<Vec<LoadPoint>, StoreError> {
        let least = within.duration() / MAX_STEPS;
        let step = step.max(MIN_STEP).max(least);
        let mut steps = Steps {
            step,
            open: None,
            done: Vec::new(),
        };
        self.with(|connection| {
            if step >= HOURLY {
                each_hour(connection, within, |at, id, amount| {
                    steps.add(at, id, amount);
                })
            } else {
                each_piece(connection, within, Pieces::Windows, |at, packed| {
                    for query in packed {
                        steps.add(at, query.fingerprint, Amount::of(&query.stats));
                    }
                })
            }
        })?;
        Ok(steps.finish(top.min(MAX_TOP)))
    }
}

impl Steps {
    fn add(&mut self, at: Timestamp, id: FingerprintId, amount: Amount) {
        let at = at.floor(self.step);
        let is_same = self.open.as_ref().is_some_and(|(open, _)| *open == at);
        if !is_same {
            self.close();
        }
        let (_, amounts) = self.open.get_or_insert_with(|| (at, BTreeMap::new()));
        amounts.entry(id).or_default().add(amount);
    }

    fn close(&mut self) {
        let Some((at, amounts)) = self.open.take() else {
            return;
        };
        let mut sorted: Vec<_> = amounts.into_iter().collect();
        sorted.sort_by(|(a, x), (b, y)| y.seconds.total_cmp(&x.seconds).then(a.cmp(b)));
        let mut kept: BTreeMap<Option<FingerprintId>, Amount> = BTreeMap::new();
        for (rank, (id, amount)) in sorted.into_iter().enumerate() {
            let id = (rank < KEPT_PER_STEP).then_some(id);
            kept.entry(id).or_default().add(amount);
        }
        self.done.push((at, kept));
    }

    /// Folds all but the costliest of the whole series into the rest.
    fn finish(mut self, top: usize) -> Vec<LoadPoint> {
        self.close();
        let mut totals: BTreeMap<FingerprintId, f64> = BTreeMap::new();
        for (id, amount) in self.done.iter().flat_map(|(_, amounts)| amounts) {
            if let Some(id) = id {
                *totals.entry(*id).or_default() += amount.seconds;
            }
        }
        let mut sorted: Vec<_> = totals.into_iter().collect();
        sorted.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        sorted.truncate(top);
        let top: std::collections::BTreeSet<_> = sorted.into_iter().map(|(id, _)| id).collect();
        let mut points: BTreeMap<(Timestamp, Option<FingerprintId>), Amount> = BTreeMap::new();
        for (at, amounts) in self.done {
            for (id, amount) in amounts {
                let id = id.filter(|id| top.contains(id));
                points.entry((at, id)).or_default().add(amount);
            }
        }
        let points = points.into_iter();
        points
            .map(|((at, fingerprint), amount)| LoadPoint {
                at,
                fingerprint,
                seconds: amount.seconds,
                count: amount.count,
            })
            .collect()
    }
}

/// Visits the hours that touch the interval: plain rows where the hour is summed up, else windows.
fn each_hour(
    connection: &Connection,
    within: Interval,
    mut visit: impl FnMut(Timestamp, FingerprintId, Amount),
) -> Result<(), StoreError> {
    let whole = Interval {
        from: within.from.floor(HOURLY),
        to: within.to.plus(LAST_OF_HOUR).floor(HOURLY),
    };
    let mut statement = connection.prepare_cached(
        "SELECT hour, fingerprint, elapsed, runs FROM hourly WHERE hour >= ?1 AND hour < ?2 ORDER BY hour",
    )?;
    let mut rows = statement.query(params![nanos(whole.from), nanos(whole.to)])?;
    while let Some(row) = rows.next()? {
        let elapsed = Duration::from_nanos(uncount(row.get(2)?));
        let amount = Amount {
            seconds: elapsed.as_secs_f64(),
            count: uncount(row.get(3)?),
        };
        visit(instant(row.get(0)?), unfingerprint(row.get(1)?), amount);
    }
    each_piece(connection, whole, Pieces::OutsideHours, |at, packed| {
        for query in packed {
            visit(at, query.fingerprint, Amount::of(&query.stats));
        }
    })
}
