//! A trace that shows a problem, as it was when it came to its end, with no literal in it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::event::DbTarget;
use crate::model::finding::{Severity, Slug};
use crate::model::id::FingerprintId;
use crate::model::span::{SpanKind, SpanMaker};
use crate::model::sql::{Dialect, Template};
use crate::model::time::{Interval, Timestamp};

/// A trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// `trace_id`.
    #[serde(with = "hex")]
    pub id: u128,
    /// Its spans by start; never empty.
    pub spans: Vec<TraceSpan>,
    /// Spans beyond what is kept of one trace.
    pub left_out: u64,
    /// What was found in it.
    pub notes: Vec<TraceNote>,
}

/// A span of a [`Trace`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceSpan {
    /// `span_id`.
    pub id: u64,
    /// `parent_span_id`, which the trace may lack; `None` for a root.
    pub parent: Option<u64>,
    /// When it began.
    pub start: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// Part between two processes.
    pub kind: SpanKind,
    /// Its status is an error.
    pub failed: bool,
    /// Who made it.
    pub maker: Arc<SpanMaker>,
    /// Name.
    pub name: Arc<str>,
    /// What it did.
    pub work: TraceWork,
}

/// What a span did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceWork {
    /// Was asked from outside.
    Entry,
    /// Ran a statement.
    Query {
        /// Which.
        fingerprint: FingerprintId,
        /// Its redacted text.
        template: Template,
        /// Where.
        target: DbTarget,
        /// `db.operation.batch.size`; 0 when not told.
        batch: u32,
    },
    /// Asked for a connection, or opened one.
    Connection {
        /// Pool or server; empty when not told.
        pool: Arc<str>,
    },
    /// Asked somebody else.
    Peer {
        /// Host, service or destination; empty when not told.
        name: Arc<str>,
        /// `http`, `rpc`, `messaging`, `redis` ...
        system: Arc<str>,
    },
    /// Any other work in the process.
    Internal,
}

/// What was found in a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceNote {
    /// Who found it.
    pub detector: Slug,
    /// How bad.
    pub severity: Severity,
    /// The statement, for problems of one.
    pub fingerprint: Option<FingerprintId>,
    /// One sentence, in English.
    pub summary: String,
}

impl Trace {
    /// From its first start to its last end.
    pub fn interval(&self) -> Interval {
        let starts = self.spans.iter().map(|span| span.start);
        let ends = self.spans.iter().map(TraceSpan::end);
        Interval {
            from: starts.min().unwrap_or_default(),
            to: ends.max().unwrap_or_default(),
        }
    }

    /// The span that a note is about: that under which its statement first ran, else the first root.
    pub fn offender(&self, note: &TraceNote) -> Option<&TraceSpan> {
        let asked = note.fingerprint.and_then(|asked| {
            let mut runs = self.spans.iter();
            runs.find(|span| span.fingerprint() == Some(asked))
        });
        let parent = asked.and_then(|run| {
            let parent = run.parent?;
            self.spans.iter().find(|span| span.id == parent)
        });
        parent.or(asked).or_else(|| self.root())
    }

    /// The first span whose parent is none, or unknown.
    pub fn root(&self) -> Option<&TraceSpan> {
        let is_known = |id: u64| self.spans.iter().any(|span| span.id == id);
        let mut spans = self.spans.iter();
        let root = spans.find(|span| span.parent.is_none_or(|parent| !is_known(parent)));
        root.or_else(|| self.spans.first())
    }

    /// Notes a problem, once.
    pub fn note(&mut self, note: TraceNote) {
        let same = |known: &TraceNote| {
            known.detector == note.detector && known.fingerprint == note.fingerprint
        };
        match self.notes.iter_mut().find(|known| same(known)) {
            Some(known) => *known = note,
            None => self.notes.push(note),
        }
    }
}

/// A value of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagValue {
    /// A text.
    Text(Arc<str>),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl TagValue {
    /// As text, to search by.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Bool(so) => Cow::Borrowed(if *so { "true" } else { "false" }),
        }
    }
}

impl Trace {
    /// What is noted at a span.
    pub fn notes_at(&self, span: &TraceSpan) -> impl Iterator<Item = &TraceNote> {
        let id = span.id;
        let is_here = move |note: &&TraceNote| self.offender(note).is_some_and(|s| s.id == id);
        self.notes.iter().filter(is_here)
    }

    /// What is known of a span, as attributes by the names of OpenTelemetry.
    pub fn tags(&self, span: &TraceSpan) -> Vec<(&'static str, TagValue)> {
        let mut tags = Tags::default();
        tags.text("otel.scope.name", &span.maker.scope);
        if span.failed {
            tags.0.push(("error", TagValue::Bool(true)));
        }
        tags.work(&span.work);
        for note in self.notes_at(span) {
            tags.text("sqleuth.finding", &note.detector);
            tags.text("sqleuth.severity", &Arc::from(note.severity.as_str()));
        }
        tags.0
    }
}

#[derive(Debug, Default)]
struct Tags(Vec<(&'static str, TagValue)>);

impl Tags {
    fn text(&mut self, key: &'static str, value: &Arc<str>) {
        if !value.is_empty() {
            self.0.push((key, TagValue::Text(Arc::clone(value))));
        }
    }

    fn number(&mut self, key: &'static str, value: u32) {
        if value > 0 {
            self.0.push((key, TagValue::Int(i64::from(value))));
        }
    }

    fn work(&mut self, work: &TraceWork) {
        match work {
            TraceWork::Query {
                fingerprint,
                template,
                target,
                batch,
            } => {
                self.text("db.system.name", &Arc::from(system_name(target.system)));
                self.text("db.namespace", &target.namespace);
                self.text("server.address", &target.server);
                self.text("db.query.text", &Arc::from(template.as_str()));
                self.number("db.operation.batch.size", *batch);
                self.text("sqleuth.fingerprint", &Arc::from(fingerprint.to_string()));
            }
            TraceWork::Connection { pool } => self.text("db.client.connection.pool.name", pool),
            TraceWork::Peer { name, system } => {
                self.text("server.address", name);
                self.text("sqleuth.peer.system", system);
            }
            TraceWork::Entry | TraceWork::Internal => {}
        }
    }
}

/// `db.system.name`.
fn system_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Mysql => "mysql",
        Dialect::Postgres => "postgresql",
        Dialect::Generic => "other_sql",
    }
}

impl TraceSpan {
    /// When it ended.
    pub fn end(&self) -> Timestamp {
        self.start.plus(self.elapsed)
    }

    /// The statement that it ran.
    pub fn fingerprint(&self) -> Option<FingerprintId> {
        match self.work {
            TraceWork::Query { fingerprint, .. } => Some(fingerprint),
            _ => None,
        }
    }
}

/// A trace id as 32 hex digits: numbers of JSON end at 53 bits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{id:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod example {
    //! A request of a shop that asks for each item by itself.

    use super::*;
    use crate::model::id::ServiceName;

    /// The statement of the loop.
    pub(crate) const ITEM: FingerprintId = FingerprintId(0xa1);

    fn span(id: u64, parent: Option<u64>, from: u64, millis: u64) -> TraceSpan {
        TraceSpan {
            id,
            parent,
            start: Timestamp::from_unix_millis(1_800_000_000_000 + from),
            elapsed: Duration::from_millis(millis),
            kind: SpanKind::Client,
            failed: false,
            maker: Arc::new(SpanMaker {
                service: ServiceName::new("shop"),
                scope: Arc::from("opentelemetry.instrumentation.sqlalchemy"),
                language: Arc::from("python"),
            }),
            name: Arc::from("SELECT shop"),
            work: TraceWork::Query {
                fingerprint: ITEM,
                template: Template::new("SELECT title FROM item WHERE id = ?"),
                target: DbTarget {
                    system: Dialect::Postgres,
                    namespace: Arc::from("shop"),
                    server: Arc::from("db1"),
                },
                batch: 0,
            },
        }
    }

    /// A proxy asks the shop, which asks its database ten times.
    pub(crate) fn trace(id: u128) -> Trace {
        let maker = |service| SpanMaker {
            service: ServiceName::new(service),
            ..SpanMaker::default()
        };
        let proxy = TraceSpan {
            maker: Arc::new(maker("proxy")),
            name: Arc::from("GET"),
            work: TraceWork::Peer {
                name: Arc::from("shop"),
                system: Arc::from("http"),
            },
            ..span(1, None, 0, 200)
        };
        let request = TraceSpan {
            maker: Arc::new(maker("shop")),
            kind: SpanKind::Server,
            name: Arc::from("GET /cart"),
            failed: true,
            work: TraceWork::Entry,
            ..span(2, Some(1), 5, 190)
        };
        let runs = (0..10).map(|run| span(10 + run, Some(2), 10 + run * 15, 12));
        Trace {
            id,
            spans: [proxy, request].into_iter().chain(runs).collect(),
            left_out: 0,
            notes: vec![TraceNote {
                detector: Arc::from("n-plus-one"),
                severity: Severity::Warning,
                fingerprint: Some(ITEM),
                summary: "one request runs it ten times".to_owned(),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_a_statement_is_about_the_span_under_which_it_ran() {
        let trace = example::trace(1);
        let note = &trace.notes[0];
        assert_eq!(trace.offender(note).unwrap().id, 2);
        let of_all = TraceNote {
            fingerprint: None,
            ..note.clone()
        };
        assert_eq!(trace.offender(&of_all).unwrap().id, 1);
        assert_eq!(trace.notes_at(&trace.spans[1]).count(), 1);
        assert_eq!(trace.notes_at(&trace.spans[2]).count(), 0);
    }

    #[test]
    fn a_trace_that_lacks_its_root_or_turns_in_a_circle_has_one_all_the_same() {
        let mut trace = example::trace(1);
        trace.spans.remove(0);
        assert_eq!(trace.root().unwrap().id, 2);
        trace.spans[0].parent = Some(10);
        assert_eq!(trace.root().unwrap().id, 2);
    }

    #[test]
    fn a_problem_is_noted_once() {
        let mut trace = example::trace(1);
        let mut again = trace.notes[0].clone();
        again.severity = Severity::Critical;
        trace.note(again.clone());
        assert_eq!(trace.notes, [again]);
    }

    #[test]
    fn a_trace_survives_json() {
        let trace = example::trace(u128::MAX - 7);
        let json = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::from_str::<Trace>(&json).unwrap(), trace);
    }
}
