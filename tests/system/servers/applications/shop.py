"""A shop that logs what its drivers throw: `shop.py STYLE MYSQL_PORT POSTGRES_PORT [alias|locks|full]`; a port of 0 is none.

Without a last word each kind of error is thrown once; tests/fixtures/logs/applications has what that wrote.
"""
import json
import logging
import sys
import time

import psycopg2
import pymysql
import sqlalchemy as sa

STYLE, MYSQL, POSTGRES = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


class Json(logging.Formatter):
    def format(self, record):
        fields = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%S+00:00"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(fields)


logging.Formatter.converter = time.gmtime
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter({
    "text": logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"),
    "bare": logging.Formatter(),
    "json": Json(),
    "basic": logging.Formatter(logging.BASIC_FORMAT),
}[STYLE])
logging.basicConfig(level=logging.INFO, handlers=[handler])
log = logging.getLogger("shop")


def mysql():
    return pymysql.connect(host="127.0.0.1", port=MYSQL, user="root", database="shop")


def postgres():
    return psycopg2.connect(host="127.0.0.1", port=POSTGRES, user="postgres", dbname="shop")


def engine(url):
    return sa.create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.2)


ORDERS = sa.Table("orders", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text),
                  sa.Column("amount", sa.Integer))
ALIAS = sa.text("SELECT id, amount * 2 AS total\nFROM orders\nWHERE total > :x\n  AND holder = 'kanarie]'")


def trying(name, work):
    log.info("trying %s", name)
    try:
        work()
    except Exception:
        log.exception("order of kanarie failed: %s", name)


def run(connection, sql, args=None):
    try:
        connection.cursor().execute(sql, args)
        connection.commit()
    except Exception:
        connection.rollback()
        raise


def with_engine(engine, statement, rows=None):
    with engine.begin() as connection:
        connection.execute(statement, rows) if rows else connection.execute(statement)


def take_two(engine):
    with engine.connect():
        engine.connect()


def wait_for_lock(connection):
    other = mysql()
    other.cursor().execute("BEGIN")
    other.cursor().execute("UPDATE orders SET amount = 1 WHERE id = 1")
    run(connection, "UPDATE orders SET holder = %s WHERE id = %s", ("kanarie", 1))


def connect_often(connect):
    return [connect() for _ in range(20)]


def each_once():
    for who, connection in (("pymysql", mysql()), ("psycopg2", postgres())):
        for name, sql, args in (
            ("alias", "SELECT id, amount * 2 AS total FROM orders WHERE total > 5 AND holder = 'kanarie'", None),
            ("table", "SELECT id FROM carts WHERE id = %s", (7,)),
            ("duplicate", "INSERT INTO orders VALUES (%s, %s, %s)", (1, 5, "kanarie")),
            ("null", "INSERT INTO orders VALUES (%s, %s, %s)", (3, None, "kanarie")),
            ("long", "INSERT INTO orders VALUES (%s, %s, %s)", (3, 1, "kanarie" * 9)),
            ("syntax", "SELEKT kanarie FRM orders", None),
        ):
            trying(f"{who} {name}", lambda: run(connection, sql, args))
        if who == "psycopg2":
            trying("cut", lambda: run(connection, "SET statement_timeout = 10; SELECT pg_sleep(1)"))
    for who, url in (
        ("mysql", f"mysql+pymysql://root@127.0.0.1:{MYSQL}/shop"),
        ("postgres", f"postgresql+psycopg2://postgres@127.0.0.1:{POSTGRES}/shop"),
    ):
        pool = engine(url)
        query = sa.select(ORDERS).where(ORDERS.c.note == "kanarie", ORDERS.c.id.in_([1, 2, 3]))
        trying(f"{who} column", lambda: with_engine(pool, query))
        trying(f"{who} alias", lambda: with_engine(pool, ALIAS.bindparams(x=5)))
        rows = [{"id": 1, "amount": 1, "note": None}, {"id": 2, "amount": 1, "note": "kanarie"}]
        trying(f"{who} many", lambda: with_engine(pool, sa.insert(ORDERS), rows))
        trying(f"{who} pool", lambda: take_two(pool))
    connection = mysql()
    trying("lock", lambda: wait_for_lock(connection))
    trying("refused", lambda: pymysql.connect(host="127.0.0.1", port=1, user="root"))
    trying("refused", lambda: psycopg2.connect(host="127.0.0.1", port=1, user="postgres"))
    trying("many", lambda: connect_often(postgres))
    trying("many", lambda: connect_often(mysql))
    trying("denied", lambda: pymysql.connect(host="127.0.0.1", port=MYSQL, user="kanarie", password="x"))


def forever(name, work, rest):
    while True:
        trying(name, work)
        sys.stdout.flush()
        time.sleep(rest)


what = sys.argv[4] if len(sys.argv) > 4 else "once"
if what == "once":
    each_once()
elif what == "alias":
    pool = engine(f"postgresql+psycopg2://postgres@127.0.0.1:{POSTGRES}/shop")
    forever("alias", lambda: with_engine(pool, ALIAS.bindparams(x=5)), 0.1)
elif what == "locks":
    connection = mysql()
    forever("lock", lambda: wait_for_lock(connection), 0.1)
elif what == "full":
    forever("many", lambda: connect_often(mysql), 0.2)
