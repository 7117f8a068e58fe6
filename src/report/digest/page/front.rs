//! What was read, how much of the load that is, and what the reader must know to judge the rest.

use crate::model::event::{Coverage, CoverageSource, Origin};
use crate::model::evidence::Unit;
use crate::model::time::Timestamp;
use crate::report::chart::{Chart, Kind, Series};
use crate::report::digest::page::{counted, name, runs, statements};
use crate::report::digest::{Digest, LoadCurve, LoadStep, Seconds, Source};
use crate::report::sentence::as_number;
use crate::report::{Lang, Style, moment, unit};

/// Files named before the rest is counted.
const FILES: usize = 3;
/// Fewer steps make no curve.
const MIN_STEPS: u64 = 5;
/// What formats of recordings begin with.
const OTLP: &str = "otlp";
/// A peak below so many statements at once is nobody's trouble.
const MIN_PEAK: f64 = 0.05;

pub(super) fn files(source: &Source, lang: Lang) -> String {
    let (shown, left_out) = source.files.split_at(source.files.len().min(FILES));
    let shown = shown.join(", ");
    if left_out.is_empty() {
        return shown;
    }
    let more = left_out.len();
    lang.pick(
        format!("{shown} and {more} more"),
        format!("{shown} 외 {more}개"),
    )
}

pub(super) fn summary(digest: &Digest, style: &Style) -> Vec<String> {
    let (source, lang) = (&digest.source, style.lang);
    let mut told = Vec::new();
    if source.partial {
        let partial = lang.pick(
            "Partial: not all of the input was read.",
            "일부만 읽음: 입력 전체를 읽지 못했음.",
        );
        told.push(partial.to_owned());
    }
    if source.format.is_empty() {
        let empty = lang.pick(
            "The log is empty. No statement was found.",
            "로그가 비어 있음. 문장이 없음.",
        );
        told.push(empty.to_owned());
        return told;
    }
    told.push(volume(digest, lang));
    told.extend(asked(source, style));
    told.extend(period(digest, style));
    if digest.queries.is_empty() {
        told.push(nothing(digest, lang));
        return told;
    }
    told.push(if digest.origin == Origin::Span {
        traced(lang)
    } else {
        coverage(source, lang)
    });
    told.extend(errors(digest, lang));
    told
}

fn volume(digest: &Digest, lang: Lang) -> String {
    let source = &digest.source;
    let size = unit::bytes(as_number(source.bytes));
    let runs = runs(source.statements, lang);
    let kinds = statements(digest.queries.len() + digest.left_out.queries, lang);
    let time = unit::duration(digest.elapsed);
    let format = &source.format;
    if digest.origin == Origin::Log && format.starts_with(OTLP) {
        // what of a recording is no span: errors alone are told of it
        let records = counted(source.entries, ("log record", "log records"), "개", lang);
        return lang.pick(
            format!("{format}: {records}."),
            format!("{format}: 로그 레코드 {records}."),
        );
    }
    lang.pick(
        format!("{format}, {size}: {runs} of {kinds}, {time} of run time."),
        format!("{format}, {size}: {kinds}, {runs}, 실행 시간 {time}."),
    )
}

/// The interval as it was understood: a time of day does not say of which day it is.
fn asked(source: &Source, style: &Style) -> Option<String> {
    let full = |at: Timestamp| moment::full(at, &style.zone);
    let lang = style.lang;
    match (source.asked.since.map(full), source.asked.until.map(full)) {
        (None, None) => None,
        (Some(since), None) => Some(lang.pick(
            format!("Only what ended at {since} or later."),
            format!("{since} 이후에 끝난 것만."),
        )),
        (None, Some(until)) => Some(lang.pick(
            format!("Only what ended before {until}."),
            format!("{until} 전에 끝난 것만."),
        )),
        (Some(since), Some(until)) => Some(lang.pick(
            format!("Only what ended from {since} to before {until}."),
            format!("{since}부터 {until} 전까지 끝난 것만."),
        )),
    }
}

/// From when to when, and how many statements ran at once; the logs of some servers have whole seconds.
fn period(digest: &Digest, style: &Style) -> Option<String> {
    let (from, to) = digest.source.from.zip(digest.source.to)?;
    let lang = style.lang;
    let stamp = |at| moment::stamp(at, &style.zone);
    let zone = moment::zone_name(to, &style.zone);
    let length = to.since(from);
    if length.as_secs() == 0 {
        let from = stamp(from);
        return Some(lang.pick(
            format!("{from} {zone}, within a second."),
            format!("{from} {zone}, 1초 이내."),
        ));
    }
    // what tells its time: the rest ran at some other time
    let spent = digest.source.load.as_ref().map(LoadCurve::total);
    let at_once = spent.unwrap_or_default() / length.as_secs_f64();
    let at_once = at_once_on_average(at_once);
    let (from, to) = moment::range(from, to, &style.zone);
    let length = unit::duration(length);
    let said = lang.pick(
        format!("{from} to {to} {zone} ({length}); {at_once} statements at once on average"),
        format!("{from} ~ {to} {zone} ({length}), 평균 동시 실행 {at_once}"),
    );
    Some(match peak(digest) {
        Some((at, most)) => {
            let (at, most) = (clock(at, digest, style), at_most(digest, most, lang));
            lang.pick(
                format!("{said}, {most} around {at}."),
                format!("{said}, 최대 {most} ({at} 무렵)."),
            )
        }
        None => format!("{said}."),
    })
}

/// How many ran at once; no finer than the clock of the log.
fn at_most(digest: &Digest, most: f64, lang: Lang) -> String {
    if !tells_whole_seconds(&digest.source) || most < 1.0 {
        return unit::count(most);
    }
    let most = unit::count(most.round());
    lang.pick(format!("about {most}"), format!("약 {most}"))
}

/// Fewer statements at once are not told as a number.
const LEAST: f64 = 0.001;

/// A load that rounds to nothing is not nothing.
fn at_once_on_average(at_once: f64) -> String {
    if at_once > 0.0 && at_once < LEAST {
        return format!("< {LEAST}");
    }
    unit::count(at_once)
}

/// The start of the busiest step, with its day when the log spans several.
fn clock(at: Timestamp, digest: &Digest, style: &Style) -> String {
    let stamp = moment::stamp(at, &style.zone);
    let is_one_day = digest.source.from.is_some_and(|from| {
        let first = moment::stamp(from, &style.zone);
        first.split_once(' ').map(|f| f.0) == stamp.split_once(' ').map(|s| s.0)
    });
    if is_one_day {
        return moment::clock(at, &style.zone);
    }
    stamp
}

/// When most statements ran at once, and how many.
fn peak(digest: &Digest) -> Option<(Timestamp, f64)> {
    let load = digest
        .source
        .load
        .as_ref()
        .filter(|l| l.span() >= MIN_STEPS)?;
    let (at, most) = load
        .steps
        .iter()
        .map(|step| (step.at, step.total() / load.seconds()))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (most >= MIN_PEAK).then_some((at, most))
}

/// Whether it is known to a second only when something ran.
pub(super) fn tells_whole_seconds(source: &Source) -> bool {
    source.load.as_ref().is_some_and(|load| load.whole_seconds)
}

/// Nobody knows what is not traced.
fn traced(lang: Lang) -> String {
    lang.pick(
        "Told by traces: times are the client's, network included, and shares are of what was traced.",
        "트레이스에 근거함. 시간은 네트워크를 포함한 클라이언트의 시간이고, 비중은 추적된 것 안에서의 비중임.",
    )
    .to_owned()
}

/// What the log leaves out.
pub(super) fn coverage(source: &Source, lang: Lang) -> String {
    let Some(one_in) = source.one_in.filter(|one_in| *one_in > 1) else {
        return threshold(source, lang);
    };
    let one_in = unit::exact(u64::from(one_in));
    let sampled = lang.pick(
        format!("One run in {one_in} is in the log, and is counted {one_in} times."),
        format!("실행 {one_in}회 중 1회만 로그에 있으며, {one_in}회로 셈."),
    );
    let is_all_else = source
        .slower_than_s
        .is_none_or(|limit| limit.0 <= Coverage::COMPLETE);
    if is_all_else {
        return sampled;
    }
    format!("{} {sampled}", threshold(source, lang))
}

/// A threshold that is stated is one; of one that is guessed at, only what is there can be told.
fn threshold(source: &Source, lang: Lang) -> String {
    let Some(limit) = source.slower_than_s else {
        let unknown = lang.pick(
            "How much of the load is in the log is not known: shares are of what it has.",
            "로그가 부하의 얼마를 담고 있는지 알 수 없음. 비중은 로그 안에서의 비중임.",
        );
        return unknown.to_owned();
    };
    if limit.0 <= Coverage::COMPLETE {
        let complete = lang.pick(
            "Nearly every run is in the log.",
            "거의 모든 실행이 로그에 있음.",
        );
        return complete.to_owned();
    }
    let limit = unit::duration(limit.0);
    if source.slower_than_known_by == CoverageSource::Observed {
        return lang.pick(
            format!(
                "Hardly a run faster than {limit} is in the log: shares are of the slower ones."
            ),
            format!(
                "{limit}보다 빠른 실행은 로그에 거의 없음. 비중은 더 느린 실행 안에서의 비중임."
            ),
        );
    }
    lang.pick(
        format!("Only runs slower than {limit} are in the log: shares are of those."),
        format!("{limit}보다 느린 실행만 로그에 있음. 비중은 그 안에서의 비중임."),
    )
}

fn errors(digest: &Digest, lang: Lang) -> Option<String> {
    let all = digest.source.errors;
    let worst = digest.queries.iter().max_by_key(|q| q.errors)?;
    if all == 0 {
        return None;
    }
    let runs = digest.source.statements.max(1);
    let share = unit::percent(as_number(all) / as_number(runs));
    let failed = unit::exact(all);
    let (most, of) = (unit::exact(worst.errors), name(worst));
    Some(lang.pick(
        format!("{failed} runs failed or were cut off ({share}), {most} of them: {of}"),
        format!("실패하거나 중단된 실행 {failed}회 ({share}), 그중 {most}회: {of}"),
    ))
}

fn nothing(digest: &Digest, lang: Lang) -> String {
    let source = &digest.source;
    if source.outside > 0 {
        let runs = runs(source.outside, lang);
        return lang.pick(
            format!("No statement was found between --since and --until; {runs} lie outside."),
            format!("--since와 --until 사이에 문장이 없음. 그 밖에 {runs}이 있음."),
        );
    }
    let errors: u64 = digest.errors.iter().map(|family| family.count).sum();
    if errors > 0 {
        let errors = counted(errors, ("error", "errors"), "건의 오류", lang);
        return lang.pick(
            format!("No statement was found, but {errors}."),
            format!("문장은 없고 {errors}가 있음."),
        );
    }
    lang.pick("No statement was found.", "문장이 없음.")
        .to_owned()
}

/// Statements at once over time, by what they do.
pub(super) fn chart(digest: &Digest, style: &Style) -> Option<Chart> {
    let load = digest.source.load.as_ref()?;
    let steps = load.span();
    let most = load.steps.iter().map(LoadStep::total);
    let most = most.fold(0.0, f64::max) / load.seconds();
    if steps < MIN_STEPS || most < LEAST {
        return None;
    }
    let lang = style.lang;
    let first = load.steps.first()?.at;
    let of = |part: fn(&LoadStep) -> Seconds| {
        let mut values = vec![Some(0.0); usize::try_from(steps).ok()?];
        for step in &load.steps {
            let index = step.at.since(first).as_secs_f64() / load.seconds();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index of a step"
            )]
            if let Some(value) = values.get_mut(index.round() as usize) {
                *value = Some(part(step).0.as_secs_f64() / load.seconds());
            }
        }
        values.iter().any(|v| *v > Some(0.0)).then_some(values)
    };
    let named = [
        (lang.pick("reads", "읽기"), of(|s| s.read_s)),
        (lang.pick("writes", "쓰기"), of(|s| s.write_s)),
        (lang.pick("other", "기타"), of(|s| s.other_s)),
    ];
    let series = named.into_iter().filter_map(|(name, values)| {
        let name = name.to_owned();
        values.map(|values| Series { name, values })
    });
    Some(Chart {
        title: lang.pick("Load over time", "시간에 따른 부하").to_owned(),
        description: period(digest, style).unwrap_or_default(),
        kind: Kind::Stacked,
        unit: Unit::Ratio,
        axis: lang
            .pick(
                "statements at once: run time spent in a step, by its length",
                "동시 실행 수: 구간 안에서 쓴 실행 시간 / 구간 길이",
            )
            .to_owned(),
        from: first,
        step: load.step_s.0,
        series: series.collect(),
        band: None,
        marks: Vec::new(),
        zone: style.zone.clone(),
    })
}
