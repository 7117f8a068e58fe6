//! Parts that a statement, a clause or another finding plays.

use super::Entry;

/// Roles of clauses and statements, each read before what it names.
pub(super) const ROLES: &[Entry] = &[
    ("table", "table", "테이블"),
    ("operation", "operation", "작업"),
    ("peer", "waits for", "대기 대상"),
    ("peer_system", "asked by", "호출 방식"),
    ("pool", "pool", "커넥션 풀"),
    (
        "connection_holder",
        "held the connections for longest",
        "연결을 가장 오래 잡은 문장",
    ),
    ("known_statement", "what it ran before", "기존 문장"),
    (
        "missing_condition",
        "condition missing on",
        "빠진 조건의 열",
    ),
    (
        "loop_source",
        "read right before the loop",
        "반복 직전의 조회",
    ),
    (
        "unserved",
        "columns that no index serves",
        "인덱스가 없는 열",
    ),
    (
        "serves_in_part",
        "index that serves a part of it",
        "일부만 지원하는 인덱스",
    ),
    ("knowledge", "known from", "근거"),
    (
        "on_that_table",
        "costliest statement on that table",
        "그 테이블에서 가장 비싼 문장",
    ),
    ("missing_where", "no condition in", "조건 없는 문장"),
    ("hidden_column", "column hidden in", "열이 감싸인 식"),
    ("use_instead", "use instead", "대신 쓸 조건"),
    (
        "converted_column",
        "column converted in every row",
        "행마다 형 변환되는 열",
    ),
    ("compared_with", "compared with", "비교 대상"),
    (
        "index_not_used",
        "index that it keeps unused",
        "쓰이지 못하는 인덱스",
    ),
    ("select_list", "select list", "선택 목록"),
    ("history_of", "history of", "이력의 기준 열"),
    (
        "slow_by",
        "slow by (80 % range, if it goes on)",
        "이대로면 느려지는 날 (80 % 구간):",
    ),
    ("page_query", "page query", "페이지 조회"),
    (
        "in_the_deadlock",
        "one of the statements that met",
        "교착 상태에 참여한 쿼리",
    ),
    ("waits_for", "waits for", "대기 대상:"),
    (
        "holds_the_lock",
        "statement that holds the lock",
        "잠금을 쥔 쿼리",
    ),
    ("client_host", "client", "클라이언트"),
    (
        "joined_with_the_log_by",
        "joined with the log by",
        "로그와 연결한 근거:",
    ),
    ("alias", "alias", "별칭"),
    (
        "alias_stands_for",
        "the alias stands for",
        "별칭이 가리키는 식:",
    ),
    ("error_code", "error code", "오류 코드"),
    ("message", "message", "메시지"),
    ("parameters", "parameter set", "매개변수 묶음"),
    ("since", "since", "시작 시각"),
    ("set_operation", "set operation", "집합 연산"),
    ("leads_to", "it can cause", "일으킬 수 있는 문제:"),
    (
        "may_follow_from",
        "it may itself be caused by",
        "다음이 원인일 수 있음:",
    ),
    (
        "does_not_explain",
        "it does not explain",
        "다음을 설명하지 못함:",
    ),
    ("began_before", "it began before", "다음보다 먼저 시작됨:"),
    ("began_after", "it began after", "다음보다 나중에 시작됨:"),
    (
        "order_unknown",
        "it is not clear which began first, it or",
        "선후가 분명하지 않음:",
    ),
];
