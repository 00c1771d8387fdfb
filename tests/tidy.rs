//! The house rules that a machine can check.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order that data flows: each may use only those before it.
const ROOMS: [&str; 16] = [
    "seed",
    "image",
    "files",
    "archive",
    "synthetic",
    "store",
    "sample",
    "distort",
    "loader",
    "cuda",
    "model",
    "ranks",
    "train",
    "eval",
    "tune",
    "report",
];
/// The most lines of a file that one can read in one sitting.
const MOST_LINES: usize = 400;

fn sources(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(root) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    assert!(!found.is_empty());
    found
}

#[test]
fn rooms_use_only_rooms_before_them() {
    for path in sources("src") {
        let inside = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        let part = inside.iter().nth(1).unwrap().to_str().unwrap();
        let room = part.strip_suffix(".rs").unwrap_or(part);
        let Some(rank) = ROOMS.iter().position(|known| *known == room) else {
            assert!(
                ["lib", "bin"].contains(&room),
                "{}: no known room",
                inside.display()
            );
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric()).collect();
                let allowed = ROOMS[..=rank].contains(&used.as_str());
                assert!(allowed, "{}: uses {used}: {line}", inside.display());
            }
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for folder in ["src", "tests", "benches", "tools"] {
        for path in sources(folder) {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().count();
            assert!(lines <= MOST_LINES, "{}: {lines} lines", path.display());
            assert!(text.starts_with("//!"), "{}: has no header", path.display());
        }
    }
}

#[test]
fn unsafe_code_stays_in_its_rooms() {
    for path in sources("src") {
        let text = fs::read_to_string(&path).unwrap();
        // The map, the faces of c10d and of CUDA, memory that CUDA owns or reads, and SIMD.
        let fenced = path.ends_with("files/map.rs")
            || path.ends_with("ranks/group.rs")
            || path.ends_with("cuda/face.rs")
            || path.ends_with("cuda/optim.rs")
            || path.ends_with("cuda/page_locked.rs")
            || path.ends_with("cuda/upload.rs")
            || path.iter().any(|part| part == "simd");
        let allows = text.contains("allow(unsafe_code)");
        assert!(
            fenced || !allows,
            "{}: unsafe outside the mmap, libtorch and SIMD rooms",
            path.display()
        );
    }
}
