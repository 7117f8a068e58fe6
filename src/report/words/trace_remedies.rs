//! What remedies of problems do that traces show. Detectors write English, which is the key here.

/// In English, in Korean.
pub(super) const TRACE_REMEDIES: &[(&str, &str)] = &[
    (
        "read them with their parents: JOIN FETCH or an entity graph, or hibernate.default_batch_fetch_size for all lazy associations",
        "상위 행과 함께 읽을 것: JOIN FETCH나 엔티티 그래프, 또는 모든 지연 로딩에 hibernate.default_batch_fetch_size 설정",
    ),
    (
        "read them with their parents: selectinload or joinedload of SQLAlchemy, prefetch_related or select_related of Django",
        "상위 행과 함께 읽을 것: SQLAlchemy의 selectinload나 joinedload, Django의 prefetch_related나 select_related",
    ),
    (
        "read them with one IN list: relations or a join of TypeORM, include of Prisma and Sequelize, a DataLoader for resolvers of GraphQL",
        "IN 목록 하나로 읽을 것: TypeORM의 relations나 조인, Prisma와 Sequelize의 include, GraphQL 리졸버에는 DataLoader",
    ),
    (
        "read them with their parents: includes or preload of Active Record, and strict_loading to find the next loop in a test",
        "상위 행과 함께 읽을 것: Active Record의 includes나 preload. strict_loading을 켜면 다음 반복을 테스트에서 찾을 수 있음",
    ),
    (
        "read them with their parents: with() of Eloquent, a fetch join of Doctrine",
        "상위 행과 함께 읽을 것: Eloquent의 with(), Doctrine의 fetch join",
    ),
    (
        "read them with their parents: Include() of Entity Framework, or one query with Contains()",
        "상위 행과 함께 읽을 것: Entity Framework의 Include(), 또는 Contains()를 쓴 쿼리 하나",
    ),
    (
        "collect the keys first and read all rows with one statement: WHERE key IN (...), or = ANY($1) in PostgreSQL",
        "키를 먼저 모아 한 문장으로 모두 읽을 것: WHERE key IN (...), PostgreSQL에서는 = ANY($1)",
    ),
    (
        "read all rows with one statement: a join, or WHERE key IN (...) with the keys that the loop runs over",
        "한 문장으로 모두 읽을 것: 조인, 또는 반복 대상 키를 넣은 WHERE key IN (...)",
    ),
    (
        "write them as one JDBC batch, with rewriteBatchedStatements=true in the URL of MySQL Connector/J: without it the driver still sends single statements",
        "JDBC 배치로 저장하고 MySQL Connector/J의 URL에 rewriteBatchedStatements=true를 넣을 것: 없으면 드라이버가 여전히 한 건씩 보냄",
    ),
    (
        "write them as one JDBC batch, with reWriteBatchedInserts=true in the URL of pgJDBC, which makes one INSERT of many",
        "JDBC 배치로 저장하고 pgJDBC의 URL에 reWriteBatchedInserts=true를 넣을 것: 여러 INSERT를 하나로 합침",
    ),
    (
        "write all rows with one statement: INSERT with many VALUES, or SELECT from unnest($1, $2) with an array for each column; COPY for thousands",
        "한 문장으로 모두 저장할 것: VALUES 여러 개의 INSERT, 또는 열마다 배열을 넘기는 unnest($1, $2)의 SELECT. 수천 건이면 COPY",
    ),
    (
        "write all rows with one statement: INSERT with many VALUES, in chunks of some hundred",
        "한 문장으로 모두 저장할 것: VALUES 여러 개의 INSERT를 수백 건씩 나누어 실행",
    ),
    (
        "IDENTITY keys switch the batches of Hibernate off: use a sequence where there is one, else JdbcTemplate.batchUpdate",
        "IDENTITY 키는 Hibernate의 배치를 끔: 시퀀스가 있으면 시퀀스를, 없으면 JdbcTemplate.batchUpdate를 쓸 것",
    ),
    (
        "pass the list to one execute(insert(...), rows) of SQLAlchemy or bulk_create of Django; psycopg2 has execute_values, its executemany sends single statements",
        "목록을 SQLAlchemy의 execute(insert(...), rows) 한 번이나 Django의 bulk_create에 넘길 것. psycopg2는 execute_values를 쓸 것: executemany는 한 건씩 보냄",
    ),
    (
        "pass the list to one insert: createMany of Prisma, insert([...]) of TypeORM and Knex, bulkCreate of Sequelize",
        "목록을 insert 한 번에 넘길 것: Prisma의 createMany, TypeORM과 Knex의 insert([...]), Sequelize의 bulkCreate",
    ),
    (
        "pass the list to insert_all of Active Record, which writes it with one statement",
        "목록을 Active Record의 insert_all에 넘길 것: 한 문장으로 저장함",
    ),
    (
        "pass the list to one insert([...]) of Eloquent, or build one INSERT with many VALUES",
        "목록을 Eloquent의 insert([...]) 한 번에 넘기거나, VALUES 여러 개의 INSERT 하나를 만들 것",
    ),
    (
        "give the call a timeout near its usual time and an answer without it, and ask those who run the other service since when it is slow",
        "호출에 평소 시간에 가까운 타임아웃과 대체 응답을 두고, 그 서비스를 운영하는 쪽에 언제부터 느린지 물을 것",
    ),
    (
        "hold no connection and no transaction of the database while you wait for somebody else",
        "다른 서비스를 기다리는 동안 데이터베이스 연결과 트랜잭션을 잡고 있지 않을 것",
    ),
    (
        "make the statement that holds the connections faster, and give it a statement timeout: a larger pool only moves the queue into the server",
        "연결을 잡고 있는 문장을 빠르게 하고 문장 타임아웃을 둘 것: 풀을 키우면 대기열이 서버로 옮겨질 뿐임",
    ),
    (
        "take a connection late and give it back before you wait for anybody else; watch the pool's use against its size",
        "연결은 늦게 얻고, 다른 것을 기다리기 전에 돌려줄 것. 풀 크기 대비 사용량을 지켜볼 것",
    ),
    (
        "let the form carry a key of its own, and make it unique where the rows are written: then the second one does nothing",
        "폼마다 고유 키를 넣고 저장할 때 유일하게 할 것: 두 번째 요청은 아무 일도 하지 않게 됨",
    ),
    (
        "switch the button off until the answer is there, and show that something happens: see why the first answer takes so long",
        "응답이 올 때까지 버튼을 끄고 진행 중임을 보여 줄 것. 첫 응답이 오래 걸리는 이유도 확인할 것",
    ),
    (
        "refuse to run the statement while the value of its condition is missing: an empty value is not the same as no condition",
        "조건의 값이 없으면 문장을 실행하지 않을 것: 빈 값은 조건이 없는 것과 다름",
    ),
    (
        "look where the value comes from: a replica that lags, a cache that is empty or a lookup that found nothing",
        "값이 어디서 오는지 확인할 것: 지연된 복제본, 비어 있는 캐시, 아무것도 찾지 못한 조회",
    ),
    (
        "read it once per request and hand the answer on, or keep it in the context of the request",
        "요청당 한 번만 읽어 결과를 넘기거나 요청 컨텍스트에 보관할 것",
    ),
];
