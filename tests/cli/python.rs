//! The Python package: the same bytes as `omni-bench digest`, a loader and a dataset that bear what
//! users do to them, and a wheel that is whole (`tools/python/checks`).

use crate::common;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use omnishot::archive::Archive;
use omnishot::synthetic::{SyntheticOptions, synthesize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The streams of checks/loader.py, as they are said to `omni-bench digest`.
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

fn tool() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/python")
}

/// The library, which is built once for all tests; none where there is no python3.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        if Command::new("python3").arg("--version").output().is_err() {
            eprintln!("SKIPPED: there is no python3 here");
            return None;
        }
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python");
        output(
            Command::new(env!("CARGO"))
                .args(["build", "--locked", "--manifest-path"])
                .arg(tool().join("Cargo.toml"))
                .arg("--target-dir")
                .arg(&target),
        );
        let name = format!(
            "{}omnishot_python{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        Some(target.join("debug").join(name))
    };
    LIBRARY.get_or_init(build).as_deref()
}

/// A file of checks with the library and the package as they lie in the project.
fn check(name: &str, library: &Path) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(tool().join("checks").join(name))
        .env("OMNISHOT_LIBRARY", library)
        .env("PYTHONPATH", tool())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn made_up_store() -> (TempDir, PathBuf) {
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
    (folder, store)
}

/// Says which of the modules that a check names it did without.
fn tell_skipped(check: &str, said: &str, modules: &[&str]) {
    for module in modules {
        if !said.split_whitespace().any(|known| known == *module) {
            eprintln!("SKIPPED {check} with {module}: python3 has no {module} here");
        }
    }
}

#[test]
fn python_gets_the_batches_that_rust_makes() {
    let Some(library) = library() else { return };
    let (folder, store) = made_up_store();
    let kinds = output(check("loader.py", library).args([&store, folder.path()]));
    tell_skipped("loader.py", &kinds, &["numpy", "torch"]);
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

#[test]
fn a_dataset_of_pytorch_has_the_batches_of_the_loader() {
    let Some(library) = library() else { return };
    let (_folder, store) = made_up_store();
    let modules = output(check("dataset.py", library).arg(&store));
    tell_skipped("dataset.py", &modules, &["torch", "torchdata"]);
}

#[test]
fn python_gets_the_embeddings_and_answers_of_the_programs() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let modules = output(check("pictures.py", library).arg(folder.path()));
    tell_skipped("pictures.py", &modules, &["numpy"]);
    if modules.is_empty() {
        return;
    }
    let files = |name: &str| folder.path().join(name);
    let ask = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--pretrained").current_dir(folder.path());
        if cfg!(feature = "torch") {
            command.args(["--engine", "rust"]);
        }
        command
    };
    let lines = output(ask(env!("CARGO_BIN_EXE_siamese-embed")).arg("queries"));
    let vectors = lines.lines().flat_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let vector: Vec<f32> = serde_json::from_value(line["embedding"].clone()).unwrap();
        vector.into_iter().flat_map(f32::to_le_bytes)
    });
    let python = fs::read(files("embeddings.bin")).unwrap();
    assert!(!python.is_empty() && vectors.collect::<Vec<u8>>() == python);
    let mut classify = ask(env!("CARGO_BIN_EXE_siamese-classify"));
    let classify = classify.args(["--support", "known", "--json"]);
    let queries = (0..6).map(|query| files(&format!("queries/{query}.png")));
    let told: Value = serde_json::from_str(&output(classify.args(queries))).unwrap();
    let python = fs::read_to_string(files("answers.json")).unwrap();
    let python: Value = serde_json::from_str(&python).unwrap();
    let told = told["answers"].as_array().unwrap().iter().map(|told| {
        let ranked = told["ranked"].as_array().unwrap().iter();
        let ranked = ranked.map(|one| json!([one["class"], one["score"]]));
        let ranked: Vec<Value> = ranked.collect();
        json!([told["picture"], told["answer"], told["why"], ranked, null])
    });
    assert_eq!(told.collect::<Value>(), python);
}

#[test]
fn the_examples_of_the_document_run() {
    let Some(library) = library() else { return };
    let (folder, store) = made_up_store();
    let modules = output(check("readme.py", library).args([&store, folder.path()]));
    tell_skipped("readme.py", &modules, &["numpy", "torch"]);
}

#[test]
fn a_wheel_is_whole_and_works_where_it_is_installed() {
    let Some(library) = library() else { return };
    let (folder, store) = made_up_store();
    let mut check = check("package.py", library);
    let check = check
        .env_remove("OMNISHOT_LIBRARY")
        .env_remove("PYTHONPATH");
    let ways = output(check.arg(library).args([&store, folder.path()]));
    tell_skipped("package.py", &ways, &["pip"]);
}
