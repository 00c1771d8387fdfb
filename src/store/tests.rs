//! Writers of this room whose every step is refused, or the last thing their process does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::export::{ExportError, ExportOptions, Exported, to_folder, to_npz};
use super::made_up::{made_up, pack_all, packed, small};
use super::*;
use crate::archive::Archive;
use crate::files::faults::planned::{
    Fault, a_file_is_old_or_new, a_killed_file_is_old_or_new, at_every_step, killed_at_every_step,
    killed_here, with,
};

const REPLACE: ExportOptions = ExportOptions {
    split: None,
    overwrite: true,
};

/// Two characters in each half, by two drawers, and no runs: few files, since each costs a process.
fn tiny() -> Archive {
    made_up(3, true, 2, 2)
}

fn pack(folder: &Path) -> Result<(), StoreError> {
    pack_all(folder, &small())
}

#[test]
fn a_store_is_the_old_one_or_the_new_one_whatever_step_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    a_file_is_old_or_new(folder.path(), "s.omni", || pack(folder.path()));
}

#[test]
fn a_store_is_the_old_one_or_the_new_one_wherever_its_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pack = || pack(folder.path()).unwrap();
    a_killed_file_is_old_or_new(folder.path(), "s.omni", "store::tests::packs", pack);
}

#[test]
#[ignore = "the child of the test before it"]
fn packs() {
    killed_here(|folder| pack(folder).unwrap());
}

#[test]
fn an_array_file_is_the_old_one_or_the_new_one_whatever_step_is_refused() {
    let store = packed(&small());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    a_file_is_old_or_new(folder.path(), "a.npz", || {
        to_npz(&store, &path, REPLACE, |_| ()).map(drop)
    });
}

/// Every file below a folder, and what is in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    if !folder.exists() {
        return BTreeMap::new();
    }
    (walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap))
    .filter(|entry| entry.file_type().is_file())
    .map(|entry| {
        let name = entry.path().strip_prefix(folder).unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        (name.to_str().unwrap().to_owned(), bytes)
    })
    .collect()
}

/// A folder as an export of another store left it, with a file of someone else.
fn old(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    for part in ["images_background/X/x", "images_evaluation/Y/y"] {
        fs::create_dir_all(folder.join(part)).unwrap();
        fs::write(folder.join(part).join("old.png"), part).unwrap();
    }
    fs::write(folder.join("mine"), b"not ours").unwrap();
}

fn export(store: &Store, parent: &Path) -> Result<Exported, ExportError> {
    to_folder(store, &parent.join("out"), REPLACE, |_| ())
}

#[test]
fn a_folder_is_the_old_one_or_the_new_one_whatever_step_is_refused() {
    let store = packed(&tiny());
    // The name that errors have is the real one.
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    old(&out);
    let before = files(&out);
    let steps = at_every_step(
        parent.path(),
        Fault::Once,
        || export(&store, parent.path()).map(drop),
        |step, error| {
            let text = error.to_string();
            assert!(text.contains(parent.path().to_str().unwrap()), "{text}");
            assert!(
                matches!(error, ExportError::Write { .. }),
                "step {step}: {text}"
            );
            assert!(files(&out) == before, "step {step}: {text}");
            assert_eq!(
                fs::read_dir(parent.path()).unwrap().count(),
                1,
                "step {step}"
            );
        },
    );
    let after = files(&out);
    assert!(steps > after.len() && after.contains_key("mine") && after != before);
}

/// If moves are refused and then the way back as well, what was there is still somewhere.
#[test]
fn nothing_that_was_there_is_lost_if_the_disk_refuses_everything() {
    let store = packed(&tiny());
    let mut stuck = 0;
    for step in 0.. {
        assert!(step < 1_000, "an export has fewer steps");
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        old(&out);
        let before = files(&out);
        let (result, fired) = with(parent.path(), Fault::Ever, step, || {
            export(&store, parent.path())
        });
        let Err(error) = result else {
            assert!(!fired);
            break;
        };
        if let ExportError::Stuck { kept, .. } = error {
            stuck += 1;
            let mut found = files(&out);
            found.extend(files(&kept.join("old")));
            assert!(
                before
                    .iter()
                    .all(|(name, bytes)| found.get(name) == Some(bytes))
            );
        } else {
            assert!(files(&out) == before, "step {step}: {error}");
            assert_eq!(
                fs::read_dir(parent.path()).unwrap().count(),
                1,
                "step {step}"
            );
        }
    }
    assert!(stuck > 0);
}

#[test]
#[cfg(unix)]
fn a_folders_parts_are_each_whole_wherever_its_writer_is_killed() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("s.omni");
    write(&path, &tiny(), WriteOptions::default(), |_| ()).unwrap();
    let store = Store::open(&path).unwrap();
    let out = parent.path().join("out");
    export(&store, parent.path()).unwrap();
    let new = files(&out);
    old(&out);
    let before = files(&out);
    let part = |files: &BTreeMap<String, Vec<u8>>, part: &str| -> BTreeMap<String, Vec<u8>> {
        let of = |name: &&String| name.starts_with(part);
        let names = files.keys().filter(of);
        names
            .map(|name| (name.clone(), files[name].clone()))
            .collect()
    };
    killed_at_every_step("store::tests::exports", parent.path(), |step| {
        let mut missing = 0;
        let (now, mut kept) = (files(&out), BTreeMap::new());
        assert_eq!(now["mine"], b"not ours");
        for entry in fs::read_dir(parent.path()).unwrap().map(Result::unwrap) {
            if entry
                .file_name()
                .to_str()
                .unwrap()
                .starts_with(".omnishot-")
            {
                kept.extend(files(&entry.path().join("old")));
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        for name in ["images_background", "images_evaluation", "all_runs"] {
            let (now, before) = (part(&now, name), part(&before, name));
            if now.is_empty() && !before.is_empty() {
                assert_eq!(part(&kept, name), before);
                missing += 1;
            } else {
                assert!(
                    now == before || now == part(&new, name),
                    "step {step}: {name}"
                );
            }
        }
        assert!(missing <= 1, "step {step}");
        old(&out);
    });
}

#[test]
#[ignore = "the child of the test before it"]
fn exports() {
    killed_here(|parent| {
        let store = Store::open(&parent.join("s.omni")).unwrap();
        export(&store, parent).unwrap();
    });
}
