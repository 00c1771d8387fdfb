//! Sets of classes: saved whole or not at all, under plain names, and answering as
//! `siamese-classify` does.

use std::fs;
use std::path::Path;

use crate::client::{Reply, get, post};
use crate::common::page;
use crate::common::program as run;
use crate::program::{Program, classes, drawing};
use omnishot::archive::page_to_png;
use serde_json::{Value, json};

fn save(program: &Program, name: &str, classes: &Value, replace: bool) -> Reply {
    let set = json!({ "name": name, "classes": classes, "replace": replace });
    post(program.port, "/api/save", &set)
}

fn load(program: &Program, name: &str) -> Reply {
    post(program.port, "/api/load", &json!({ "name": name }))
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter();
    let entries = entries
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file());
    let bytes = |entry: walkdir::DirEntry| {
        let name = entry.path().strip_prefix(folder).unwrap();
        (name.display().to_string(), fs::read(entry.path()).unwrap())
    };
    entries.map(bytes).collect()
}

#[test]
fn what_was_saved_is_loaded() {
    let program = Program::start("--sets kept/here");
    assert_eq!(get(program.port, "/api/start").json()["sets"], json!([]));
    let mut set = classes([1, 50]);
    set[0]["name"] = json!("ein Wort");
    set[1]["name"] = json!("漢字");
    set[1]["drawings"] = json!([drawing(50), drawing(51), drawing(52)]);
    let reply = save(&program, "Meine Menge", &set, false);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        get(program.port, "/api/start").json()["sets"],
        json!(["Meine Menge"])
    );
    assert_eq!(load(&program, "Meine Menge").json()["classes"], set);
    let there: Vec<String> = (files(program.folder()).into_iter())
        .map(|(name, _)| name)
        .collect();
    let here = "kept/here/Meine Menge";
    let expected = [
        "ein Wort/01.png",
        "漢字/01.png",
        "漢字/02.png",
        "漢字/03.png",
    ];
    assert_eq!(there, expected.map(|name| format!("{here}/{name}")));
}

#[test]
fn a_set_is_replaced_only_when_that_is_asked_for() {
    let program = Program::start("");
    let (first, second) = (classes([1, 50, 60]), classes([7]));
    assert_eq!(save(&program, "s", &first, false).status, 200);
    let refused = save(&program, "s", &second, false);
    assert_eq!(refused.status, 409);
    assert!(refused.refusal().contains("is there already"));
    assert_eq!(load(&program, "s").json()["classes"], first);
    assert_eq!(save(&program, "s", &second, true).status, 200);
    assert_eq!(load(&program, "s").json()["classes"], second);
    assert_eq!(files(program.folder()).len(), 1, "the old classes are gone");

    // What this page did not write is neither loaded nor replaced.
    let own = program.folder().join("sets/s/notes.txt");
    fs::write(&own, "mine").unwrap();
    for refused in [load(&program, "s"), save(&program, "s", &first, true)] {
        assert!(refused.refusal().contains("notes.txt: lies beside"));
    }
    fs::remove_file(&own).unwrap();
    let own = program.folder().join("sets/s/c00/photo.jpg");
    fs::write(&own, "mine").unwrap();
    for refused in [load(&program, "s"), save(&program, "s", &first, true)] {
        assert!(refused.refusal().contains("photo.jpg: is no PNG file"));
    }
    assert_eq!(fs::read(&own).unwrap(), b"mine");
}

#[test]
fn a_set_of_more_than_a_page_has_is_not_read() {
    let program = Program::start("");
    let of = |sizes: &[u64]| {
        let class = program.folder().join("sets/s/c");
        fs::create_dir_all(&class).unwrap();
        for (place, size) in sizes.iter().enumerate() {
            let file = fs::File::create(class.join(format!("{place}.png"))).unwrap();
            file.set_len(*size).unwrap();
        }
        load(&program, "s").refusal()
    };
    let mib = 1 << 20;
    // These four are looked at, and are no pictures.
    let said = of(&[3 * mib; 4]);
    assert!(said.contains("0.png") && said.contains("PNG"), "{said}");
    assert!(of(&[3 * mib, 3 * mib, 3 * mib, 3 * mib + 1]).contains("more than 12 MiB"));
    assert!(of(&[1, 1, 1, 4 * mib + 1]).contains("3.png: is too long"));
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let program = Program::start("");
    fs::create_dir_all(program.folder().join("sets")).unwrap();
    fs::create_dir_all(program.folder().join("secret/c")).unwrap();
    fs::write(
        program.folder().join("secret/c/1.png"),
        page_to_png(&page(1)),
    )
    .unwrap();
    let before = files(program.folder());
    let long = "x".repeat(101);
    for name in [
        "",
        ".",
        "..",
        "../secret",
        "/etc",
        "a/b",
        "a\\b",
        "C:x",
        ".hidden",
        " a",
        "a ",
        "a.",
        "a\0b",
        "a\nb",
        "sets/../../secret",
        "Thumbs.db",
        &long,
    ] {
        for reply in [
            save(&program, name, &classes([1]), true),
            load(&program, name),
        ] {
            assert_eq!(reply.status, 422, "{name:?}: {reply:?}");
            assert!(reply.refusal().contains("cannot be a name"), "{name:?}");
        }
        let mut bad = classes([1, 50]);
        bad[1]["name"] = json!(name);
        let reply = save(&program, "good", &bad, true);
        assert!(
            reply.refusal().contains("cannot be a name"),
            "{name:?}: {reply:?}"
        );
    }
    let mut twice = classes([1, 50]);
    twice[1]["name"] = json!("c00");
    assert!(
        save(&program, "good", &twice, false)
            .refusal()
            .contains("two classes are named")
    );
    assert!(
        load(&program, "nothing")
            .refusal()
            .contains("no set is named")
    );
    assert_eq!(files(program.folder()), before);
    let left: Vec<_> = fs::read_dir(program.folder().join("sets"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_saved_set_answers_as_the_command_does() {
    for preparation in ["", "--cut", "--grey --cut"] {
        let program = Program::start(preparation);
        let mut set = classes([1, 50, 4000]);
        set[1]["drawings"] = json!([drawing(50), drawing(60), drawing(70)]);
        assert_eq!(save(&program, "s", &set, false).status, 200);
        let query = page_to_png(&page(4100));
        fs::write(program.folder().join("q.png"), query).unwrap();
        for threshold in [None, Some(-1.0), Some(2.0)] {
            let asked = json!({ "classes": set, "query": drawing(4100), "threshold": threshold });
            let own = post(program.port, "/api/rank", &asked).json();
            let mut command = format!("--support sets/s --pretrained --json q.png {preparation}");
            if let Some(threshold) = threshold {
                command += &format!(" --threshold {threshold}");
            }
            let classify = env!("CARGO_BIN_EXE_siamese-classify");
            let done = run(classify, program.folder(), &command).success();
            let said: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
            let said = &said["answers"][0];
            assert_eq!(own["answer"], said["answer"], "{preparation} {threshold:?}");
            let (own, said) = (own["ranked"].as_array(), said["ranked"].as_array());
            assert_eq!(said.unwrap().len(), 3);
            for (own, said) in own.unwrap().iter().zip(said.unwrap()) {
                assert_eq!(own["name"], said["class"]);
                let score = |ranked: &Value| ranked["score"].as_f64().unwrap();
                assert!((score(own) - score(said)).abs() < 1e-5, "{own} {said}");
            }
        }
    }
}
