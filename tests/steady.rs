//! The steady state: once its buffers are made, a loader allocates nothing for a batch.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/drawings.rs"]
mod drawings;
#[path = "common/memory.rs"]
mod memory;

use std::sync::Arc;

use drawings::made_up;
use omnishot::archive::Split;
use omnishot::distort::Distortion;
use omnishot::loader::{ClassBatches, Loader, LoaderOptions, PairBatches, Produce};
use omnishot::sample::{BatchSampler, BatchShape, PairSampler, PairShape, alphabets_of};
use omnishot::store::PageCache;

/// Batches that may allocate: every worker makes its scratch.
const WARM_UP: u64 = 100;
const MEASURED: u64 = 400;

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
        // A thread's first wait, and a channel's, may fall into any batch: not one for each.
        let first_waits = workers + 1 + 3;
        let with = format!("{what}: {workers} workers, depth {depth}");
        assert!(made <= first_waits, "{with}: {made} allocations");
    }
}

// One test in this binary: the counter sees every thread of the process.
#[test]
fn no_batch_allocates() {
    let store = made_up();
    let background = alphabets_of(&store, Split::Background);
    let pages = Arc::new(PageCache::new(Arc::clone(&store)));
    for id in 0..store.drawings() {
        pages.page(id).unwrap(); // decoding a character for the first time keeps it
    }
    let shape = PairShape {
        pairs: 8,
        within_alphabet: 100,
    };
    let sampler = PairSampler::new(&store, &background, shape, 1).unwrap();
    for (distortion, side) in [(Distortion::KOCH, 105), (Distortion::COMPACT, 48)] {
        let pages = || Arc::clone(&pages);
        let pairs = PairBatches::<f32>::new(pages(), sampler.clone(), distortion, side, 1);
        allocates_nothing(pairs.unwrap(), "f32 pairs");
        let pairs = PairBatches::<u8>::new(pages(), sampler.clone(), distortion, side, 1);
        allocates_nothing(pairs.unwrap(), "u8 pairs");
        let shape = BatchShape {
            drawings: 16,
            alphabet_characters: 6,
        };
        let sampler = BatchSampler::new(&store, &background, shape, 1);
        let classes = ClassBatches::<f32>::new(pages(), sampler, distortion, side, 1);
        allocates_nothing(classes.unwrap(), "classes");
    }
}
