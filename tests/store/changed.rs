//! A store that is replaced, rewritten, cut short or removed while someone reads it.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use crate::common::{small_archive, store_bytes};
use omnishot::store::{self, PageCache, Store, StoreError, WriteOptions};

fn written() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let bytes = store_bytes(&small_archive());
    let path = folder.path().join("s.omni");
    fs::write(&path, &bytes).unwrap();
    (folder, path, bytes)
}

/// Writes over the blocks of a store, in its place.
fn rewrite_blocks(path: &PathBuf, bytes: &[u8]) {
    let front = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(front.into())).unwrap();
    file.write_all(&vec![0x5A; bytes.len() - front as usize])
        .unwrap();
}

#[test]
fn a_store_that_is_replaced_is_read_on_as_it_was() {
    let (_folder, path, bytes) = written();
    let store = Store::open(&path).unwrap();
    let mut other = small_archive();
    other.alphabets[0].name = "Other".to_owned();
    let options = WriteOptions {
        overwrite: true,
        ..WriteOptions::default()
    };
    store::write(&path, &other, options, |_| ()).unwrap();
    assert!(fs::read(&path).unwrap() != bytes);
    store.verify().unwrap();
    assert_eq!(store.alphabets()[0].name, "Runic");
    assert_eq!(Store::open(&path).unwrap().alphabets()[0].name, "Other");
}

#[test]
#[cfg(unix)]
fn a_store_that_is_removed_is_read_on_as_it_was() {
    let (_folder, path, _) = written();
    let store = Store::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    store.verify().unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Read { .. })));
}

#[test]
#[cfg(unix)]
fn a_store_that_is_rewritten_in_its_place_is_found_damaged_and_what_was_decoded_stays() {
    let (_folder, path, bytes) = written();
    let pages = PageCache::new(Arc::new(Store::open(&path).unwrap()));
    let before = *pages.page(0).unwrap();
    rewrite_blocks(&path, &bytes);
    assert!(
        *pages.page(0).unwrap() == before,
        "its character was decoded before"
    );
    for id in [3, 6, 9] {
        let error = pages.page(id).unwrap_err();
        assert!(
            matches!(error, StoreError::DamagedCharacter { .. }),
            "{error}"
        );
        assert!(
            error.to_string().starts_with(path.to_str().unwrap()),
            "{error}"
        );
    }
    assert!(pages.store().verify().is_err());
}

#[test]
fn a_store_that_was_read_whole_stays_whatever_becomes_of_its_file() {
    let (_folder, path, bytes) = written();
    let store = Store::read(&path).unwrap();
    rewrite_blocks(&path, &bytes);
    store.verify().unwrap();
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    store.verify().unwrap();
    assert!(matches!(Store::read(&path), Err(StoreError::Magic { .. })));
    fs::remove_file(&path).unwrap();
    store.verify().unwrap();
    assert!(matches!(Store::read(&path), Err(StoreError::Read { .. })));
}

/// What a map cannot promise: the system ends a process that touches what was cut off.
#[test]
#[cfg(unix)]
fn a_mapped_store_that_is_cut_short_ends_its_process_and_no_sound_page_is_made_up() {
    use std::os::unix::process::ExitStatusExt;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "changed::cuts_its_own_store_short", "--ignored"])
        .env("OMNISHOT_TEST_CUT", "1")
        .output()
        .unwrap();
    let sigbus = if cfg!(target_os = "linux") { 7 } else { 10 };
    assert_eq!(output.status.signal(), Some(sigbus), "{output:?}");
}

#[test]
#[ignore = "the child of the test before it"]
fn cuts_its_own_store_short() {
    if std::env::var_os("OMNISHOT_TEST_CUT").is_some() {
        let (_folder, path, _) = written();
        let store = Store::open(&path).unwrap();
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(0)
            .unwrap();
        let _ = store.verify();
    }
}
