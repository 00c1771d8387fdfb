//! The four streams over the made-up store, small enough to be made a thousand times.

use std::sync::{Arc, OnceLock};

use omnishot::archive::Split;
use omnishot::distort::{Distortion, Pixel};
use omnishot::loader::{ClassBatches, PairBatches, TableBatches, TaskBatches};
use omnishot::sample::{
    BatchSampler, BatchShape, ComposedSampler, ComposedShape, Compositions, PairSampler, PairShape,
    PairTable, Scope, TableRecipe, TaskSampler, TaskShape, alphabets_of,
};
use omnishot::store::PageCache;

use crate::common::drawings::made_up;

/// Pages that are decoded already.
pub fn pages() -> Arc<PageCache> {
    static PAGES: OnceLock<Arc<PageCache>> = OnceLock::new();
    let pages = PAGES.get_or_init(|| {
        let pages = PageCache::new(made_up());
        for id in 0..pages.store().drawings() {
            pages.page(id).unwrap();
        }
        Arc::new(pages)
    });
    Arc::clone(pages)
}

fn background() -> Vec<u32> {
    alphabets_of(&made_up(), Split::Background)
}

/// Six pairs a batch.
pub fn pairs<P: Pixel>(law: Distortion, side: usize, seed: u64) -> PairBatches<P> {
    let shape = PairShape {
        pairs: 6,
        within_alphabet: 128,
    };
    let sampler = PairSampler::new(&made_up(), &background(), shape, seed).unwrap();
    PairBatches::new(pages(), sampler, law, side, seed).unwrap()
}

/// Twelve drawings a batch.
pub fn classes<P: Pixel>(law: Distortion, side: usize, seed: u64) -> ClassBatches<P> {
    let shape = BatchShape {
        drawings: 12,
        alphabet_characters: 3,
        poses: 4,
    };
    let sampler = BatchSampler::new(&made_up(), &background(), shape, seed);
    ClassBatches::new(pages(), sampler, law, side, seed).unwrap()
}

/// Twelve drawings a batch, and after them sixteen of 400 composed classes.
pub fn composed<P: Pixel>(law: Distortion, side: usize, seed: u64) -> ClassBatches<P> {
    let shape = ComposedShape {
        classes: 400,
        drawings: 16,
        kinds: Compositions::ALL,
    };
    let composed = ComposedSampler::new(&made_up(), &background(), shape, seed).unwrap();
    classes(law, side, seed).with_composed(composed)
}

/// Three tasks of three ways and two shots a batch.
pub fn tasks<P: Pixel>(law: Distortion, side: usize, scope: Scope, seed: u64) -> TaskBatches<P> {
    let shape = TaskShape {
        ways: 3,
        shots: 2,
        scope,
    };
    let sampler = TaskSampler::new(&made_up(), &background(), shape, seed).unwrap();
    TaskBatches::new(pages(), sampler, 3, law, side, seed).unwrap()
}

/// A table of `pairs` pairs under a seed of its own.
pub fn pair_table(pairs: u32, copies: u8) -> Arc<PairTable> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.pairs");
    let recipe = TableRecipe {
        alphabets: background(),
        drawers: 1..=6,
        pairs,
        copies,
        seed: 77,
    };
    PairTable::write(&path, &made_up(), &recipe, false).unwrap();
    Arc::new(PairTable::from_bytes("t", std::fs::read(path).unwrap()).unwrap())
}

/// Five pairs a batch of a table of 72 entries: an epoch ends inside batch 14.
pub fn table<P: Pixel>(law: Distortion, side: usize, seed: u64) -> TableBatches<P> {
    TableBatches::new(pages(), pair_table(24, 2), 5, law, side, seed).unwrap()
}
