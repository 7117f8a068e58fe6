//! A private PostgreSQL that logs every statement's duration.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::port::Port;
use super::process::{Process, run, tied};
use super::{is_root, wait_for};

/// A running server; gone when dropped.
#[derive(Debug)]
pub struct Postgres {
    dir: TempDir,
    port: Port,
    server: Process,
}

impl Postgres {
    /// Starts an empty server with database `shop`; `options` are settings such as `log_min_duration_statement=0`.
    pub fn start(options: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(dir.path()));
        }
        let data = dir.path().join("data");
        run(server_command("initdb")
            .args([
                "--auth=trust",
                "--username=postgres",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ])
            .arg(&data)
            .current_dir("/"));
        let port = Port::take();
        let mut command = server_command("postgres");
        command.current_dir("/").arg("-D").arg(&data);
        for setting in standard(port.number(), dir.path())
            .iter()
            .map(String::as_str)
            .chain(options.iter().copied())
        {
            command.args(["-c", setting]);
        }
        let log = File::create(dir.path().join("start.log")).expect("a log file");
        let server = Process::start(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log),
        );
        let mut this = Self { dir, port, server };
        wait_for("answer of PostgreSQL", || {
            assert!(
                this.server.is_running(),
                "PostgreSQL ended: {}",
                this.complaints()
            );
            this.client("postgres")
                .args(["-c", "SELECT 1"])
                .output()
                .ok()
                .filter(|o| o.status.success())
        });
        run(this.client("postgres").args(["-c", "CREATE DATABASE shop"]));
        this
    }

    /// Waits until whatever was run before this is in the logs: a process of their own writes them, a moment later, in
    /// the order in which they are told. The last word is a complaint, no statement.
    pub fn settle(&self, extensions: &[&str]) {
        static MARKS: AtomicU32 = AtomicU32::new(0);
        let mark = format!("no_database_{}_", MARKS.fetch_add(1, Ordering::Relaxed));
        let refused = self.client(&mark).args(["-c", "SELECT 1"]).output();
        assert!(refused.is_ok_and(|o| !o.status.success()), "{mark} is none");
        for extension in extensions {
            wait_for(&format!("{mark} in the log"), || {
                let log = std::fs::read_to_string(self.log(extension)).unwrap_or_default();
                (log.contains(&mark) && log.ends_with('\n')).then_some(())
            });
        }
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("start.log")).unwrap_or_default()
    }

    /// Its port on the loopback.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where the server log is; `.csv` and `.json` beside it when `log_destination` says so.
    pub fn log(&self, extension: &str) -> PathBuf {
        self.dir
            .path()
            .join("log/postgresql")
            .with_extension(extension)
    }

    fn client(&self, database: &str) -> Command {
        let mut command = Command::new("psql");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=0",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
        ]);
        command
            .arg("-p")
            .arg(self.port.number().to_string())
            .args(["-d", database]);
        command
    }

    /// Runs statements in `shop` and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        let output = run(self.client("shop").args(["-c", statements]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `pgbench` on `shop`; options and the script are the caller's.
    pub fn bench(&self) -> Command {
        let mut command = Command::new("pgbench");
        command.args(["-h", "127.0.0.1", "-U", "postgres"]);
        command
            .arg("-p")
            .arg(self.port.number().to_string())
            .env("PGDATABASE", "shop");
        command
    }

    /// The DDL of `shop`, by the server's own tool.
    pub fn dump(&self) -> String {
        let mut command = Command::new("pg_dump");
        command.args(["-s", "-h", "127.0.0.1", "-U", "postgres", "-p"]);
        let output = run(command.arg(self.port.number().to_string()).arg("shop"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A client that reads statements from a pipe, in `shop`.
    pub fn session(&self) -> Command {
        self.client("shop")
    }
}

impl Drop for Postgres {
    /// Killing the parent would leave its children behind for a moment; an immediate shutdown takes them along.
    fn drop(&mut self) {
        if self.server.is_running() {
            self.server.signal("QUIT");
            self.server.wait();
        }
    }
}

fn standard(port: u16, dir: &Path) -> Vec<String> {
    vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", dir.display()),
        "fsync=off".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "jit=off".to_owned(),
        "autovacuum=off".to_owned(),
        "logging_collector=on".to_owned(),
        format!("log_directory={}", dir.join("log").display()),
        "log_filename=postgresql.log".to_owned(),
        "log_file_mode=0644".to_owned(),
        "log_line_prefix=%m [%p] %q%u@%d/%a ".to_owned(),
    ]
}

/// A server program of the newest PostgreSQL, run as `postgres` when the test is root.
fn server_command(program: &str) -> Command {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed (tests/run does it)")
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(program)))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    let path = versions.pop().expect("PostgreSQL has its programs");
    // Told to end at once, the parent takes its children along.
    if !is_root() {
        return tied("QUIT", path);
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        "postgres",
        "--regid",
        "postgres",
        "--init-groups",
    ]);
    command.args(["--pdeathsig", "QUIT", "--"]).arg(path);
    command
}
