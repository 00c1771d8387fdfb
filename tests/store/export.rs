//! Exports: what is written is what was packed, and a hostile store writes nothing.

use crate::common;
use std::fs;
use std::io::Read;
use std::path::Path;

use crate::common::{listing, small_archive, store_bytes, unpack};
use omnishot::archive::{self, Archive, ReadOptions, Split};
use omnishot::files::PublishError;
use omnishot::image::SIDE;
use omnishot::store::export::{ExportError, ExportOptions, to_folder, to_npz};
use omnishot::store::{Store, StoreError};

const ALL: ExportOptions = ExportOptions {
    split: None,
    overwrite: false,
};
const LENIENT: ReadOptions = ReadOptions {
    split: None,
    allow_missing: true,
};

fn store(archive: &Archive) -> Store {
    Store::from_bytes("memory.omni", store_bytes(archive)).unwrap()
}

fn read(folder: &Path) -> Archive {
    archive::read(&[folder.to_owned()], LENIENT).unwrap()
}

#[test]
fn a_folder_is_read_again_into_the_same_store() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let store = store(&small_archive());
    let exported = to_folder(&store, &target, ALL, |_| ()).unwrap();
    assert_eq!((exported.drawings, exported.runs), (10, 1));
    assert_eq!(
        listing(&target),
        ["all_runs", "images_background", "images_evaluation"]
    );
    assert!(
        target
            .join("images_background/Runic/character02/0002_04.png")
            .is_file()
    );
    let table = fs::read_to_string(target.join("all_runs/run01/class_labels.txt")).unwrap();
    assert_eq!(
        table,
        "run01/test/item01.png run01/training/class02.png\n\
         run01/test/item02.png run01/training/class01.png\n"
    );
    assert_eq!(read(&target), small_archive());
    assert_eq!(listing(folder.path()), ["out"]);
}

#[test]
fn runs_of_many_drawings_keep_their_order() {
    let mut archive = small_archive();
    let drawings = &mut archive.alphabets[1].characters[0].drawings;
    *drawings = common::character("character01", 3, &(1..=120).collect::<Vec<u16>>()).drawings;
    archive.runs[0].support = drawings.iter().map(|d| d.page).collect();
    archive.runs[0].queries[0].page = drawings[0].page;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    to_folder(&store(&archive), &target, ALL, |_| ()).unwrap();
    assert_eq!(read(&target), archive);
}

#[test]
fn one_split_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&small_archive());
    for (split, drawings, runs) in [(Split::Background, 6, 0), (Split::Evaluation, 4, 1)] {
        let options = ExportOptions {
            split: Some(split),
            ..ALL
        };
        let target = folder.path().join(split.name());
        let exported = to_folder(&store, &target, options, |_| ()).unwrap();
        assert_eq!((exported.drawings, exported.runs), (drawings, runs));
        let archive = read(&target);
        assert_eq!(
            archive.alphabets[..],
            [small_archive().alphabets[split as usize].clone()]
        );
        let npz = folder.path().join("a.npz");
        let replace = ExportOptions {
            overwrite: true,
            ..options
        };
        assert_eq!(to_npz(&store, &npz, replace, |_| ()).unwrap(), exported);
        // Ids count what is in the file.
        assert!(
            array::<u32>(&npz, "alphabet")
                .iter()
                .all(|&index| index == 0)
        );
        assert_eq!(array::<u32>(&npz, "character")[0], 0);
        if runs == 1 {
            assert_eq!(array::<u32>(&npz, "run_support"), [0, 0, 0, 2]);
            assert_eq!(array::<u32>(&npz, "run_queries"), [0, 3, 1, 0, 1, 0]);
        }
    }
    let mut background = small_archive();
    background.alphabets.pop();
    background.runs.clear();
    let options = ExportOptions {
        split: Some(Split::Evaluation),
        ..ALL
    };
    let target = folder.path().join("none");
    let refused = to_folder(&self::store(&background), &target, options, |_| ());
    assert!(matches!(refused, Err(ExportError::Nothing { .. })));
    assert!(!target.exists());
}

#[test]
fn what_is_there_is_kept_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let store = store(&small_archive());
    fs::create_dir(&target).unwrap();
    to_folder(&store, &target, ALL, |_| ()).unwrap(); // an empty folder is no obstacle
    fs::write(target.join("mine.txt"), "mine").unwrap();
    fs::write(target.join("images_background/stale"), "old").unwrap();
    let refused = to_folder(&store, &target, ALL, |_| ());
    assert!(matches!(refused, Err(ExportError::NotEmpty { .. })));
    assert!(target.join("images_background/stale").exists());
    let force = ExportOptions {
        overwrite: true,
        ..ALL
    };
    to_folder(&store, &target, force, |_| ()).unwrap();
    assert_eq!(fs::read_to_string(target.join("mine.txt")).unwrap(), "mine");
    assert!(!target.join("images_background/stale").exists());
    assert_eq!(listing(folder.path()), ["out"]);
    let npz = folder.path().join("a.npz");
    fs::write(&npz, "mine").unwrap();
    let refused = to_npz(&store, &npz, ALL, |_| ());
    assert!(matches!(
        refused,
        Err(ExportError::Store(StoreError::Publish(
            PublishError::Exists { .. }
        )))
    ));
    assert_eq!(fs::read(&npz).unwrap(), b"mine");
}

#[test]
fn names_that_lead_out_of_the_folder_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("deep/out");
    fs::create_dir(folder.path().join("deep")).unwrap();
    for name in [
        "../x",
        "..",
        ".",
        "a/b",
        "/tmp/x",
        "a\\b",
        ".hidden",
        "__MACOSX",
        "thumbs.DB",
    ] {
        let (mut alphabet, mut character, mut run) =
            (small_archive(), small_archive(), small_archive());
        alphabet.alphabets[0].name = name.to_owned();
        character.alphabets[0].characters[0].name = name.to_owned();
        character.alphabets[0]
            .characters
            .sort_by(|a, b| a.name.cmp(&b.name));
        run.runs[0].name = name.to_owned();
        for archive in [alphabet, character, run] {
            let error = to_folder(&store(&archive), &target, ALL, |_| ()).unwrap_err();
            assert!(
                matches!(&error, ExportError::UnsafeName { name: n, .. } if n == name),
                "{error}"
            );
            assert_eq!(listing(folder.path()), ["deep"]);
            assert!(listing(&folder.path().join("deep")).is_empty());
        }
    }
}

#[test]
fn a_damaged_store_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = store_bytes(&small_archive());
    let at = bytes.len() - 40; // the last block
    bytes[at] ^= 1;
    let store = Store::from_bytes("memory.omni", bytes).unwrap();
    let pngs = to_folder(&store, &folder.path().join("out"), ALL, |_| ());
    let npz = to_npz(&store, &folder.path().join("a.npz"), ALL, |_| ());
    for refused in [pngs, npz] {
        assert!(matches!(
            refused,
            Err(ExportError::Store(StoreError::DamagedCharacter { .. }))
        ));
    }
    assert!(listing(folder.path()).is_empty());
}

fn npy(path: &Path, name: &str) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name(&format!("{name}.npy"))
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn array<T: npyz::Deserialize>(path: &Path, name: &str) -> Vec<T> {
    npyz::NpyFile::new(&npy(path, name)[..])
        .unwrap()
        .into_vec()
        .unwrap()
}

#[test]
fn arrays_hold_what_was_packed() {
    let folder = tempfile::tempdir().unwrap();
    let (npz, again) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
    let store = store(&small_archive());
    to_npz(&store, &npz, ALL, |_| ()).unwrap();
    to_npz(&store, &again, ALL, |_| ()).unwrap();
    assert_eq!(fs::read(&npz).unwrap(), fs::read(again).unwrap());
    let bytes = npy(&npz, "pages");
    let pages = npyz::NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(pages.shape(), [10, 105, 105]);
    let pages: Vec<u8> = pages.into_vec().unwrap();
    assert_eq!(common::sha256(&pages), common::pixel_digest(&store));
    assert_eq!(pages.len(), 10 * SIDE * SIDE);
    assert_eq!(
        array::<u32>(&npz, "alphabet"),
        [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    );
    assert_eq!(
        array::<u32>(&npz, "character"),
        [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    );
    assert_eq!(array::<u16>(&npz, "drawer"), [1, 2, 3, 1, 3, 4, 1, 2, 1, 2]);
    assert_eq!(array::<u8>(&npz, "split"), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(array::<String>(&npz, "alphabet_names"), ["Runic", "Çelik"]);
    assert_eq!(array::<String>(&npz, "character_names").len(), 4);
    assert_eq!(array::<u32>(&npz, "character_numbers"), [1, 2, 3, 4]);
    assert_eq!(array::<u32>(&npz, "character_alphabets"), [0, 0, 1, 1]);
    assert_eq!(array::<String>(&npz, "run_names"), ["run01"]);
    assert_eq!(array::<u32>(&npz, "run_support"), [0, 6, 0, 8]);
    assert_eq!(array::<u32>(&npz, "run_queries"), [0, 9, 1, 0, 7, 0]);
    let mut no_runs = small_archive();
    no_runs.runs.clear();
    let none = folder.path().join("c.npz");
    assert_eq!(
        to_npz(&self::store(&no_runs), &none, ALL, |_| ())
            .unwrap()
            .runs,
        0
    );
    assert!(array::<String>(&none, "run_names").is_empty());
    assert_eq!(unpack(&store), small_archive());
}
