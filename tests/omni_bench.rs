//! The command line of omni-bench: one digest whatever makes it, and refusals.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use common::{small_archive, store_bytes};

fn omni_bench(folder: &Path, arguments: &str) -> assert_cmd::assert::Assert {
    Command::new(env!("CARGO_BIN_EXE_omni-bench"))
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .assert()
}

fn succeeds(folder: &Path, arguments: &str) -> String {
    let assert = omni_bench(folder, arguments).success();
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn folder_with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.omni"), store_bytes(&small_archive())).unwrap();
    folder
}

#[test]
fn one_digest_for_any_workers_ranks_and_depth() {
    let folder = folder_with_store();
    let folder = folder.path();
    let stream = "digest s.omni --seed 3 --drawings 16 --to 24";
    let digest = succeeds(folder, stream);
    assert_eq!(
        digest.split_once("  ").unwrap().1,
        "classes of 16 drawings, koch at 105 x 105, seed 3, batches 0..24\n"
    );
    for how in [
        "--workers 2",
        "--workers 3 --depth 1",
        "--workers 7 --depth 64",
        "--ranks 2 --workers 2",
        "--ranks 3 --depth 2",
        "--ranks 4 --workers 16",
    ] {
        assert_eq!(
            succeeds(folder, &format!("{stream} {how}")),
            digest,
            "{how}"
        );
    }
    for other in ["--seed 4", "--law compact", "--side 48", "--to 23"] {
        let stream = "digest s.omni --drawings 16";
        let stream = if other.contains("seed") {
            format!("{stream} --to 24 {other}")
        } else {
            format!("{stream} --seed 3 {other}")
        };
        assert_ne!(succeeds(folder, &stream)[..64], digest[..64], "{other}");
    }
}

#[test]
fn a_resumed_stream_is_the_rest_of_the_whole() {
    let folder = folder_with_store();
    let whole = succeeds(folder.path(), "digest s.omni --drawings 8 --to 9 --each");
    let whole: Vec<_> = whole.lines().filter(|l| l.contains("  batch ")).collect();
    assert_eq!(whole.len(), 9);
    for from in [0, 1, 4, 8] {
        let rest = succeeds(
            folder.path(),
            &format!(
                "digest s.omni --drawings 8 --from {from} --to 9 --each --workers 3 --ranks 2"
            ),
        );
        let rest: Vec<_> = rest.lines().filter(|l| l.contains("  batch ")).collect();
        assert_eq!(rest, whole[from..], "from {from}");
    }
}

#[test]
fn times_are_numbers() {
    let folder = folder_with_store();
    let quick = "loader s.omni --drawings 8 --windows 1 --seconds 0.01";
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(folder.path(), &format!("{quick} --json"))).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert!(
        rows.iter()
            .all(|row| row["pairs_per_second"].as_f64().unwrap() > 0.0)
    );
    assert!(json["mean_ink"].as_f64().unwrap() > 0.005);
    assert!(succeeds(folder.path(), quick).contains("no loader"));
    let quick = "store s.omni --rounds 1 --random 10";
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(folder.path(), &format!("{quick} --json"))).unwrap();
    assert_eq!(json["drawings"], 10);
    assert!(json["random_decoded_us"].as_f64().unwrap() > 0.0);
    assert!(succeeds(folder.path(), quick).contains("open and read all"));
}

#[test]
fn bad_arguments_are_told_apart_from_bad_data() {
    let folder = folder_with_store();
    for (arguments, code, says) in [
        ("", 2, "Usage"),
        ("digest", 2, "--help"),
        ("digest s.omni --workers 0", 2, "--workers"),
        ("digest s.omni --depth 0", 2, "--depth"),
        ("digest s.omni --ranks 0", 2, "--ranks"),
        ("digest s.omni --side 106", 2, "--side"),
        ("digest s.omni --drawings 1", 2, "--drawings"),
        ("digest s.omni --stream none", 2, "--stream"),
        ("loader s.omni --seconds nan", 2, "--seconds"),
        ("loader s.omni --windows 0", 2, "--windows"),
        ("store s.omni --rounds 0", 2, "--rounds"),
        ("digest s.omni --from 9 --to 9", 1, "no batch from 9 to 9"),
        ("digest none.omni", 1, "No such file"),
        ("loader none.omni", 1, "No such file"),
        ("store none.omni", 1, "No such file"),
    ] {
        let assert = omni_bench(folder.path(), arguments).code(code);
        let message = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(message.contains(says), "{arguments}: {message}");
    }
}
