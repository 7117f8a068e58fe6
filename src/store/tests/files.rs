//! Files that are another process's, another version's, broken or no store.

use super::*;

#[test]
fn a_second_process_is_refused() {
    let dir = TempDir::new().unwrap();
    let (handle, thread, _) = open(&settings(&dir));
    let refused = Writer::open(&settings(&dir), Vec::new(), &clock());
    assert!(matches!(refused, Err(StoreError::InUse { .. })));
    close(handle, thread);
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let connection = rusqlite::Connection::open(&settings.path).unwrap();
    connection
        .pragma_update(None, "user_version", 1_000)
        .unwrap();
    drop(connection);
    let before = std::fs::read(&settings.path).unwrap();
    let refused = Writer::open(&settings, Vec::new(), &clock());
    assert!(matches!(refused, Err(StoreError::Newer { .. })));
    assert_eq!(std::fs::read(&settings.path).unwrap(), before);
}

#[test]
fn a_broken_file_is_set_aside() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let (handle, thread, _) = open(&settings);
    close(handle, thread);
    std::fs::write(&settings.path, vec![b'x'; 8_192]).unwrap();
    let (handle, thread, recovered) = open(&settings);
    let aside = recovered.set_aside.unwrap();
    assert!(
        aside
            .to_string_lossy()
            .ends_with("sqleuth.db.corrupt-20261121T192252Z")
    );
    assert_eq!(std::fs::read(aside).unwrap(), vec![b'x'; 8_192]);
    close(handle, thread);
}

#[test]
fn a_file_that_was_never_a_store_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let settings = settings(&dir);
    let log = b"# Time: 261121 19:22:52\n".repeat(100);
    std::fs::write(&settings.path, &log).unwrap();
    let clock = Clock::manual(secs(100));
    let refused = Writer::open(&settings, Vec::new(), &clock);
    assert!(matches!(refused, Err(StoreError::Foreign { .. })));
    assert_eq!(std::fs::read(&settings.path).unwrap(), log);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
