//! Small training runs on made-up alphabets, that several test binaries share.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use omnishot::eval;
use omnishot::store::Store;
use omnishot::train::{Preset, RunOptions, StepRecord, Trained, train};
use tch::Device;

/// A preset made small, with more changes.
pub fn with(name: &str, steps: u64, changes: &[&str]) -> Preset {
    let small: &[&str] = match name {
        "compact" | "fast" | "thorough" | "composed" => &[
            "batch.drawings=24",
            "batch.alphabet_characters=8",
            "network.side=32",
            "network.width=4",
            "network.dimensions=16",
            "optimizer.learning_rate=3e-3", // more would be too much for so few steps
            "precision=f32",
        ],
        "softmax" => &[
            "batch.drawings=24",
            "network.side=32",
            "network.width=4",
            "network.dimensions=16",
        ],
        "matching" => &[
            "batch.drawings=24",
            "batch.alphabet_characters=12",
            "network.embedder.side=32",
            "network.embedder.width=4",
            "network.embedder.dimensions=16",
        ],
        "siamese" => &[
            "batch.pairs=8",
            "network.embedder.side=32",
            "network.embedder.width=4",
            "network.embedder.dimensions=16",
        ],
        _ => &[
            "batch.pairs=8",
            "network.side=32",
            "network.filters=[3,4,4,5]",
            "network.kernels=[4,3,2,2]",
            "network.units=12",
        ],
    };
    let more: &[&str] = match name {
        "koch" => &["batch.table_pairs=100", "batch.copies=2"],
        "composed" => &["batch.composed.classes=40", "batch.composed.drawings=8"],
        _ => &[],
    };
    let all = [
        "validation_alphabets=1",
        "validation_tasks=50",
        "validation_every=5",
    ];
    let changes: Vec<String> = (small.iter().chain(more).chain(&all).chain(changes))
        .map(|&change| change.to_owned())
        .chain([format!("steps={steps}")])
        .collect();
    Preset::parse(Preset::shipped_text(name).unwrap(), &changes).unwrap()
}

/// A run without checkpoints into `folder`.
pub fn options(seed: u64, workers: usize, folder: &Path) -> RunOptions {
    RunOptions {
        ranks: omnishot::ranks::Ranks::alone(),
        seed,
        device: Device::Cpu,
        workers,
        folder: folder.to_owned(),
        checkpoint_every: 0,
        resume: None,
    }
}

/// Trains with one thread of arithmetic: the losses, and what came of it.
pub fn run(store: &Arc<Store>, preset: &Preset, seed: u64, workers: usize) -> (Vec<f64>, Trained) {
    // Sums depend on how many threads share them.
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let mut losses = Vec::new();
    let trained = train(
        store,
        preset,
        &options(seed, workers, folder.path()),
        |model, split| eval::validate(model, store, split, 50),
        |record: &StepRecord| losses.push(record.loss),
        &AtomicBool::new(false),
    );
    (losses, trained.unwrap())
}
