//! A private MariaDB with its slow log on.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::port::Port;
use super::process::{Process, run, tied};
use super::wait_for;

/// A running server; gone when dropped.
#[derive(Debug)]
pub struct MariaDb {
    dir: TempDir,
    port: Port,
    server: Process,
}

impl MariaDb {
    /// Starts an empty server with database `shop`; `options` are given to `mariadbd` as they are.
    pub fn start(options: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let data = dir.path().join("data");
        run(Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--datadir={}", data.display()))
            // Temporary tables are named by process ids, which containers that share /tmp may share too.
            .env("TMPDIR", dir.path())
            .args(as_root()));
        let port = Port::take();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let server = Process::start(
            tied("KILL", "/usr/sbin/mariadbd")
                .args([
                    "--no-defaults",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                ])
                .args([
                    "--innodb-buffer-pool-size=256M",
                    "--innodb-flush-log-at-trx-commit=0",
                    // What the disk of the machine does must decide no test.
                    "--innodb-flush-method=nosync",
                    "--innodb-doublewrite=0",
                    "--innodb-log-file-size=512M",
                ])
                .args([
                    "--slow-query-log=1",
                    "--log-output=FILE",
                    "--log-slow-verbosity=query_plan,explain",
                ])
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--socket={}", path("s")))
                .arg(format!("--pid-file={}", path("pid")))
                .arg(format!("--slow-query-log-file={}", path("slow.log")))
                .arg(format!("--port={}", port.number()))
                .env("TMPDIR", dir.path())
                .args(as_root())
                .args(options)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(dir.path().join("error.log")).expect("a log file")),
        );
        let mut this = Self { dir, port, server };
        wait_for("answer of MariaDB", || {
            assert!(
                this.server.is_running(),
                "MariaDB ended: {}",
                this.complaints()
            );
            this.client()
                .args(["-e", "SELECT 1"])
                .output()
                .ok()
                .filter(|o| o.status.success())
        });
        run(this.client().args(["-e", "CREATE DATABASE shop"]));
        this
    }

    /// Waits until whatever was run before this is in the log and in the statistics: the server turns to both once the
    /// client has its answer, and the connection is gone when they are done. That it was asked is in neither.
    pub fn settle(&self) {
        let ask = "SET long_query_time = 1000; SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root'";
        wait_for("end of every connection", || {
            (self.sql(ask).trim() == "1").then_some(())
        });
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(self.error_log()).unwrap_or_default()
    }

    /// Its port on the loopback.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where the slow log is.
    pub fn slow_log(&self) -> PathBuf {
        self.dir.path().join("slow.log")
    }

    /// Where the error log is.
    pub fn error_log(&self) -> PathBuf {
        self.dir.path().join("error.log")
    }

    /// The command-line client, without a database.
    fn client(&self) -> Command {
        let mut command = Command::new("mariadb");
        command.args([
            "--no-defaults",
            "--protocol=tcp",
            "-h127.0.0.1",
            "-uroot",
            "--batch",
            "--silent",
        ]);
        command.arg(format!("--port={}", self.port.number()));
        command
    }

    /// Runs statements in `shop` and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        let output = run(self.client().args(["shop", "-e", statements]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The DDL of `shop`, by the server's own tool.
    pub fn dump(&self) -> String {
        let mut command = Command::new("mariadb-dump");
        command.args(["--no-defaults", "--protocol=tcp", "-h127.0.0.1", "-uroot"]);
        command.arg(format!("--port={}", self.port.number()));
        let output = run(command.args(["--no-data", "shop"]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A client that reads statements from a pipe, in `shop`.
    pub fn session(&self) -> Command {
        let mut command = self.client();
        command.args(["--force", "--unbuffered", "--quick", "shop"]);
        command
    }
}

/// `mariadbd` wants to be told when it is to stay root.
fn as_root() -> &'static [&'static str] {
    if super::is_root() {
        &["--user=root"]
    } else {
        &[]
    }
}
