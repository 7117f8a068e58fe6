//! Advice for the language and the database that are seen: the same cure has another name in each.

use crate::detect::basis::draft::advise;
use crate::model::finding::Remedy;
use crate::model::sql::Dialect;

/// How rows are read at once.
pub(in crate::detect) fn read_at_once(language: &str) -> Remedy {
    advise(match language {
        "java" | "kotlin" | "scala" => {
            "read them with their parents: JOIN FETCH or an entity graph, or hibernate.default_batch_fetch_size for all lazy associations"
        }
        "python" => {
            "read them with their parents: selectinload or joinedload of SQLAlchemy, prefetch_related or select_related of Django"
        }
        "nodejs" | "webjs" => {
            "read them with one IN list: relations or a join of TypeORM, include of Prisma and Sequelize, a DataLoader for resolvers of GraphQL"
        }
        "ruby" => {
            "read them with their parents: includes or preload of Active Record, and strict_loading to find the next loop in a test"
        }
        "php" => "read them with their parents: with() of Eloquent, a fetch join of Doctrine",
        "dotnet" => {
            "read them with their parents: Include() of Entity Framework, or one query with Contains()"
        }
        "go" | "rust" => {
            "collect the keys first and read all rows with one statement: WHERE key IN (...), or = ANY($1) in PostgreSQL"
        }
        _ => {
            "read all rows with one statement: a join, or WHERE key IN (...) with the keys that the loop runs over"
        }
    })
}

/// How rows are written at once.
pub(in crate::detect) fn write_at_once(language: &str, system: Dialect) -> Vec<Remedy> {
    let is_java = matches!(language, "java" | "kotlin" | "scala");
    let driver = match (is_java, system) {
        (true, Dialect::Mysql) => {
            "write them as one JDBC batch, with rewriteBatchedStatements=true in the URL of MySQL Connector/J: without it the driver still sends single statements"
        }
        (true, Dialect::Postgres) => {
            "write them as one JDBC batch, with reWriteBatchedInserts=true in the URL of pgJDBC, which makes one INSERT of many"
        }
        (_, Dialect::Postgres) => {
            "write all rows with one statement: INSERT with many VALUES, or SELECT from unnest($1, $2) with an array for each column; COPY for thousands"
        }
        _ => {
            "write all rows with one statement: INSERT with many VALUES, in chunks of some hundred"
        }
    };
    let framework = match language {
        "java" | "kotlin" | "scala" => Some(
            "IDENTITY keys switch the batches of Hibernate off: use a sequence where there is one, else JdbcTemplate.batchUpdate",
        ),
        "python" => Some(
            "pass the list to one execute(insert(...), rows) of SQLAlchemy or bulk_create of Django; psycopg2 has execute_values, its executemany sends single statements",
        ),
        "nodejs" | "webjs" => Some(
            "pass the list to one insert: createMany of Prisma, insert([...]) of TypeORM and Knex, bulkCreate of Sequelize",
        ),
        "ruby" => {
            Some("pass the list to insert_all of Active Record, which writes it with one statement")
        }
        "php" => Some(
            "pass the list to one insert([...]) of Eloquent, or build one INSERT with many VALUES",
        ),
        _ => None,
    };
    std::iter::once(driver)
        .chain(framework)
        .map(advise)
        .collect()
}
