//! How inputs become one archive: splits, shared drawings, folders, and tables of runs.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::fs;
use std::path::Path;

use common::inputs::{Files, LENIENT, STRICT, images, read_all, read_zip, runs, unpack};
use common::{page, zip};
use omnishot::archive::{self, Archive, Problem, ReadOptions, Split, page_to_png};

#[test]
fn splits_come_from_names_or_options() {
    let bytes = zip(&images("images"));
    let error = read_all(&[("mine.zip", bytes.clone())], STRICT).unwrap_err();
    assert!(matches!(error.problem, Problem::UnknownSplit), "{error}");
    let split = Some(Split::Evaluation);
    let archive = read_all(
        &[("my_background.zip", bytes.clone())],
        ReadOptions { split, ..STRICT },
    )
    .unwrap();
    assert!(
        archive
            .alphabets
            .iter()
            .all(|a| a.split == Split::Evaluation)
    );
    let both = [
        ("a_background.zip", bytes.clone()),
        ("b_evaluation.zip", bytes),
    ];
    let error = read_all(&both, STRICT).unwrap_err();
    assert!(
        matches!(&error.problem, Problem::SplitConflict { alphabet } if alphabet == "A"),
        "{error}"
    );
    let official = zip(&images("images_background"));
    let error = read_all(&[("images_background.zip", official.clone())], STRICT).unwrap_err();
    assert!(
        matches!(
            error.problem,
            Problem::Incomplete {
                set: "images_background",
                what: "alphabets",
                expected: 30,
                got: 2
            }
        ),
        "{error}"
    );
    assert!(read_all(&[("images_background.zip", official)], LENIENT).is_ok());
}

#[test]
fn inputs_that_share_drawings_merge_or_conflict() {
    let mut files = images("images");
    let whole = read_zip(zip(&files)).unwrap();
    let small = zip(&files[..4]);
    let inputs = [
        ("s_background.zip", small),
        ("l_background.zip", zip(&files)),
    ];
    assert_eq!(read_all(&inputs, STRICT).unwrap(), whole);
    files[1].1 = page_to_png(&page(999));
    let inputs = [inputs[0].clone(), ("l_background.zip", zip(&files))];
    let error = read_all(&inputs, STRICT).unwrap_err();
    assert!(
        matches!(&error.problem, Problem::Conflict { drawer: 2, .. }),
        "{error}"
    );
    assert!(error.archive.ends_with("l_background.zip"));
}

#[test]
fn folders_are_read_as_zips_are() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path, options| archive::read(&[path.to_owned()], options);
    let mine = folder.path().join("my_background");
    unpack(&images("images"), &mine);
    assert_eq!(
        read(&mine, STRICT).unwrap(),
        read_zip(zip(&images("images"))).unwrap()
    );
    // The downloads side by side, one packed and one not, and the runs.
    let all = folder.path().join("all");
    unpack(&images("images_background"), &all);
    fs::write(all.join("all_runs.zip"), zip(&runs())).unwrap();
    let archive = read(&all, LENIENT).unwrap();
    assert_eq!((archive.alphabets.len(), archive.runs.len()), (2, 1));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(
        read(&empty, STRICT).unwrap_err().problem,
        Problem::Empty
    ));
    let missing = folder.path().join("missing");
    assert!(matches!(
        read(&missing, STRICT).unwrap_err().problem,
        Problem::Io(_)
    ));
}

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
    assert!(reading.passed_over.is_empty(), "{:?}", reading.passed_over);
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
    let reading = archive::read_inputs(&[clone.clone()], LENIENT).unwrap();
    assert_eq!(
        splits(&reading.archive),
        [("Runic", Split::Background), ("Elvish", Split::Evaluation)]
    );
    assert_eq!(reading.archive.runs.len(), 1);
    let said = reading.passed_over.join("\n");
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

fn run_refused(change: impl FnOnce(&mut Files)) -> String {
    let mut files = runs();
    change(&mut files);
    let error = read_all(&[("all_runs.zip", zip(&files))], STRICT).unwrap_err();
    assert!(matches!(error.problem, Problem::Run(_)), "{error}");
    error.to_string()
}

#[test]
fn tables_of_runs_must_fit_their_pictures() {
    let read = |inputs: &[(&str, Vec<u8>)]| read_all(inputs, STRICT);
    let sound = read(&[("all_runs.zip", zip(&runs()))]).unwrap();
    assert_eq!(sound.runs[0].queries[0].answer, 1);
    let label = |f: &mut Files, text: &str| f[0].1 = text.as_bytes().to_vec();
    let line = "run01/test/item01.png run01/training/class02.png\n";
    assert!(run_refused(|f| label(f, "")).contains("no line for test/item01.png"));
    assert!(run_refused(|f| label(f, "nonsense")).contains("nonsense"));
    assert!(run_refused(|f| label(f, &line.repeat(2))).contains("twice"));
    assert!(run_refused(|f| label(f, &line.replace("02", "03"))).contains("class03"));
    assert!(
        run_refused(|f| label(f, &format!("{line}{}", line.replace("item01", "item9"))))
            .contains("item9")
    );
    assert!(run_refused(|f| f[0].1 = vec![0xFF, 0xFE]).contains("not text"));
    assert!(
        run_refused(|f| f.push(("run02/test/item01.png".into(), f[1].1.clone()))).contains("run02")
    );
    assert!(run_refused(|f| f.push(("run01/x.png".into(), f[1].1.clone()))).contains("x.png"));
    assert!(run_refused(|f| f.push(("x.png".into(), f[1].1.clone()))).contains("x.png"));
    // The same runs twice are one; others of the same name are refused.
    let twice = [("a.zip", zip(&runs())), ("b.zip", zip(&runs()))];
    assert_eq!(read(&twice).unwrap(), sound);
    let mut other = runs();
    other[1].1 = page_to_png(&page(7));
    let error = read(&[("a.zip", zip(&runs())), ("b.zip", zip(&other))]).unwrap_err();
    assert!(error.to_string().contains("run01 differs"), "{error}");
}
