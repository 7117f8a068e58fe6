//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::number;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::ErrorClass;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::subject::ErrorProfile;

declare_detector! {
    /// ## What it sees
    /// The database server, or one of its processes, died: it was killed, it met a fault of its own, or it comes up again
    /// after it was not shut down.
    ///
    /// ## Why it hurts
    /// One process of PostgreSQL that dies takes all connections along: what it did to the shared memory is not known, hence
    /// the server stops every session, recovers, and refuses clients meanwhile. MySQL and MariaDB are one process. Whatever
    /// ran is undone, every cache is cold, and what killed it once does so again.
    ///
    /// ## How it decides
    /// At least `min_crashes` in the last minute, or in all of a file: one is serious. Its cause is told by the signal or
    /// the exit code, and its statement where the server tells what the process ran (PostgreSQL's `DETAIL: Failed process was
    /// running`, the `Query` of a MySQL or MariaDB crash report). That statement may be the victim and not the culprit: the
    /// kernel kills whoever is the largest.
    ///
    /// ## Example
    /// ```sql
    /// -- LOG: server process (PID 4711) was terminated by signal 9: Killed
    /// -- DETAIL: Failed process was running: SELECT ... ORDER BY ...
    /// -- First aid: let each session take less memory, so that all of them fit
    /// ALTER SYSTEM SET work_mem = '16MB'; SELECT pg_reload_conf();
    /// ```
    ///
    /// ## False alarms
    /// - A server that somebody kills on purpose, as a test of its failover: true; silence it for that hour.
    /// - A virtual machine or container that was stopped without a shutdown: told when the server comes up again.
    pub static META = {
        slug: "server-crash",
        summary: "the database server, or one of its processes, died",
        summary_ko: "데이터베이스 서버 또는 그 프로세스가 비정상 종료됨",
        urgency: Urgency::Acute,
        severity: Severity::Critical,
        needs: "PostgreSQL's log, or the error log of MySQL or MariaDB ([[log]])",
        about: About::Server,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.server-crash]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Crashes of one kind: one ends every connection.
    pub min_crashes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_crashes: 1,
        }
    }
}

/// Finds servers that died.
#[derive(Debug)]
pub struct ServerCrash(Settings);

impl ServerCrash {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<ErrorProfile> for ServerCrash {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        if profile.family.class != ErrorClass::Crash {
            return Verdict::Clear;
        }
        let (seen, needed) = (profile.load.count, self.0.min_crashes);
        if seen < needed {
            return Verdict::Insufficient { seen, needed };
        }
        let crossed = Evidence::measure("crashes", number(seen), number(needed), Unit::Count);
        Draft::of_errors(&META, profile, crossed)
            .severity(Severity::Critical)
            .remedy(advise(remedy(&profile.family.code)))
            .found()
    }
}

/// By the signal: 9 comes from outside, 6 is the server's own decision, and the others are faults.
fn remedy(code: &str) -> &'static str {
    match code {
        "signal 9" => {
            "find who killed it: the kernel, when memory ran out (its log names the process), or a person; then let all sessions together fit into memory (work_mem or sort_buffer_size times connections), or give the server more"
        }
        "recovery" => {
            "find out why it was not shut down: the logs of the kernel and of the container tell of memory that ran out, of a power cut, or of a stop that did not wait for it"
        }
        _ => {
            "read the server's log right before it for the assertion or the fault, keep the core file, and update the server and its extensions: repeat the statement on another machine only"
        }
    }
}
