//! The steady state: once its buffers are made, a loader allocates nothing for a batch.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use common::streams;
use std::sync::Arc;

use omnishot::distort::Distortion;
use omnishot::loader::{Loader, LoaderOptions, Produce};
use omnishot::sample::Scope;

/// Batches that may allocate: every worker makes its scratch.
const WARM_UP: u64 = 50;
const MEASURED: u64 = 300;
/// What a worker's scratch and first waits may allocate. On a busy machine a worker may get its
/// first batch after the warm-up.
const WORKER: usize = 16;

fn allocates_nothing<P: Produce>(producer: P, what: &str) {
    let producer = Arc::new(producer);
    for (workers, depth) in [(1, 1), (1, 2), (2, 2), (3, 16)] {
        let options = LoaderOptions {
            workers,
            depth,
            ..LoaderOptions::default()
        };
        let producer = Arc::clone(&producer);
        let mut loader = Loader::start(producer, 0..WARM_UP + MEASURED, options);
        for _ in 0..WARM_UP {
            loader.next_batch().unwrap().unwrap();
        }
        let before = memory::allocations();
        // Not to the last batch: a thread that ends may allocate.
        for _ in 0..MEASURED - 2 * depth as u64 {
            loader.next_batch().unwrap().unwrap();
        }
        let made = memory::allocations() - before;
        // A beginning, or a channel's first wait, may fall into any batch: not one for each.
        let beginnings = WORKER * workers + 1 + 3;
        let with = format!("{what}: {workers} workers, depth {depth}");
        assert!(made <= beginnings, "{with}: {made} allocations");
    }
}

// One test in this binary: the counter sees every thread of the process.
#[test]
fn no_batch_allocates() {
    for (law, side) in [(Distortion::KOCH, 60), (Distortion::COMPACT, 32)] {
        allocates_nothing(streams::pairs::<f32>(law, side, 1), "f32 pairs");
        allocates_nothing(streams::pairs::<u8>(law, side, 1), "u8 pairs");
        allocates_nothing(streams::classes::<f32>(law, side, 1), "classes");
        allocates_nothing(streams::composed::<f32>(law, side, 1), "composed classes");
        let within = streams::tasks::<f32>(law, side, Scope::Within, 1);
        allocates_nothing(within, "f32 tasks within");
        let between = streams::tasks::<u8>(law, side, Scope::Between, 1);
        allocates_nothing(between, "u8 tasks between");
        allocates_nothing(streams::table::<f32>(law, side, 1), "f32 table");
        allocates_nothing(streams::table::<u8>(law, side, 1), "u8 table");
    }
}
