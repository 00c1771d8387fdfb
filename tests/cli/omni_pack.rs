//! The command line of omni-pack: exit codes, where messages go, and what they say.

use crate::common;
use crate::common::drawings;
use std::fs;
use std::path::Path;

use crate::common::{listing, program, small_archive, store_bytes, text};

fn omni_pack(folder: &Path, arguments: &str) -> assert_cmd::assert::Assert {
    program(env!("CARGO_BIN_EXE_omni-pack"), folder, arguments)
}

/// Runs it, demands success and silence on stderr, and returns what it printed.
fn succeeds(folder: &Path, arguments: &str) -> String {
    let assert = omni_pack(folder, arguments).success();
    assert_eq!(text(&assert.get_output().stderr), "", "{arguments}");
    text(&assert.get_output().stdout)
}

/// Runs it, demands this exit code and silence on stdout, and returns the message.
fn fails(folder: &Path, arguments: &str, code: i32) -> String {
    let assert = omni_pack(folder, arguments).code(code);
    assert_eq!(text(&assert.get_output().stdout), "", "{arguments}");
    text(&assert.get_output().stderr)
}

fn folder_with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.omni"), store_bytes(&small_archive())).unwrap();
    folder
}

#[test]
fn a_store_goes_out_and_in_again() {
    let folder = folder_with_store();
    let folder = folder.path();
    assert_eq!(
        succeeds(folder, "export s.omni out"),
        "out: 10 drawings and 1 runs\n"
    );
    let built = succeeds(folder, "build t.omni out --allow-missing --threads 1");
    assert!(
        built.starts_with("t.omni: 10 drawings and 1 runs in "),
        "{built}"
    );
    assert_eq!(
        fs::read(folder.join("s.omni")).unwrap(),
        fs::read(folder.join("t.omni")).unwrap()
    );
    assert_eq!(
        succeeds(folder, "export s.omni a.npz"),
        "a.npz: 10 drawings and 1 runs\n"
    );
    succeeds(folder, "export s.omni arrays --npz --split evaluation");
    assert!(fs::read(folder.join("arrays")).unwrap().starts_with(b"PK"));
    let refused = fails(folder, "build t.omni out", 1);
    assert_eq!(
        refused,
        "omni-pack: t.omni: exists already; remove it or use --force\n"
    );
    let refused = fails(folder, "build u.omni out", 1);
    assert!(refused.contains("--allow-missing"), "{refused}");
    let refused = fails(folder, "export s.omni out", 1);
    assert!(refused.contains("--force"), "{refused}");
    succeeds(folder, "export s.omni out --force");
    assert_eq!(
        listing(folder),
        ["a.npz", "arrays", "out", "s.omni", "t.omni"]
    );
}

#[test]
fn info_is_json_and_a_table() {
    let folder = folder_with_store();
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(folder.path(), "info s.omni --json")).unwrap();
    assert_eq!(json["alphabets"][1]["name"], "Çelik");
    assert_eq!(json["alphabets"][0]["drawers"], 4);
    assert_eq!(json["alphabets"][0]["drawings"], 6);
    assert_eq!(json["runs"][0]["queries"], 2);
    assert_eq!(
        json["bytes"],
        fs::metadata(folder.path().join("s.omni")).unwrap().len()
    );
    let table = succeeds(folder.path(), "info s.omni");
    assert!(
        table.contains("background: 1 alphabets, 2 characters, 6 drawings"),
        "{table}"
    );
    assert!(table.contains(json["digest"].as_str().unwrap()), "{table}");
    let pairs = succeeds(folder.path(), "pairs s.omni");
    assert!(
        pairs.starts_with("background: 2 characters, 6 drawings"),
        "{pairs}"
    );
}

#[test]
fn verify_tells_sound_from_damaged() {
    let folder = folder_with_store();
    assert!(succeeds(folder.path(), "verify s.omni").contains("sound: 10 drawings"));
    let path = folder.path().join("s.omni");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 40;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let message = fails(folder.path(), "verify s.omni", 1);
    assert!(message.contains("s.omni: damaged at byte "), "{message}");
    assert!(message.contains("Çelik/character02"), "{message}");
    let missing = fails(folder.path(), "verify none.omni", 1);
    assert_eq!(missing.matches("No such file").count(), 1, "{missing}");
}

#[test]
fn previews_are_pictures() {
    let folder = folder_with_store();
    let folder = folder.path();
    for (index, what) in [
        "--alphabet Runic",
        "--task 2",
        "--task 2 --split background --index 3",
        "--run run01",
    ]
    .into_iter()
    .enumerate()
    {
        let printed = succeeds(folder, &format!("preview s.omni {index}.png {what}"));
        let png = fs::read(folder.join(format!("{index}.png"))).unwrap();
        let info = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let (width, height) = info.info().size();
        assert_eq!(printed, format!("{index}.png: {width} x {height} pixels\n"));
    }
    let same =
        |a: &str, b: &str| fs::read(folder.join(a)).unwrap() == fs::read(folder.join(b)).unwrap();
    succeeds(folder, "preview s.omni again.png --task 2");
    assert!(same("1.png", "again.png"));
    assert!(!same("1.png", "2.png"));
    for (what, says) in [
        ("--alphabet Greek", "no alphabet \"Greek\""),
        ("--run run02", "no run \"run02\""),
        ("--task 9", "9 characters"),
        ("--composed 40", "the background set is too small"),
    ] {
        let message = fails(folder, &format!("preview s.omni x.png {what}"), 1);
        assert!(message.contains(says), "{message}");
    }
    assert!(!folder.join("x.png").exists());
}

#[test]
fn composed_classes_are_a_picture_of_their_seed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let archive = common::unpack(&drawings::made_up());
    fs::write(folder.join("m.omni"), store_bytes(&archive)).unwrap();
    let picture = |name: &str, seed: u64| {
        succeeds(
            folder,
            &format!("preview m.omni {name} --composed 5 --seed {seed}"),
        );
        fs::read(folder.join(name)).unwrap()
    };
    let [one, again, other] =
        [("1.png", 1), ("2.png", 1), ("3.png", 2)].map(|(name, seed)| picture(name, seed));
    assert_eq!(one, again);
    assert_ne!(one, other);
    let info = png::Decoder::new(std::io::Cursor::new(one))
        .read_info()
        .unwrap();
    // Twenty rows of 53 pixels and more, under a title.
    assert!(info.info().size().1 > 20 * 53);
}

/// Made-up alphabets of six drawers, and a table of their pairs.
fn folder_with_table() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let archive = common::unpack(&drawings::made_up());
    fs::write(folder.path().join("m.omni"), store_bytes(&archive)).unwrap();
    let what = "--set training --pairs 24 --copies 2 --held-out 2 --seed 5";
    succeeds(folder.path(), &format!("table m.omni t.pairs {what}"));
    folder
}

#[test]
fn tables_are_drawn_and_checked() {
    let folder = folder_with_table();
    let folder = folder.path();
    let said = succeeds(folder, "table m.omni t.pairs --check");
    let first = "t.pairs: 24 pairs, 12 same and 12 different; 2 copies of each, 72 entries; seed 5\n\
                 drawers 1 to 12; 4 alphabets: ";
    assert!(said.starts_with(first), "{said}");
    let bytes = fs::read(folder.join("t.pairs")).unwrap();
    assert!(
        said.contains(&format!("file: {} bytes", bytes.len())),
        "{said}"
    );
    let what = "--set training --pairs 24 --copies 2 --held-out 2 --seed 5";
    assert_eq!(
        succeeds(folder, &format!("table m.omni u.pairs {what}")),
        said.replace("t.pairs", "u.pairs")
    );
    assert_eq!(fs::read(folder.join("u.pairs")).unwrap(), bytes);
    fs::write(folder.join("s.omni"), store_bytes(&small_archive())).unwrap();
    for (arguments, says) in [
        ("table m.omni t.pairs --set training --pairs 24", "--force"),
        (
            "table m.omni x.pairs --set training --pairs 25",
            "multiple of 12",
        ),
        ("table m.omni x.pairs --set test", "10 evaluation alphabets"),
        (
            "table m.omni x.pairs --set validation",
            "11 background alphabets",
        ),
        (
            "table m.omni x.pairs --set test --copies 8",
            "--set training alone",
        ),
        ("table m.omni m.omni --check", "not a table of pairs"),
        ("table m.omni x.pairs --check", "No such file"),
        ("table s.omni t.pairs --check", "was drawn from store"),
    ] {
        let message = fails(folder, arguments, 1);
        assert!(message.contains(says), "{arguments}: {message}");
    }
    assert!(!folder.join("x.pairs").exists());
}

#[test]
fn batches_are_replayed_as_pinned() {
    let folder = folder_with_table();
    let folder = folder.path();
    let mut got = Vec::new();
    for (number, what) in [
        "--pairs 4 --index 2",
        "--pairs 4 --index 2 --pixel u8 --place 1",
        "--stream classes --pairs 8 --law compact --side 48",
        "--stream tasks --tasks 2 --ways 5 --shots 2",
        "--stream tasks --tasks 1 --ways 9 --plain --scope between",
        "--stream table --table t.pairs --pairs 6 --side 64",
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{number}.png");
        let printed = succeeds(folder, &format!("replay m.omni {path} --seed 3 {what}"));
        let png = fs::read(folder.join(&path)).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png))
            .read_info()
            .unwrap();
        let (width, height) = reader.info().size();
        assert_eq!(printed, format!("{path}: {width} x {height} pixels\n"));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        got.push(common::sha256(&pixels)[..16].to_owned());
        succeeds(
            folder,
            &format!("replay m.omni {path} --seed 3 {what} --force"),
        );
        assert_eq!(fs::read(folder.join(&path)).unwrap(), png, "{what}");
    }
    assert_eq!(
        got,
        [
            "e34bf587e7183311",
            "1e546e140b198f98",
            "5e4eb41e8997e616",
            "c5e798d470f91d4c",
            "d3c8a96d0db2b33e",
            "1ce3b870820890c6"
        ]
    );
    for (what, says) in [
        ("--place 64", "the batch has 64"),
        ("--stream table", "--table FILE"),
        ("--stream tasks --ways 30", "30 characters"),
        (
            "--stream tasks --ways 1000 --tasks 1000",
            "the most is 32768",
        ),
        ("--pairs 16384", "too many"),
        ("--stream table --table m.omni", "not a table of pairs"),
    ] {
        let message = fails(folder, &format!("replay m.omni x.png {what}"), 1);
        assert!(message.contains(says), "{what}: {message}");
    }
    assert!(!folder.join("x.png").exists());
}

#[test]
fn bad_arguments_are_told_apart_from_bad_data() {
    let folder = folder_with_store();
    for arguments in [
        "",
        "unknown",
        "build x.omni",
        "build x.omni in --level 23",
        "build x.omni in --split training",
        "info",
        "export s.omni",
        "preview s.omni x.png",
        "table s.omni x.pairs",
        "table s.omni x.pairs --check --seed 3",
        "replay s.omni",
        "replay s.omni x.png --stream none",
        "preview s.omni x.png --task 1",
        "preview s.omni x.png --task 9 --run run01",
        "preview s.omni x.png --run run01 --seed 3",
        "preview s.omni x.png --composed 0",
        "preview s.omni x.png --composed 2 --index 3",
    ] {
        let message = fails(folder.path(), arguments, 2);
        assert!(message.contains("--help"), "{arguments}: {message}");
    }
    assert_eq!(listing(folder.path()), ["s.omni"]);
}

#[test]
fn help_tells_how_inputs_must_lie() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeeds(folder.path(), "build --help");
    for layout in ["alphabet/character/NNNN_DD.png", "group/class/picture"] {
        assert!(said.contains(layout), "{said}");
    }
}
