//! Anyone's pictures: folders and zips of them, what is left out, and what is refused.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use common::inputs::{Files, unpack};
use common::{listing, page, zip};
use omnishot::archive::{
    GroupOptions, Page, ScanOptions, Split, page_to_png, read_classes, read_groups, read_picture,
};
use omnishot::store::Store;

const AS_THEY_ARE: ScanOptions = ScanOptions {
    cut: false,
    grey: false,
};

/// Pictures of drawings of their own at these places.
fn files(places: &[&str]) -> Files {
    let file = |(kind, place): (u32, &&str)| ((*place).to_owned(), page_to_png(&page(kind)));
    (0..).zip(places).map(file).collect()
}

fn folder(files: &Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    unpack(files, folder.path());
    folder
}

fn grouped() -> Files {
    files(&[
        "runes/a/one.png",
        "runes/a/two.png",
        "runes/b/x.png",
        "marks/b/1.PNG",
        "marks/c/1.png",
    ])
}

fn evaluating(groups: &[&str]) -> GroupOptions {
    GroupOptions {
        evaluation: groups.iter().map(|&group| group.to_owned()).collect(),
        scan: AS_THEY_ARE,
    }
}

fn refusal(files: &Files, options: &GroupOptions) -> String {
    let folder = folder(files);
    read_groups(folder.path(), options).unwrap_err().to_string()
}

#[test]
fn groups_are_alphabets_and_classes_characters() {
    let from_folder = read_groups(folder(&grouped()).path(), &evaluating(&["marks"])).unwrap();
    let [runes, marks] = &from_folder.archive.alphabets[..] else {
        panic!("{from_folder:?}")
    };
    assert_eq!((&*runes.name, runes.split), ("runes", Split::Background));
    assert_eq!((&*marks.name, marks.split), ("marks", Split::Evaluation));
    let a = &runes.characters[0];
    assert_eq!((&*a.name, a.drawings.len()), ("a", 2));
    // The second picture by name is the second drawer's, and is the picture that was written.
    assert_eq!((a.drawings[1].drawer, a.drawings[1].page), (2, page(1)));
    let numbers = from_folder.archive.alphabets.iter();
    let mut numbers: Vec<u32> = numbers
        .flat_map(|a| &a.characters)
        .map(|c| c.number)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
    // A zip of the same is the same, whatever the order of its entries.
    let mut backwards = grouped();
    backwards.reverse();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.zip");
    fs::write(&path, zip(&backwards)).unwrap();
    assert_eq!(
        read_groups(&path, &evaluating(&["marks"])).unwrap(),
        from_folder
    );
}

#[test]
fn without_groups_all_classes_are_one_alphabet() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    unpack(&files(&["a/1.png", "b/1.png"]), &mine);
    let groups = read_groups(&mine, &evaluating(&[])).unwrap();
    let [alphabet] = &groups.archive.alphabets[..] else {
        panic!("{groups:?}")
    };
    assert_eq!((&*alphabet.name, alphabet.characters.len()), ("mine", 2));
}

#[test]
fn other_files_are_left_out_and_counted() {
    let mut files = grouped();
    files.push(("runes/notes.txt".to_owned(), b"mine".to_vec()));
    files.push(("runes/a/.hidden.png".to_owned(), b"no picture".to_vec()));
    let groups = read_groups(folder(&files).path(), &evaluating(&[])).unwrap();
    assert_eq!(groups.left_out, 1);
}

#[test]
fn what_is_amiss_is_named() {
    let none = evaluating(&[]);
    let mut mixed = grouped();
    mixed.push(("runes/loose.png".to_owned(), page_to_png(&page(9))));
    let said = refusal(&mixed, &none);
    assert!(
        said.contains("runes/loose.png") && said.contains("group/class/picture"),
        "{said}"
    );
    let said = refusal(&files(&["1.png"]), &none);
    assert!(said.contains("1.png"), "{said}");
    let mut broken = grouped();
    broken[1].1.truncate(40);
    let said = refusal(&broken, &none);
    assert!(
        said.contains("runes/a/two.png") && said.contains("damaged"),
        "{said}"
    );
    let mut empty = grouped();
    empty[0].1 = page_to_png(&Page::BLANK);
    let said = refusal(&empty, &none);
    assert!(
        said.contains("runes/a/one.png") && said.contains("shows nothing"),
        "{said}"
    );
    let said = refusal(&vec![("a/b.txt".to_owned(), vec![1])], &none);
    assert!(said.contains("holds no .png"), "{said}");
    let said = refusal(&grouped(), &evaluating(&["markz"]));
    assert!(
        said.contains("markz") && said.contains("marks, runes"),
        "{said}"
    );
}

#[test]
fn all_bad_pictures_are_named_at_once() {
    let mut broken = grouped();
    broken[0].1.clear();
    broken[2].1.truncate(40);
    broken[4].1 = b"%PDF-1.7".to_vec();
    let folder = folder(&broken);
    let refusals = [
        read_groups(folder.path(), &evaluating(&[])).unwrap_err(),
        read_classes(folder.path(), AS_THEY_ARE).unwrap_err(),
    ];
    for said in refusals.map(|error| error.to_string()) {
        for part in [
            "3 of 5 pictures",
            "runes/a/one.png: is empty",
            "runes/b/x.png: is a damaged PNG",
            "marks/c/1.png: is PDF by its content",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let many: Files = (0..50).map(|n| (format!("a/{n:02}.png"), vec![])).collect();
    let said = refusal(&many, &evaluating(&[]));
    assert!(
        said.contains("a/19.png") && !said.contains("a/20.png"),
        "{said}"
    );
    assert!(said.ends_with("and 30 more"), "{said}");
}

#[test]
fn a_class_of_which_no_picture_is_read_is_named() {
    let mut files = grouped();
    files.push(("runes/c/1.heic".to_owned(), b"anything".to_vec()));
    files.push(("runes/c/2.SVG".to_owned(), b"anything".to_vec()));
    let said = refusal(&files, &evaluating(&[]));
    assert!(said.contains("runes/c: .heic, .svg"), "{said}");
    files.truncate(5);
    files.push(("runes/a/1.heic".to_owned(), b"anything".to_vec()));
    files.push(("runes/notes/1.txt".to_owned(), b"anything".to_vec()));
    let groups = read_groups(folder(&files).path(), &evaluating(&[])).unwrap();
    let ends: Vec<_> = groups
        .left_out_ends
        .iter()
        .map(|(end, n)| (&**end, *n))
        .collect();
    assert_eq!(ends, [(".heic", 1), (".txt", 1)]);
    assert_eq!(groups.without_pictures, ["runes/notes"]);
    // Beside pictures that are classes by themselves, it would be one.
    let alone = vec![
        ("round.png".to_owned(), page_to_png(&page(1))),
        ("square.heic".to_owned(), b"anything".to_vec()),
    ];
    let said = read_classes(folder(&alone).path(), AS_THEY_ARE)
        .unwrap_err()
        .to_string();
    assert!(said.contains("square.heic"), "{said}");
}

#[test]
fn the_content_says_what_a_picture_is() {
    let mut files = grouped();
    for name in [
        "a/1.jfif",
        "a/2.Tiff",
        "a/scanned",
        "b/1.webp",
        "b/2.GIF",
        "b/3.bmp",
    ] {
        files.push((format!("more/{name}"), page_to_png(&page(7))));
    }
    files.push(("more/a/README".to_owned(), b"mine".to_vec()));
    let groups = read_groups(folder(&files).path(), &evaluating(&[])).unwrap();
    let more = groups
        .archive
        .alphabets
        .iter()
        .find(|a| a.name == "more")
        .unwrap();
    let drawings = more.characters.iter().flat_map(|c| &c.drawings);
    assert_eq!(
        drawings.filter(|drawing| drawing.page == page(7)).count(),
        6
    );
    assert_eq!(groups.left_out, 1);
}

#[test]
fn classes_are_folders_or_single_pictures() {
    let named = ["round/1.png", "round/2.png", "square.png", "deep/er/1.png"];
    let classes = read_classes(folder(&files(&named)).path(), AS_THEY_ARE).unwrap();
    let found: Vec<_> = (classes.iter())
        .map(|class| (&*class.name, class.pictures.len()))
        .collect();
    assert_eq!(found, [("deep/er", 1), ("round", 2), ("square", 1)]);
    for twice in [["a.png", "a/1.png"], ["a.jpg", "a.png"]] {
        let error = read_classes(folder(&files(&twice)).path(), AS_THEY_ARE).unwrap_err();
        assert!(error.to_string().contains("rename one"), "{error}");
    }
    assert!(read_classes(Path::new("/nowhere"), AS_THEY_ARE).is_err());
    assert!(read_picture(Path::new("/nowhere.png"), AS_THEY_ARE).is_err());
}

#[test]
fn a_folder_of_pictures_is_packed_or_refused_by_the_command() {
    let folder = folder(&grouped());
    let pack = |more: &[&str]| {
        let mut command = Command::cargo_bin("omni-pack").unwrap();
        let command = command.current_dir(folder.path());
        command
            .args(["build", "s.omni", ".", "--pictures"])
            .args(more)
            .output()
            .unwrap()
    };
    let refused = pack(&["--evaluation", "nothing"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("marks, runes"));
    assert_eq!(listing(folder.path()), ["marks", "runes"]);
    let packed = pack(&["--evaluation", "marks", "--cut"]);
    assert!(packed.status.success(), "{packed:?}");
    let store = Store::open(folder.path().join("s.omni").as_path()).unwrap();
    assert_eq!((store.drawings(), store.alphabets().len()), (5, 2));
}
