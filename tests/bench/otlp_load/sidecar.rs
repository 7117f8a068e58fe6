//! The sidecar that is measured: its ports, its CPU time and memory by `/proc`, its counts by `/metrics`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// How long it may take until all that was accepted is counted.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running sidecar.
pub(crate) struct Sidecar {
    command: Command,
    process: Child,
    page: u16,
    pub(crate) grpc: u16,
    pub(crate) http: u16,
    _dir: TempDir,
}

impl Sidecar {
    pub(crate) fn start(binary: &str) -> anyhow::Result<Self> {
        Self::start_with(binary, "")
    }

    /// With more settings.
    pub(crate) fn start_with(binary: &str, settings: &str) -> anyhow::Result<Self> {
        let dir = TempDir::new()?;
        let [page, grpc, http] = [free()?, free()?, free()?];
        let config = format!(
            "[listen]\nhttp = \"127.0.0.1:{page}\"\notlp_grpc = \"127.0.0.1:{grpc}\"\notlp_http = \"127.0.0.1:{http}\"\n\
             [store]\npath = \"{}\"\n{settings}",
            dir.path().join("store.db").display()
        );
        let file = dir.path().join("sqleuth.toml");
        std::fs::write(&file, config)?;
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&file);
        command.stderr(Stdio::null());
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {binary}"))?;
        let sidecar = Self {
            command,
            process,
            page,
            grpc,
            http,
            _dir: dir,
        };
        sidecar.wait_until_ready()?;
        Ok(sidecar)
    }

    /// As by `kill -9`, or for want of memory.
    pub(crate) fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.process = self.command.spawn()?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.get("/readyz").is_err() {
            ensure!(begun.elapsed() < PATIENCE, "the sidecar does not get ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Seconds of CPU time since its start.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let behind_name = stat.rsplit(')').next().context("a stat line")?;
        let fields: Vec<&str> = behind_name.split_ascii_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok());
        let (user, system) = (ticks(11).context("utime")?, ticks(12).context("stime")?);
        // USER_HZ of Linux
        Ok((user + system) / 100.0)
    }

    /// Most memory that was resident, in MB.
    pub(crate) fn peak_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<f64>().ok());
        Ok(kib.context("VmHWM")? / 1024.0)
    }

    /// Waits until so many spans are counted, no more and no less.
    pub(crate) fn wait_for(&self, spans: u64) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let counted = self.counted()?;
            if counted == spans {
                return Ok(());
            }
            ensure!(
                counted < spans,
                "{counted} spans counted of {spans} accepted"
            );
            ensure!(
                begun.elapsed() < PATIENCE,
                "{counted} spans counted of {spans} accepted"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Spans that went through the stages: nine of ten are statements.
    fn counted(&self) -> anyhow::Result<u64> {
        let metrics = self.get("/metrics")?;
        let value = |name: &str| {
            let line = metrics.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let statements = value("sqleuth_statements_total");
        let spans = value("sqleuth_spans_total");
        // the entry of each trace is no statement
        Ok(if statements == spans - spans / 10 {
            spans
        } else {
            statements
        })
    }

    /// Waits until so many runs are in stored windows, no more and no less.
    pub(crate) fn wait_for_stored(&self, runs: u64) -> anyhow::Result<u64> {
        let begun = Instant::now();
        loop {
            let answer = self.get("/api/v1/queries?from=1h&limit=1000")?;
            let body = answer.split_once("\r\n\r\n").context("an answer")?.1;
            let queries: serde_json::Value = serde_json::from_str(body)?;
            let items = queries["items"].as_array().context("items")?;
            let stored = items.iter().filter_map(|query| query["count"].as_u64());
            let stored = stored.sum::<u64>();
            if stored == runs {
                return Ok(stored);
            }
            ensure!(
                stored < runs && begun.elapsed() < PATIENCE,
                "{stored} runs stored of {runs}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.page))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        Ok(answer)
    }

    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// A port that is free now.
pub(crate) fn free() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
