//! What remedies do. Detectors write English, which is the key here; a changed sentence needs a changed key.

/// In English, in Korean.
pub(super) const REMEDIES: &[(&str, &str)] = &[
    (
        "find who killed it: the kernel, when memory ran out (its log names the process), or a person; then let all sessions together fit into memory (work_mem or sort_buffer_size times connections), or give the server more",
        "누가 종료했는지 확인할 것: 메모리 부족 시의 커널(커널 로그에 프로세스 이름이 남음) 또는 사람. 그런 다음 모든 세션의 메모리 합(work_mem 또는 sort_buffer_size x 연결 수)이 들어가도록 하거나 메모리를 늘릴 것",
    ),
    (
        "find out why it was not shut down: the logs of the kernel and of the container tell of memory that ran out, of a power cut, or of a stop that did not wait for it",
        "정상 종료되지 않은 이유를 확인할 것: 메모리 부족, 정전, 기다리지 않은 중지는 커널과 컨테이너 로그에 남음",
    ),
    (
        "read the server's log right before it for the assertion or the fault, keep the core file, and update the server and its extensions: repeat the statement on another machine only",
        "직전의 서버 로그에서 assertion이나 오류를 확인하고, 코어 파일을 보관하고, 서버와 확장을 업데이트할 것: 문장 재현은 다른 장비에서만",
    ),
    (
        "candidate index, unverified: built from the statement's conditions alone; check existing indexes, selectivity and write cost first",
        "검증되지 않은 후보 인덱스: 쿼리의 조건만 보고 만들었음. 기존 인덱스, 선택도, 쓰기 비용을 먼저 확인할 것",
    ),
    (
        "no index of the DDL serves these conditions; selectivity and write cost are not known: compare EXPLAIN before and after",
        "이 조건을 지원하는 인덱스가 DDL에 없음. 선택도와 쓰기 비용은 알 수 없으므로 적용 전후의 EXPLAIN을 비교할 것",
    ),
    (
        "the answer needs every row: keep a summary table, or cache the result",
        "모든 행이 있어야 답할 수 있는 쿼리: 요약 테이블을 유지하거나 결과를 캐시할 것",
    ),
    (
        "a column stands inside a function, cast or arithmetic: let it stand alone, so that an index can serve it",
        "열이 함수, 형 변환 또는 산술식 안에 있음: 인덱스를 쓸 수 있도록 열을 단독으로 둘 것",
    ),
    (
        "a pattern that begins with a wildcard needs a full-text or trigram index",
        "와일드카드로 시작하는 패턴에는 전문(full-text) 또는 트라이그램 인덱스가 필요함",
    ),
    (
        "ask for it less often (cache, batch), or make each run cheaper (summary table, index): no other change pays as much",
        "덜 자주 요청하거나(캐시, 묶음 처리) 실행 비용을 줄일 것(요약 테이블, 인덱스): 이보다 효과가 큰 변경은 없음",
    ),
    (
        "relieve the table: cache or summarise what is read from it, move its history elsewhere",
        "테이블의 부담을 줄일 것: 읽는 내용을 캐시하거나 요약하고, 지난 이력은 다른 곳으로 옮길 것",
    ),
    (
        "add the condition that was meant; if every row was meant, work in batches by primary key",
        "의도한 조건을 추가할 것. 모든 행이 대상이라면 기본 키 순으로 나누어 처리할 것",
    ),
    (
        "ask for the rows that are shown: add a condition, or LIMIT with keyset paging",
        "화면에 보이는 행만 요청할 것: 조건을 추가하거나, 키셋 페이징과 LIMIT을 쓸 것",
    ),
    (
        "bound the work per run: keyset paging, or a summary that is kept up to date; and check the plan with the worst parameters, not with the usual ones",
        "실행당 작업량을 제한할 것: 키셋 페이징 또는 항상 갱신되는 요약. 실행 계획은 보통의 매개변수가 아니라 최악의 매개변수로 확인할 것",
    ),
    (
        "let every transaction take its locks in the same order (by table, then by primary key), keep it short, and try a transaction again that was undone",
        "모든 트랜잭션이 같은 순서(테이블, 그다음 기본 키 순)로 잠그게 하고, 짧게 유지하며, 취소된 트랜잭션은 다시 시도할 것",
    ),
    (
        "give each of these statements an index on its condition: without one it locks rows that it does not change",
        "각 쿼리의 조건에 인덱스를 둘 것: 인덱스가 없으면 바꾸지 않는 행까지 잠금",
    ),
    (
        "look for a client that is killed or restarted, an idle timeout that is shorter than that of the pool, and the network in between",
        "강제 종료되거나 재시작되는 클라이언트, 풀보다 짧은 유휴 제한 시간, 그 사이의 네트워크를 확인할 것",
    ),
    (
        "there is more load than before: find the statements that hold the connections (see the other findings) before you raise the limit",
        "이전보다 부하가 큼: 한도를 올리기 전에 연결을 붙잡고 있는 쿼리를 찾을 것(다른 진단 참고)",
    ),
    (
        "there is no more load than before: look for sessions that are open and idle, for a pool that leaks, and for instances that were added",
        "부하는 이전과 같음: 열린 채 쉬고 있는 세션, 연결을 돌려주지 않는 풀, 추가된 인스턴스를 확인할 것",
    ),
    (
        "see who holds the connections: statements that take long, sessions that are open and idle, or more instances than the limit allows for",
        "누가 연결을 붙잡고 있는지 확인할 것: 오래 걸리는 쿼리, 열린 채 쉬고 있는 세션, 또는 한도보다 많은 인스턴스",
    ),
    (
        "write the expression itself in the condition, or wrap the query (SELECT ... FROM (...) AS t WHERE ...), or use HAVING where the expression aggregates",
        "조건에 식 자체를 쓰거나, 쿼리를 감싸거나(SELECT ... FROM (...) AS t WHERE ...), 집계식이면 HAVING을 쓸 것",
    ),
    (
        "compare the statement with the schema of this database: a migration that has not run, or a release that runs beside a newer schema",
        "쿼리를 이 데이터베이스의 스키마와 비교할 것: 실행되지 않은 마이그레이션이거나, 더 새로운 스키마 옆에서 도는 이전 릴리스일 수 있음",
    ),
    (
        "look at what writes this data since the burst began: a retry without an idempotent key, or a value that the new release sends",
        "급증이 시작된 뒤 이 데이터를 쓰는 쪽을 확인할 것: 멱등 키가 없는 재시도, 또는 새 릴리스가 보내는 값",
    ),
    (
        "compare the privileges of this user with what the statement needs, and its password with what the program was given",
        "이 사용자의 권한과 쿼리에 필요한 권한, 그리고 프로그램에 주어진 암호를 비교할 것",
    ),
    (
        "look at the memory and the disk of the server before anything else; a damaged table needs a repair or a restore",
        "다른 무엇보다 먼저 서버의 메모리와 디스크를 확인할 것. 손상된 테이블은 수리하거나 복원해야 함",
    ),
    (
        "look at the first of these errors in the log, and at what was deployed or changed right before it",
        "로그에서 이 오류 중 첫 번째와, 그 직전에 배포되거나 변경된 것을 확인할 것",
    ),
    (
        "compare EXPLAIN with the plan before; check whether an index was dropped; as a last resort pin the index by a hint",
        "EXPLAIN을 이전 실행 계획과 비교하고, 삭제된 인덱스가 있는지 확인할 것. 최후의 수단으로 힌트로 인덱스를 고정할 것",
    ),
    (
        "refreshes the statistics that the optimiser chooses by",
        "옵티마이저가 판단에 쓰는 통계를 갱신함",
    ),
    (
        "it waits for locks: find the transaction that holds them, and make that one shorter",
        "잠금을 기다리고 있음: 잠금을 쥔 트랜잭션을 찾아 짧게 만들 것",
    ),
    (
        "make the statement cheaper (see its other findings); a longer limit only holds the connection longer",
        "쿼리의 비용을 줄일 것(이 쿼리의 다른 진단 참고). 제한 시간을 늘리면 연결만 더 오래 붙잡음",
    ),
    (
        "give the sessions that run it a larger sort_buffer_size than they have now, and no others: each connection may use it",
        "이 쿼리를 실행하는 세션에서만 sort_buffer_size를 지금보다 늘릴 것. 연결마다 쓰일 수 있음",
    ),
    (
        "give the sessions that run it a larger tmp_table_size and max_heap_table_size, and leave TEXT and BLOB columns out of the grouping",
        "이 쿼리를 실행하는 세션에서 tmp_table_size와 max_heap_table_size를 늘리고, TEXT와 BLOB 열은 그룹화에서 뺄 것",
    ),
    (
        "give the sessions that run it more work_mem than they have now, and no others: each sort of each connection may use it",
        "이 쿼리를 실행하는 세션에서만 work_mem을 지금보다 늘릴 것. 연결마다 정렬마다 쓰일 수 있음",
    ),
    (
        "give the sessions that run it more memory for sorts, and no others",
        "이 쿼리를 실행하는 세션에서만 정렬 메모리를 늘릴 것",
    ),
    (
        "use UNION ALL where no row can come from two branches, or where duplicates do no harm",
        "같은 행이 두 분기에서 나올 수 없거나 중복이 문제되지 않으면 UNION ALL을 쓸 것",
    ),
    (
        "push conditions and LIMIT from outside into each branch, and give each branch its index",
        "바깥의 조건과 LIMIT을 각 분기 안으로 옮기고, 분기마다 인덱스를 둘 것",
    ),
    (
        "page by key: remember the sort key of the last row shown and ask for rows behind it, with the primary key as last sort key; an index on the sort keys then reads one page only",
        "키셋 페이징을 쓸 것: 마지막으로 보여 준 행의 정렬 키를 기억해 그 뒤의 행만 요청하고, 기본 키를 마지막 정렬 키로 둘 것. 정렬 키에 인덱스가 있으면 한 페이지만 읽음",
    ),
    (
        "until then limit how far back people and crawlers may page, or skip over the index alone and join the page's rows by primary key",
        "그 전까지는 사람과 크롤러가 넘길 수 있는 페이지 수를 제한하거나, 인덱스만으로 건너뛴 뒤 그 페이지의 행만 기본 키로 조인할 것",
    ),
    (
        "TABLESAMPLE SYSTEM reads random pages of the table instead of all of it",
        "TABLESAMPLE SYSTEM은 테이블 전체 대신 무작위 페이지만 읽음",
    ),
    (
        "choose random keys in the program and fetch those rows, or the first ones behind them, by primary key",
        "프로그램에서 무작위 키를 고르고, 그 행이나 바로 뒤의 행을 기본 키로 가져올 것",
    ),
    (
        "or store a random number with each row, under an index, and begin at a random place; or draw again only every few minutes and cache the result",
        "또는 행마다 난수를 인덱스와 함께 저장해 임의의 지점부터 읽거나, 몇 분에 한 번만 새로 뽑아 결과를 캐시할 것",
    ),
    (
        "name the columns that the list shows, and fetch the large ones by primary key when a row is opened",
        "목록에 보이는 열만 지정하고, 큰 열은 행을 열 때 기본 키로 가져올 것",
    ),
    (
        "where lists need none of it, move the large columns to a table of their own with the same primary key",
        "목록에 전혀 필요 없다면 큰 열을 같은 기본 키를 가진 별도 테이블로 옮길 것",
    ),
    (
        "keep the result up to date where the rows are written (a balance or counter per key, in the same transaction), or per closed month, and add only what came since",
        "행을 쓸 때 같은 트랜잭션에서 키별 잔액이나 카운터를 갱신하거나, 마감된 달까지의 합계에 그 이후만 더할 것",
    ),
    (
        "until then an index that also holds the aggregated column spares the reading of the rows themselves",
        "그 전까지는 집계하는 열까지 담은 인덱스로 행 자체를 읽지 않게 할 것",
    ),
    (
        "search words by a FULLTEXT index (MATCH ... AGAINST, WITH PARSER ngram for parts of words), or let the pattern begin with what is known",
        "단어는 FULLTEXT 인덱스로 검색하거나(MATCH ... AGAINST, 단어 일부는 WITH PARSER ngram), 패턴이 아는 글자로 시작하게 할 것",
    ),
    (
        "a trigram index (pg_trgm) serves patterns that begin with a wildcard or ignore case; for words use full-text search",
        "와일드카드로 시작하거나 대소문자를 무시하는 패턴에는 트라이그램 인덱스(pg_trgm)를, 단어 검색에는 전문 검색을 쓸 것",
    ),
    (
        "compare the column itself with a half-open range of time, so that an index on it serves the condition",
        "열 자체를 반열린 시간 범위와 비교해 그 열의 인덱스를 쓸 수 있게 할 것",
    ),
    (
        "leave the function out where the collation ignores case (all but _cs and _bin do), or index what it makes: ((LOWER(column))) in MySQL 8, an indexed generated column in MariaDB",
        "콜레이션이 대소문자를 구분하지 않으면(_cs와 _bin이 아니면) 함수를 빼고, 아니면 그 결과에 인덱스를 둘 것: MySQL 8은 ((LOWER(column))), MariaDB는 인덱스가 있는 생성 열",
    ),
    (
        "store it in one case and compare the column itself, or index what the function makes of it",
        "한 가지 대소문자로 저장해 열 자체를 비교하거나, 함수의 결과에 인덱스를 둘 것",
    ),
    (
        "compare the column itself and add OR ... IS NULL where NULL is meant; better, make the column NOT NULL with a default",
        "열 자체를 비교하고 NULL도 뜻한다면 OR ... IS NULL을 더할 것. 기본값이 있는 NOT NULL 열로 바꾸면 더 좋음",
    ),
    (
        "give the value the type of the column instead of casting the column to that of the value",
        "열을 값의 형식으로 변환하지 말고 값을 열의 형식에 맞출 것",
    ),
    (
        "a prefix of known length is a LIKE with the wildcard at its end, which an index serves",
        "길이가 정해진 접두사는 와일드카드로 끝나는 LIKE로 쓰면 인덱스를 쓸 수 있음",
    ),
    (
        "a field that is searched for deserves a column: a generated column with an index, or an index on the expression",
        "검색하는 필드는 열로 둘 것: 인덱스가 있는 생성 열, 또는 식에 대한 인덱스",
    ),
    (
        "calculate with the value and leave the column alone on its side of the comparison",
        "계산은 값 쪽에서 하고 비교의 한쪽에는 열만 둘 것",
    ),
    (
        "index what the function makes of the column (an expression index, or an indexed generated column), or store it ready-made",
        "함수의 결과에 인덱스를 두거나(식 인덱스, 인덱스가 있는 생성 열) 결과를 미리 저장할 것",
    ),
    (
        "an index on the expression as it is written serves the condition; check its write cost first",
        "쓰인 그대로의 식에 인덱스를 두면 조건에 쓰임. 쓰기 비용을 먼저 확인할 것",
    ),
    (
        "needed once per database for a trigram index",
        "트라이그램 인덱스를 쓰려면 데이터베이스마다 한 번 필요함",
    ),
    (
        "a trigram index finds parts of words from three letters on; check its size and write cost first",
        "트라이그램 인덱스는 세 글자 이상의 부분 문자열을 찾음. 크기와 쓰기 비용을 먼저 확인할 것",
    ),
    (
        "find the rows by an index: then a run reads what it returns, and not all that the table holds",
        "인덱스로 행을 찾을 것: 그러면 테이블 전체가 아니라 돌려줄 행만 읽음",
    ),
    (
        "bound what one run reads: a time window, a page, or sums that are kept up to date",
        "실행 하나가 읽는 양을 제한할 것: 기간, 페이지, 또는 미리 갱신해 두는 합계",
    ),
    (
        "move rows that nobody asks for any more out of the table: archive them, or drop partitions by age",
        "더는 조회하지 않는 행을 테이블에서 옮길 것: 따로 보관하거나, 오래된 파티션을 지울 것",
    ),
    (
        "fetch one row more than the page shows: it tells whether there is a next page, which is all that most lists need",
        "보여 줄 행보다 하나 더 가져올 것: 다음 페이지가 있는지 알 수 있고, 대부분의 목록은 그것으로 충분함",
    ),
    (
        "where a number must be shown, count once per search and keep it, stop counting at a limit (1,000+), or show the estimate of the planner",
        "숫자를 보여 줘야 한다면 검색마다 한 번만 세어 보관하거나, 한도(1,000+)까지만 세거나, 플래너의 추정치를 보여 줄 것",
    ),
    (
        "keep the answer in the program or in a shared cache for as long as it may be old, and drop it where the tables are written",
        "묵어도 되는 시간만큼 결과를 프로그램이나 공유 캐시에 두고, 테이블에 쓸 때 버릴 것",
    ),
    (
        "a pattern turns every number or date of the column into a string: compare the column with a value or a half-open range instead",
        "패턴과 비교하면 열의 모든 숫자나 날짜가 문자열로 바뀜: 열을 값이나 반열린 구간과 비교할 것",
    ),
    (
        "give the value the type of the column: quote it, or bind it as a string; what differs as text but not as a number (007 and 7) is then told apart",
        "값을 열의 형식에 맞출 것: 따옴표로 감싸거나 문자열로 바인딩할 것. 숫자로는 같지만 문자열로는 다른 값(007과 7)은 이때부터 구별됨",
    ),
    (
        "give the value the type of the column: cast it to that, or bind it as that, so that the column stays as it is",
        "값을 열의 형식으로 변환하거나 그 형식으로 바인딩할 것: 그러면 열은 변환되지 않음",
    ),
    (
        "gives both columns one type, so that neither is converted; it rewrites the table, and drops what is not restated (DEFAULT, COMMENT, UNSIGNED): complete it first",
        "두 열의 형식을 같게 하여 어느 쪽도 변환되지 않게 함. 테이블을 다시 쓰며 다시 적지 않은 속성(DEFAULT, COMMENT, UNSIGNED)은 사라지므로 먼저 보완할 것",
    ),
    (
        "gives both columns one type, so that neither is converted; it rewrites and locks the table: plan it, and look at foreign keys first",
        "두 열의 형식을 같게 하여 어느 쪽도 변환되지 않게 함. 테이블을 다시 쓰고 잠그므로 외래 키를 먼저 확인하고 시점을 정할 것",
    ),
];
