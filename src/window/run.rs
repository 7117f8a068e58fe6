//! One run of one statement as the sums see it, whoever told of it.

use std::sync::Arc;
use std::time::Duration;

use crate::ingest::RawRun;
use crate::ingest::slow_log::Entry;
use crate::model::event::{Access, Nesting, Outcome, QueryEvent, RowCounts, TraceRef};
use crate::model::stretch::Stretch;
use crate::model::time::Timestamp;

/// One run, without the statement that it is a run of.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each field is that of `QueryEvent`")]
pub struct Run<'a> {
    pub end: Timestamp,
    pub elapsed: Duration,
    pub lock: Option<Duration>,
    pub rows: RowCounts,
    pub bytes_sent: Option<u64>,
    pub access: Option<&'a Access>,
    pub outcome: &'a Outcome,
    pub parameters: u64,
    pub trace: Option<TraceRef>,
    pub database: &'a Arc<str>,
    pub user: &'a Arc<str>,
    pub client: &'a Arc<str>,
    pub weight: u32,
    pub nesting: Nesting,
}

impl<'a> Run<'a> {
    /// Whether its run time is known. What failed at once takes some time too: where no time is told, none is known.
    #[inline]
    pub fn is_timed(&self) -> bool {
        *self.outcome == Outcome::Ok || !self.elapsed.is_zero()
    }

    /// Time that no run inside it counts for: these sum up to what the server spent.
    pub fn own(&self) -> Duration {
        self.elapsed.saturating_sub(self.nesting.inner)
    }

    /// What it read, where told; it ended at `end`.
    pub(super) fn read(&self, end: Timestamp) -> Option<Stretch> {
        let rows = self.rows;
        let answered = rows.returned.unwrap_or(0);
        let answered = answered.saturating_add(rows.affected.unwrap_or(0));
        let one = Stretch::of(end, rows.examined?, answered, self.own());
        Some(one.times(self.weight.max(1)))
    }

    /// A run as an entry of a log tells it, with its database, user and client by their shared names, and with what its
    /// text says of its parameters and its trace.
    pub fn told(
        entry: &'a Entry<'_>,
        [database, user, client]: &'a [Arc<str>; 3],
        parameters: u64,
        trace: Option<TraceRef>,
    ) -> Self {
        Self {
            end: entry.ended().unwrap_or_default(),
            elapsed: entry.elapsed,
            lock: entry.lock,
            rows: entry.believed_rows(),
            bytes_sent: entry.believed_bytes(),
            access: entry.access.as_deref(),
            outcome: &entry.outcome,
            parameters,
            trace,
            database,
            user,
            client,
            weight: entry.runs(),
            nesting: entry.nesting,
        }
    }

    /// The same of a run that was parted from its text, its access and its names.
    pub fn logged(
        (run, access): (&'a RawRun<()>, Option<&'a Access>),
        [database, user, client]: &'a [Arc<str>; 3],
        parameters: u64,
        trace: Option<TraceRef>,
    ) -> Self {
        Self {
            end: run.end.unwrap_or_default(),
            elapsed: run.elapsed,
            lock: run.lock,
            rows: run.rows,
            bytes_sent: run.bytes_sent,
            access,
            outcome: &run.outcome,
            parameters,
            trace,
            database,
            user,
            client,
            weight: run.runs(),
            nesting: run.nesting,
        }
    }
}

impl<'a> From<&'a QueryEvent> for Run<'a> {
    fn from(event: &'a QueryEvent) -> Self {
        Self {
            end: event.end,
            elapsed: event.elapsed,
            lock: event.lock,
            rows: event.rows,
            bytes_sent: event.bytes_sent,
            access: event.access.as_deref(),
            outcome: &event.outcome,
            parameters: event.parameters,
            trace: event.trace,
            database: &event.target.namespace,
            user: &event.user,
            client: &event.client,
            weight: event.weight,
            nesting: event.nesting,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::slow_log::Names;

    proptest! {
        #[test]
        fn an_entry_is_the_same_run_borrowed_or_owned(
            nanos in prop::option::of(any::<u64>()),
            counts in prop::array::uniform4(prop::option::of(any::<u64>())),
            weight in any::<u32>(),
            names in prop::array::uniform3("[ab]{0,2}"),
            is_cut in any::<bool>(),
        ) {
            let [examined, returned, affected, bytes_sent] = counts;
            let [database, user, client] = names;
            let outcome = if is_cut { Outcome::Cancelled { code: Arc::from("57014") } } else { Outcome::Ok };
            let entry = Entry {
                end: nanos.map(Timestamp::from_unix_nanos),
                elapsed: Duration::from_millis(7),
                lock: nanos.map(Duration::from_nanos),
                rows: RowCounts { examined, returned, affected },
                bytes_sent,
                access: is_cut.then(Box::default),
                outcome,
                database: database.into(),
                user: user.into(),
                client: client.into(),
                weight,
                ..Entry::default()
            };
            let mut names = Names::default();
            let names = names.of(&entry);
            let borrowed = format!("{:?}", Run::told(&entry, names, 9, None));
            let owned = entry.clone().take_run([(); 3]);
            prop_assert_eq!(borrowed, format!("{:?}", Run::logged((&owned, owned.access.as_deref()), names, 9, None)));
        }
    }
}
