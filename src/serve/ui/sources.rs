//! The logs of the first page: how far each is read, and whether silence means that all is well.

use std::time::Duration;

use crate::ingest::otlp::{logs_id, source_id};
use crate::model::event::Coverage;
use crate::model::id::SourceId;
use crate::model::time::Timestamp;
use crate::report::{Lang, Style, moment, sentence, unit, words};
use crate::serve::Site;
use crate::serve::ui::facts;
use crate::serve::ui::html::{Element, el, of_class};
use crate::serve::ui::table::{self, Align};
use crate::store::view::SourceRow;

/// A log of which bytes wait may be this old; reading catches up with any burst by then.
const LATE: Duration = Duration::from_secs(60);

/// Every log that was ever read or is to be read.
#[derive(Debug)]
pub(super) struct Logs(Vec<Log>);

#[derive(Debug)]
struct Log {
    row: SourceRow,
    /// Bytes that wait in it.
    waiting: u64,
    /// It is read now, as far as that can be told; what is not read any more cannot tell anything.
    is_followed: bool,
    /// It is a log of errors that was found: that it tells nothing is well.
    may_be_silent: bool,
}

/// What can be said of an incident that nobody told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Every log has told something.
    Clear,
    /// No log is read.
    NoLog,
    /// So many of so many logs have told nothing yet.
    Silent { silent: usize, of: usize },
    /// So many of so many logs are told of late.
    Late { late: usize, of: usize },
}

impl Logs {
    pub(super) fn of(rows: &[SourceRow], site: &Site) -> Self {
        let followed = site.followed.as_deref();
        let unread = followed.unwrap_or_default().iter();
        // The ports of OTLP are open by default: beside a log, that nobody sends anything is well.
        let otlp = [source_id(), logs_id()];
        let is_beside = followed.is_some_and(|all| all.iter().any(|id| !otlp.contains(id)));
        let unread = unread
            .filter(|id| !rows.iter().any(|row| row.source == **id))
            .filter(|id| **id != otlp[1] && !(is_beside && **id == otlp[0]))
            .map(|id| (never_read(id), false));
        let read = rows.iter().map(|row| {
            let tells_errors_alone =
                row.source.as_str().starts_with("log:") || row.source == logs_id();
            (row.clone(), tells_errors_alone)
        });
        let logs = read.chain(unread).map(|(row, may_be_silent)| Log {
            may_be_silent,
            waiting: site.metrics.lag_bytes(&row.source),
            is_followed: followed.is_none_or(|all| all.contains(&row.source)),
            row,
        });
        Self(logs.collect())
    }

    /// Whether an incident would be seen.
    pub(super) fn sight(&self, now: Timestamp) -> Sight {
        let count = |is: &dyn Fn(&Log) -> bool| {
            let read = self.0.iter().filter(|log| log.is_followed);
            read.filter(|log| is(log)).count()
        };
        let of = count(&|_| true);
        let silent = count(&|log| log.row.last_seen.is_none() && !log.may_be_silent);
        let late = count(&|log| log.is_late(now));
        if of == 0 {
            Sight::NoLog
        } else if silent > 0 {
            Sight::Silent { silent, of }
        } else if late > 0 {
            Sight::Late { late, of }
        } else {
            Sight::Clear
        }
    }

    pub(super) fn table(&self, now: Timestamp, style: &Style) -> Element {
        let lang = style.lang;
        let caption = lang.pick("Sources", "로그");
        let section = el("section").child(el("h2").child(caption));
        if self.0.is_empty() {
            return section.child(of_class("p", "quiet").child(lang.pick(
                "Nothing is read yet: name a slow log under [[slow_log]] in the configuration.",
                "아직 읽는 로그가 없습니다. 설정의 [[slow_log]]에 로그를 지정하세요.",
            )));
        }
        let columns = [
            (lang.pick("Source", "로그"), Align::Left),
            (lang.pick("Shows", "보이는 범위"), Align::Left),
            (lang.pick("Read up to", "읽은 시점"), Align::Left),
            (lang.pick("State", "상태"), Align::Right),
        ];
        let lines = self.0.iter().map(|log| log.line(now, style)).collect();
        section.child(table::table(caption, &columns, lines))
    }
}

fn never_read(source: &SourceId) -> SourceRow {
    SourceRow {
        source: source.clone(),
        last_seen: None,
        offset: 0,
        coverage: Coverage::default(),
        gaps: Vec::new(),
    }
}

impl Log {
    fn is_late(&self, now: Timestamp) -> bool {
        let is_old = self.row.last_seen.is_some_and(|at| now.since(at) > LATE);
        is_old && self.waiting > 0
    }

    /// How much of the load it shows, and how far it is read.
    fn line(&self, now: Timestamp, style: &Style) -> Element {
        let lang = style.lang;
        // A window that is still open ends in the future.
        let read_to = self.row.last_seen.map(|at| at.min(now));
        let at = match read_to {
            Some(at) => facts::instant(at, style),
            None if self.may_be_silent => {
                of_class("span", "quiet").child(lang.pick("no error yet", "아직 오류 없음"))
            }
            None => {
                of_class("span", "quiet").child(lang.pick("no statement yet", "아직 문장 없음"))
            }
        };
        let state = read_to.map_or_else(
            || "–".to_owned(),
            |at| self.state(&unit::duration(now.since(at)), now, lang),
        );
        let mut name = el("td").child(el("code").child(self.row.source.as_str()));
        // the others are in the API
        if let Some(gap) = self.row.gaps.first() {
            let (from, to) = moment::range(gap.over.from, gap.over.to, &style.zone);
            let why = words::gap(gap.why, lang);
            let told = lang.pick(
                format!("Incomplete {from} to {to}: {why}"),
                format!("{from} ~ {to} 불완전: {why}"),
            );
            name = name.child(of_class("div", "quiet").child(told));
        }
        el("tr")
            .child(name)
            .child(el("td").child(sentence::coverage(&self.row.coverage, lang)))
            .child(of_class("td", "when").child(at))
            .child(table::number(state))
    }

    /// A log in which nothing waits is idle, not behind.
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    fn state(&self, age: &str, now: Timestamp, lang: Lang) -> String {
        if self.is_late(now) {
            let bytes = unit::bytes(self.waiting as f64);
            return lang.pick(
                format!("{age}, {bytes} behind"),
                format!("{age}, {bytes} 지연"),
            );
        }
        lang.pick(
            format!("last statement {age} ago"),
            format!("마지막 문장 {age} 전"),
        )
    }
}

impl Sight {
    /// Why an incident may be there unseen; `None` when it would be seen.
    pub(super) fn doubt(self, lang: Lang) -> Option<String> {
        match self {
            Self::Clear => None,
            Self::NoLog => Some(lang.pick(
                "No log is read, so none would be seen: name one under [[slow_log]] in the configuration.".to_owned(),
                "읽는 로그가 없어 장애가 있어도 보이지 않습니다. 설정의 [[slow_log]]에 로그를 지정하세요.".to_owned(),
            )),
            Self::Silent { silent, of } => Some(lang.pick(
                format!("{silent} of {} told nothing yet: what happens there is not seen.", have(of)),
                format!("로그 {of}개 중 {silent}개에서 아직 읽은 문장이 없습니다. 그 로그의 장애는 보이지 않습니다."),
            )),
            Self::Late { late, of } => Some(lang.pick(
                format!("{late} of {} not been read to the end yet: what happens there now is not seen.", have(of)),
                format!("로그 {of}개 중 {late}개를 아직 끝까지 읽지 못했습니다. 그 로그의 지금 상황은 보이지 않습니다."),
            )),
        }
    }
}

/// `1 log has`, `3 logs have`.
fn have(logs: usize) -> String {
    match logs {
        1 => "1 log has".to_owned(),
        many => format!("{many} logs have"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix_secs(10_000)
    }

    fn logs(age_seconds: u64, waiting: u64) -> Logs {
        let last_seen = Some(now().minus(Duration::from_secs(age_seconds)));
        Logs(vec![Log {
            row: SourceRow {
                last_seen,
                ..never_read(&SourceId::new("slow_log:/slow.log"))
            },
            waiting,
            is_followed: true,
            may_be_silent: false,
        }])
    }

    #[test]
    fn a_log_of_errors_without_an_error_is_well_and_one_that_was_not_found_is_not() {
        let mut logs = logs(5, 0);
        logs.0[0].row.last_seen = None;
        assert_eq!(logs.sight(now()), Sight::Silent { silent: 1, of: 1 });
        logs.0[0].may_be_silent = true;
        assert_eq!(logs.sight(now()), Sight::Clear);
    }

    #[test]
    fn an_idle_log_is_not_late_and_a_burst_is_not_either() {
        for (age_seconds, waiting) in [(7_200, 0), (5, 4_096)] {
            assert_eq!(logs(age_seconds, waiting).sight(now()), Sight::Clear);
            assert!(!logs(age_seconds, waiting).0[0].is_late(now()));
        }
    }

    #[test]
    fn old_statements_while_bytes_wait_are_late() {
        let logs = logs(7_200, 4_096);
        assert_eq!(logs.sight(now()), Sight::Late { late: 1, of: 1 });
        let doubt = logs.sight(now()).doubt(Lang::En).unwrap();
        assert!(doubt.starts_with("1 of 1 log has not been read to the end yet"));
        let state = logs.0[0].state("2 h", now(), Lang::En);
        assert_eq!(state, "2 h, 4 KiB behind");
    }
}
