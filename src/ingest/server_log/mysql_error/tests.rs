//! What the error log tells, in pieces of any size.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::super::{Kind, parser};
use crate::ingest::slow_log::{Entry, Next, Parser};

/// One entry as a line: time, database, user, client, class, code, statement, message, parties.
fn told(entry: &Entry<'_>) -> String {
    let error = entry.error.as_deref().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = format!(
        "{} {}/{}@{} {} {} [{}] {}",
        entry.end.unwrap(),
        entry.database,
        entry.user,
        entry.client,
        error.class,
        error.code,
        text(&entry.sql),
        text(error.message.reveal()),
    );
    for party in &error.parties {
        write!(line, " <{} | {}>", text(party.sql.reveal()), party.lock).unwrap();
    }
    line
}

fn read(log: &str, piece: usize, end: Next) -> Vec<String> {
    let mut parser = parser(Kind::MysqlError, &TimeZone::UTC, None);
    feed(&mut *parser, log.as_bytes(), piece, end)
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

const MARIADB_DEADLOCK: &str = "\
2026-11-22  2:38:43 4 [Note] InnoDB: \n*** (1) TRANSACTION:\n
TRANSACTION 23, ACTIVE 1 sec starting index read
mysql tables in use 1, locked 1
LOCK WAIT 3 lock struct(s), heap size 1128, 2 row lock(s)
MariaDB thread id 4, OS thread handle 140258755536576, query id 12 localhost root Updating
update orders set amount=2,
holder='one' where id=2
2026-11-22  2:38:43 4 [Note] InnoDB: *** WAITING FOR THIS LOCK TO BE GRANTED:

RECORD LOCKS space id 5 page no 3 n bits 320 index PRIMARY of table `shop`.`orders` trx id 23 lock_mode X locks rec but not gap waiting
Record lock, heap no 3 PHYSICAL RECORD: n_fields 5; compact format; info bits 0
 0: len 4; hex 80000002; asc     ;;

2026-11-22  2:38:43 4 [Note] InnoDB: *** CONFLICTING WITH:

RECORD LOCKS space id 5 page no 3 n bits 320 index PRIMARY of table `shop`.`orders` trx id 24 lock_mode X locks rec but not gap
2026-11-22  2:38:43 4 [Note] InnoDB: \n*** (2) TRANSACTION:\n
TRANSACTION 24, ACTIVE 1 sec starting index read
MariaDB thread id 5, OS thread handle 140258755229376, query id 11 localhost root Updating
update carts set amount=2 where id=1
2026-11-22  2:38:43 4 [Note] InnoDB: *** WAITING FOR THIS LOCK TO BE GRANTED:

TABLE LOCK table `shop`.`carts` trx id 24 lock mode IX waiting
2026-11-22  2:38:43 4 [Note] InnoDB: *** WE ROLL BACK TRANSACTION (2)

";

const MYSQL_DEADLOCK: &str = "\
2026-11-22T02:38:43.000001Z 10 [Note] [MY-012468] [InnoDB] Transactions deadlock detected, dumping detailed information.
2026-11-22T02:38:43.000002Z 10 [Note] [MY-012469] [InnoDB] \n*** (1) TRANSACTION:\n
TRANSACTION 1812, ACTIVE 12 sec starting index read
MySQL thread id 8, OS thread handle 14, query id 20 localhost root updating
UPDATE a SET n = 1
2026-11-22T02:38:43.000003Z 10 [Note] [MY-012469] [InnoDB] *** (1) HOLDS THE LOCK(S):

RECORD LOCKS space id 2 page no 4 n bits 72 index PRIMARY of table `shop`.`b` trx id 1812 lock_mode X
2026-11-22T02:38:43.000004Z 10 [Note] [MY-012469] [InnoDB] *** (1) WAITING FOR THIS LOCK TO BE GRANTED:

RECORD LOCKS space id 2 page no 4 n bits 72 index by_n of table `shop`.`a` trx id 1812 lock_mode X waiting
2026-11-22T02:38:43.000005Z 10 [Note] [MY-012469] [InnoDB] *** (2) TRANSACTION:

TRANSACTION 1813, ACTIVE 9 sec starting index read
MySQL thread id 9, OS thread handle 15, query id 21 localhost root updating
UPDATE b SET n = 1
2026-11-22T02:38:43.000006Z 10 [Note] [MY-012469] [InnoDB] *** WE ROLL BACK TRANSACTION (1)
";

#[test]
fn a_deadlock_is_one_error_with_both_statements_and_their_locks_whatever_the_pieces() {
    let log = format!("{MARIADB_DEADLOCK}{MYSQL_DEADLOCK}");
    let expected = [
        "2026-11-22T02:38:43Z shop/@ deadlock 1213 [update carts set amount=2 where id=1] Deadlock found when trying to get lock \
         <update orders set amount=2,\nholder='one' where id=2 | X on shop.orders, index PRIMARY> \
         <update carts set amount=2 where id=1 | IX on shop.carts>",
        "2026-11-22T02:38:43.000002Z shop/@ deadlock 1213 [UPDATE a SET n = 1] Deadlock found when trying to get lock \
         <UPDATE a SET n = 1 | X on shop.a, index by_n> <UPDATE b SET n = 1 | >",
    ];
    for piece in [1, 2, 7, 64, 1000, log.len()] {
        assert_eq!(read(&log, piece, Next::End), expected, "{piece}");
    }
}

#[test]
fn a_dump_without_its_end_waits_for_it_and_ends_with_the_next_line_that_is_not_innodbs() {
    let (dump, _) = MARIADB_DEADLOCK
        .split_once("2026-11-22  2:38:43 4 [Note] InnoDB: *** WE")
        .unwrap();
    assert_eq!(read(dump, 64, Next::Quiet).len(), 0);
    assert_eq!(read(dump, 64, Next::End).len(), 1);
    let log = format!("{dump}2026-11-22  2:38:44 0 [Warning] Too many connections\n");
    assert_eq!(read(&log, 64, Next::End).len(), 2);
}

#[test]
fn refused_broken_and_denied_connections_tell_who_and_why() {
    let log = "\
2026-11-22  2:38:43 0 [Warning] Aborted connection 0 to db: 'unconnected' user: 'unauthenticated' host: 'connecting host' (Too many connections)
2026-11-22  2:38:44 8 [Warning] Aborted connection 8 to db: 'shop' user: 'app' host: '10.0.0.7' (Got timeout reading communication packets)
2026-11-22T02:38:45.5Z 9 [Note] [MY-010914] [Server] Aborted connection 9 to db: 'shop' user: 'app' host: '10.0.0.7' (Got an error reading communication packets).
2026-11-22  2:38:46 6 [Warning] Access denied for user 'nobody'@'localhost' (using password: YES)
261122  2:38:47 [Warning] Too many connections
";
    let expected = [
        "2026-11-22T02:38:43Z /@ connection-refused 1040 [] Aborted connection (Too many connections)",
        "2026-11-22T02:38:44Z shop/app@10.0.0.7 connection-aborted 1159 [] Aborted connection (Got timeout reading)",
        "2026-11-22T02:38:45.5Z shop/app@10.0.0.7 connection-aborted 1158 [] Aborted connection (Got an error reading)",
        "2026-11-22T02:38:46Z /@localhost access 1045 [] Access denied for user 'nobody'@'localhost' (using password: YES)",
        "2026-11-22T02:38:47Z /@ connection-refused 1040 [] Too many connections",
    ];
    for piece in [1, 3, 200, log.len()] {
        assert_eq!(read(log, piece, Next::End), expected, "{piece}");
    }
}

#[test]
fn what_the_server_calls_an_error_is_told_with_its_number() {
    let log = "\
2026-11-22  2:38:43 8 [ERROR] mariadbd: Table './shop/orders' is marked as crashed and should be repaired
2026-11-22  2:38:44 9 [ERROR] Slave SQL: Could not execute Write_rows event, Error_code: 1032; handler error HA_ERR_KEY_NOT_FOUND
2026-11-22T02:38:45Z 0 [ERROR] [MY-012592] [InnoDB] Operating system error number 2 in a file operation.
2026-11-22T02:38:46Z 0 [ERROR] [MY-001146] [Server] Table 'shop.x' doesn't exist
";
    let codes: Vec<String> = read(log, 50, Next::End)
        .iter()
        .map(|line| {
            line.split(' ')
                .skip(2)
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        codes,
        [
            "resource 145",
            "other 1032",
            "other MY-012592",
            "schema 1146"
        ]
    );
}

#[test]
fn a_server_that_starts_stops_and_hangs_up_has_no_error() {
    let log = "\
2026-11-22  2:38:18 0 [Warning] Could not increase number of max_open_files to more than 20000 (request: 32044)
2026-11-22  2:38:18 0 [Note] Starting MariaDB 10.11.19-MariaDB-0+deb12u1 source revision 5843d847 as process 22381
2026-11-22  2:38:19 0 [Note] InnoDB: Buffer pool(s) load completed at 261122  2:38:19
2026-11-22  2:38:19 0 [Warning] 'user' entry 'root@vm' ignored in --skip-name-resolve mode.
2026-11-22  2:38:19 0 [Note] /usr/sbin/mariadbd: ready for connections.
Version: '10.11.19-MariaDB-0+deb12u1'  socket: '/run/s'  port: 3306  Debian 12
2026-11-22  2:40:00 3 [Warning] Aborted connection 3 to db: 'unconnected' user: 'unauthenticated' host: '10.0.0.1' (This connection closed normally without authentication)
2026-11-22T02:41:00.000001Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.36'
2026-11-22  2:44:52 0 [Note] /usr/sbin/mariadbd (initiated by: unknown): Normal shutdown
";
    assert_eq!(read(log, 64, Next::End), Vec::<String>::new());
}

#[test]
fn a_record_without_an_end_is_told_once_and_what_follows_it_is_read() {
    let mut log = "2026-11-22  2:38:43 8 [ERROR] Out of memory\n".to_owned();
    log.push_str(&"no date here\n".repeat(60_000));
    log.push_str(&"x".repeat(600_000));
    log.push_str("\n2026-11-22  2:38:44 0 [Warning] Too many connections\n");
    for piece in [4096, 100_000, log.len()] {
        assert_eq!(read(&log, piece, Next::End).len(), 2, "{piece}");
    }
}

#[test]
fn what_is_remembered_at_a_checkpoint_goes_on_in_the_rest_of_a_large_record_and_holds_no_text() {
    let mut first = parser(Kind::MysqlError, &TimeZone::UTC, None);
    let log = format!(
        "2026-11-22  2:38:43 8 [ERROR] Out of memory\n{}",
        "secret\n".repeat(60_000)
    );
    let mut count = 0;
    let progress = first.parse(log.as_bytes(), Next::More, &mut |_| count += 1);
    assert_eq!(count, 1);
    let context = first.context();
    assert!(!context.contains("secret"), "{context}");
    let mut second = parser(Kind::MysqlError, &TimeZone::UTC, None);
    second.restore(&context);
    let rest = format!(
        "{}2026-11-22  2:38:44 0 [Warning] Too many connections\n",
        &log[progress.consumed..]
    );
    assert_eq!(feed(&mut *second, rest.as_bytes(), 100, Next::End).len(), 1);
}

const CRASHES: &str = "\
261122 11:33:10 [ERROR] /usr/sbin/mariadbd got signal 11 ;
Sorry, we probably made a mistake, and this is a bug.

Thread pointer: 0x7f2c1c000c18
/usr/sbin/mariadbd(my_print_stacktrace+0x2e)[0x55898c5fd87e]
Query (0x7f2c1c010f30): select a
from t where b = 'x'

Connection ID (thread ID): 8
Status: NOT_KILLED

2026-11-22 11:33:13 0 [Note] InnoDB: Starting crash recovery from checkpoint LSN=46590
2026-11-22 11:33:13 0 [Note] /usr/sbin/mariadbd: ready for connections.
2026-11-22 11:40:00 0 [Note] InnoDB: Starting crash recovery from checkpoint LSN=46600
2026-11-22 11:40:01 0 [Note] /usr/sbin/mariadbd: ready for connections.
2026-11-22T11:50:10Z UTC - mysqld got signal 6 ;
Most likely, you have hit a bug, but this error can also be caused by malfunctioning hardware.
Query (7f4e3c0018d0): is an invalid pointer
Connection ID (thread ID): 9
2026-11-22T11:50:12.000000Z 1 [Warning] [MY-012551] [InnoDB] Database was not shutdown normally!
2026-11-22T11:50:12.000000Z 1 [System] [MY-012552] [InnoDB] Starting crash recovery.
2026-11-22T11:50:13.000000Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.40'
2026-11-22 11:55:00 0 [Note] InnoDB: the word got signal 9 is no crash
";

#[test]
fn a_crash_is_told_once_with_what_ran() {
    let expected = [
        "2026-11-22T11:33:10Z /@ crash signal 11 [select a\nfrom t where b = 'x'] /usr/sbin/mariadbd got signal 11",
        "2026-11-22T11:40:00Z /@ crash recovery [] InnoDB: Starting crash recovery from checkpoint LSN=46600",
        "2026-11-22T11:50:10Z /@ crash signal 6 [] mysqld got signal 6",
    ];
    for piece in [1, 7, CRASHES.len()] {
        assert_eq!(read(CRASHES, piece, Next::End), expected);
    }
}

/// A log that `tests/record-mysql` took from a real server.
fn recorded(version: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = format!("tests/fixtures/logs/mysql-{version}-error.log.xz");
    let packed = std::fs::File::open(root.join(path)).unwrap();
    let mut log = String::new();
    let mut unpacked = liblzma::read::XzDecoder::new(packed);
    std::io::Read::read_to_string(&mut unpacked, &mut log).unwrap();
    log
}

#[test]
fn recorded_logs_of_mysql_tell_a_deadlock_a_broken_and_a_denied_client_and_a_crash_and_nothing_else()
 {
    for version in ["5.6", "9.7"] {
        let log = recorded(version);
        for piece in [7, 1000, log.len()] {
            let told = read(&log, piece, Next::End);
            let told: Vec<&str> = told
                .iter()
                .map(|line| line.split_once(' ').unwrap().1)
                .collect();
            let begin = [
                "shop/@ deadlock 1213 [UPDATE stock SET n = 44 WHERE id = ",
                "shop/web@localhost connection-aborted 1158 [] Aborted connection",
                "/@localhost access 1045 [] Access denied for user 'nobody'@'localhost'",
                "/@ crash recovery [] ",
            ];
            assert_eq!(told.len(), begin.len(), "{version}: {told:#?}");
            for (told, begin) in told.iter().zip(begin) {
                assert!(told.starts_with(begin), "{version}: {told}");
            }
            for id in [5, 6] {
                let party = format!("SET n = 44 WHERE id = {id} | X on shop.stock, index PRIMARY>");
                assert!(told[0].contains(&party), "{version}: {}", told[0]);
            }
        }
    }
}
