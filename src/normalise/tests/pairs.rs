//! The specification of the fingerprint: pairs of texts that are, or are not, the same statement.

use super::known;
use crate::model::sql::Dialect::{self, Generic, Mysql, Postgres};

const ALL: [Dialect; 3] = [Mysql, Postgres, Generic];

fn check(same: bool, dialects: &[Dialect], pairs: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for &dialect in dialects {
        for (a, b) in pairs {
            let (left, right) = (known(a, dialect).statement, known(b, dialect).statement);
            if (left.fingerprint == right.fingerprint) != same {
                wrong.push(format!(
                    "{dialect:?}\n  {a}\n    {}\n  {b}\n    {}",
                    left.template.as_str(),
                    right.template.as_str()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong, wanted same={same}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

const THESE_ARE_THE_SAME_IN_EVERY_DIALECT: &[(&str, &str)] = &[
    ("SELECT a FROM t WHERE b = 1", "select a from t where b=22;"),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = 'x'",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a\n FROM t -- note\n WHERE b = ?",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT /* c */ a FROM t WHERE b = 1 /* traceparent='00-x' */",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = $1",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = :name",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = @p1",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = %s",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = %(name)s",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = -1.5e+10",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = 0xFF",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = X'ff'",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = 'it''s'",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = .5",
    ),
    ("SELECT a FROM t WHERE b = 1", "SELECT A FROM T WHERE B = 1"),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT `a` FROM `t` WHERE `b` = 1",
    ),
    (
        "SELECT a FROM t WHERE b >= -5",
        "SELECT a FROM t WHERE b >= 5",
    ),
    (
        "SELECT a FROM t WHERE b IN (1)",
        "SELECT a FROM t WHERE b IN (1, 2, 3)",
    ),
    (
        "SELECT a FROM t WHERE b IN (1)",
        "SELECT a FROM t WHERE b IN ('x','y',-3)",
    ),
    (
        "SELECT a FROM t WHERE b IN (?)",
        "SELECT a FROM t WHERE b IN (?, ?, ?)",
    ),
    (
        "SELECT a FROM t WHERE b NOT IN (1)",
        "SELECT a FROM t WHERE b NOT IN (1,2)",
    ),
    (
        "SELECT a FROM t WHERE (b,c) IN ((1,2))",
        "SELECT a FROM t WHERE (b,c) IN ((1,2),(3,4),(5,6))",
    ),
    (
        "INSERT INTO t (a,b) VALUES (1,2)",
        "INSERT INTO t (a,b) VALUES (1,2),(3,4),(5,6)",
    ),
    (
        "INSERT INTO t (a,b) VALUES (1,2)",
        "INSERT INTO t (a,b) VALUES (1,NULL),(3,4)",
    ),
    (
        "INSERT INTO t (a,b) VALUES (1,now())",
        "INSERT INTO t (a,b) VALUES (1,now()),(2,now())",
    ),
    (
        "SELECT a FROM t WHERE b=1 OR b=2",
        "SELECT a FROM t WHERE b=1 OR b=2 OR b=3 OR b=4",
    ),
    (
        "SELECT a FROM t WHERE (b=1 AND c=2) OR (b=3 AND c=4)",
        "SELECT a FROM t WHERE (b=1 AND c=2) OR (b=3 AND c=4) OR (b=5 AND c=6)",
    ),
    (
        "SELECT a FROM t WHERE x=1 AND (b=1 OR b=2) ORDER BY a",
        "SELECT a FROM t WHERE x=1 AND (b=1 OR b=2 OR b=3) ORDER BY a",
    ),
    (
        "SELECT a FROM t WHERE b=1 UNION ALL SELECT a FROM t WHERE b=2",
        "SELECT a FROM t WHERE b=1 UNION ALL SELECT a FROM t WHERE b=2 UNION ALL SELECT a FROM t WHERE b=3",
    ),
    (
        "SELECT a FROM t WHERE b=1 UNION SELECT a FROM t WHERE b=2 ORDER BY a",
        "SELECT a FROM t WHERE b=1 UNION SELECT a FROM t WHERE b=2 UNION DISTINCT SELECT a FROM t WHERE b=3 ORDER BY a",
    ),
    (
        "(SELECT a FROM t LIMIT 1) UNION ALL (SELECT a FROM t LIMIT 2)",
        "(SELECT a FROM t LIMIT 1) UNION ALL (SELECT a FROM t LIMIT 2) UNION ALL (SELECT a FROM t LIMIT 3)",
    ),
    (
        "SELECT x FROM (SELECT a x FROM t UNION ALL SELECT a FROM t) d",
        "SELECT x FROM (SELECT a AS x FROM t UNION ALL SELECT a FROM t UNION ALL SELECT a FROM t) AS e",
    ),
    (
        "SELECT a x FROM t u WHERE u.b=1",
        "SELECT a AS y FROM t AS v WHERE v.b=1",
    ),
    (
        "SELECT u.a FROM t u WHERE u.b=1",
        "SELECT t1_0.a FROM t AS t1_0 WHERE t1_0.b=1",
    ),
    (
        "SELECT u.a FROM t u WHERE u.b=1",
        "SELECT t.a FROM t WHERE t.b=1",
    ),
    (
        "SELECT a.x, b.x FROM t a JOIN t b ON a.id=b.pid",
        "SELECT q.x, r.x FROM t AS q INNER JOIN t AS r ON q.id=r.pid",
    ),
    (
        "SELECT a FROM t x LEFT JOIN s y ON x.i=y.i",
        "SELECT a FROM t LEFT OUTER JOIN s ON t.i=s.i",
    ),
    (
        "SELECT count(*) n, b FROM t GROUP BY b ORDER BY n DESC",
        "SELECT count(*) AS cnt, b FROM t GROUP BY b ORDER BY cnt DESC",
    ),
    (
        "SELECT sum(a) s FROM t HAVING s > 1",
        "SELECT sum(a) total FROM t HAVING total > 2",
    ),
    (
        "UPDATE t x SET a=1 WHERE x.id=2",
        "UPDATE t SET a=1 WHERE t.id=2",
    ),
    (
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t ORDER BY a ASC",
    ),
    ("SELECT a FROM t LIMIT 10", "SELECT a FROM t LIMIT 50"),
    (
        "SELECT a FROM t LIMIT 20, 10",
        "SELECT a FROM t LIMIT 10 OFFSET 20",
    ),
    (
        "SELECT a FROM t LIMIT 10 OFFSET 20",
        "SELECT a FROM t OFFSET 20 ROWS FETCH NEXT 10 ROWS ONLY",
    ),
    (
        "SELECT a FROM t LIMIT 10",
        "SELECT a FROM t FETCH FIRST 10 ROWS ONLY",
    ),
    (
        "SELECT a FROM t WHERE b = TRUE",
        "SELECT a FROM t WHERE b = FALSE",
    ),
    (
        "SELECT a FROM t WHERE b != 1",
        "SELECT a FROM t WHERE b <> 1",
    ),
    (
        "SELECT a FROM t WHERE d = '2026-01-01'",
        "SELECT a FROM t WHERE d = DATE '2026-01-01'",
    ),
    (
        "SELECT a FROM t WHERE d = '1'",
        "SELECT a FROM t WHERE d = CAST('1' AS UNSIGNED)",
    ),
    ("EXECUTE s1", "EXECUTE stmt_22"),
    ("SAVEPOINT a1", "SAVEPOINT a2"),
    ("ROLLBACK TO SAVEPOINT a1", "ROLLBACK TO SAVEPOINT a2"),
    ("RELEASE SAVEPOINT a1", "RELEASE SAVEPOINT a2"),
    ("SELECT a FROM tmp_a1b2c3", "SELECT a FROM tmp_ffe991"),
    (
        "SELECT a FROM t WHERE n = 'abc'",
        "SELECT a FROM t WHERE n = 'abc",
    ),
    (
        "SELECT a FROM t WHERE b IN (1,2)",
        "SELECT a FROM t WHERE b IN (1,2,3",
    ),
    (
        "INSERT INTO t (a,b) VALUES (1,'x')",
        "INSERT INTO t (a,b) VALUES (1,'x'),(2,'y'),(3,",
    ),
    (
        "SELECT a FROM t WHERE b LIKE 'x%'",
        "SELECT a FROM t WHERE b LIKE '%x'",
    ),
    (
        "SELECT a FROM t WHERE b BETWEEN 1 AND 2",
        "SELECT a FROM t WHERE b BETWEEN ? AND ?",
    ),
];

#[test]
fn these_are_the_same_in_every_dialect() {
    check(true, &ALL, THESE_ARE_THE_SAME_IN_EVERY_DIALECT);
}

const THESE_DIFFER_IN_EVERY_DIALECT: &[(&str, &str)] = &[
    ("SELECT a FROM t", "SELECT a FROM s"),
    ("SELECT a FROM t", "SELECT b FROM t"),
    ("SELECT a, b FROM t", "SELECT b, a FROM t"),
    ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t"),
    ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"),
    ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE c = 1"),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b IN (1)",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = NULL",
    ),
    (
        "SELECT a FROM t WHERE b IS NULL",
        "SELECT a FROM t WHERE b IS NOT NULL",
    ),
    (
        "SELECT a FROM t WHERE b IS NULL",
        "SELECT a FROM t WHERE b = 1",
    ),
    (
        "SELECT a FROM t WHERE b IN (1)",
        "SELECT a FROM t WHERE b NOT IN (1)",
    ),
    (
        "SELECT a FROM t WHERE b = 1 AND c = 2",
        "SELECT a FROM t WHERE b = 1",
    ),
    (
        "SELECT a FROM t WHERE b = 1 AND c = 2",
        "SELECT a FROM t WHERE b = 1 OR c = 2",
    ),
    (
        "SELECT a FROM t WHERE b = 1 AND c = 2",
        "SELECT a FROM t WHERE c = 2 AND b = 1",
    ),
    (
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = 1 OR b = 2",
    ),
    (
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t ORDER BY a DESC",
    ),
    (
        "SELECT a FROM t ORDER BY a, b",
        "SELECT a FROM t ORDER BY b, a",
    ),
    ("SELECT a FROM t ORDER BY 1", "SELECT a FROM t ORDER BY 2"),
    ("SELECT a FROM t LIMIT 10", "SELECT a FROM t"),
    (
        "SELECT a FROM t LIMIT 10",
        "SELECT a FROM t LIMIT 10 OFFSET 5",
    ),
    (
        "SELECT a FROM t UNION SELECT a FROM s",
        "SELECT a FROM t UNION ALL SELECT a FROM s",
    ),
    (
        "SELECT a FROM t UNION ALL SELECT a FROM t",
        "SELECT a FROM t",
    ),
    ("SELECT DISTINCT a FROM t", "SELECT a FROM t"),
    ("SELECT a FROM t_2023", "SELECT a FROM t_2024"),
    (
        "SELECT a FROM t JOIN s ON t.i = s.i",
        "SELECT a FROM t LEFT JOIN s ON t.i = s.i",
    ),
    (
        "SELECT a.x FROM t a JOIN t b ON a.i = b.p",
        "SELECT b.x FROM t a JOIN t b ON a.i = b.p",
    ),
    ("SELECT /*+ BKA(t) */ a FROM t", "SELECT a FROM t"),
    ("SELECT f(1) FROM t", "SELECT f(1, 2) FROM t"),
    ("SELECT a - 5 FROM t", "SELECT a + 5 FROM t"),
    ("SELECT j->'a' FROM t", "SELECT j->'b' FROM t"),
    (
        "INSERT INTO t (a) VALUES (1)",
        "REPLACE INTO t (a) VALUES (1)",
    ),
    (
        "INSERT INTO t (a) VALUES (1)",
        "INSERT INTO t (a) VALUES (NULL)",
    ),
    (
        "INSERT INTO t (a,b) VALUES (1,2)",
        "INSERT INTO t (b,a) VALUES (1,2)",
    ),
    ("UPDATE t SET a = 1", "UPDATE t SET a = 1 WHERE b = 2"),
    ("DELETE FROM t WHERE a = 1", "DELETE FROM t WHERE a < 1"),
    ("SELECT count(*) FROM t", "SELECT count(a) FROM t"),
    ("SELECT a FROM t FOR UPDATE", "SELECT a FROM t"),
    ("SELECT a FROM s.t", "SELECT a FROM r.t"),
];

#[test]
fn these_differ_in_every_dialect() {
    check(false, &ALL, THESE_DIFFER_IN_EVERY_DIALECT);
}

const THESE_ARE_THE_SAME_IN_MYSQL: &[(&str, &str)] = &[
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = \"x\"",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = 'it\\'s'",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = _utf8'x'",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = N'x' # note",
    ),
    (
        "SELECT `Order`.a FROM `Order`",
        "SELECT `order`.a FROM `order`",
    ),
    (
        "SELECT a FROM t WHERE d > now() - INTERVAL 1 DAY",
        "SELECT a FROM t WHERE d > NOW() - INTERVAL 30 DAY",
    ),
    (
        "DELETE u FROM t u WHERE u.a = 1",
        "DELETE t FROM t WHERE t.a = 1",
    ),
    (
        "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "INSERT INTO t (a) VALUES (1),(2) ON DUPLICATE KEY UPDATE a=VALUES(a)",
    ),
    (
        "SELECT a FROM t USE INDEX (i) WHERE b=1",
        "select a from t use index(i) where b=2",
    ),
    (
        "SELECT /*!40001 SQL_NO_CACHE */ a FROM t",
        "SELECT /*!50000 sql_no_cache */ a FROM t",
    ),
    (
        "INSERT INTO t SET a = 1, b = 'x'",
        "INSERT INTO t SET a = 2, b = 'y'",
    ),
];

#[test]
fn these_are_the_same_in_mysql() {
    check(true, &[Mysql], THESE_ARE_THE_SAME_IN_MYSQL);
}

const THESE_DIFFER_IN_MYSQL: &[(&str, &str)] = &[
    (
        "SELECT /*!40001 SQL_NO_CACHE */ a FROM t",
        "SELECT a FROM t",
    ),
    ("SELECT a FROM t USE INDEX (i)", "SELECT a FROM t"),
    (
        "SELECT a FROM t USE INDEX (i)",
        "SELECT a FROM t FORCE INDEX (i)",
    ),
    (
        "SELECT a + INTERVAL 1 DAY FROM t",
        "SELECT a + INTERVAL 1 HOUR FROM t",
    ),
    (
        "SELECT a FROM t WHERE a <=> 1",
        "SELECT a FROM t WHERE a = 1",
    ),
];

#[test]
fn these_differ_in_mysql() {
    check(false, &[Mysql], THESE_DIFFER_IN_MYSQL);
}

const THESE_ARE_THE_SAME_IN_POSTGRES: &[(&str, &str)] = &[
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = E'it\\'s'",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = $$x y$$",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = $q$it's$q$",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = 'x'::text",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = $1::character varying(20)",
    ),
    (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = '2026-01-01'::timestamp without time zone",
    ),
    (
        "SELECT a FROM t WHERE b = 'C:\\'",
        "SELECT a FROM t WHERE b = 'x'",
    ),
    (
        "SELECT a FROM t WHERE b = 1 /* a /* b */ c */",
        "SELECT a FROM t WHERE b = 1",
    ),
    (
        "SELECT \"a\" FROM \"t\" WHERE \"b\" = 1",
        "SELECT a FROM t WHERE B = 1",
    ),
    (
        "SELECT a FROM t WHERE b = ANY($1)",
        "SELECT a FROM t WHERE b = ANY(ARRAY[1,2,3])",
    ),
    (
        "SELECT a FROM t WHERE b = ANY('{1,2}'::int[])",
        "SELECT a FROM t WHERE b = ANY ($1)",
    ),
    (
        "SELECT a FROM t WHERE b = 1 OFFSET 5 LIMIT 10",
        "SELECT a FROM t WHERE b = 1 LIMIT 10 OFFSET 5",
    ),
    (
        "DEALLOCATE pdo_stmt_00000001",
        "DEALLOCATE pdo_stmt_0000000a",
    ),
    (
        "DELETE FROM t AS x USING s AS y WHERE x.i = y.i",
        "DELETE FROM t USING s WHERE t.i = s.i",
    ),
];

#[test]
fn these_are_the_same_in_postgres() {
    check(true, &[Postgres], THESE_ARE_THE_SAME_IN_POSTGRES);
}

const THESE_DIFFER_IN_POSTGRES: &[(&str, &str)] = &[
    ("SELECT a FROM \"T\"", "SELECT a FROM t"),
    (
        "SELECT a FROM t WHERE j @> '{}'",
        "SELECT a FROM t WHERE j <@ '{}'",
    ),
    (
        "SELECT a FROM t WHERE j ->> 'a' = '1'",
        "SELECT a FROM t WHERE j ->> 'b' = '1'",
    ),
    ("SELECT a::int FROM t", "SELECT a::text FROM t"),
    (
        "SELECT a FROM t WHERE b IS DISTINCT FROM 1",
        "SELECT a FROM t WHERE b = 1",
    ),
    (
        "SELECT a FROM t ORDER BY a NULLS LAST",
        "SELECT a FROM t ORDER BY a NULLS FIRST",
    ),
    (
        "SELECT a FROM t WHERE b ~ 'x'",
        "SELECT a FROM t WHERE b ~* 'x'",
    ),
];

#[test]
fn these_differ_in_postgres() {
    check(false, &[Postgres], THESE_DIFFER_IN_POSTGRES);
}

#[test]
fn a_lost_predicate_keeps_the_loose_identity() {
    let (with, without) = (
        known(
            "SELECT u.a FROM t u JOIN s ON s.i = u.i WHERE u.b = 1 AND u.c = 2 ORDER BY u.a",
            Mysql,
        )
        .statement,
        known(
            "SELECT u.a FROM t u JOIN s ON s.i = u.i WHERE u.b = 1 ORDER BY u.a",
            Mysql,
        )
        .statement,
    );
    assert_ne!(with.fingerprint, without.fingerprint);
    assert_eq!(with.loose, without.loose);
}
