//! Exceptions that say by their name what went wrong, for records that tell no code, and who speaks of SQL at all.

use memchr::memmem;

use crate::model::error::ErrorClass;

use ErrorClass::{
    Access, ConnectionAborted, ConnectionRefused, Constraint, Deadlock, LockWait, Resource, Schema,
    Timeout,
};

/// Names of exceptions, without the package; one that ends as another comes before it.
const CLASSES: [(&[u8], ErrorClass); 30] = [
    (b"BadSqlGrammarException", Schema),
    (b"SQLSyntaxErrorException", Schema),
    (b"SQLGrammarException", Schema),
    (b"UndefinedColumn", Schema),
    (b"UndefinedTable", Schema),
    (b"SequelizeForeignKeyConstraintError", Constraint),
    (b"SequelizeUniqueConstraintError", Constraint),
    (b"SQLIntegrityConstraintViolationException", Constraint),
    (b"DataIntegrityViolationException", Constraint),
    (b"DuplicateKeyException", Constraint),
    (
        b"ConstraintViolationException: could not execute",
        Constraint,
    ),
    (b"ActiveRecord::RecordNotUnique", Constraint),
    (b"DeadlockLoserDataAccessException", Deadlock),
    (b"ActiveRecord::Deadlocked", Deadlock),
    (b"CannotAcquireLockException", LockWait),
    (b"LockAcquisitionException", LockWait),
    (b"ActiveRecord::LockWaitTimeout", LockWait),
    (b"SQLTimeoutException", Timeout),
    (b"QueryTimeoutException", Timeout),
    (b"ActiveRecord::QueryCanceled", Timeout),
    (b"SQLInvalidAuthorizationSpecException", Access),
    (b"CannotGetJdbcConnectionException", ConnectionRefused),
    (b"ActiveRecord::ConnectionNotEstablished", ConnectionRefused),
    (b"SequelizeConnectionRefusedError", ConnectionRefused),
    (b"CommunicationsException", ConnectionAborted),
    (b"SQLNonTransientConnectionException", ConnectionAborted),
    (b"SQLTransientConnectionException", ConnectionAborted),
    (b"SQLRecoverableException", ConnectionAborted),
    (b"DataAccessResourceFailureException", ConnectionAborted),
    (b"sqlite3.OperationalError: disk I/O", Resource),
];

/// Whoever writes one of these speaks of a database.
const DRIVERS: [&[u8]; 51] = [
    b"java.sql.",
    b"springframework.jdbc",
    b"springframework.dao",
    b"springframework.orm",
    b"hibernate",
    b"jooq",
    b"mybatis",
    b"jdbc",
    b"JDBC",
    b"PSQLException",
    b"com.mysql",
    b"org.mariadb",
    b"r2dbc",
    b"hikari",
    b"Hikari",
    b"psycopg",
    b"asyncpg",
    b"pymysql",
    b"MySQLdb",
    b"mysql.connector",
    b"aiomysql",
    b"sqlalchemy",
    b"django.db",
    b"peewee",
    b"PG::",
    b"Mysql2::",
    b"Trilogy::",
    b"ActiveRecord::",
    b"Sequel::",
    b"PDOException",
    b"PDO->",
    b"SQLSTATE",
    b"QueryException",
    b"mysqli",
    b"Doctrine\\",
    b"pq: ",
    b"pgx",
    b"pgconn",
    b"go-sql-driver",
    b"gorm",
    b"Npgsql",
    b"MySqlConnector",
    b"MySql.Data",
    b"EntityFrameworkCore",
    b"SqlClient",
    b"pg-protocol",
    b"Sequelize",
    b"QueryFailedError",
    b"knex",
    b"sqlState",
    b"PrismaClient",
];

/// Words that are drivers' too, but shorter or looser than these.
const MORE_DRIVERS: [&[u8]; 8] = [
    b"routine: '",
    b"sqlMessage",
    b"node_modules/pg/",
    b"node_modules/mysql",
    b"error returned from database",
    b"db error: ERROR",
    b"tokio_postgres",
    b"sqlx",
];

/// Whether a record speaks of a database.
pub(super) fn is_sql(record: &[u8]) -> bool {
    let mut all = DRIVERS.iter().chain(&MORE_DRIVERS);
    all.any(|word| memmem::find(record, word).is_some())
}

/// The exception whose name tells the kind of error.
pub(super) fn find(record: &[u8]) -> Option<(&'static str, ErrorClass)> {
    let (name, class) = CLASSES
        .iter()
        .find(|(name, _)| memmem::find(record, name).is_some())?;
    let name = std::str::from_utf8(name).ok()?;
    let name = name.split(": ").next().unwrap_or(name);
    Some((name, *class))
}
