//! The loader's promises: the same batches, in order, for any number of workers, ranks and
//! buffers; resumed as if never stopped; errors with their batch; no thread left behind.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/drawings.rs"]
mod drawings;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use drawings::made_up;
use omnishot::archive::Split;
use omnishot::distort::Distortion;
use omnishot::loader::{ClassBatch, ClassBatches, LoadError, Loader, LoaderOptions, Produce};
use omnishot::sample::{BatchSampler, BatchShape, alphabets_of};
use omnishot::store::{PageCache, StoreError};
use proptest::prelude::*;

/// Batches that hold their own number; some fail, and the living are counted.
struct Numbers {
    panics_at: Option<u64>,
    fails_at: Option<u64>,
    living: Arc<AtomicUsize>,
}

struct Living(Arc<AtomicUsize>);

impl Drop for Living {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Numbers {
    fn new() -> Numbers {
        Numbers {
            panics_at: None,
            fails_at: None,
            living: Arc::default(),
        }
    }
}

impl Produce for Numbers {
    type Batch = u64;
    type Scratch = Living;

    fn batch(&self) -> u64 {
        u64::MAX
    }

    fn scratch(&self) -> Living {
        self.living.fetch_add(1, Ordering::SeqCst);
        Living(Arc::clone(&self.living))
    }

    fn fill(&self, index: u64, _: &mut Living, batch: &mut u64) -> Result<(), StoreError> {
        if self.panics_at == Some(index) {
            panic!("batch {index} is made to fail");
        }
        if self.fails_at == Some(index) {
            return Err(StoreError::Unpackable("made to fail".to_owned()));
        }
        // Some batches take longer than others, so that they come out of order.
        for _ in 0..(index * 7919 % 64) * 50 {
            std::hint::spin_loop();
        }
        *batch = index;
        Ok(())
    }
}

fn options(workers: usize, depth: usize, rank: u64, world: u64) -> LoaderOptions {
    LoaderOptions {
        workers,
        depth,
        rank,
        world,
    }
}

proptest! {
    #[test]
    fn batches_come_in_order(
        start in 0..50u64,
        length in 0..120u64,
        workers in 1..=16usize,
        depth in 1..=8usize,
        world in 1..=4u64,
        taken in 0..150usize,
    ) {
        for rank in 0..world {
            let producer = Arc::new(Numbers::new());
            let living = Arc::clone(&producer.living);
            let mut loader =
                Loader::start(producer, start..start + length, options(workers, depth, rank, world));
            let expected: Vec<u64> =
                (start..start + length).filter(|index| index % world == rank).take(taken).collect();
            let mut got = Vec::new();
            while got.len() < taken {
                let Some(batch) = loader.next_batch() else { break };
                let batch = batch.unwrap();
                prop_assert_eq!(batch.index(), *batch);
                got.push(*batch);
            }
            prop_assert_eq!(got, expected);
            drop(loader); // wherever it stopped
            prop_assert_eq!(living.load(Ordering::SeqCst), 0, "a worker is left");
        }
    }

    #[test]
    fn an_error_reaches_the_consumer_with_its_batch(
        at in 0..40u64,
        workers in 1..=8usize,
        depth in 1..=4usize,
        panics: bool,
    ) {
        let producer = Numbers {
            panics_at: panics.then_some(at),
            fails_at: (!panics).then_some(at),
            ..Numbers::new()
        };
        let mut loader = Loader::start(Arc::new(producer), 0..60, options(workers, depth, 0, 1));
        for index in 0..at {
            prop_assert_eq!(*loader.next_batch().unwrap().unwrap(), index);
        }
        match loader.next_batch().unwrap().err().unwrap() {
            LoadError::Panic { index, message } => {
                prop_assert!(panics && index == at && message.contains("made to fail"));
            }
            LoadError::Store { index, .. } => prop_assert!(!panics && index == at),
        }
        prop_assert!(loader.next_batch().is_none(), "nothing follows an error");
    }
}

#[test]
fn a_batch_may_outlive_its_loader() {
    let mut loader = Loader::start(Arc::new(Numbers::new()), 0..9, options(2, 2, 0, 1));
    let held = loader.next_batch().unwrap().unwrap();
    drop(loader);
    assert_eq!(*held, 0);
}

fn class_batches() -> Arc<ClassBatches> {
    let store = made_up();
    let shape = BatchShape {
        drawings: 32,
        alphabet_characters: 8,
    };
    let sampler = BatchSampler::new(&store, &alphabets_of(&store, Split::Background), shape, 11);
    let pages = Arc::new(PageCache::new(store));
    Arc::new(ClassBatches::new(pages, sampler, Distortion::COMPACT, 48, 11).unwrap())
}

fn digest_of(batches: impl IntoIterator<Item = ClassBatch>) -> String {
    let mut hasher = blake3::Hasher::new();
    for batch in batches {
        let pixels = batch.images.iter().flat_map(|pixel| pixel.to_le_bytes());
        hasher.update(&pixels.collect::<Vec<u8>>());
        hasher.update(format!("{:?} {}", batch.classes, batch.alphabet_part).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The stream as ranks deliver it, put together in order.
fn delivered(from: u64, to: u64, workers: usize, depth: usize, world: u64) -> Vec<ClassBatch> {
    let producer = class_batches();
    let mut loaders: Vec<_> = (0..world)
        .map(|rank| {
            Loader::start(
                Arc::clone(&producer),
                from..to,
                options(workers, depth, rank, world),
            )
        })
        .collect();
    (from..to)
        .map(|index| {
            let batch = loaders[(index % world) as usize]
                .next_batch()
                .unwrap()
                .unwrap();
            assert_eq!(batch.index(), index);
            batch.clone()
        })
        .collect()
}

#[test]
fn one_digest_for_any_workers_ranks_buffers_and_restarts() {
    const END: u64 = 24;
    let whole = delivered(0, END, 1, 1, 1);
    let digest = digest_of(whole.iter().cloned());
    assert_eq!(digest, "021109152a5a881c");
    for workers in [1, 2, 3, 7, 16] {
        for world in 1..=4 {
            for depth in [1, 2, 64] {
                let again = digest_of(delivered(0, END, workers, depth, world));
                assert_eq!(
                    again, digest,
                    "{workers} workers, {world} ranks, depth {depth}"
                );
            }
        }
    }
    for resume in [1, END / 2, END - 1] {
        let rest = delivered(resume, END, 3, 2, 2);
        assert!(
            rest.iter().eq(&whole[resume as usize..]),
            "resumed at {resume}"
        );
    }
}

#[test]
fn a_batch_alone_is_the_batch_of_the_stream() {
    let producer = class_batches();
    let stream = delivered(0, 6, 2, 3, 1);
    let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
    for index in [5, 0, 3, 3, 1] {
        producer.fill(index, &mut scratch, &mut batch).unwrap();
        assert_eq!(batch, stream[index as usize]);
    }
}
