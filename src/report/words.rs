//! The closed vocabularies in both languages: severities, states, roles, names of measures.
//!
//! What a detector may emit is listed in the tables below, and a test demands it; a name that an older store holds
//! and nobody emits any more is shown with spaces.

mod measures;
mod remedies;
mod roles;
mod trace_remedies;

use crate::model::error::ErrorClass;
use crate::model::finding::{Safety, Severity};
use crate::model::incident::IncidentState;
use crate::report::{Lang, sentence, unit};
use crate::store::view::GapReason;

use measures::{BASES, MEASURES};
use remedies::REMEDIES;
use roles::ROLES;
use trace_remedies::TRACE_REMEDIES;

/// From here on nothing of note speaks against a cause: it leads its rivals by far.
const STRONG: f64 = 0.75;
/// From here on more speaks for a cause than against it.
const FAIR: f64 = 0.5;

/// How bad, as a word.
pub fn severity(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::Info => lang.pick("info", "참고"),
        Severity::Warning => lang.pick("warning", "주의"),
        Severity::Critical => lang.pick("critical", "심각"),
    }
}

/// Why something is missing, as a phrase.
pub fn gap(why: GapReason, lang: Lang) -> &'static str {
    match why {
        GapReason::Crash => lang.pick(
            "sqleuth ended without a stop; what it had not stored yet of windows and traces is lost",
            "sqleuth가 정상 종료 없이 끝나, 아직 저장하지 않은 구간 통계와 트레이스를 잃음",
        ),
    }
}

/// Where an incident stands, as a word.
pub fn state(state: IncidentState, lang: Lang) -> &'static str {
    match state {
        IncidentState::Pending => lang.pick("pending", "확인 중"),
        IncidentState::Firing => lang.pick("firing", "발생 중"),
        IncidentState::Recovering => lang.pick("recovering", "회복 중"),
        IncidentState::Resolved => lang.pick("resolved", "해소됨"),
    }
}

/// How much a likely cause can be relied on: 41 % alone tells nobody whether to act on it.
pub fn confidence(confidence: f64, lang: Lang) -> String {
    let evidence = if confidence >= STRONG {
        lang.pick("strong evidence", "근거 강함")
    } else if confidence >= FAIR {
        lang.pick("fair evidence", "근거 보통")
    } else {
        lang.pick(
            "weak evidence, look at the others too",
            "근거 약함, 다른 문제도 확인 필요",
        )
    };
    format!("{evidence}, {}", unit::percent(confidence))
}

/// Whether a remedy keeps the meaning, as a phrase.
pub fn safety(safety: Safety, lang: Lang) -> &'static str {
    match safety {
        Safety::Safe => lang.pick("results stay the same", "결과는 그대로임"),
        Safety::NeedsReview => lang.pick("review before running", "실행 전 검토 필요"),
    }
}

/// What kind of error it is, as a phrase.
pub fn failure(class: ErrorClass, lang: Lang) -> &'static str {
    match class {
        ErrorClass::Schema => lang.pick("statement that cannot run", "실행할 수 없는 문장"),
        ErrorClass::Constraint => lang.pick("constraint violated", "제약 조건 위반"),
        ErrorClass::Access => lang.pick("access refused", "접근 거부"),
        ErrorClass::Timeout => lang.pick("timeout", "시간 초과"),
        ErrorClass::Cancelled => lang.pick("cancelled", "취소됨"),
        ErrorClass::Deadlock => lang.pick("deadlock", "교착 상태"),
        ErrorClass::LockWait => lang.pick("wait for a lock", "잠금 대기"),
        ErrorClass::ConnectionRefused => lang.pick("connection refused", "연결 거부"),
        ErrorClass::ConnectionAborted => lang.pick("connection broken", "연결 끊김"),
        ErrorClass::Resource => lang.pick("out of a resource", "자원 부족"),
        ErrorClass::Crash => lang.pick("server crash", "서버 비정상 종료"),
        ErrorClass::Other => lang.pick("other error", "기타 오류"),
    }
}

/// What a message told, as a word.
pub fn notice(what: &str, lang: Lang) -> String {
    let known = match what {
        "fired" => lang.pick("fired", "발생"),
        "updated" => lang.pick("updated", "갱신"),
        "resolved" => lang.pick("resolved", "해소"),
        other => other,
    };
    known.to_owned()
}

/// What a remedy does, in the reader's language; a sentence that nobody translated stays English.
pub fn remedy(why: &str, lang: Lang) -> String {
    let mut all = REMEDIES.iter().chain(TRACE_REMEDIES);
    let known = all.find(|(english, _)| *english == why);
    let said = known.map_or(why, |(english, korean)| lang.pick(english, korean));
    sentence::capitalise(said)
}

/// The name of a measure or trend in words.
pub fn measure(name: &str, lang: Lang) -> String {
    translate(MEASURES, name, lang).map_or_else(|| spaced(name), str::to_owned)
}

/// The part that a clause or statement plays, in words.
pub fn role(role: &str, lang: Lang) -> String {
    translate(ROLES, role, lang).map_or_else(|| spaced(role), str::to_owned)
}

/// What a trend is compared with, in words.
pub fn basis(basis: &str, lang: Lang) -> String {
    translate(BASES, basis, lang).map_or_else(|| spaced(basis), str::to_owned)
}

/// A phrase id, in English, in Korean.
type Entry = (&'static str, &'static str, &'static str);

fn translate(entries: &'static [Entry], key: &str, lang: Lang) -> Option<&'static str> {
    let (_, english, korean) = entries.iter().find(|(id, ..)| *id == key)?;
    Some(lang.pick(english, korean))
}

/// `rows_examined` as `rows examined`; text that has spaces already stays as it is.
fn spaced(name: &str) -> String {
    if name.contains(' ') {
        return name.to_owned();
    }
    name.replace('_', " ")
}

#[cfg(test)]
mod tests;
