//! The courses of one source's costliest statements, half hour by half hour, and what the store keeps of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::course::CoursePoint;
use crate::model::event::{DbTarget, Origin};
use crate::model::id::{FingerprintId, ServiceName};
use crate::model::time::{Interval, Timestamp};
use crate::window::course::{Course, HALF_HOUR, MAX_POINTS};
use crate::window::pack::UnpackError;
use crate::window::query::QueryStats;
use crate::window::table::{OTHER_STATEMENTS, QueryKey, QueryTable, Scope};

/// Statements whose course is kept; beyond, those that have not run for the longest time go. Bounds memory: about
/// 1 MB a source.
const MAX_COURSES: usize = 1_000;

/// Of one half hour, the costliest statements begin a course.
const MAX_BEGUN: usize = 200;

/// Bytes of stored courses that are read; [`MAX_COURSES`] long ones stay below.
const MAX_UNPACKED_BYTES: u64 = 16 << 20;

/// Zstandard's default.
const COMPRESSION_LEVEL: i32 = 3;

/// Courses by statement.
#[derive(Debug, Clone, Default)]
pub(in crate::window) struct Courses {
    by_statement: BTreeMap<QueryKey, Course>,
    /// What ended by then is in them: a restart hears of the last hours again.
    until: Timestamp,
    dirty: bool,
}

/// What one half hour says of a statement; `None` where no rows are told.
pub(in crate::window) fn point_of(at: Timestamp, stats: &QueryStats) -> Option<CoursePoint> {
    let runs = stats.examined.count();
    (runs > 0).then(|| CoursePoint {
        at,
        runs,
        rows_examined: stats.examined.percentile(50),
        elapsed: Duration::from_nanos(stats.elapsed.percentile(50)),
    })
}

impl Courses {
    /// Adds a half hour that is over.
    pub(in crate::window) fn learn(&mut self, span: Interval, table: &QueryTable) {
        if span.from < self.until {
            return;
        }
        self.until = span.from.floor(HALF_HOUR).plus(HALF_HOUR);
        let ran = table.iter();
        let ran = ran.filter(|(key, _)| key.fingerprint != OTHER_STATEMENTS);
        let told = ran.filter_map(|(key, ran)| Some((key, ran, point_of(span.from, &ran.stats)?)));
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|(_, ran, _)| Reverse(ran.stats.elapsed()));
        for (rank, (key, _, point)) in told.into_iter().enumerate() {
            match self.by_statement.get_mut(key) {
                Some(course) => course.add(point),
                None if rank < MAX_BEGUN => self.begin(key, point),
                None => continue,
            }
            self.dirty = true;
        }
    }

    /// What is known of a statement, oldest first; `now` is what its half hour has shown so far.
    pub(in crate::window) fn of(
        &self,
        key: &QueryKey,
        now: Option<CoursePoint>,
    ) -> Vec<CoursePoint> {
        let mut course = self.by_statement.get(key).cloned().unwrap_or_default();
        if let Some(point) = now {
            course.add(point);
        }
        course.points().to_vec()
    }

    /// What is to be stored, if it has changed since the last call.
    pub(in crate::window) fn take_changes(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.dirty).then(|| self.pack())
    }

    fn begin(&mut self, key: &QueryKey, point: CoursePoint) {
        if self.by_statement.len() >= MAX_COURSES {
            let last = |course: &Course| course.points().last().map(|p| p.at);
            let oldest = self.by_statement.iter().min_by_key(|(_, c)| last(c));
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.by_statement.remove(&oldest);
            }
        }
        let course = self.by_statement.entry(key.clone()).or_default();
        course.add(point);
    }

    fn pack(&self) -> Vec<u8> {
        let courses = self.by_statement.iter().map(|(key, course)| Packed {
            fingerprint: key.fingerprint,
            service: key.scope.service.clone(),
            target: key.scope.target.clone(),
            origin: key.scope.origin,
            points: course.points.iter().map(PackedPoint::from).collect(),
        });
        let stored = Stored {
            until: self.until,
            courses: courses.collect(),
        };
        // names and numbers: nothing of it can fail to become JSON, nor to be compressed into memory
        let text = serde_json::to_vec(&stored).unwrap_or_default();
        zstd::bulk::compress(&text, COMPRESSION_LEVEL).unwrap_or_default()
    }

    /// Reads what was stored.
    pub(in crate::window) fn unpack(bytes: &[u8]) -> Result<Self, UnpackError> {
        let decoder = zstd::stream::read::Decoder::with_buffer(bytes);
        let mut text = Vec::new();
        decoder
            .and_then(|d| d.take(MAX_UNPACKED_BYTES).read_to_end(&mut text))
            .map_err(UnpackError::Compression)?;
        let stored: Stored =
            serde_json::from_slice(&text).map_err(|_| UnpackError::Corrupt("courses"))?;
        let mut courses = Self {
            until: stored.until,
            ..Self::default()
        };
        for packed in stored.courses.into_iter().take(MAX_COURSES) {
            let mut course = Course::default();
            let points = packed.points.into_iter().take(MAX_POINTS);
            points.for_each(|point| course.add(point.into()));
            let scope = Arc::new(Scope {
                service: packed.service,
                target: packed.target,
                origin: packed.origin,
            });
            let fingerprint = packed.fingerprint;
            courses
                .by_statement
                .insert(QueryKey { fingerprint, scope }, course);
        }
        Ok(courses)
    }
}

/// As it is stored. What a later release adds is passed over.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    until: Timestamp,
    courses: Vec<Packed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Packed {
    fingerprint: FingerprintId,
    service: ServiceName,
    target: DbTarget,
    origin: Origin,
    points: Vec<PackedPoint>,
}

/// Seconds since the epoch, runs, rows, microseconds.
#[derive(Debug, Serialize, Deserialize)]
struct PackedPoint(u64, u64, u64, u64);

impl From<&CoursePoint> for PackedPoint {
    fn from(point: &CoursePoint) -> Self {
        let micros = u64::try_from(point.elapsed.as_micros()).unwrap_or(u64::MAX);
        let at = point.at.as_unix_secs();
        Self(at, point.runs, point.rows_examined, micros)
    }
}

impl From<PackedPoint> for CoursePoint {
    fn from(PackedPoint(at, runs, rows_examined, micros): PackedPoint) -> Self {
        Self {
            at: Timestamp::from_unix_secs(at),
            runs,
            rows_examined,
            elapsed: Duration::from_micros(micros),
        }
    }
}
