// A shop that logs what its drivers throw: `node shop.js STYLE MYSQL_PORT POSTGRES_PORT`, once each; STYLE: text or json.
// Needs mysql2 and pg of npm; tests/fixtures/logs/applications has what it wrote.
const mysql = require("mysql2/promise");
const { Client, Pool } = require("pg");

const [style, mysqlPort, postgresPort] = process.argv.slice(2);

// text: as console.error prints it behind a date; json: as pino writes it
function failed(name, error) {
  const message = `order of kanarie failed: ${name}`;
  if (style === "text") {
    console.log(new Date().toISOString(), "ERROR", message, error);
    return;
  }
  const { type = error.name, message: text, stack, ...rest } = { ...error, message: error.message, stack: error.stack };
  console.log(JSON.stringify({ level: 50, time: Date.now(), name: "shop", err: { type, message: text, stack, ...rest }, msg: message }));
}

async function trying(name, work) {
  if (style === "text") console.log(new Date().toISOString(), "INFO", "trying", name);
  try {
    await work();
  } catch (error) {
    failed(name, error);
  }
}

const orders = [
  ["alias", "SELECT id, amount * 2 AS total FROM orders WHERE total > 5 AND holder = 'kanarie'", []],
  ["table", "SELECT id FROM carts WHERE id = ?", [7]],
  ["duplicate", "INSERT INTO orders VALUES (?, ?, ?)", [1, 5, "kanarie"]],
  ["null", "INSERT INTO orders VALUES (?, ?, ?)", [3, null, "kanarie"]],
  ["long", "INSERT INTO orders VALUES (?, ?, ?)", [3, 1, "kanarie".repeat(9)]],
  ["syntax", "SELEKT kanarie FRM orders", []],
];

const ofMysql = { host: "127.0.0.1", port: Number(mysqlPort), user: "root", database: "shop" };
const ofPostgres = { host: "127.0.0.1", port: Number(postgresPort), user: "postgres", database: "shop" };

function numbered(sql) {
  let n = 0;
  return sql.replace(/\?/g, () => `$${++n}`);
}

async function main() {
  const my = await mysql.createConnection(ofMysql);
  for (const [name, sql, values] of orders) {
    await trying(`mysql2 query ${name}`, () => my.query(sql, values));
    await trying(`mysql2 execute ${name}`, () => my.execute(sql, values));
  }
  await my.query("SET innodb_lock_wait_timeout = 1");
  const other = await mysql.createConnection(ofMysql);
  await other.query("BEGIN");
  await other.query("UPDATE orders SET amount = 1 WHERE id = 1");
  await trying("mysql2 lock", () => my.query("UPDATE orders SET holder = ? WHERE id = ?", ["kanarie", 1]));
  await other.end();
  await my.end();
  await trying("mysql2 refused", () => mysql.createConnection({ ...ofMysql, port: 1 }));
  await trying("mysql2 denied", () => mysql.createConnection({ ...ofMysql, user: "kanarie", password: "x" }));

  const pg = new Client(ofPostgres);
  await pg.connect();
  for (const [name, sql, values] of orders) {
    await trying(`pg ${name}`, () => pg.query(numbered(sql), values));
  }
  await trying("pg cut", () => pg.query("SET statement_timeout = 10; SELECT pg_sleep(1)"));
  await pg.end();
  const pool = new Pool({ ...ofPostgres, max: 1, connectionTimeoutMillis: 200 });
  const held = await pool.connect();
  await trying("pg pool", () => pool.connect());
  held.release();
  await pool.end();
  await trying("pg refused", () => new Client({ ...ofPostgres, port: 1 }).connect());
}

main();
