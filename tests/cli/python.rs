//! The loader from Python: the same bytes as `omni-bench digest`, and a loader that bears what
//! users do to it (`tools/python/check.py`).

use crate::common;
use std::fs;
use std::path::Path;
use std::process::Command;

use omnishot::archive::Archive;
use omnishot::synthetic::{SyntheticOptions, synthesize};

/// The streams of check.py, as they are said to `omni-bench digest`.
const STREAMS: [(&str, &[&str]); 4] = [
    ("pairs", &["--pairs", "8"]),
    (
        "pairs-u8",
        &["--pairs", "8", "--pixel", "u8", "--law", "compact"],
    ),
    ("classes", &["--stream", "classes", "--pairs", "8"]),
    (
        "tasks",
        &[
            "--stream", "tasks", "--tasks", "3", "--ways", "5", "--shots", "2", "--scope",
            "between",
        ],
    ),
];

/// What a command printed, or a panic with all it said.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn python_gets_the_batches_that_rust_makes() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no python3 here");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/python");
    output(
        Command::new(env!("CARGO"))
            .args(["build", "--locked", "--manifest-path"])
            .arg(root.join("tools/python/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    );
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("made-up.omni");
    let options = SyntheticOptions {
        background: 4,
        evaluation: 1,
        drawers: 6,
        ..SyntheticOptions::default()
    };
    let archive = Archive {
        alphabets: synthesize(&options),
        runs: Vec::new(),
    };
    fs::write(&store, common::store_bytes(&archive)).unwrap();
    let library = format!(
        "{}omnishot_python{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let kinds = output(
        Command::new("python3")
            .arg(root.join("tools/python/check.py"))
            .args([&store, folder.path()])
            .env("OMNISHOT_LIBRARY", target.join("debug").join(library))
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    );
    for kind in ["numpy", "torch"] {
        if !kinds.split_whitespace().any(|known| known == kind) {
            eprintln!("SKIPPED with {kind}: python3 has no {kind} here");
        }
    }
    for (name, arguments) in STREAMS {
        let digest = output(
            Command::new(env!("CARGO_BIN_EXE_omni-bench"))
                .arg("digest")
                .arg(&store)
                .args(["--seed", "3", "--side", "28", "--to", "6"])
                .args(arguments),
        );
        for kind in kinds.split_whitespace() {
            let bytes = fs::read(folder.path().join(format!("{name}.{kind}"))).unwrap();
            let python = blake3::hash(&bytes).to_string();
            assert_eq!(python, digest[..64], "{name} as {kind}");
        }
    }
}
