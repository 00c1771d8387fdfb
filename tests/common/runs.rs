//! Runs of `siamese-train` that take a second: their store and what they are called with.

use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use crate::common::drawings::made_up;
use crate::common::{store_bytes, unpack};

/// Small settings of a compact network that learns by class.
pub const COMPACT: [&str; 5] = [
    "batch.drawings=16",
    "batch.alphabet_characters=6",
    "network.side=32",
    "network.width=2",
    "network.dimensions=8",
];

/// The same with composed classes, of drawings of their own.
pub const COMPOSED: [&str; 6] = [
    "batch.drawings=16",
    "batch.alphabet_characters=4",
    "batch.composed={ classes=40, drawings=8, against=\"shown\" }",
    "network.side=32",
    "network.width=2",
    "network.dimensions=8",
];

/// Small settings of the preset `siamese`.
pub const SIAMESE: [&str; 4] = [
    "batch.pairs=6",
    "network.embedder.side=32",
    "network.embedder.width=2",
    "network.embedder.dimensions=8",
];

/// Small settings of the preset `keras`.
pub const KERAS: [&str; 5] = [
    "batch.pairs=6",
    "network.side=32",
    "network.filters=[3,4,4,5]",
    "network.kernels=[4,3,2,2]",
    "network.units=12",
];

/// Small settings of the preset `koch`.
pub const KOCH: [&str; 8] = [
    "batch.pairs=6",
    "batch.table_pairs=20",
    "batch.copies=2",
    "optimizer.momentum_epochs=2",
    "network.side=32",
    "network.filters=[3,4,4,5]",
    "network.kernels=[4,3,2,2]",
    "network.units=12",
];

/// Small settings of the preset `softmax`.
pub const SOFTMAX: [&str; 4] = [
    "batch.drawings=16",
    "network.side=32",
    "network.width=2",
    "network.dimensions=8",
];

/// Small settings of the preset `matching`.
pub const MATCHING: [&str; 5] = [
    "batch.drawings=16",
    "batch.alphabet_characters=8",
    "network.embedder.side=32",
    "network.embedder.width=2",
    "network.embedder.dimensions=8",
];

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A folder with the made-up store `s.omni`.
pub fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes = store_bytes(&unpack(&made_up()));
    fs::write(folder.path().join("s.omni"), bytes).unwrap();
    folder
}

/// What begins a run in `out`, of a preset with changes.
pub fn small_run(out: &str, (preset, changes): (&str, &[&str]), steps: usize) -> Vec<String> {
    let fixed = "--seed 5 --threads 1 --checkpoint-every 5 --json";
    let mut all: Vec<String> = ["s.omni", "--out", out, "--preset", preset]
        .into_iter()
        .chain(fixed.split(' '))
        .map(str::to_owned)
        .collect();
    let steps = format!("steps={steps}");
    let own = [
        steps.as_str(),
        "validation_alphabets=2",
        "validation_tasks=20",
        "validation_every=7",
    ];
    for change in changes.iter().chain(&own) {
        all.extend(["--set", change].map(str::to_owned));
    }
    all
}
