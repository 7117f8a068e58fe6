//! Pools that had no connection to give, in the words of the pool.

use memchr::memmem;

/// What stands for the code of such an error: no server was asked.
pub(super) const CODE: &str = "pool-timeout";

/// What is told for all of them, whatever the pool: no name and no number of it.
pub(super) const MESSAGE: &str = "timed out waiting for a connection of the pool";

/// Words of a pool, and who says them.
const TIMEOUTS: [&[u8]; 21] = [
    // HikariCP, c3p0, DBCP, Tomcat's pool, Druid, Agroal
    b"Connection is not available, request timed out after",
    b"An attempt by a client to checkout a Connection has timed out",
    b"Cannot get a connection, pool error Timeout waiting for idle object",
    b"Timeout: Pool empty. Unable to fetch a connection",
    b"GetConnectionTimeoutException: wait millis",
    b"Sorry, acquisition timeout!",
    // SQLAlchemy, psycopg_pool
    b"QueuePool limit of size",
    b"PoolTimeout: couldn't get a connection after",
    // knex and tarn, node-postgres, Sequelize, mysql2, Prisma
    b"Timeout acquiring a connection. The pool is probably full",
    b"timeout exceeded when trying to connect",
    b"SequelizeConnectionAcquireTimeoutError",
    b"ConnectionAcquireTimeoutError",
    b"Timed out fetching a new connection from the connection pool",
    b"Error: Queue limit reached.",
    // ActiveRecord
    b"could not obtain a connection from the pool within",
    b"could not obtain a database connection within",
    // Npgsql, ADO.NET, MySqlConnector
    b"The connection pool has been exhausted, either raise",
    b"prior to obtaining a connection from the pool",
    b"All pooled connections are in use",
    // Go and Rust
    b"pool timed out while waiting for an open connection",
    b"closed pool: context deadline exceeded",
];

/// Whether a record tells of a pool that had none.
pub(super) fn is_told(record: &[u8]) -> bool {
    TIMEOUTS
        .iter()
        .any(|words| memmem::find(record, words).is_some())
}
