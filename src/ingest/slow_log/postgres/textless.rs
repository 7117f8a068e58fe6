//! Times that are told without a text: of `parse` and `bind`, whose statement is logged next, or of runs.

use std::time::Duration;

use super::Record;
use super::message::Message;
use super::session::Session;
use super::sessions::Sessions;
use super::texts;

impl Sessions {
    /// A text says what the times without one before it were.
    pub(super) fn settle_textless(&mut self, message: &Message<'_>, session: &mut Session) {
        match message {
            Message::Executed(_, portal) | Message::Executes(portal) => {
                session.prepared_by_textless(portal.sql);
            }
            Message::Ran(..) | Message::Starts(_) | Message::Left => {
                self.textless += session.textless.drain(..).count() as u64;
            }
            _ => {}
        }
        if let Message::Ran(_, sql) = message {
            session.fetches |= texts::fetches(sql);
        }
    }

    /// Takes note of a time without a text, unless the restart reads again what it was joined with before.
    pub(super) fn note_textless(
        &mut self,
        record: &Record<'_>,
        elapsed: Duration,
        session: &mut Session,
    ) {
        if record.from >= self.told_until || self.textless_waited.remove(&record.from) {
            self.textless += session.note_textless(record, elapsed) as u64;
        }
    }

    /// Where the times start that wait for a text, or whose statement may wait.
    pub(super) fn textless_starts(&self) -> impl Iterator<Item = u64> {
        self.by_pid
            .all()
            .flat_map(|s| s.textless.iter().chain(&s.joined).map(|t| t.from))
    }

    /// Runs of which only the time was told since the last call.
    pub(super) fn take_textless(&mut self) -> u64 {
        std::mem::take(&mut self.textless)
    }
}
