//! Files of OTLP: their spans, and what their log records tell of errors, apart from each other and from all logs.

use std::sync::Arc;

use crate::cli::digest::interrupt::Interrupt;
use crate::cli::digest::reading::Read;
use crate::cli::digest::summing::SEED;
use crate::cli::progress::Progress;
use crate::cli::tell;
use crate::config::Config;
use crate::ingest::otlp::file::{self, Format, Summary, Told};
use crate::ingest::otlp::logs::LogBatch;
use crate::ingest::otlp::spans::SpanBatch;
use crate::ingest::otlp::{logs_id, source_id};
use crate::ingest::slow_log::offline::{OfflineError, Source as File};
use crate::ingest::{Mark, RawBatch, SourceMeta};
use crate::model::event::{Coverage, DbTarget, Origin};
use crate::model::id::{ServiceName, SourceId};
use crate::model::time::Timestamp;
use crate::normalise::{Normaliser, Settings};
use crate::report::digest::{Asked, Source};
use crate::window::Totals;
use crate::window::trace::{self, SpanTotals};

/// What files of OTLP tell.
#[derive(Debug)]
pub(super) struct Traced {
    settings: Settings,
    trace: trace::Settings,
    /// Longest request, in bytes.
    max: usize,
    service: ServiceName,
    asked: Asked,
    /// Of the first file on.
    sums: Option<Box<Sums>>,
}

#[derive(Debug)]
struct Sums {
    normaliser: Normaliser,
    service: ServiceName,
    asked: Asked,
    spans: SpanTotals,
    of_spans: Source,
    /// Errors that log records tell.
    records: Totals,
    of_records: Source,
}

/// What one file told.
#[derive(Debug, Default, Clone, Copy)]
struct Heard {
    spans: u64,
    rejected: u64,
    records: u64,
    metrics: u64,
    /// Outside of the interval that was asked for.
    outside: u64,
}

impl Traced {
    pub(super) fn new(config: &Config) -> Self {
        let max = config.listen.otlp_max_message.as_u64();
        Self {
            settings: config.fingerprint.clone(),
            trace: config.trace.clone(),
            max: usize::try_from(max).unwrap_or(usize::MAX),
            service: config.general.service.clone(),
            asked: Asked::default(),
            sums: None,
        }
    }

    /// From here on this is what is read.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked = asked;
    }

    /// Reads one file. What was read of it before a failure counts.
    pub(super) fn read(
        &mut self,
        file: File,
        format: Format,
        interrupt: &Interrupt,
    ) -> Result<(), OfflineError> {
        let path = file.path().to_owned();
        let sums = self.sums.get_or_insert_with(|| {
            Box::new(Sums::new(
                (&self.settings, &self.trace),
                &self.service,
                self.asked,
            ))
        });
        let (mut summary, mut heard) = (Summary::default(), Heard::default());
        let mut progress = Progress::new(&path);
        let done = file::read(
            file,
            (format, self.max),
            &mut summary,
            &mut |position| {
                progress.show(position);
                interrupt.flow()
            },
            &mut |told| sums.take(told, &mut heard),
        );
        progress.clear();
        let name = path.display();
        for unread in &summary.first_unread {
            tell(format_args!("sqleuth: {name}, {unread}"));
        }
        let rest = summary.unread - summary.first_unread.len() as u64;
        if rest > 0 {
            tell(format_args!(
                "sqleuth: {name}: {rest} more requests cannot be read"
            ));
        }
        if done.is_ok() && summary.requests == 0 && summary.unread > 0 {
            return Err(OfflineError::NoRequest {
                path: path.clone(),
                format: format.as_str(),
            });
        }
        if heard.metrics > 0 && heard.spans + heard.records == 0 {
            tell(format_args!(
                "sqleuth: {name} holds metrics alone, of which no statement can be told; record traces, too"
            ));
        }
        sums.note(&name.to_string(), (format, &summary), heard);
        done
    }

    /// When the last span, or error of a log record, of a file ended; nothing of it is kept.
    pub(super) fn last_end(
        &self,
        file: File,
        format: Format,
        interrupt: &Interrupt,
    ) -> Option<Timestamp> {
        let mut last = None;
        let read = file::read(
            file,
            (format, self.max),
            &mut Summary::default(),
            &mut |_| interrupt.flow(),
            &mut |told| last = last.max(ended(&told)),
        );
        // what cannot be read is told when it is read
        drop(read);
        last
    }

    /// All that was read, by who told it.
    pub(super) fn end(self, partial: bool) -> Vec<Read> {
        let Some(sums) = self.sums else {
            return Vec::new();
        };
        let (totals, operations, counters) = sums.spans.end();
        let read = |origin, mut source: Source, totals, operations| {
            source.partial = partial;
            source.asked = sums.asked;
            Read {
                origin,
                source,
                totals,
                coverage: Coverage::default(),
                operations,
            }
        };
        if counters.early > 0 {
            tell(format_args!(
                "sqleuth: {} traces were judged before their end, for want of room (trace.max_megabytes, trace.max_traces)",
                counters.early
            ));
        }
        let spans = read(Origin::Span, sums.of_spans, totals, operations);
        let records = read(Origin::Log, sums.of_records, sums.records, Vec::new());
        let all = [spans, records].into_iter();
        all.filter(|read| !read.source.files.is_empty()).collect()
    }
}

impl Sums {
    fn new(
        (settings, trace): (&Settings, &trace::Settings),
        service: &ServiceName,
        asked: Asked,
    ) -> Self {
        Self {
            normaliser: Normaliser::new(settings, SEED),
            service: service.clone(),
            asked,
            spans: SpanTotals::new(trace),
            of_spans: Source::default(),
            records: Totals::default(),
            of_records: Source::default(),
        }
    }

    fn take(&mut self, told: Told, heard: &mut Heard) {
        match told {
            Told::Spans(batch) => self.take_spans(batch, heard),
            Told::Logs(batch) => self.take_records(batch, heard),
            Told::Points(points) => {
                heard.metrics += points.passed_over + points.readings.len() as u64;
            }
        }
    }

    fn take_spans(&mut self, mut batch: SpanBatch, heard: &mut Heard) {
        heard.spans += batch.spans.len() as u64;
        heard.rejected += batch.rejected;
        let before = batch.spans.len();
        let asked = self.asked;
        batch
            .spans
            .retain(|span| asked.has(Timestamp::from_unix_nanos(span.end.max(span.start))));
        heard.outside += (before - batch.spans.len()) as u64;
        let source = Self::meta(source_id(), &self.service, DbTarget::default());
        let parts = self.normaliser.parts(&batch, &source, Mark::default());
        parts.for_each(|part| self.spans.observe(part));
    }

    fn take_records(&mut self, batch: LogBatch, heard: &mut Heard) {
        heard.records += batch.records;
        for mut told in batch.told {
            let asked = self.asked;
            told.entries
                .retain(|entry| entry.run.end.is_none_or(|end| asked.has(end)));
            let target = DbTarget {
                system: told.dialect,
                ..DbTarget::default()
            };
            let named = ServiceName::new(told.service.as_str());
            let service = if told.service.is_empty() {
                &self.service
            } else {
                &named
            };
            let source = Self::meta(logs_id(), service, target);
            let entries = RawBatch::of_entries(source, told.entries, Mark::default());
            let errors = self.normaliser.normalise(entries).errors;
            for error in &errors {
                self.records.errors.observe(error);
            }
        }
    }

    fn meta(id: SourceId, service: &ServiceName, target: DbTarget) -> Arc<SourceMeta> {
        Arc::new(SourceMeta {
            id,
            service: service.clone(),
            target,
        })
    }

    /// Takes note of what a file came to.
    fn note(&mut self, name: &str, (format, summary): (Format, &Summary), heard: Heard) {
        let has_records = heard.records > 0;
        if heard.spans > 0 || !has_records {
            let source = &mut self.of_spans;
            source.files.push(name.to_owned());
            source.be_of(format.as_str());
            source.bytes += summary.bytes;
            source.entries += heard.spans;
            source.unparsed_entries += summary.unread + heard.rejected;
            source.outside += heard.outside;
        }
        if has_records {
            let source = &mut self.of_records;
            source.files.push(name.to_owned());
            source.be_of(format.as_str());
            source.entries += heard.records;
            // what two reports would tell of the same file is told by the first
            if heard.spans == 0 {
                source.bytes += summary.bytes;
                source.unparsed_entries += summary.unread;
            }
        }
    }
}

fn ended(told: &Told) -> Option<Timestamp> {
    match told {
        Told::Spans(batch) => {
            let ends = batch.spans.iter().map(|span| span.end.max(span.start));
            ends.max().map(Timestamp::from_unix_nanos)
        }
        Told::Logs(batch) => {
            let entries = batch.told.iter().flat_map(|told| &told.entries);
            entries.filter_map(|entry| entry.run.end).max()
        }
        Told::Points(_) => None,
    }
}
