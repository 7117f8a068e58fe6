//! Tells what the header and the body of an entry say.

use std::borrow::Cow;
use std::time::Duration;

use super::Mysql;
use super::body::Body;
use super::header::Header;
use crate::ingest::slow_log::{Entry, scan};
use crate::model::event::{Nesting, RowCounts};
use crate::model::time::Timestamp;

/// Longer names are read anew each time, so that a hostile log cannot fill the memory.
const MAX_NAME_BYTES: usize = 256;

/// What entries told last: most tell the same again, and to compare bytes takes less than to see that they are text.
#[derive(Debug, Default)]
pub(super) struct LastNames {
    database: LastName,
    user: LastName,
    client: LastName,
}

#[derive(Debug, Default)]
struct LastName(String);

impl LastName {
    /// Reads a name.
    fn read<'n>(&'n mut self, name: &'n [u8]) -> Cow<'n, str> {
        if self.0.as_bytes() != name {
            match std::str::from_utf8(name) {
                Ok(text) if name.len() <= MAX_NAME_BYTES => text.clone_into(&mut self.0),
                _ => return scan::name(name),
            }
        }
        Cow::Borrowed(&self.0)
    }
}

impl Mysql {
    pub(super) fn tell(
        &mut self,
        header: &Header<'_>,
        body: &Body<'_>,
        tell: &mut dyn FnMut(Entry<'_>),
    ) {
        if let Some(database) = body.database {
            self.state.database = Some(scan::name(database).into_owned());
        }
        self.state.time = header.logged.or(header.end).or(self.state.time);
        if body.sql.is_empty() {
            self.unparsed += 1;
            return;
        }
        let elapsed = header.elapsed.unwrap_or_default();
        let outcome = header.outcome();
        let one_in = header.one_in.or(self.rate_limit);
        self.state.server.note((header, one_in), body, &outcome);
        // of a command the server tells once more what the statement before it read
        let rows = if body.is_command() {
            RowCounts::default()
        } else {
            header.rows
        };
        let plan = self.plans.read(header.explain);
        let access = (header.access_told || plan.is_some()).then(|| {
            let mut access = Box::new(header.access.clone());
            access.plan = plan;
            access
        });
        let end = self.end(header, body, elapsed);
        let names = &mut self.names;
        tell(Entry {
            sql: body.sql.into(),
            truncated: body.truncated,
            end,
            elapsed,
            lock: header.lock,
            rows,
            bytes_sent: header.bytes_sent,
            access,
            outcome,
            database: match header.schema {
                Some(schema) => names.database.read(schema),
                None => self
                    .state
                    .database
                    .as_ref()
                    .unwrap_or(&self.database)
                    .into(),
            },
            lacks_database: header.schema.is_none() && self.state.database.is_none(),
            user: names.user.read(header.user),
            client: names.client.read(header.client),
            weight: one_in.unwrap_or(1),
            nesting: Nesting::default(),
            error: None,
        });
    }

    /// When the statement ended. `# Time:` with a fraction is the end, but not every server writes it in every entry;
    /// `SET timestamp` is in whole seconds, and stands in every one. It is the start, save with MySQL before 8.0.14,
    /// of which 5.7 tells the end besides, and 5.6 is told by the `Id:` of its users and by its dates.
    pub(super) fn end(
        &self,
        header: &Header<'_>,
        body: &Body<'_>,
        elapsed: Duration,
    ) -> Option<Timestamp> {
        let is_end = header.has_id && !self.state.is_modern;
        let at = body.timestamp.map(|seconds| {
            let stamp = Timestamp::from_unix_secs(seconds);
            let behind = if is_end {
                header.logged_fraction
            } else {
                elapsed
            };
            stamp.plus(behind)
        });
        let by_timestamp = at.filter(|at| header.may_have_ended(*at));
        header
            .end
            .or(header.start.map(|start| start.plus(elapsed)))
            .or(by_timestamp)
            .or(header.logged)
            .or(self.state.time)
    }
}
