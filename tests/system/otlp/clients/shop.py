"""A shop whose requests a real SDK tells of: `shop.py DATABASE PORT BY`, everything else by the variables of OpenTelemetry.

DATABASE is `postgres` or `mysql`. BY says what is instrumented and what the shop is written with:
`orm` (SQLAlchemy), `both` (SQLAlchemy and the driver below it, so that each statement is told twice) or `driver`.
It plays its own visitors, sick requests last, and prints as JSON how many requests and jobs it traced.
"""
import http.client
import http.server
import itertools
import json
import logging
import os
import sys
import threading
import time

import flask
import psycopg2
import psycopg2.extras
import pymysql
import requests
import sqlalchemy as sa
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.pymysql import PyMySQLInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import orm
from werkzeug.serving import make_server

DATABASE, PORT, BY = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ROWS = int(os.environ.get("SHOP_ROWS", 0))
ORDERS, LETTERS, STATEMENTS, WORKERS = ROWS or 30, ROWS or 50, ROWS or 50, 20
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Everybody behind it has this address; all others have one of their own.
PROXY = "127.0.0.2"
COLUMNS = ["id", "customer_id", "amount"]
DIFFERENT = [
    f"SELECT {of}({what}) FROM orders WHERE {by} {than} %s"
    for of in ["MIN", "MAX", "SUM", "AVG", "COUNT"] for what in COLUMNS for by in COLUMNS for than in "<>"
][:STATEMENTS]
serial = itertools.count()
NAP = {"postgres": "SELECT pg_sleep(0.1)", "mysql": "SELECT SLEEP(0.1)"}[DATABASE]
SCHEMA = [
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount INTEGER)",
    "CREATE TABLE letters (id SERIAL PRIMARY KEY, owner INTEGER, body VARCHAR(80))",
    "CREATE TABLE stock (id INTEGER PRIMARY KEY, amount INTEGER)",
]


def provider():
    """What `opentelemetry-instrument` would set up, with one exporter."""
    if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=100_000))
    trace.set_tracer_provider(provider)
    return provider


def connect():
    if DATABASE == "postgres":
        return psycopg2.connect(host="127.0.0.1", port=PORT, user="postgres", dbname="shop")
    return pymysql.connect(host="127.0.0.1", port=PORT, user="root", database="shop")


def prepare():
    """Before anything is instrumented, hence told by nobody."""
    connection = connect()
    with connection.cursor() as cursor:
        for table in ("customers", "orders", "letters", "stock"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in SCHEMA:
            cursor.execute(statement)
        rows = [(n, n, 7 * n) for n in range(1, ORDERS + 1)]
        cursor.executemany("INSERT INTO customers VALUES (%s, %s)", [(n, f"customer {n}") for n, _, _ in rows])
        cursor.executemany("INSERT INTO orders VALUES (%s, %s, %s)", rows)
        cursor.executemany("INSERT INTO stock VALUES (%s, 9)", [(n,) for n in range(1, 51)])
    connection.commit()
    connection.close()


class Driver:
    """Written by hand, a connection for each thread."""

    own = threading.local()

    def run(self, sql, values=(), many=False):
        if not hasattr(self.own, "connection"):
            self.own.connection = connect()
        with self.own.connection.cursor() as cursor:
            (cursor.executemany if many else cursor.execute)(sql, values)
            return cursor.fetchall() if cursor.description else []

    def commit(self):
        self.own.connection.commit()

    def rollback(self):
        self.own.connection.rollback()

    def lazy(self):
        rows = self.run("SELECT id, customer_id FROM orders WHERE amount > %s", (0,))
        return [self.run("SELECT name FROM customers WHERE id = %s", (customer,)) for _, customer in rows]

    def joined(self):
        return self.run("SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > %s", (0,))

    def loop(self):
        for n in range(LETTERS):
            self.run("INSERT INTO letters (owner, body) VALUES (%s, %s)", (next(serial), f"letter {n}"))

    def batch(self):
        rows = [(next(serial), f"letter {n}") for n in range(LETTERS)]
        if DATABASE == "mysql":
            self.run("INSERT INTO letters (owner, body) VALUES (%s, %s)", rows, many=True)
            return
        self.run("SELECT 1")
        with self.own.connection.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, "INSERT INTO letters (owner, body) VALUES %s", rows)

    def press(self, owner, body):
        self.run("INSERT INTO letters (owner, body) VALUES (%s, %s)", (owner, body))


class Base(orm.DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    customer_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("customers.id"))
    amount: orm.Mapped[int]
    customer: orm.Mapped[Customer] = orm.relationship()


class Letter(Base):
    __tablename__ = "letters"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    owner: orm.Mapped[int]
    body: orm.Mapped[str]


class Orm:
    """Written with sessions of an ORM, on a pool of two connections."""

    own = threading.local()

    def __init__(self):
        url = {"postgres": "postgresql+psycopg2://postgres@127.0.0.1", "mysql": "mysql+pymysql://root@127.0.0.1"}[DATABASE]
        self.engine = sa.create_engine(f"{url}:{PORT}/shop", pool_size=2, max_overflow=0, pool_timeout=60)

    @property
    def session(self):
        if not hasattr(self.own, "session"):
            self.own.session = orm.Session(self.engine)
        return self.own.session

    def run(self, sql, values=(), many=False):
        names = iter("abc")
        while "%s" in sql:
            sql = sql.replace("%s", f":{next(names)}", 1)
        named = [dict(zip("abc", row)) for row in values] if many else dict(zip("abc", values))
        result = self.session.execute(sa.text(sql), named)
        return result.all() if result.returns_rows else []

    def commit(self):
        self.session.commit()
        self.session.close()

    def rollback(self):
        self.session.rollback()

    def lazy(self):
        return [order.customer.name for order in self.session.scalars(sa.select(Order).where(Order.amount > 0))]

    def joined(self):
        eager = sa.select(Order).options(orm.joinedload(Order.customer)).where(Order.amount > 0)
        return [order.customer.name for order in self.session.scalars(eager)]

    def loop(self):
        for n in range(LETTERS):
            self.session.add(Letter(owner=next(serial), body=f"letter {n}"))
            self.session.flush()

    def batch(self):
        self.session.add_all(Letter(owner=next(serial), body=f"letter {n}") for n in range(LETTERS))
        self.session.flush()

    def press(self, owner, body):
        self.session.add(Letter(owner=owner, body=body))


class Upstream(http.server.BaseHTTPRequestHandler):
    """Another service, that is slow and not traced."""

    def do_GET(self):
        time.sleep(0.4)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def app(db, upstream):
    app = flask.Flask("shop")

    def route(rule, work, methods=("GET",)):
        def view(**parameters):
            work(**parameters)
            db.commit()
            return "well"

        app.add_url_rule(rule, rule, view, methods=methods)

    def report():
        db.run("SELECT COUNT(*) FROM customers")
        requests.get(f"http://127.0.0.1:{upstream}/rates?day=1")

    def dashboard():
        for statement in DIFFERENT:
            db.run(statement, (9,))

    def saved():
        with trace.get_tracer("shop").start_as_current_span("letters.bulk_save"):
            db.loop()

    def press():
        db.press(9, flask.request.get_data(as_text=True))

    def executemany():
        db.run("UPDATE stock SET amount = amount - %s WHERE id = %s", [(1, n) for n in range(1, LETTERS + 1)], many=True)

    route("/orders/lazy", db.lazy)
    route("/orders/joined", db.joined)
    route("/letters/loop", db.loop, ["POST"])
    route("/letters/batch", db.batch, ["POST"])
    route("/letters/saved", saved, ["POST"])
    route("/letters/press", press, ["POST"])
    route("/letters/note", press, ["POST"])
    route("/stock/many", executemany, ["POST"])
    route("/report", report)
    route("/dashboard", dashboard)
    route("/busy", lambda: db.run(NAP))
    return app


def retries(db, tracer):
    """A job whose first tries fail."""
    for attempt in range(4):
        with tracer.start_as_current_span("retry import"):
            for n in range(8):
                try:
                    db.run("INSERT INTO customers (id, name) VALUES (%s, %s)", (1 if attempt < 3 else 1000 + n, "again"))
                    db.commit()
                except (pymysql.Error, psycopg2.Error, sa.exc.SQLAlchemyError):
                    db.rollback()


def job(db, tracer):
    """Work that nobody waits for, below a span of its own."""
    with tracer.start_as_current_span("nightly import"):
        for n in range(ROWS or 60):
            db.run("INSERT INTO customers (id, name) VALUES (%s, %s)", (2000 + n, "by night"))
        db.commit()


class Visitors:
    """People with browsers, each at an address of their own unless it is told."""

    def __init__(self, port):
        self.port, self.asked, self.addresses = port, 0, itertools.count(10)

    def ask(self, method, path, body, address):
        source = (address or f"127.0.0.{next(self.addresses)}", 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120, source_address=source)
        connection.request(method, path, body, {"User-Agent": BROWSER})
        answer = connection.getresponse()
        assert answer.status == 200, (path, answer.status, answer.read())
        connection.close()

    def play(self, method, path, times=4, body=None, address=None, at_once=False):
        self.asked += times
        threads = [threading.Thread(target=self.ask, args=(method, path, body, address)) for _ in range(times)]
        for thread in threads:
            thread.start()
            if not at_once:
                thread.join()
        for thread in threads:
            thread.join()


def main():
    prepare()
    traces = provider()
    if BY != "driver":
        SQLAlchemyInstrumentor().instrument()
    if BY != "orm":
        Psycopg2Instrumentor().instrument(enable_commenter=BY == "both", skip_dep_check=True)
        PyMySQLInstrumentor().instrument(enable_commenter=BY == "both")
    RequestsInstrumentor().instrument()
    db = Driver() if BY == "driver" else Orm()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    web = app(db, upstream.server_port)
    FlaskInstrumentor().instrument_app(web)
    logging.getLogger("werkzeug").disabled = True
    server = make_server("127.0.0.1", 0, web, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    visitors, tracer = Visitors(server.server_port), trace.get_tracer("shop")
    for method, path in [("GET", "/orders/joined"), ("POST", "/letters/batch"), ("GET", "/dashboard"), ("POST", "/stock/many")]:
        visitors.play(method, path, address=PROXY)
    for n in range(4):
        visitors.play("POST", "/letters/note", 1, f"note {n}", PROXY)
    job(db, tracer)
    retries(db, tracer)
    for method, path in [("GET", "/orders/lazy"), ("POST", "/letters/loop"), ("POST", "/letters/saved"), ("GET", "/report")]:
        visitors.play(method, path)
    visitors.play("POST", "/letters/press", 2, "hello", "127.0.0.3")
    if BY != "driver":
        visitors.play("GET", "/busy", WORKERS, at_once=True)
    traces.shutdown()
    print(json.dumps({"traces": visitors.asked + 5}))


main()
