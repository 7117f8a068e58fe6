// A shop whose requests a real SDK tells of: `shop.js DATABASE PORT`, everything else by the variables of OpenTelemetry.
//
// DATABASE is `postgres` (pg, pg-pool) or `mysql` (mysql2). It plays its own visitors, sick requests last, and prints as
// JSON how many requests and jobs it traced.
'use strict';

const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-http');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
const { MySQL2Instrumentation } = require('@opentelemetry/instrumentation-mysql2');
const { SpanStatusCode, trace } = require('@opentelemetry/api');

const [DATABASE, PORT] = [process.argv[2], Number(process.argv[3])];
const ROWS = Number(process.env.SHOP_ROWS ?? 0);
const [ORDERS, LETTERS, STATEMENTS, WORKERS] = [ROWS || 30, ROWS || 50, ROWS || 50, 20];
const EXPORTERS = {
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto',
  'http/json': '@opentelemetry/exporter-trace-otlp-http',
};
const SCHEMA = [
  'CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40))',
  'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount INTEGER)',
  'CREATE TABLE letters (id SERIAL PRIMARY KEY, owner INTEGER, body VARCHAR(80))',
];

// Set up before the drivers are loaded: what an SDK wraps, it wraps while it is loaded.
function tell() {
  const { OTLPTraceExporter } = require(EXPORTERS[process.env.OTEL_EXPORTER_OTLP_PROTOCOL]);
  const resource = resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME });
  const spans = new BatchSpanProcessor(new OTLPTraceExporter(), { maxQueueSize: 100000 });
  const traces = new NodeTracerProvider({ resource, spanProcessors: [spans] });
  traces.register();
  const readers = process.env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT
    ? [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: 200, exportTimeoutMillis: 200 })]
    : [];
  const meters = new MeterProvider({ resource, readers });
  registerInstrumentations({
    tracerProvider: traces,
    meterProvider: meters,
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) => request.headers.host === 'upstream',
        ignoreOutgoingRequestHook: (request) => Boolean(request.headers?.['x-visitor']),
      }),
      new ExpressInstrumentation(),
      new PgInstrumentation(),
      new MySQL2Instrumentation(),
    ],
  });
  return { traces, meters };
}

const { traces, meters } = tell();
const http = require('node:http');
const express = require('express');
const pg = require('pg');
const mysql = require('mysql2/promise');

// Both drivers behind one function that takes `?`.
function open(size) {
  if (DATABASE === 'postgres') {
    const pool = new pg.Pool({ host: '127.0.0.1', port: PORT, user: 'postgres', database: 'shop', max: size });
    const numbered = (sql) => { let n = 0; return sql.replace(/\?/g, () => `$${++n}`); };
    return { run: async (sql, values = []) => (await pool.query(numbered(sql), values)).rows, end: () => pool.end() };
  }
  const pool = mysql.createPool({ host: '127.0.0.1', port: PORT, user: 'root', database: 'shop', connectionLimit: size });
  return { run: async (sql, values = []) => (await pool.query(sql, values))[0], end: () => pool.end() };
}

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
// Everybody behind it has this address; all others have one of their own.
const PROXY = '127.0.0.2';
const NAP = { postgres: 'SELECT pg_sleep(0.1)', mysql: 'SELECT SLEEP(0.1)' }[DATABASE];
const INSERT = 'INSERT INTO letters (owner, body) VALUES (?, ?)';
const COLUMNS = ['id', 'customer_id', 'amount'];
const DIFFERENT = ['MIN', 'MAX', 'SUM', 'AVG', 'COUNT'].flatMap((of) => COLUMNS.flatMap((what) => COLUMNS.flatMap((by) => ['<', '>'].map(
  (than) => `SELECT ${of}(${what}) FROM orders WHERE ${by} ${than} ?`)))).slice(0, STATEMENTS);
let serial = 0;
const times = (n) => Array.from({ length: n }, (_, at) => at + 1);

const prepare = (db) => inSpan('prepare', async () => {
  for (const table of ['customers', 'orders', 'letters']) await db.run(`DROP TABLE IF EXISTS ${table}`);
  for (const statement of SCHEMA) await db.run(statement);
  const rows = (row) => times(ORDERS).map(row).join(', ');
  await db.run(`INSERT INTO customers VALUES ${rows((n) => `(${n}, 'customer ${n}')`)}`);
  await db.run(`INSERT INTO orders VALUES ${rows((n) => `(${n}, ${n}, ${7 * n})`)}`);
});

function inSpan(name, work) {
  return trace.getTracer('shop').startActiveSpan(name, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

const ask = (options, body) => new Promise((well, ill) => {
  const request = http.request({ host: '127.0.0.1', agent: false, ...options }, (answer) => {
    answer.resume();
    answer.on('end', () => (answer.statusCode === 200 ? well() : ill(new Error(`${options.path}: ${answer.statusCode}`))));
  });
  request.on('error', ill);
  request.end(body);
});

function routes(db, few, upstream) {
  const orders = () => db.run('SELECT id, customer_id FROM orders WHERE amount > ?', [0]);
  const customer = (order) => db.run('SELECT name FROM customers WHERE id = ?', [order.customer_id]);
  const insert = async () => { for (const n of times(LETTERS)) await db.run(INSERT, [serial++, `letter ${n}`]); };
  const press = (request) => db.run(INSERT, [9, request.body]);
  return {
    'GET /orders/joined': () =>
      db.run('SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > ?', [0]),
    'POST /letters/batch': () =>
      db.run(`INSERT INTO letters (owner, body) VALUES ${times(LETTERS).map((n) => `(${serial++}, 'letter ${n}')`).join(', ')}`),
    'GET /dashboard': async () => { for (const statement of DIFFERENT) await db.run(statement, [9]); },
    'GET /orders/lazy': async () => { for (const order of await orders()) await customer(order); },
    'GET /orders/parallel': async () => Promise.all((await orders()).map(customer)),
    'POST /letters/loop': insert,
    'POST /letters/saved': () => inSpan('letters.saveBatch', insert),
    'POST /letters/press': press,
    'POST /letters/note': press,
    'GET /report': async () => {
      await db.run('SELECT COUNT(*) FROM customers');
      await ask({ port: upstream, path: '/rates?day=1', headers: { host: 'upstream' } });
    },
    'GET /busy': () => few.run(NAP),
  };
}

async function jobs(db) {
  await inSpan('nightly import', async () => {
    for (const n of times(ROWS || 60)) await db.run('INSERT INTO customers (id, name) VALUES (?, ?)', [2000 + n, 'by night']);
  });
  for (const attempt of times(4)) {
    await inSpan('retry import', async () => {
      for (const n of times(8)) {
        await db.run('INSERT INTO customers (id, name) VALUES (?, ?)', [attempt < 4 ? 1 : 1000 + n, 'again']).catch(() => {});
      }
    });
  }
}

const listening = (server) => new Promise((well) => { server.listen(0, '127.0.0.1', () => well(server.address().port)); });

async function main() {
  const slow = http.createServer((_, answer) => setTimeout(() => answer.end(), 400));
  const upstream = await listening(slow);
  const [db, few] = [open(4), open(2)];
  await prepare(db);
  const app = express().use(express.text());
  for (const [name, work] of Object.entries(routes(db, few, upstream))) {
    const [method, path] = name.split(' ');
    app[method.toLowerCase()](path, async (request, response) => { await work(request); response.send('well'); });
  }
  const server = http.createServer(app);
  const port = await listening(server);
  let [asked, address] = [0, 10];
  const visit = (name, body, localAddress = `127.0.0.${address++}`) => {
    asked += 1;
    const [method, path] = name.split(' ');
    const headers = { 'x-visitor': '1', 'user-agent': BROWSER, 'content-type': 'text/plain' };
    return ask({ port, method, path, headers, localAddress }, body);
  };
  const four = async (names, from) => { for (const name of names) for (const _ of times(4)) await visit(name, undefined, from); };
  await four(['GET /orders/joined', 'POST /letters/batch', 'GET /dashboard'], PROXY);
  for (const n of times(4)) await visit('POST /letters/note', `note ${n}`, PROXY);
  await jobs(db);
  // What waits in the pool of mysql2 goes on in the context of another request: its spans are told below that one.
  if (DATABASE === 'postgres') await four(['GET /orders/parallel']);
  await four(['GET /orders/lazy', 'POST /letters/loop', 'POST /letters/saved', 'GET /report']);
  for (const _ of times(2)) await visit('POST /letters/press', 'hello', '127.0.0.3');
  await Promise.all(times(WORKERS).map(() => visit('GET /busy')));
  await traces.shutdown();
  await meters.shutdown();
  await Promise.all([db.end(), few.end()]);
  server.close();
  slow.close();
  console.log(JSON.stringify({ traces: asked + 6 }));
}

main();
