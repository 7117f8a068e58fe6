//! What the logs of programs tell, in pieces of any size.

use jiff::tz::TimeZone;

use super::super::{Kind, parser};
use crate::ingest::slow_log::{Entry, Next, Parser};

/// One entry as a line: time, class, code, statement, message.
fn told(entry: &Entry<'_>) -> String {
    let error = entry.error.as_deref().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let at = entry
        .end
        .map_or_else(|| "-".to_owned(), |at| at.to_string());
    format!(
        "{at} {} {} [{}] {}",
        error.class,
        error.code,
        text(&entry.sql),
        text(error.message.reveal()),
    )
}

fn feed(parser: &mut dyn Parser, log: &[u8], piece: usize, end: Next) -> Vec<String> {
    let mut all = Vec::new();
    let mut buffer = Vec::new();
    let mut tell = |entry: Entry<'_>| all.push(told(&entry));
    for piece in log.chunks(piece) {
        buffer.extend_from_slice(piece);
        let progress = parser.parse(&buffer, Next::More, &mut tell);
        buffer.drain(..progress.consumed);
    }
    parser.parse(&buffer, end, &mut tell);
    all
}

fn application() -> Box<dyn Parser> {
    parser(Kind::Application, &TimeZone::UTC, None)
}

fn read(log: &str) -> Vec<String> {
    let whole = feed(&mut *application(), log.as_bytes(), log.len(), Next::End);
    for piece in [1, 7, 100] {
        let pieces = feed(&mut *application(), log.as_bytes(), piece, Next::End);
        assert_eq!(pieces, whole, "in pieces of {piece}");
    }
    whole
}

/// A log that `tests/system/servers/applications` wrote beside real servers.
fn recorded(name: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/fixtures/logs/applications").join(name);
    let mut text = String::new();
    let mut unpacked = liblzma::read::XzDecoder::new(std::fs::File::open(path).unwrap());
    std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
    text
}

/// Class and code of each error that a log tells.
fn codes(log: &str) -> Vec<String> {
    let code = |line: &String| {
        line.split(' ')
            .skip(1)
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    read(log).iter().map(code).collect()
}

/// What each kind of error comes to in MySQL's numbers, and in SQLSTATEs.
const MYSQL: [&str; 6] = [
    "schema 1054",
    "schema 1146",
    "constraint 1062",
    "constraint 1048",
    "constraint 1406",
    "schema 1064",
];
const POSTGRES: [&str; 7] = [
    "schema 42703",
    "schema 42P01",
    "constraint 23505",
    "constraint 23502",
    "constraint 22001",
    "schema 42601",
    "timeout 57014",
];
const POOL: &str = "connection-refused pool-timeout";

#[test]
fn each_error_of_a_real_program_of_python_is_told_once_however_it_logs() {
    let of_engines = ["schema 1054"; 3].into_iter().chain([POOL]);
    let of_engines = of_engines.chain(["schema 42703"; 3]).chain([POOL]);
    let last = [
        "lock-wait 1205",
        "connection-refused 2003",
        "connection-refused 08001",
        "connection-refused 53300",
        "connection-refused 1040",
        "access 1045",
    ];
    let expected: Vec<&str> = MYSQL
        .into_iter()
        .chain(POSTGRES)
        .chain(of_engines)
        .chain(last)
        .collect();
    for style in ["text", "json", "bare"] {
        let log = recorded(&format!("python-{style}.log.xz"));
        assert_eq!(codes(&log), expected, "{style}");
        let told = read(&log).join("\n");
        let statement = "[SELECT id, amount * 2 AS total\nFROM orders\nWHERE total > %(x)s\n  AND holder = 'kanarie]']";
        assert_eq!(told.matches(statement).count(), 2, "{style}: {told}");
        assert_eq!(
            told.matches("kanarie").count(),
            3,
            "a value stands in the statements and is a user: {told}"
        );
    }
}

#[test]
fn each_error_of_a_real_program_of_java_is_told_once() {
    let last = [
        "connection-refused 08001",
        "connection-refused 08001",
        "access 1045",
        "connection-refused 1040",
        "connection-refused 53300",
        "schema 1054",
        "schema 42703",
    ];
    let expected: Vec<&str> = MYSQL.into_iter().chain(POSTGRES).chain(last).collect();
    assert_eq!(codes(&recorded("java.log.xz")), expected);
}

#[test]
fn each_error_of_a_real_program_of_node_is_told_once_however_it_logs() {
    let of_mysql = MYSQL.into_iter().flat_map(|code| [code, code]);
    // `connect ECONNREFUSED` of a plain socket may be that of any service: it is not told
    let last_of_mysql = ["lock-wait 1205", "access 1045"];
    let all = of_mysql.chain(last_of_mysql).chain(POSTGRES).chain([POOL]);
    let expected: Vec<&str> = all.collect();
    for style in ["text", "json"] {
        let log = recorded(&format!("node-{style}.log.xz"));
        assert_eq!(codes(&log), expected, "{style}: {:#?}", read(&log));
    }
}

#[test]
fn codes_of_prisma_are_of_the_kind_of_their_cause() {
    let record = |code: &str, said: &str| {
        format!(
            "2026-11-22T04:00:00.000Z ERROR failed PrismaClientKnownRequestError: \n\
             Invalid `prisma.order.create()` invocation:\n\n\n{said}\n    at Zn.handleRequestError (/srv/shop/index.js:1:1) {{\n  \
             code: '{code}',\n  clientVersion: '5.22.0',\n  meta: {{ modelName: 'Order', target: [ 'id' ] }}\n}}\n"
        )
    };
    let log = [
        record("P2002", "Unique constraint failed on the fields: (`id`)"),
        record(
            "P2024",
            "Timed out fetching a new connection from the connection pool.",
        ),
        record(
            "P2034",
            "Transaction failed due to a write conflict or a deadlock. Please retry your transaction",
        ),
        record(
            "P2022",
            "The column `Order.note` does not exist in the current database.",
        ),
    ];
    let expected = ["constraint P2002", POOL, "deadlock P2034", "schema P2022"];
    assert_eq!(codes(&log.concat()), expected);
}

const SPRING: &str = "\
2026-11-22 04:00:00.123 ERROR 17 --- [nio-8080-exec-1] o.a.c.c.C.[.[.[/].[dispatcherServlet] : Servlet.service() threw exception [Request processing failed; nested exception is org.springframework.jdbc.BadSqlGrammarException: PreparedStatementCallback; bad SQL grammar [SELECT id FROM orders WHERE note = ?]; nested exception is java.sql.SQLSyntaxErrorException: Unknown column 'note' in 'where clause'] with root cause

java.sql.SQLSyntaxErrorException: Unknown column 'note' in 'where clause'
\tat com.mysql.cj.jdbc.exceptions.SQLError.createSQLException(SQLError.java:121) ~[mysql-connector-j-8.0.33.jar!/:8.0.33]
\tat com.shop.Orders.load(Orders.java:7)
2026-11-22 04:00:01.000  INFO 17 --- [main] com.shop.Main : ready
";

#[test]
fn a_stack_trace_of_java_is_one_error_with_its_code_and_statement() {
    let expected = [
        "2026-11-22T04:00:00.123Z schema 1054 [SELECT id FROM orders WHERE note = ?] Unknown column 'note' in 'where clause'",
    ];
    assert_eq!(read(SPRING), expected);
}

#[test]
fn a_line_that_tells_of_no_error_is_done_with_at_once() {
    let mut parser = application();
    let log = "2026-11-22 04:00:00 INFO ready\nGET /orders 200\n".repeat(100);
    let progress = parser.parse(log.as_bytes(), Next::More, &mut |_| panic!("no error"));
    assert_eq!((progress.consumed, progress.held), (log.len(), 0));
}

#[test]
fn errors_that_are_not_the_databases_are_skipped_without_a_word() {
    let log = "\
2026-11-22 04:00:00 ERROR cannot render
java.lang.NullPointerException: column Alice does not exist
\tat com.shop.Orders.load(Orders.java:7)
2026-11-22 04:00:01 WARN zip code: '12345' Too many connections to the printer
2026-11-22 04:00:02 ERROR Out of memory
{\"level\":\"error\",\"time\":1795320000000,\"msg\":\"timeout of 5000ms exceeded\",\"code\":\"ECONNABORTED\"}
panic: runtime error: index out of range [5] with length 3
";
    assert_eq!(read(log), Vec::<String>::new());
    let mut parser = application();
    let progress = parser.parse(log.as_bytes(), Next::End, &mut |_| {});
    assert_eq!((progress.consumed, progress.unparsed), (log.len(), 0));
}

#[test]
fn the_time_of_a_trace_without_one_is_that_of_the_line_before_it() {
    let log = "\
2026-11-22 04:00:00 INFO loading
org.postgresql.util.PSQLException: ERROR: column \"note\" does not exist
  Position: 23
\tat org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2713)
org.postgresql.util.PSQLException: ERROR: canceling statement due to statement timeout
\tat org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2713)
";
    let expected = [
        "2026-11-22T04:00:00Z schema 42703 [] column \"note\" does not exist",
        "2026-11-22T04:00:00Z timeout 57014 [] canceling statement due to statement timeout",
    ];
    assert_eq!(read(log), expected);
}

#[test]
fn what_hibernate_tells_twice_and_throws_counts_once() {
    let log = "\
2026-11-22 04:00:00.1  WARN 17 --- [main] o.h.engine.jdbc.spi.SqlExceptionHelper : SQL Error: 1054, SQLState: 42S22
2026-11-22 04:00:00.1 ERROR 17 --- [main] o.h.engine.jdbc.spi.SqlExceptionHelper : Unknown column 'o1_0.note' in 'field list'
2026-11-22 04:00:00.2 ERROR 17 --- [main] com.shop.Orders : failed

org.springframework.dao.InvalidDataAccessResourceUsageException: JDBC exception executing SQL [select o1_0.id,o1_0.note from orders o1_0] [Unknown column 'o1_0.note' in 'field list'] [n/a]; SQL [n/a]
\tat org.springframework.orm.jpa.vendor.HibernateJpaDialect.convert(HibernateJpaDialect.java:277)
Caused by: org.hibernate.exception.SQLGrammarException: JDBC exception executing SQL [select o1_0.id,o1_0.note from orders o1_0]
\t... 90 more
";
    let expected = [
        "2026-11-22T04:00:00.2Z schema 1054 [select o1_0.id,o1_0.note from orders o1_0] Unknown column 'o1_0.note' in 'field list'",
    ];
    assert_eq!(read(log), expected);
}

#[test]
fn a_pool_that_has_no_connection_refuses_one_whatever_its_name() {
    let log = "\
2026-11-22 04:00:00 ERROR x
java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms.
\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)
2026-11-22 04:00:01 ERROR sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00
2026-11-22 04:00:01 INFO x
KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full. Are you missing a .transacting(trx) call?
    at Client_PG.acquireConnection (/app/node_modules/knex/lib/client.js:312:26)
2026/11/22 04:00:02 pq: sorry, too many clients already
";
    let expected = [POOL, POOL, POOL, "connection-refused 53300"];
    assert_eq!(codes(log), expected);
}

#[test]
fn lines_of_json_tell_the_same_as_text() {
    let log = "\
{\"@timestamp\":\"2026-11-22T04:00:00.000Z\",\"level\":\"ERROR\",\"message\":\"failed for Alice\",\"stack_trace\":\"org.postgresql.util.PSQLException: ERROR: relation \\\"orders\\\" does not exist\\n\\tat x.Y\"}
{\"level\":50,\"time\":1795320000000,\"err\":{\"type\":\"DatabaseError\",\"message\":\"duplicate key value violates unique constraint \\\"orders_pkey\\\"\",\"code\":\"23505\",\"detail\":\"Key (id)=(7) already exists.\",\"routine\":\"_bt_check_unique\",\"stack\":\"error: duplicate key\\n    at /app/node_modules/pg-protocol/dist/parser.js:283:98\"},\"sql\":\"INSERT INTO orders (id) VALUES ($1)\",\"msg\":\"x\"}
";
    let expected = [
        "2026-11-22T04:00:00Z schema 42P01 [] relation \"orders\" does not exist",
        "2026-11-22T04:00:00Z constraint 23505 [INSERT INTO orders (id) VALUES ($1)] duplicate key value violates unique constraint \"orders_pkey\"",
    ];
    assert_eq!(read(log), expected);
}

#[test]
fn a_record_without_an_end_is_told_once_and_what_follows_it_is_read() {
    let mut log =
        "2026-11-22 04:00:00 ERROR java.sql.SQLException: Duplicate entry 'a' for key 'b'\n"
            .to_owned();
    log.push_str(
        &"Caused by: java.sql.SQLException: Duplicate entry 'a' for key 'b'\n\tat x.Y\n"
            .repeat(20_000),
    );
    log.push_str(&"x".repeat(600_000));
    log.push_str("\n2026-11-22 04:00:01 ERROR java.sql.SQLException: Too many connections\n");
    for piece in [4096, 100_000, log.len()] {
        let told = feed(&mut *application(), log.as_bytes(), piece, Next::End);
        assert_eq!(told.len(), 2, "{piece}");
    }
}

#[test]
fn what_is_remembered_at_a_checkpoint_is_the_dialect_and_no_text() {
    let mut first = application();
    first.parse(SPRING.as_bytes(), Next::End, &mut |_| {});
    let context = first.context();
    assert!(!context.contains("note"), "{context}");
    let mut second = application();
    second.restore(&context);
    assert_eq!(second.dialect(), first.dialect());
    assert_eq!(second.dialect(), crate::model::sql::Dialect::Mysql);
}
