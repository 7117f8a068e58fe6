//! A store whose identities were made by another version of the normaliser.

use super::*;
use crate::model::sql::Dialect;
use crate::normalise::{FINGERPRINT_VERSION, Normaliser, Settings as NormaliserSettings};

fn with_statement(windows: Vec<PackedWindow>) -> Change {
    let mut normaliser = Normaliser::new(&NormaliserSettings::default(), 1);
    let known = normaliser.statement(b"SELECT a FROM t WHERE b = 1", Dialect::Mysql, false);
    Change::Flush(Flush {
        windows,
        statements: vec![known.statement],
        ..Flush::default()
    })
}

fn set_versions(settings: &Settings, version: u32) {
    let other = rusqlite::Connection::open(&settings.path).unwrap();
    let changed = other.execute("UPDATE statements SET version = ?1", [version]);
    assert_eq!(changed.unwrap(), 1);
    let meta = "UPDATE meta SET value = ?1 WHERE name = 'fingerprint_version'";
    assert_eq!(other.execute(meta, [version.to_string()]).unwrap(), 1);
}

fn stored_version(settings: &Settings) -> (u32, String) {
    let other = rusqlite::Connection::open(&settings.path).unwrap();
    let version = other.query_row("SELECT version FROM statements", [], |row| row.get(0));
    let meta = "SELECT value FROM meta WHERE name = 'fingerprint_version'";
    let meta = other.query_row(meta, [], |row| row.get(0));
    (version.unwrap(), meta.unwrap())
}

#[test]
fn statements_of_another_version_are_not_taken_for_known_and_nothing_else_is_lost() {
    for version in [FINGERPRINT_VERSION - 1, FINGERPRINT_VERSION + 1] {
        let dir = TempDir::new().unwrap();
        let settings = settings(&dir);
        let (handle, thread, first) = open(&settings);
        handle
            .commit_blocking(with_statement(vec![window(100, b"a")]))
            .unwrap();
        let fired = incident(1, IncidentState::Firing);
        handle
            .commit_blocking(decided(100, Some(fired.clone()), NoticeKind::Fired))
            .unwrap();
        close(handle, thread);
        let (handle, thread, same) = open(&settings);
        assert_eq!(same.statements.len(), 1);
        close(handle, thread);

        set_versions(&settings, version);
        let (handle, thread, recovered) = open(&settings);
        assert!(recovered.statements.is_empty());
        assert!(recovered.set_aside.is_none());
        assert_eq!(recovered.history, [window(100, b"a")]);
        assert_eq!(recovered.incidents.incidents, [fired]);
        assert_eq!(recovered.seed, first.seed);

        handle.commit_blocking(with_statement(Vec::new())).unwrap();
        close(handle, thread);
        let ours = (FINGERPRINT_VERSION, FINGERPRINT_VERSION.to_string());
        assert_eq!(stored_version(&settings), ours);
        let (handle, thread, again) = open(&settings);
        assert_eq!(again.statements.len(), 1);
        close(handle, thread);
    }
}
