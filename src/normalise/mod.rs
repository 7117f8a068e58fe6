//! Turns raw statements into identified, redacted ones. Only this stage sees `sqlparser` and raw SQL.
//!
//! ```text
//! raw SQL ─► lexer ─► shape key ─► cache ─hit──────────────────────► StatementRef
//!                                    └─miss─► parser thread ─► Shape ─┘
//! ```
//!
//! The lexer writes a token stream without literals; all else is made from that stream, so that nothing
//! behind the lexer can leak one. Identity comes from tokens alone, whether or not the parser reads the text.

mod again;
mod alias;
mod attributes;
mod batch;
mod beginnings;
mod branches;
mod cache;
mod case;
mod casts;
mod chains;
mod chunk;
mod comments;
mod copy;
mod cut;
pub mod ddl;
mod derived;
mod dialect;
mod error;
mod expects;
mod family;
mod finder;
mod fingerprint;
mod fold;
mod fold_frame;
mod fold_names;
mod json_path;
mod keywords;
mod lexer;
mod literals;
mod made_up;
mod marks;
mod naming;
mod obstacle;
mod opening;
mod paging;
mod parens;
mod parser;
mod parser_text;
mod passage;
mod placeholder;
mod precedence;
mod predicate;
mod projection;
mod quoted;
mod quoting;
mod reading;
mod redact;
mod render;
mod repair;
mod repeats;
mod rewrite;
mod rows;
mod scope;
mod settings;
mod shape;
mod signal_words;
mod spans;
mod split;
mod statements;
mod stream;
mod stream_values;
mod tables;
mod tags;
mod targets;
#[cfg(test)]
mod tests;
mod token;
mod trace_comment;
mod unknown_column;
mod utility;
mod value;
mod windows;

use std::collections::HashMap;
use std::sync::Arc;

use crate::ingest::{RawRun, SourceMeta};
use crate::model::error::ErrorEvent;
use crate::model::event::{DbTarget, Origin, QueryEvent, TraceRef};
use crate::model::id::SourceId;
use crate::model::sql::{
    Dialect, Parsed, Statement, StatementKind, StatementRef, TableName, Template,
};
use crate::model::time::Timestamp;

use self::attributes::with_attributes;
use self::beginnings::Beginnings;
use self::cache::{Cache, shape_key};
use self::family::Families;
use self::fingerprint::{Canonical, canonical};
use self::parser::ParserThread;
use self::settings::NamePatterns;
use self::spans::Known;
use self::stream::Stream;
use self::tags::TagBook;
use self::utility::unparsed;

pub use self::attributes::{Likes, Repeats, TextAttributes};
pub use self::batch::EventBatch;
pub use self::dialect::detect as detect_dialect;
pub use self::error::renamed;
pub use self::opening::{Opening, Tokens, openings};
pub use self::settings::Settings;
pub use self::statements::{
    Options as FingerprintOptions, Separator, fingerprint_stream, split_statements,
};
pub use self::tags::Tags;

/// Raised whenever a change of the normaliser changes a fingerprint; stored beside every fingerprint.
pub const FINGERPRINT_VERSION: u32 = 1;

/// What one entry told.
#[derive(Debug)]
pub struct Told {
    /// The run; `None` for an error that is none.
    pub run: Option<QueryEvent>,
    /// The error; `None` for a run that went well.
    pub error: Option<ErrorEvent>,
}

/// What is known of one text.
#[derive(Debug, Clone)]
pub struct Normalised {
    /// The statement that it is a run of.
    pub statement: StatementRef,
    /// Keyed hash of its literals, in order; 0 where the text has placeholders in the place of values.
    pub parameters: u64,
    /// Trace context of a comment.
    pub trace: Option<TraceRef>,
    /// What the text has beside the identity of its statement.
    pub attributes: TextAttributes,
    /// This statement was not known before (or had been forgotten).
    pub new: bool,
}

/// Identity of a text without its literals, comments and spacing; many texts may be runs of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(u64, u64);

impl TextId {
    /// One of so many places, the same for the same text.
    pub fn spread(self, places: usize) -> usize {
        usize::try_from(self.0).unwrap_or_default() % places.max(1)
    }
}

/// What the lexer alone says of one text.
#[derive(Debug, Clone)]
pub struct Text {
    /// Texts with the same are runs of the same statement.
    pub id: TextId,
    /// Keyed hash of its literals, in order.
    pub parameters: u64,
    /// Trace context of a comment.
    pub trace: Option<TraceRef>,
    /// Dialect it was read in.
    pub dialect: Dialect,
    /// What it has beside its identity.
    pub attributes: TextAttributes,
    key: u128,
    cut: bool,
}

/// Identifies statements; owns the cache of known ones and the parser's thread.
#[derive(Debug)]
pub struct Normaliser {
    patterns: NamePatterns,
    seed: u64,
    stream: Stream,
    beginnings: Beginnings,
    texts: Cache,
    shapes: Cache,
    families: Families,
    joins_later: bool,
    tags: Option<TagBook>,
    parser: ParserThread,
    known: Known,
    last_end: HashMap<SourceId, Timestamp>,
}

impl Normaliser {
    /// A normaliser that knows no statement yet; `seed` keys the parameter hash and should be secret.
    pub fn new(settings: &Settings, seed: u64) -> Self {
        let max_bytes = usize::try_from(settings.max_bytes.as_u64()).unwrap_or(usize::MAX);
        Self {
            patterns: NamePatterns::new(&settings.fold),
            seed,
            stream: Stream::default(),
            beginnings: Beginnings::default(),
            texts: Cache::new(settings.max_shapes, max_bytes / 8 * 3, seed),
            shapes: Cache::new(settings.max_shapes, max_bytes / 8 * 3, seed),
            families: Families::new(max_bytes / 4),
            joins_later: false,
            tags: Some(TagBook::default()),
            parser: ParserThread::default(),
            known: Known::new(seed),
            last_end: HashMap::new(),
        }
    }

    /// Identifies what an entry tells, which ended at `end`: a run, an error, or a run and its error.
    pub fn told(&mut self, sql: &[u8], run: RawRun, source: &SourceMeta, end: Timestamp) -> Told {
        let is_run = run.is_run();
        let error = self.error(sql, &run, source, end);
        Told {
            run: is_run.then(|| self.run(sql, run, source, end)),
            error,
        }
    }

    /// Identifies one run of the text `sql`, which ended at `end`.
    fn run(&mut self, sql: &[u8], run: RawRun, source: &SourceMeta, end: Timestamp) -> QueryEvent {
        let known = self.statement(sql, source.target.system, run.truncated);
        let weight = run.runs();
        QueryEvent {
            end,
            elapsed: run.elapsed,
            lock: run.lock,
            service: source.service.clone(),
            target: target(source, &run.database),
            statement: known.statement,
            parameters: known.parameters,
            offset: known.attributes.offset,
            rows: run.rows,
            bytes_sent: run.bytes_sent,
            access: run.access,
            outcome: run.outcome,
            user: run.user,
            client: run.client,
            trace: known.trace,
            origin: Origin::Log,
            nesting: run.nesting,
            weight,
        }
    }

    /// Identifies one text; `truncated` when its source had cut it.
    pub fn statement(&mut self, sql: &[u8], dialect: Dialect, truncated: bool) -> Normalised {
        let text = self.read(sql, dialect, truncated);
        let (statement, new) = self.statement_of(&text);
        Normalised {
            statement,
            parameters: text.parameters,
            trace: text.trace,
            attributes: text.attributes,
            new,
        }
    }

    /// Reads one text; `truncated` when its source had cut it.
    pub fn read(&mut self, sql: &[u8], dialect: Dialect, truncated: bool) -> Text {
        reading::read(
            sql,
            dialect,
            truncated,
            &mut self.stream,
            &mut self.beginnings,
        );
        let cut = truncated || self.stream.is_cut();
        let wildcard = self.stream.likes.begin_with_a_wildcard();
        let variant = u128::from(wildcard) << 9 | u128::from(cut) << 8 | u128::from(dialect as u8);
        let key = self.stream.key() ^ variant;
        let low = u64::try_from(key & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(key >> 64).unwrap_or_default();
        Text {
            id: TextId(low, high),
            parameters: self.stream.parameter_hash(self.seed),
            trace: self.stream.trace,
            attributes: TextAttributes::of(&self.stream, self.tags.as_mut()),
            key,
            dialect,
            cut,
        }
    }

    /// The statement of the text that was read last, and whether it was not known before.
    pub fn statement_of(&mut self, last_read: &Text) -> (StatementRef, bool) {
        let family = if last_read.cut && !self.joins_later {
            self.whole_of_cut(last_read.dialect)
        } else {
            None
        };
        match family.or_else(|| self.texts.get(last_read.key)) {
            Some(statement) => (statement, false),
            None => self.unknown(last_read.key, last_read.dialect, last_read.cut),
        }
    }

    fn unknown(&mut self, key: u128, dialect: Dialect, cut: bool) -> (StatementRef, bool) {
        let mut canonical = canonical(self.stream.bytes(), dialect, cut, &self.patterns);
        if let Some(chains) = &self.stream.chains {
            canonical.set_ops = chains.add_to(canonical.set_ops);
        }
        let shape_key = shape_key(canonical.fingerprint, canonical.values, cut, dialect);
        let known = self.shapes.get(shape_key);
        let new = known.is_none();
        let set_ops = canonical.set_ops;
        let wildcard = self.stream.likes.begin_with_a_wildcard();
        let statement = match known {
            Some(statement) => with_attributes(statement, set_ops, wildcard),
            None => Arc::new(self.parse(canonical, dialect, cut)),
        };
        if new {
            self.shapes.insert(shape_key, Arc::clone(&statement));
        }
        self.learn(&statement);
        self.texts.insert(key, Arc::clone(&statement));
        (statement, new)
    }

    fn parse(&mut self, canonical: Canonical, dialect: Dialect, cut: bool) -> Statement {
        let mut parsed = match self
            .parser
            .parse(canonical.parser_text, canonical.tokens, dialect)
        {
            Ok(mut shape) => {
                if canonical.kind != StatementKind::Utility && shape.kind == StatementKind::Utility
                    || canonical.explains
                {
                    shape.kind = canonical.kind;
                }
                if shape.tables.is_empty() {
                    shape.tables = canonical.tables.into_iter().map(TableName::from).collect();
                }
                Parsed::Shape(Box::new(shape))
            }
            Err(why) => {
                let tables = canonical.tables.into_iter().map(TableName::from);
                unparsed(
                    why,
                    canonical.kind,
                    tables.collect(),
                    canonical.asks_nothing,
                )
            }
        };
        if let Parsed::Shape(shape) = &mut parsed {
            shape.set_ops = canonical.set_ops;
            shape.leading_wildcard = self.stream.likes.begin_with_a_wildcard();
        }
        Statement {
            fingerprint: canonical.fingerprint,
            loose: canonical.loose,
            template: Template::new(canonical.template),
            dialect,
            parsed,
            truncated: cut,
        }
    }
}

/// The server, and the entry's own database where it tells one.
fn target(source: &SourceMeta, database: &Arc<str>) -> DbTarget {
    let mut target = source.target.clone();
    if !database.is_empty() {
        target.namespace = Arc::clone(database);
    }
    target
}
