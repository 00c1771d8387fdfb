//! Anyone's pictures: folders and zips of them, what is left out, and what is refused.

use std::fs;
use std::path::Path;

use crate::common::inputs::{Files, unpack};
use crate::common::pictures::{AS_THEY_ARE, evaluating, files, folder, grouped, refusal};
use crate::common::{listing, page, zip};
use assert_cmd::Command;
use omnishot::archive::{
    GroupOptions, Split, page_to_png, read_classes, read_groups, read_picture,
};
use omnishot::image::Page;
use omnishot::store::Store;

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
fn one_class_alone_is_taken_and_said() {
    for paths in [vec!["c/1.png"], vec!["mine/cat.1.png", "mine/dog.1.png"]] {
        let groups = read_groups(folder(&files(&paths)).path(), &evaluating(&[])).unwrap();
        let characters = &groups.archive.alphabets[0].characters;
        assert_eq!(characters.len(), 1);
        assert_eq!(characters[0].drawings.len(), paths.len());
        let [note] = &groups.notes[..] else {
            panic!("{:?}", groups.notes)
        };
        assert!(
            note.starts_with("all pictures are of one class") && note.contains("cat/1.png"),
            "{note}"
        );
    }
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
    let said = refusal(&[("a/b.txt".to_owned(), vec![1])], &none);
    assert!(said.contains("holds no .png"), "{said}");
    let said = refusal(&grouped(), &evaluating(&["markz"]));
    assert!(
        said.contains("markz") && said.contains("marks, runes"),
        "{said}"
    );
}

#[test]
fn a_folder_around_all_changes_nothing() {
    let expected = read_groups(folder(&grouped()).path(), &evaluating(&["marks"])).unwrap();
    let own = folder(&[]);
    let leftovers = [
        "thumbs.db",
        "desktop.ini",
        "Icon\r",
        "@eaDir/one.png",
        "__MACOSX/._x.png",
    ];
    for (number, around) in ["mine/", "a/b/c/", "mine\\"].into_iter().enumerate() {
        let names = grouped().into_iter().map(|(name, bytes)| {
            let name = format!("{around}{name}");
            let windows = around.ends_with('\\');
            (
                if windows {
                    name.replace('/', "\\")
                } else {
                    name
                },
                bytes,
            )
        });
        let left = leftovers.map(|name| (format!("{around}runes/{name}"), vec![1]));
        let files: Files = names.chain(left).collect();
        let path = own.path().join(format!("{number}.zip"));
        fs::write(&path, zip(&files)).unwrap();
        assert_eq!(
            read_groups(&path, &evaluating(&["marks"])).unwrap(),
            expected,
            "{around}"
        );
        if !around.ends_with('\\') {
            let unpacked = folder(&files);
            let groups = read_groups(unpacked.path(), &evaluating(&["marks"])).unwrap();
            assert_eq!(groups, expected, "{around}");
        }
    }
    // Classes to tell apart likewise, and one picture for each.
    let names = |files: &Files, zip_name: &str| {
        let path = own.path().join(zip_name);
        fs::write(&path, zip(files)).unwrap();
        let classes = read_classes(&path, AS_THEY_ARE).unwrap();
        classes
            .into_iter()
            .map(|class| class.name)
            .collect::<Vec<_>>()
    };
    let known = files(&[
        "known/round/1.png",
        "known/round/2.png",
        "known/square/1.png",
    ]);
    assert_eq!(names(&known, "x.zip"), ["round", "square"]);
    let single = files(&["known/round.png", "known/square.png"]);
    assert_eq!(names(&single, "known.zip"), ["round", "square"]);
    assert_eq!(
        names(&files(&["round/1.png", "round/2.png"]), "y.zip"),
        ["round"]
    );
}

#[test]
fn pictures_that_lie_amiss_are_told_how_to_lie() {
    let none = evaluating(&[]);
    let said = refusal(&files(&["cat.1.png", "dog.1.png"]), &none);
    assert!(
        said.contains("cat.1.png") && said.contains("cat/1.png"),
        "{said}"
    );
    let said = refusal(&files(&["a/1.png", "b/1.png", "b/deep/er/2.png"]), &none);
    assert!(
        said.contains("b/deep/er/2.png: lies in 3 folders, but a/1.png in one"),
        "{said}"
    );
    let said = refusal(&[("mine.zip".to_owned(), vec![1])], &none);
    assert!(said.contains("mine.zip; unpack it"), "{said}");
    let said = refusal(&files(&["x/a/b/c/1.png", "y/a/b/c/1.png"]), &none);
    assert!(said.contains("lies in 4 folders"), "{said}");
}

#[test]
fn parts_of_a_set_are_no_groups_unawares() {
    let parts = files(&[
        "train/a/1.png",
        "train/b/1.png",
        "Test/a/1.png",
        "val/c/1.png",
    ]);
    let said = refusal(&parts, &evaluating(&[]));
    assert!(said.contains("train and Test are named as parts"), "{said}");
    assert!(
        said.contains("\"a\"") && said.contains("--merge-splits"),
        "{said}"
    );
    let folder = folder(&parts);
    let read = |options: &GroupOptions| read_groups(folder.path(), options).unwrap();
    let merging = GroupOptions {
        merge_splits: true,
        ..evaluating(&[])
    };
    let merged = read(&merging).archive.alphabets;
    let found: Vec<_> = (merged[0].characters.iter())
        .map(|class| (&*class.name, class.drawings.len()))
        .collect();
    assert_eq!(
        (merged.len(), found),
        (1, vec![("a", 2), ("b", 1), ("c", 1)])
    );
    // The pictures of a class are in the order of their paths: Test/a/1.png is the first.
    assert_eq!(merged[0].characters[0].drawings[0].page, page(2));
    let apart = read(&evaluating(&["Test"]));
    assert_eq!(apart.archive.alphabets.len(), 3);
    assert!(
        apart.notes[0].contains("seen in training"),
        "{:?}",
        apart.notes
    );
    // Other groups may well share names of classes, and parts that share none are groups.
    assert!(
        read_groups(self::folder(&grouped()).path(), &evaluating(&[]))
            .unwrap()
            .notes
            .is_empty()
    );
    let distinct = self::folder(&files(&["train/a/1.png", "train/b/1.png", "test/c/1.png"]));
    let groups = read_groups(distinct.path(), &evaluating(&[])).unwrap();
    assert!(
        groups.notes[0].contains("test and train"),
        "{:?}",
        groups.notes
    );
}

#[test]
fn classes_without_groups_are_dealt_into_some() {
    let places = [
        "a/1.png", "b/1.png", "c/1.png", "c/2.png", "d/1.png", "e/1.png",
    ];
    let folder = folder(&files(&places));
    let dealing = |deal, evaluation: &[&str]| GroupOptions {
        deal,
        ..evaluating(evaluation)
    };
    let groups = read_groups(folder.path(), &dealing(Some(2), &["group 2"])).unwrap();
    let found: Vec<_> = (groups.archive.alphabets.iter())
        .map(|group| {
            let classes = group.characters.iter().map(|class| class.name.clone());
            (
                &*group.name,
                group.split,
                classes.collect::<Vec<_>>().concat(),
            )
        })
        .collect();
    let expected = [
        ("group 1", Split::Background, "ace".to_owned()),
        ("group 2", Split::Evaluation, "bd".to_owned()),
    ];
    assert_eq!(found, expected);
    assert!(groups.notes.is_empty(), "{:?}", groups.notes);
    let error = read_groups(folder.path(), &dealing(Some(3), &[])).unwrap_err();
    assert!(
        error.to_string().contains("2 groups are the most"),
        "{error}"
    );
    let alone = read_groups(folder.path(), &dealing(None, &[])).unwrap();
    assert!(alone.notes[0].contains("--groups N"), "{:?}", alone.notes);
}

#[test]
fn a_folder_without_groups_is_packed_with_a_word() {
    let folder = folder(&files(&[
        "mine/a/1.png",
        "mine/b/1.png",
        "mine/c/1.png",
        "mine/d/1.png",
    ]));
    let pack = |more: &[&str]| {
        let mut command = Command::cargo_bin("omni-pack").unwrap();
        let command = command.current_dir(folder.path());
        let command = command.args(["build", "s.omni", "mine", "--pictures", "--force"]);
        let output = command.args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = pack(&[]);
    assert!(
        said.contains("all 4 classes are in one group, \"mine\""),
        "{said}"
    );
    assert!(said.contains("--groups N"), "{said}");
    assert_eq!(pack(&["--groups", "2", "--evaluation", "group 1"]), "");
    let store = Store::open(folder.path().join("s.omni").as_path()).unwrap();
    let splits: Vec<Split> = store.alphabets().iter().map(|a| a.split).collect();
    assert_eq!(splits, [Split::Background, Split::Evaluation]);
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
