//! The closed vocabularies in both languages: severities, states, roles, names of measures.
//!
//! A measure or role that is not listed is shown by its own name with spaces, so that a new detector needs no
//! change here.

use crate::model::finding::{Safety, Severity};
use crate::model::incident::IncidentState;
use crate::report::Lang;

/// How bad, as a word.
pub fn severity(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::Info => lang.pick("info", "참고"),
        Severity::Warning => lang.pick("warning", "주의"),
        Severity::Critical => lang.pick("critical", "심각"),
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

/// Whether a remedy keeps the meaning, as a phrase.
pub fn safety(safety: Safety, lang: Lang) -> &'static str {
    match safety {
        Safety::Safe => lang.pick("results stay the same", "결과는 그대로임"),
        Safety::NeedsReview => lang.pick("needs review", "검토 필요"),
    }
}

/// The phrase of a remedy: a known phrase id in the reader's language, else the text as it is.
pub fn remedy(why: &str, lang: Lang) -> String {
    translate(REMEDIES, why, lang).map_or_else(|| spaced(why), str::to_owned)
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
    translate(BASES, &spaced(basis), lang).map_or_else(|| spaced(basis), str::to_owned)
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

const MEASURES: &[Entry] = &[
    (
        "rows_examined_per_row_sent",
        "rows read per row sent",
        "보낸 행 하나당 읽은 행",
    ),
    (
        "rows_examined_per_run",
        "rows read per run",
        "실행당 읽은 행",
    ),
    ("rows_examined", "rows read", "읽은 행"),
    ("rows_returned", "rows sent", "보낸 행"),
    ("rows_sent", "rows sent", "보낸 행"),
    ("rows_affected", "rows written", "쓴 행"),
    (
        "rows_affected_per_run",
        "rows written per run",
        "실행당 쓴 행",
    ),
    ("table_rows", "rows of the table", "테이블의 행"),
    ("count", "runs", "실행 횟수"),
    ("runs", "runs", "실행 횟수"),
    ("errors", "failed runs", "실패한 실행"),
    ("cancelled", "runs that were cut", "중단된 실행"),
    ("timeout_seconds", "runs are cut at", "실행이 중단되는 시점"),
    ("full_scans", "full scans", "전체 스캔"),
    ("load_share", "share of the load", "부하 비중"),
    ("share", "share of the load", "부하 비중"),
    ("time_share", "share of the run time", "실행 시간 비중"),
    (
        "seconds_per_second",
        "run time per second",
        "초당 실행 시간",
    ),
    ("mean_seconds", "mean run time", "평균 실행 시간"),
    ("p50", "median run time", "실행 시간 중앙값"),
    ("p50_seconds", "median run time", "실행 시간 중앙값"),
    ("p95", "95th percentile of the run time", "실행 시간 p95"),
    (
        "p95_seconds",
        "95th percentile of the run time",
        "실행 시간 p95",
    ),
    (
        "p99_seconds",
        "99th percentile of the run time",
        "실행 시간 p99",
    ),
    ("max_seconds", "longest run", "가장 긴 실행"),
    ("lock_seconds", "time waiting for locks", "잠금 대기 시간"),
    ("temp_bytes", "temporary files", "임시 파일"),
    (
        "temp_bytes_per_run",
        "temporary files per run",
        "실행당 임시 파일",
    ),
    ("merge_passes", "merge passes", "병합 패스"),
    (
        "tmp_tables_on_disk",
        "temporary tables on disk",
        "디스크 임시 테이블",
    ),
    ("filesorts_on_disk", "sorts on disk", "디스크 정렬"),
    ("union_branches", "branches of the UNION", "UNION 가지 수"),
    ("confidence", "confidence", "신뢰도"),
];

const ROLES: &[Entry] = &[
    ("table", "table", "테이블"),
    ("tables", "tables", "테이블"),
    ("column", "column", "열"),
    ("columns", "columns", "열"),
    ("missing_where", "no condition", "조건 없음"),
    ("union", "set operation", "집합 연산"),
    ("order_by", "sort", "정렬"),
    ("predicate", "condition", "조건"),
    ("index", "index", "인덱스"),
    ("before", "before", "이전"),
    ("after", "after", "이후"),
    ("blocker", "blocker", "잠금 보유자"),
    ("coverage", "log coverage", "로그 범위"),
    ("caveat", "caveat", "유의"),
];

const BASES: &[Entry] = &[
    ("previous hour", "previous hour", "직전 1시간"),
    (
        "same hour",
        "same hour of earlier days",
        "이전 날들의 같은 시간",
    ),
    (
        "same hour of earlier days",
        "same hour of earlier days",
        "이전 날들의 같은 시간",
    ),
    (
        "before deploy",
        "before the last deploy",
        "마지막 배포 이전",
    ),
    ("before", "before", "이전"),
];

const REMEDIES: &[Entry] = &[
    (
        "add_index",
        "An index that serves these conditions.",
        "이 조건을 처리하는 인덱스.",
    ),
    (
        "add_where",
        "A condition, or batches with a limit.",
        "조건을 넣거나, 한도를 두어 나누어 실행.",
    ),
    (
        "union_all",
        "UNION ALL keeps duplicates and needs no temporary table.",
        "UNION ALL은 중복을 남기고 임시 테이블이 필요 없음.",
    ),
    (
        "raise_sort_memory",
        "More memory for this sort, for this session only.",
        "이 세션에서만 이 정렬의 메모리를 늘림.",
    ),
    (
        "analyze_table",
        "Fresh statistics for the planner.",
        "플래너를 위한 통계 갱신.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_shown_with_spaces() {
        assert_eq!(measure("wal_bytes", Lang::Ko), "wal bytes");
        assert_eq!(remedy("Run a_b at night.", Lang::En), "Run a_b at night.");
    }

    #[test]
    fn a_known_name_is_translated() {
        assert_eq!(measure("rows_examined", Lang::Ko), "읽은 행");
        assert_eq!(basis("previous_hour", Lang::Ko), "직전 1시간");
    }

    #[test]
    fn no_phrase_id_stands_twice() {
        for entries in [MEASURES, ROLES, BASES, REMEDIES] {
            let mut ids: Vec<_> = entries.iter().map(|(id, ..)| id).collect();
            ids.sort_unstable();
            let all = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), all);
        }
    }
}
