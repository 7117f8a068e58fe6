//! Identifies runs and adds them up.

use std::sync::Arc;

use bytesize::ByteSize;

use crate::config::Config;
use crate::ingest::slow_log::offline::Crew;
use crate::ingest::slow_log::{Entry, Names};
use crate::ingest::{RawRun, SourceMeta};
use crate::model::event::{Access, DbTarget, Origin};
use crate::model::id::{ServiceName, SourceId};
use crate::model::sql::{Dialect, StatementRef};
use crate::model::time::Timestamp;
use crate::normalise::{Normaliser, Settings, Text, Tokens};
use crate::report::digest::Asked;
use crate::window::{Run, Scope, Totals};

/// Statements that the normaliser remembers; the totals know all texts by themselves.
const MAX_SHAPES: usize = 1_024;

/// The same in bytes.
const MAX_SHAPE_BYTES: ByteSize = ByteSize::mib(4);

/// Sets of parameters are told apart within this run only, and no hash of one is told: a key that everybody knows will
/// do, and two reports of one log are the same to the byte.
pub(super) const SEED: u64 = 0;

/// Where the runs of a log go.
pub(super) trait Sink {
    /// Takes the next run.
    fn add(&mut self, dialect: Dialect, entry: &mut Entry<'_>);

    /// Several threads that read a log in parts; `None` for one.
    fn crew(&mut self) -> Option<&mut dyn Crew> {
        None
    }
}

/// Sums, and what it takes to add to them.
#[derive(Debug)]
pub(super) struct Summing {
    sums: Sums,
    names: Names,
    settings: Settings,
    asked: Asked,
    /// Runs that were not asked for.
    outside: u64,
}

#[derive(Debug)]
struct Sums {
    totals: Totals,
    identifier: Identifier,
    service: ServiceName,
}

/// Tells which statement a text is a run of.
#[derive(Debug)]
pub(super) struct Identifier(Normaliser);

/// Database, user and client of a run.
pub(super) type Who = [Arc<str>; 3];

/// What a log told of a run, parted from its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoggedRun<'a> {
    pub(super) run: &'a RawRun<()>,
    /// Of the run.
    pub(super) access: Option<&'a Access>,
    pub(super) who: &'a Who,
}

/// A text that is new to the sums: its statement, and its tokens.
pub(super) type NewText = (StatementRef, Tokens);

impl Summing {
    /// Runs that ended within what was asked for are added; those that do not tell their end too.
    pub(super) fn new(config: &Config, asked: Asked) -> Self {
        let settings = Settings {
            max_shapes: MAX_SHAPES,
            max_bytes: MAX_SHAPE_BYTES,
            ..config.fingerprint.clone()
        };
        Self {
            sums: Sums {
                totals: Totals::default(),
                identifier: Identifier(Normaliser::new(&settings, SEED).joining_later()),
                service: config.general.service.clone(),
            },
            names: Names::default(),
            settings,
            asked,
            outside: 0,
        }
    }

    /// The sums, and how many runs were not asked for: the report needs the room of all else.
    pub(super) fn end(mut self) -> (Totals, u64) {
        self.sums.totals.join();
        (self.sums.totals, self.outside)
    }

    /// Whether an entry was asked for, which stands for so many runs.
    pub(super) fn wants(&mut self, end: Option<Timestamp>, weight: u32) -> bool {
        let end = end.unwrap_or_default();
        let is_wanted = end == Timestamp::EPOCH || self.asked.has(end);
        if !is_wanted {
            self.outside += u64::from(RawRun::<()>::believed_weight(weight));
        }
        is_wanted
    }

    /// Another one, for another thread.
    pub(super) fn identifier(&self) -> Identifier {
        Identifier(Normaliser::new(&self.settings, SEED).joining_later())
    }

    /// Adds the error of a run, if it has one.
    pub(super) fn fail(
        &mut self,
        sql: &[u8],
        dialect: Dialect,
        LoggedRun { run, access, who }: LoggedRun<'_>,
    ) {
        if run.has_failed() {
            let mut run = run.clone().named(who.clone());
            run.access = access.cloned().map(Box::new);
            self.sums.fail(sql, dialect, &run);
        }
    }

    /// The names that the sums know.
    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Adds a run of a text; `statement` is asked when the text is not known. `true` comes back when it is from now on.
    pub(super) fn add(
        &mut self,
        text: &Text,
        LoggedRun { run, access, who }: LoggedRun<'_>,
        statement: impl FnOnce(&mut Identifier) -> NewText,
    ) -> bool {
        let run = Run::logged((run, access), who, text.parameters, text.trace);
        self.sums.add(text, &run, statement)
    }
}

impl Sink for Summing {
    fn add(&mut self, dialect: Dialect, entry: &mut Entry<'_>) {
        if !self.wants(entry.ended(), entry.weight) {
            return;
        }
        let Self { sums, names, .. } = self;
        if entry.has_failed() {
            let (sql, run) = entry.clone().split(names);
            sums.fail(&sql, dialect, &run);
        }
        if !entry.is_run() {
            return;
        }
        let text = sums.identifier.read(&entry.sql, dialect, entry.truncated);
        let run = Run::told(entry, names.of(entry), text.parameters, text.trace);
        sums.add(&text, &run, |last| last.statement_of(&text));
    }
}

impl Sums {
    fn fail(&mut self, sql: &[u8], dialect: Dialect, run: &RawRun) {
        let source = SourceMeta {
            id: SourceId::new("digest"),
            service: self.service.clone(),
            target: DbTarget {
                system: dialect,
                ..DbTarget::default()
            },
        };
        let at = run.end.unwrap_or_default();
        let error = self.identifier.0.error(sql, run, &source, at);
        if let Some(error) = error {
            self.totals.errors.observe(&error);
        }
    }

    /// As [`Summing::add`].
    fn add(
        &mut self,
        text: &Text,
        run: &Run<'_>,
        statement: impl FnOnce(&mut Identifier) -> NewText,
    ) -> bool {
        let known = self.totals.slot(text.id);
        let slot = known.unwrap_or_else(|| {
            let (statement, tokens) = statement(&mut self.identifier);
            self.totals.settle(|| scope(&self.service, text.dialect));
            self.totals.admit(text.id, &statement, &tokens)
        });
        self.totals.add(slot, run);
        self.totals.note(slot, &text.attributes, run.weight);
        known.is_none() && self.totals.slot(text.id).is_some()
    }
}

impl Identifier {
    pub(super) fn read(&mut self, sql: &[u8], dialect: Dialect, truncated: bool) -> Text {
        self.0.read(sql, dialect, truncated)
    }

    /// The statement of the text that was read last, and its tokens.
    pub(super) fn statement_of(&mut self, last_read: &Text) -> NewText {
        let (statement, _) = self.0.statement_of(last_read);
        (statement, self.0.tokens(last_read))
    }

    pub(super) fn identify(&mut self, sql: &[u8], dialect: Dialect, truncated: bool) -> NewText {
        let text = self.read(sql, dialect, truncated);
        self.statement_of(&text)
    }
}

fn scope(service: &ServiceName, system: Dialect) -> Scope {
    Scope {
        service: service.clone(),
        target: DbTarget {
            system,
            ..DbTarget::default()
        },
        origin: Origin::Log,
    }
}
