//! A MariaDB slow log as a test writes it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::slack::Slack;

/// The bot token; it must be found nowhere.
pub const TOKEN: &str = "xoxb-kanarie-token";

/// Windows of a second, and an incident with the first sick one.
pub const FAST: &str = "[window]\nlength = \"1s\"\nallowed_lateness = \"200ms\"\nflush_interval = \"200ms\"\n\
    recent = \"5s\"\n[incident]\nfire_after = 1\n";

/// `[slack]` that tells a fake Slack, with its token in `dir`.
pub fn slack_config(dir: &Path, slack: &Slack) -> String {
    let token = dir.join("token");
    std::fs::write(&token, TOKEN).expect("the test's directory can be written");
    format!(
        "[slack]\ntoken_file = \"{}\"\nchannel = \"C1\"\napi_url = \"{}\"\nmax_new_per_minute = 1000\n",
        token.display(),
        slack.api_url()
    )
}

/// One entry that ended just now.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Statement without semicolon.
    pub sql: &'a str,
    /// Run time in seconds.
    pub seconds: f64,
    /// Rows read.
    pub examined: u64,
    /// Rows sent.
    pub sent: u64,
}

impl Entry<'_> {
    /// A fast look-up of one row.
    pub fn quick(sql: &str) -> Entry<'_> {
        Entry {
            sql,
            seconds: 0.0004,
            examined: 1,
            sent: 1,
        }
    }

    /// A scan of a million rows for one.
    pub fn scan(sql: &str) -> Entry<'_> {
        Entry {
            sql,
            seconds: 1.5,
            examined: 1_000_000,
            sent: 1,
        }
    }

    /// The entry's text.
    pub fn text(&self) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("it is after 1970")
            .as_secs_f64();
        let full = if self.examined > 1000 { "Yes" } else { "No" };
        format!(
            "# User@Host: app[app] @ web1 [10.0.0.7]\n\
             # Thread_id: 8  Schema: shop  QC_hit: No\n\
             # Query_time: {:.6}  Lock_time: 0.000010  Rows_sent: {}  Rows_examined: {}\n\
             # Rows_affected: 0  Bytes_sent: 64\n\
             # Full_scan: {full}  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n\
             # Filesort: No  Filesort_on_disk: No  Merge_passes: 0  Priority_queue: No\n\
             SET timestamp={:.6};\n{};\n",
            self.seconds,
            self.sent,
            self.examined,
            now - self.seconds,
            self.sql
        )
    }
}

/// A log file.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Creates it, with nothing in it.
    pub fn create(path: PathBuf) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .expect("the test's directory can be written");
        Self { path, file }
    }

    /// `[[slow_log]]` that follows it from its beginning.
    pub fn config(&self) -> String {
        config(&self.path)
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.file
            .write_all(bytes.as_ref())
            .expect("the log can be written");
    }

    /// Appends an entry.
    pub fn entry(&mut self, entry: Entry<'_>) {
        self.write(entry.text());
    }
}

/// `[[slow_log]]` that follows a path from its beginning.
pub fn config(path: &Path) -> String {
    format!(
        "[general]\nservice = \"shop\"\n[[slow_log]]\npath = \"{}\"\nformat = \"mysql-slow\"\nstart = \"beginning\"\n",
        path.display()
    )
}

/// Runs of the statement whose template contains `text`, as the API tells them.
pub fn count(daemon: &Daemon, text: &str) -> u64 {
    let rows = daemon.items("queries?from=1h&limit=1000");
    rows.iter()
        .filter(|row| template(row).contains(text))
        .map(|row| row["count"].as_u64().unwrap_or(0))
        .sum()
}

fn template(row: &Value) -> &str {
    row["template"].as_str().unwrap_or_default()
}
