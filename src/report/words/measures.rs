//! Numbers that detectors give as evidence, and what they are compared with.

use super::Entry;

/// Names of measures and trends.
pub(super) const MEASURES: &[Entry] = &[
    ("runs_per_request", "runs per request", "요청당 실행 횟수"),
    (
        "share_of_request",
        "share of the time that a request waits for",
        "요청 대기 시간에서 차지하는 비율",
    ),
    (
        "saving_per_request",
        "time that one statement would save per request",
        "한 문장으로 바꿀 때 요청당 줄어드는 시간",
    ),
    (
        "distinct_values",
        "runs with values of their own",
        "서로 다른 값으로 실행된 비율",
    ),
    (
        "requests_with_parallel_runs",
        "requests in which the runs overlap",
        "실행이 겹치는 요청의 비율",
    ),
    (
        "runs_in_the_log",
        "the same runs in the server's log",
        "서버 로그에 남은 같은 실행",
    ),
    (
        "rows_examined_in_the_log",
        "rows that these runs read, by the server's log",
        "서버 로그에 따른 그 실행들이 읽은 행",
    ),
    (
        "lock_time_in_the_log",
        "time that these runs waited for locks, by the server's log",
        "서버 로그에 따른 그 실행들의 잠금 대기 시간",
    ),
    ("requests_seen", "requests that show it", "나타난 요청 수"),
    (
        "logged_share_of_batch",
        "statements of batches that the log shows by themselves",
        "로그에 따로 남은 배치 문장의 비율",
    ),
    (
        "statements_per_batch",
        "statements per batch",
        "배치당 문장 수",
    ),
    (
        "wait_per_request",
        "time waited per request",
        "요청당 대기 시간",
    ),
    ("time_of_a_call", "time of a call", "호출당 시간"),
    (
        "database_share_of_requests",
        "share of the requests' time in the database",
        "요청 시간 중 데이터베이스 비율",
    ),
    ("failed_calls", "calls that failed", "실패한 호출 비율"),
    (
        "holder_share_of_run_time",
        "its share of the run time of all statements of the service",
        "서비스 전체 문장 실행 시간에서 차지하는 비율",
    ),
    (
        "repeated_requests",
        "requests that came again",
        "다시 들어온 요청",
    ),
    (
        "repeated_share",
        "share of the requests that came again",
        "다시 들어온 요청의 비율",
    ),
    ("callers", "callers", "호출자"),
    (
        "shortest_gap",
        "shortest time between the two",
        "두 요청 사이의 최단 시간",
    ),
    (
        "longest_gap",
        "longest time between the two",
        "두 요청 사이의 최장 시간",
    ),
    (
        "repeats_with_the_same_values",
        "repeats that wrote the same values",
        "같은 값을 다시 쓴 요청",
    ),
    (
        "time_vs_known_statement",
        "time of a run, times that of the known statement",
        "실행 시간, 기존 문장의 배수",
    ),
    ("time_of_a_run", "time of a run", "실행당 시간"),
    (
        "requests_that_knew_it",
        "requests that ran the known statement before",
        "이전에 기존 문장을 실행한 요청",
    ),
    (
        "repeats_per_request",
        "runs with the same values per request",
        "요청당 같은 값의 실행 횟수",
    ),
    ("crashes", "crashes", "비정상 종료"),
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
    (
        "rows_growth",
        "rows read per run, times those of the first day",
        "실행당 읽은 행, 첫날의 배수",
    ),
    (
        "rows_growth_per_day",
        "more rows read per run each day",
        "실행당 읽는 행의 하루 증가량",
    ),
    (
        "growth_seen_for",
        "time over which it grew",
        "증가가 관찰된 기간",
    ),
    (
        "slow_in",
        "time until the median run is slow",
        "중앙값 실행이 느려지기까지 남은 시간",
    ),
    (
        "slow_from",
        "run time that counts as slow",
        "느린 것으로 보는 실행 시간",
    ),
    (
        "rows_skipped_per_run",
        "rows skipped per run",
        "실행당 건너뛴 행",
    ),
    (
        "runs_far_behind",
        "runs that ask for a page far behind",
        "먼 뒤쪽 페이지를 요청한 실행",
    ),
    (
        "rows_examined_at_most",
        "most rows read by one run",
        "실행 하나가 읽은 최대 행",
    ),
    (
        "rows_examined_at_p95",
        "rows read per run, 95th percentile",
        "실행당 읽은 행, 95번째 백분위",
    ),
    (
        "bytes_sent_per_row",
        "bytes sent per row",
        "행당 보낸 바이트",
    ),
    (
        "bytes_sent_per_run",
        "bytes sent per run",
        "실행당 보낸 바이트",
    ),
    (
        "count_time_vs_page_time",
        "time of the count, times that of the page",
        "개수를 세는 시간, 페이지 조회 시간의 배수",
    ),
    (
        "pages_per_count",
        "page queries per count",
        "개수 조회 하나당 페이지 조회",
    ),
    (
        "repeated_share_of_time",
        "share of its run time spent on repeated values",
        "같은 값으로 반복한 실행 시간의 비중",
    ),
    (
        "writes_per_read",
        "writes to its tables per read",
        "읽기 하나당 테이블 쓰기",
    ),
    ("rows_sent_per_run", "rows sent per run", "실행당 보낸 행"),
    (
        "rows_changed_per_run",
        "rows changed per run",
        "실행당 변경한 행",
    ),
    ("rows_of_table", "rows of the table", "테이블의 행 수"),
    (
        "rows_examined_vs_before",
        "rows read per run, times those of before",
        "실행당 읽은 행, 이전의 배수",
    ),
    (
        "rows_examined_vs_other_parameters",
        "rows read with the worst parameters, times the usual",
        "최악의 매개변수로 읽은 행, 보통의 배수",
    ),
    (
        "worst_parameters_vs_median",
        "run time with the worst parameters, times the median",
        "최악의 매개변수의 실행 시간, 중앙값의 배수",
    ),
    (
        "seconds_of_worst_parameters",
        "run time with the worst parameters",
        "최악의 매개변수의 실행 시간",
    ),
    ("confidence", "confidence", "신뢰도"),
    ("median_seconds", "median run time", "실행 시간 중앙값"),
    ("median_run_time", "median run time", "실행 시간 중앙값"),
    ("run_time", "run time", "실행 시간"),
    ("runs_per_second", "runs per second", "초당 실행 횟수"),
    (
        "share_of_database_time",
        "share of all run time",
        "전체 실행 시간 중 비중",
    ),
    (
        "table_share_of_database_time",
        "share of all run time spent on the table",
        "전체 실행 시간 중 이 테이블의 비중",
    ),
    (
        "full_scan_share_of_runs",
        "runs that scan a whole table",
        "테이블 전체를 스캔한 실행의 비율",
    ),
    (
        "spilled_share_of_runs",
        "runs that sort on disk",
        "디스크에서 정렬한 실행의 비율",
    ),
    (
        "tmp_table_on_disk_share_of_runs",
        "runs with a temporary table on disk",
        "디스크 임시 테이블을 쓴 실행의 비율",
    ),
    (
        "merge_passes_per_run",
        "merge passes per run",
        "실행당 병합 패스",
    ),
    (
        "temp_bytes_per_run",
        "temporary files per run",
        "실행당 임시 파일",
    ),
    (
        "branch_share_of_rows",
        "rows read by the largest branch",
        "가장 큰 분기가 읽은 행의 비율",
    ),
    (
        "errors_within_a_minute",
        "errors within a minute",
        "1분 동안의 오류",
    ),
    ("errors", "errors", "오류 수"),
    (
        "deadlocks_per_hour",
        "deadlocks per hour",
        "시간당 교착 상태",
    ),
    ("waits_for_locks", "waits for locks", "잠금 대기 횟수"),
    (
        "seconds_waited",
        "time spent waiting for locks",
        "잠금 대기 시간",
    ),
    (
        "refusals_within_a_minute",
        "refused or broken connections within a minute",
        "1분 동안 거부되거나 끊긴 연결",
    ),
    (
        "load_vs_before",
        "load, times that of before",
        "부하, 이전의 배수",
    ),
    ("errors_per_second", "errors per second", "초당 오류"),
    (
        "failing_share_of_runs",
        "share of the runs that fail",
        "실패한 실행의 비율",
    ),
    ("cut_runs", "runs that were cut off", "중단된 실행"),
    (
        "cut_share_of_runs",
        "share of runs that were cut off",
        "중단된 실행의 비율",
    ),
    (
        "spread_of_cut_runs",
        "spread of the times at which runs were cut off",
        "중단 시점의 편차",
    ),
    ("limit", "runs are cut off at", "실행이 중단되는 시점"),
    (
        "lock_share_of_time",
        "share of the run time spent waiting for locks",
        "실행 시간 중 잠금 대기 비중",
    ),
];

/// What the number before a trend stands for.
pub(super) const BASES: &[Entry] = &[
    (
        "quietest half hour before",
        "the quietest half hour before",
        "직전의 가장 조용한 30분",
    ),
    ("first day seen", "the first day seen", "처음 관찰된 날"),
    ("previous hour", "the hour before", "직전 1시간"),
    ("earlier in the log", "earlier in the log", "로그의 앞부분"),
    (
        "same hour of earlier days",
        "the same hour of earlier days",
        "이전 날들의 같은 시간",
    ),
    (
        "before the last deploy",
        "before the last deploy",
        "마지막 배포 이전",
    ),
];
