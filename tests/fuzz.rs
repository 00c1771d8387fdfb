//! Readers of foreign bytes: what `tools/fuzz` found, again, and more of its kind.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "common/memory.rs"]
mod memory;
#[path = "common/targets.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use targets::{ALL, Target};

/// What one input of a few KB may cost at once, with everything else that the test holds.
const MEMORY: usize = 64 << 20;
/// The longest file that is kept.
const LONGEST: usize = 4096;

/// The kept files of a target, in the order of their names.
fn kept(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(target);
    let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{target}: nothing is kept");
    files
}

#[test]
fn every_kept_file_is_taken_or_refused_by_a_typed_error() {
    for (name, target) in ALL {
        for (path, bytes) in kept(name) {
            assert!(bytes.len() <= LONGEST, "{}: too long", path.display());
            let done = std::panic::catch_unwind(|| target(&bytes));
            assert!(done.is_ok(), "{}", path.display());
        }
    }
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

/// A change of a file: at a place, in a way, with a byte or a number.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Number(Index, u32),
    Cut(Index, Index),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let place = |index: &Index, bytes: &[u8]| index.index(bytes.len());
        let range = |a: &Index, b: &Index, bytes: &[u8]| {
            let (a, b) = (place(a, bytes), place(b, bytes));
            a.min(b)..a.max(b)
        };
        match self {
            Change::Flip(at, bit) => {
                let at = place(at, bytes);
                bytes[at] ^= 1 << bit;
            }
            Change::Set(at, byte) => {
                let at = place(at, bytes);
                bytes[at] = *byte;
            }
            Change::Number(at, number) => {
                let at = place(at, bytes) & !3;
                let end = bytes.len().min(at + 4);
                bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
            }
            Change::Cut(a, b) => drop(bytes.drain(range(a, b, bytes))),
            Change::Insert(at, more) => {
                let at = place(at, bytes);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Repeat(a, b) => {
                let part = bytes[range(a, b, bytes)].to_vec();
                bytes.extend(part);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let number = prop_oneof![any::<u32>(), 0..9u32, Just(u32::MAX), Just(1 << 31)];
    prop_oneof![
        (at(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), number).prop_map(|(at, number)| Change::Number(at, number)),
        (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        (at(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, more)| Change::Insert(at, more)),
        (at(), at()).prop_map(|(a, b)| Change::Repeat(a, b)),
    ]
}

#[test]
fn changed_files_are_taken_or_refused_by_a_typed_error() {
    for &(name, target) in ALL {
        let files: Vec<Vec<u8>> = kept(name).into_iter().map(|(_, bytes)| bytes).collect();
        let case = (any::<Index>(), prop::collection::vec(change(), 1..6));
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 2_000,
            failure_persistence: None, // a finding becomes a kept file instead
            ..ProptestConfig::default()
        });
        let done = runner.run(&case, |(file, changes)| {
            let mut bytes = files[file.index(files.len())].clone();
            changes.iter().for_each(|change| change.apply(&mut bytes));
            run(target, &bytes)
        });
        assert!(done.is_ok(), "{name}: {}", done.unwrap_err());
    }
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

/// Runs a target; if it panics, the bytes are said, so that they can be kept.
fn run(target: Target, bytes: &[u8]) -> Result<(), TestCaseError> {
    match std::panic::catch_unwind(|| target(bytes)) {
        Ok(()) => Ok(()),
        Err(_) => Err(TestCaseError::fail(format!("panics on {bytes:?}"))),
    }
}
