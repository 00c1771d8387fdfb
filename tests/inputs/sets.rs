//! What one input holds: sets of both splits, the folders around them, and what is none of them.

use std::fs;

use crate::common::inputs::{Files, LENIENT, STRICT, images, read_all, read_zip, runs, unpack};
use crate::common::{page, zip};
use omnishot::archive::{self, Archive, Problem, ReadOptions, Split, page_to_png};

/// Drawings of two alphabets of their own in the folder of a set.
fn set(folder: &str, alphabet: &str) -> Files {
    let mut files = images(folder);
    files.truncate(4);
    for (name, _) in &mut files {
        *name = name.replace("/A/", &format!("/{alphabet}/"));
    }
    files
}

/// The names and splits of alphabets.
fn splits(archive: &Archive) -> Vec<(&str, Split)> {
    let alphabets = archive.alphabets.iter();
    alphabets.map(|a| (&*a.name, a.split)).collect()
}

#[test]
fn each_set_of_one_input_is_of_the_split_that_its_folder_names() {
    let folder = tempfile::tempdir().unwrap();
    let expected = [("Runic", Split::Background), ("Elvish", Split::Evaluation)];
    for (at, [one, two]) in [
        ["images_background", "images_evaluation"],
        ["my_background", "my_evaluation"],
        ["data/IMAGES_BACKGROUND", "data/Evaluation of mine"],
        ["a/b/images_background_small1", "a/images_evaluation"],
        ["images_background/images_background", "images_evaluation"],
    ]
    .into_iter()
    .enumerate()
    {
        let files = [set(one, "Runic"), set(two, "Elvish")].concat();
        for name in ["archive.zip", "images_background.zip"] {
            let archive = read_all(&[(name, zip(&files))], LENIENT).unwrap();
            assert_eq!(splits(&archive), expected, "{one} in {name}");
        }
        let unpacked = folder.path().join(at.to_string());
        unpack(&files, &unpacked);
        let archive = archive::read(&[unpacked], LENIENT).unwrap();
        assert_eq!(splits(&archive), expected, "{one}");
    }
}

#[test]
fn a_mixture_that_cannot_be_told_is_refused() {
    let one = set("images_background", "Runic");
    let told = |name: &str, files: &Files| read_all(&[(name, zip(files))], LENIENT).unwrap_err();
    let error = told("all.zip", &[one.clone(), set("more", "Elvish")].concat());
    assert!(matches!(error.problem, Problem::UnknownSplit), "{error}");
    assert_eq!(error.entry.as_deref(), Some("more"));
    let error = told("background_and_evaluation.zip", &set("all", "Runic"));
    assert!(matches!(error.problem, Problem::UnknownSplit), "{error}");
    let error = told("my_evaluation.zip", &one);
    assert!(
        matches!(
            error.problem,
            Problem::TwoSplits {
                own: Split::Evaluation,
                held: Split::Background
            }
        ),
        "{error}"
    );
    // Once in each split: the evaluation set would be seen in training.
    let error = told(
        "all.zip",
        &[one, set("images_evaluation", "Runic")].concat(),
    );
    assert!(
        matches!(&error.problem, Problem::SplitConflict { alphabet } if alphabet == "Runic"),
        "{error}"
    );
}

#[test]
fn a_tag_against_a_name_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("all");
    unpack(
        &[set("a_background", "Runic"), set("a_evaluation", "Elvish")].concat(),
        &all,
    );
    let options = ReadOptions {
        split: Some(Split::Background),
        ..STRICT
    };
    let reading = archive::read_inputs(&[all], options).unwrap();
    assert!(
        reading
            .archive
            .alphabets
            .iter()
            .all(|a| a.split == Split::Background)
    );
    assert_eq!(
        reading.notes,
        ["all/a_evaluation is tagged background, whatever its name says"]
    );
}

#[test]
fn each_set_of_one_input_must_be_complete() {
    let mut files = [set("a_background", "Runic"), set("a_evaluation", "Elvish")].concat();
    let read = |files: &Files| read_all(&[("all.zip", zip(files))], STRICT);
    assert!(read(&files).is_ok());
    files.pop();
    let error = read(&files).unwrap_err();
    assert!(
        matches!(&error.problem, Problem::MissingDrawing { alphabet, drawer: 2, .. } if alphabet == "Elvish"),
        "{error}"
    );
    // Two drawers of one set are not asked of another.
    let mut one_drawer = set("a_evaluation", "Elvish");
    one_drawer.retain(|(name, _)| name.ends_with("_01.png"));
    assert!(read(&[set("a_background", "Runic"), one_drawer].concat()).is_ok());
    let error = read(&set("images_evaluation", "Elvish")).unwrap_err();
    assert!(
        error.to_string().contains("of images_evaluation"),
        "{error}"
    );
}

#[test]
fn folders_around_and_other_separators_change_nothing() {
    let plain = [images("images_background"), runs()].concat();
    let read = |files: &Files| read_all(&[("archive.zip", zip(files))], LENIENT).unwrap();
    let expected = read(&plain);
    assert_eq!((expected.alphabets.len(), expected.runs.len()), (2, 1));
    let renamed = |rename: &dyn Fn(&str) -> String| -> Files {
        let files = plain.iter();
        files
            .map(|(name, bytes)| (rename(name), bytes.clone()))
            .collect()
    };
    for files in [
        renamed(&|name| format!("archive/{name}")),
        renamed(&|name| format!("a/b/c/d/{name}")),
        renamed(&|name| format!("archive/{name}").replace('/', "\\")),
        renamed(&|name| format!("./{name}")),
        renamed(&|name| match name.strip_suffix(".png") {
            Some(stem) if name.starts_with("images") => format!("{stem}.PNG"),
            _ => name.to_owned(),
        }),
    ] {
        assert_eq!(read(&files), expected, "{}", files[0].0);
    }
    let mut twice = plain.clone();
    twice.push((plain[0].0.replace('/', "\\"), plain[0].1.clone()));
    let error = read_all(&[("archive.zip", zip(&twice))], LENIENT).unwrap_err();
    assert!(matches!(error.problem, Problem::RepeatedName), "{error}");
}

#[test]
fn what_systems_leave_behind_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let expected = read_zip(zip(&images("images"))).unwrap();
    let mut files = images("images");
    for name in [
        "images/desktop.ini",
        "images/A/Desktop.ini",
        "images/A/thumbs.db",
        "images/A/Icon\r",
        "images/A/character01/@eaDir/0001_01.png/SYNOPHOTO_THUMB_M.png",
        "images/A/.DS_Store",
        "images/A/character01/._0001_01.png",
        "images/A/character01/0001_01.png:Zone.Identifier",
        ".git/objects/00/0001_01.png",
        "__MACOSX/images/A/character01/._0001_01.png",
    ] {
        files.push((name.to_owned(), vec![1]));
    }
    assert_eq!(read_zip(zip(&files)).unwrap(), expected);
    let mine = folder.path().join("my_background");
    unpack(&files, &mine);
    let reading = archive::read_inputs(&[mine], STRICT).unwrap();
    assert_eq!(reading.archive, expected);
    assert!(reading.notes.is_empty(), "{:?}", reading.notes);
}

#[test]
fn a_clone_of_the_repository_is_read_whole_and_the_rest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("omniglot");
    let strokes = [("strokes_background/Runic/character01/0001_01.txt", vec![1])];
    let files: Files = [
        (
            "python/images_background_small1.zip",
            zip(&set("images_background_small1", "Runic")),
        ),
        (
            "python/images_evaluation.zip",
            zip(&set("images_evaluation", "Elvish")),
        ),
        ("python/strokes_background.zip", zip(&strokes)),
        ("python/one-shot-classification/all_runs.zip", zip(&runs())),
        (
            "python/one-shot-classification/demo_classification.py",
            vec![1],
        ),
        ("python/images_evaluation/Elvish/half.txt", vec![1]),
        ("demo_strokes.png", vec![1]),
        ("photos.zip", vec![1]),
        ("README.md", vec![1]),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into();
    unpack(&files, &clone);
    let reading = archive::read_inputs(std::slice::from_ref(&clone), LENIENT).unwrap();
    assert_eq!(
        splits(&reading.archive),
        [("Runic", Split::Background), ("Elvish", Split::Evaluation)]
    );
    assert_eq!(reading.archive.runs.len(), 1);
    let said = reading.notes.join("\n");
    for name in [
        "python/strokes_background.zip",
        "demo_classification.py",
        "the folder python/images_evaluation",
        "demo_strokes.png",
        "photos.zip",
        "README.md",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    // A set that is damaged is not passed over.
    fs::write(clone.join("python/images_evaluation.zip"), [1]).unwrap();
    let error = archive::read(&[clone], LENIENT).unwrap_err();
    assert!(
        error.archive.ends_with("python/images_evaluation.zip"),
        "{error}"
    );
    // Zips in a zip are not read, and that is said.
    let nested = [("omniglot/python/images_evaluation.zip", vec![1])];
    let error = read_all(&[("omniglot.zip", zip(&nested))], LENIENT).unwrap_err();
    assert!(error.to_string().contains("unpack it"), "{error}");
}

#[test]
fn files_of_other_kinds_are_known_by_their_first_bytes() {
    let png = page_to_png(&page(1));
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, says) in [
        (&b"\x1F\x8B\x08\0"[..], "packed by gzip"),
        (b"7z\xBC\xAF\x27\x1C\0", "7-Zip"),
        (b"Rar!\x1A\x07\x01\0", "RAR"),
        (b"\xFD7zXZ\0\0", "packed by xz"),
        (&tar, "a tar archive"),
        (&png, "a single PNG picture"),
        (b"\xFF\xD8\xFF\xE0", "a single JPEG picture"),
        (b"<!DOCTYPE html>", "a page of the web"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "git lfs pull",
        ),
    ] {
        let error = read_all(&[("images_background.zip", bytes.to_vec())], STRICT).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(matches!(error.problem, Problem::NotZip { .. }), "{error}");
    }
}

#[test]
fn zips_of_other_kinds_are_not_called_unsound() {
    let sound = zip(&set("my_background", "Runic"));
    let marks: Vec<usize> = (0..sound.len() - 4)
        .filter(|&at| {
            sound[at..].starts_with(b"PK\x01\x02") || sound[at..].starts_with(b"PK\x03\x04")
        })
        .collect();
    // Of each header the flag of encryption, and the method: 12 is bzip2.
    for (field, value, says) in [(0, 1, "assword"), (2, 12, "not read")] {
        let mut bytes = sound.clone();
        for &at in &marks {
            let flags = if sound[at + 2] == 1 { 8 } else { 6 };
            bytes[at + flags + field] = value;
        }
        let error = read_zip(bytes).unwrap_err();
        assert!(
            matches!(error.problem, Problem::ForeignZip { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{error}");
    }
}
