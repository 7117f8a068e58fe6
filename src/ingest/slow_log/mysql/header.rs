//! Reads the `#` lines above a statement: MySQL 5.0 to 8, Percona Server, MariaDB.

use std::sync::Arc;
use std::time::Duration;

use super::asker::LastAsker;
use crate::ingest::slow_log::scan;
use crate::ingest::slow_log::zone::Calendar;
use crate::model::event::{Access, Outcome, RowCounts};
use crate::model::time::Timestamp;

/// How lines of MariaDB about its pages start; nothing in them is wanted.
const PAGES: &[u8] = b"Pages_";

/// No zone is so far from another.
const ONE_DAY: Duration = Duration::from_secs(86_400);

/// What the lines before help to read the next.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) calendar: Calendar,
    pub(super) asker: LastAsker,
}

/// What the `#` lines of one entry say; what they do not say is `None` or empty.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact that some line of the header tells"
)]
pub(super) struct Header<'a> {
    /// `# Time:` of this entry, or `End:` of MySQL 8; with a fraction, thus when the statement ended.
    pub(super) end: Option<Timestamp>,
    /// `Start:` of MySQL 8.
    pub(super) start: Option<Timestamp>,
    /// `# Time:` of this entry in whole seconds of the server's zone.
    pub(super) logged: Option<Timestamp>,
    /// What Percona Server 5.6 writes behind the seconds of it.
    pub(super) logged_fraction: Duration,
    /// Its date is of RFC 3339.
    pub(super) is_modern: bool,
    /// `Id:` stands on the line of the user.
    pub(super) has_id: bool,
    /// A line told who asked.
    pub(super) has_user: bool,
    pub(super) user: &'a [u8],
    pub(super) client: &'a [u8],
    /// `Schema:` or `Db:`; `Some` of nothing when the session had no database.
    pub(super) schema: Option<&'a [u8]>,
    pub(super) elapsed: Option<Duration>,
    pub(super) lock: Option<Duration>,
    pub(super) rows: RowCounts,
    pub(super) bytes_sent: Option<u64>,
    pub(super) access: Access,
    /// Some field of `access` is told.
    pub(super) access_told: bool,
    /// One in so many statements is logged.
    pub(super) one_in: Option<u32>,
    /// The `# explain:` lines, as they stand.
    pub(super) explain: &'a [u8],
    errno: u64,
    killed: u64,
}

impl Known {
    pub(super) fn new(calendar: Calendar) -> Self {
        Self {
            calendar,
            asker: LastAsker::default(),
        }
    }
}

impl<'a> Header<'a> {
    /// Takes one line, which starts with `#` and has no line end.
    pub(super) fn line(&mut self, line: &'a [u8], known: &mut Known) {
        let text = line[1..].trim_ascii_start();
        if let Some(rest) = text.strip_prefix(b"User@Host:") {
            self.user_line(rest, known);
        } else if let Some(rest) = text.strip_prefix(b"Time:") {
            self.time(rest.trim_ascii_start(), known);
        } else if !text.starts_with(PAGES) {
            self.fields(text, &mut known.calendar);
        }
    }

    /// Whether `# Time:`, where it is written, agrees with another clock as far as zones allow.
    pub(super) fn may_have_ended(&self, at: Timestamp) -> bool {
        let apart = |logged: Timestamp| logged.since(at).max(at.since(logged));
        self.logged.is_none_or(|logged| apart(logged) <= ONE_DAY)
    }

    /// `2026-11-21T19:26:58.608Z` or `081127  8:51:20`; the user may follow on the same line.
    fn time(&mut self, text: &'a [u8], known: &mut Known) {
        self.end = None;
        self.logged = None;
        if let Some((at, length)) = known.calendar.date(text) {
            let has_fraction = text.get(19) == Some(&b'.');
            if has_fraction {
                self.end = Some(at);
            } else {
                self.logged = Some(at);
            }
            self.is_modern = true;
            self.same_line_user(&text[length..], known);
        } else {
            let date = known.calendar.short_date(text);
            self.logged = date.map(|(second, _)| second);
            self.logged_fraction = date.map(|(_, fraction)| fraction).unwrap_or_default();
            self.same_line_user(text, known);
        }
    }

    fn same_line_user(&mut self, text: &'a [u8], known: &mut Known) {
        const MARK: &[u8] = b"User@Host:";
        if let Some(at) = memchr::memmem::find(text, MARK) {
            self.user_line(&text[at + MARK.len()..], known);
        }
    }

    /// `root[root] @ localhost [127.0.0.1]  Id:     8`, with more fields behind it at times.
    fn user_line(&mut self, text: &'a [u8], known: &mut Known) {
        let (told, rest) = known.asker.read(text);
        self.has_user = true;
        self.user = told.user;
        self.client = told.client;
        if !rest.is_empty() {
            self.fields(rest, &mut known.calendar);
        }
    }

    /// `Key: value  Key: value`. A key without value is followed by the next key.
    pub(super) fn fields(&mut self, text: &'a [u8], calendar: &mut Calendar) {
        let mut words = scan::words(text).peekable();
        while let Some(word) = words.next() {
            let Some(key) = word.strip_suffix(b":") else {
                continue;
            };
            let empty: &[u8] = b"";
            let value = words.next_if(|next| !next.ends_with(b":")).unwrap_or(empty);
            if !self.timing(key, value, calendar) && !self.path(key, value) {
                self.ending(key, value);
            }
        }
    }

    /// Who, when, how long and how many; whether the key is one of these.
    fn timing(&mut self, key: &[u8], value: &'a [u8], calendar: &mut Calendar) -> bool {
        match key {
            b"Query_time" => self.elapsed = scan::seconds(value),
            b"Lock_time" => self.lock = scan::seconds(value),
            b"Rows_sent" => self.rows.returned = scan::whole(value),
            b"Rows_examined" => self.rows.examined = scan::whole(value),
            b"Rows_affected" => self.rows.affected = scan::whole(value),
            b"Id" => self.has_id = true,
            b"Bytes_sent" => self.bytes_sent = scan::whole(value),
            b"Client" if self.client.is_empty() => {
                let port = memchr::memrchr(b':', value);
                self.client = port.map_or(value, |colon| &value[..colon]);
            }
            b"Schema" | b"Db" => self.schema = Some(value),
            b"Start" => self.start = calendar.date(value).map(|(at, _)| at),
            b"End" => {
                if let Some((at, _)) = calendar.date(value) {
                    self.end = Some(at);
                }
            }
            _ => return false,
        }
        true
    }

    /// How the server found the rows; whether the key is one of these.
    fn path(&mut self, key: &[u8], value: &[u8]) -> bool {
        let access = &mut self.access;
        match key {
            b"Full_scan" => access.full_scan = yes(value),
            b"Full_join" => access.full_join = yes(value),
            b"Tmp_table" => access.tmp_table = yes(value),
            b"Tmp_table_on_disk" => access.tmp_table_on_disk = yes(value),
            b"Filesort" => access.filesort = yes(value),
            b"Filesort_on_disk" => access.filesort_on_disk = yes(value),
            b"Merge_passes" | b"Sort_merge_passes" => {
                access.merge_passes = scan::whole(value);
                if key.starts_with(b"S") {
                    access.filesort_on_disk = access.merge_passes.map(|passes| passes > 0);
                }
            }
            b"Created_tmp_tables" => access.tmp_table = some(value),
            b"Created_tmp_disk_tables" => access.tmp_table_on_disk = some(value),
            // MySQL 8 tells sorts by what they read; any of the three is a sort.
            b"Sort_rows" | b"Sort_scan_count" | b"Sort_range_count" => {
                access.filesort = Some(access.filesort == Some(true) || some(value) == Some(true));
            }
            _ => return false,
        }
        self.access_told = true;
        true
    }

    fn ending(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"Errno" | b"Last_errno" => self.errno = scan::whole(value).unwrap_or(0),
            b"Killed" => self.killed = scan::whole(value).unwrap_or(0),
            b"Log_slow_rate_limit" => {
                let limit = scan::whole(value).and_then(|limit| u32::try_from(limit).ok());
                self.one_in = limit.filter(|limit| *limit > 1);
            }
            _ => {}
        }
    }

    /// How the statement ended.
    pub(super) fn outcome(&self) -> Outcome {
        let code = if self.killed > 0 {
            self.killed
        } else {
            self.errno
        };
        if code == 0 {
            return Outcome::Ok;
        }
        let code: Arc<str> = Arc::from(code.to_string());
        if self.killed > 0 || was_cut(self.errno) {
            Outcome::Cancelled { code }
        } else {
            Outcome::Error { code }
        }
    }
}

/// `ER_QUERY_INTERRUPTED`, `ER_QUERY_TIMEOUT` of MySQL and `ER_STATEMENT_TIMEOUT` of MariaDB.
fn was_cut(errno: u64) -> bool {
    matches!(errno, 1317 | 3024 | 1969)
}

fn yes(value: &[u8]) -> Option<bool> {
    match value {
        b"Yes" => Some(true),
        b"No" => Some(false),
        _ => None,
    }
}

fn some(value: &[u8]) -> Option<bool> {
    scan::whole(value).map(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn read(lines: &str) -> Header<'_> {
        let mut known = Known::new(Calendar::new(TimeZone::UTC));
        let mut header = Header::default();
        for line in lines.lines() {
            header.line(line.as_bytes(), &mut known);
        }
        header
    }

    #[test]
    fn an_empty_schema_does_not_swallow_the_next_key() {
        let header =
            read("# Thread_id: 13  Schema:   QC_hit: No\n# Schema:  Last_errno: 1062  Killed: 0");
        assert_eq!(header.schema, Some(b"".as_slice()));
        assert_eq!(
            header.outcome(),
            Outcome::Error {
                code: "1062".into()
            }
        );
    }

    #[test]
    fn the_long_line_of_mysql_8_tells_time_sorts_and_errors() {
        let header = read(
            "# Query_time: 1.500000  Lock_time: 0.000002 Rows_sent: 1  Rows_examined: 10 Thread_id: 8 Errno: 3024 \
             Killed: 0 Bytes_received: 0 Bytes_sent: 56 Read_first: 1 Sort_merge_passes: 2 Sort_range_count: 0 \
             Sort_rows: 9 Sort_scan_count: 1 Created_tmp_disk_tables: 0 Created_tmp_tables: 1 \
             Start: 2026-11-21T19:26:57.000000Z End: 2026-11-21T19:26:58.500000Z",
        );
        assert_eq!(header.elapsed, Some(Duration::from_millis(1500)));
        assert_eq!(header.end.unwrap().to_string(), "2026-11-21T19:26:58.5Z");
        assert_eq!(header.access.filesort, Some(true));
        assert_eq!(header.access.merge_passes, Some(2));
        assert_eq!(header.access.tmp_table_on_disk, Some(false));
        assert_eq!(
            header.outcome(),
            Outcome::Cancelled {
                code: "3024".into()
            }
        );
    }

    #[test]
    fn the_client_is_the_host_or_else_the_address() {
        assert_eq!(
            read("# User@Host: app[app] @ web1 [10.0.0.1]  Id:   8").client,
            b"web1"
        );
        assert_eq!(
            read("# User@Host: app[app] @  [10.0.0.1]").client,
            b"10.0.0.1"
        );
        let slave = read("# User@Host: [SQL_SLAVE] @  []");
        assert_eq!((slave.user, slave.client), (b"".as_slice(), b"".as_slice()));
    }

    #[test]
    fn time_and_user_may_share_a_line() {
        let header = read("# Time: 081127  8:51:20 User@Host: root[root] @ localhost []");
        assert_eq!(header.user, b"root");
        assert_eq!(header.logged.unwrap().to_string(), "2008-11-27T08:51:20Z");
    }
}
