//! The loader's promises: the same batches, in order, for any number of workers, ranks and
//! buffers; resumed as if never stopped; errors with their batch; no thread left behind.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/drawings.rs"]
mod drawings;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use drawings::made_up;
use omnishot::archive::Split;
use omnishot::distort::{AffineLaw, Distortion, Pixel};
use omnishot::loader::{
    ClassBatch, ClassBatches, LoadError, Loader, LoaderOptions, PairBatch, PairBatches, Produce,
};
use omnishot::sample::{BatchSampler, BatchShape, PairSampler, PairShape, alphabets_of};
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

/// The stream as ranks deliver it, put together in order.
fn delivered<P: Produce>(
    producer: &Arc<P>,
    range: Range<u64>,
    workers: usize,
    depth: usize,
    world: u64,
) -> Vec<P::Batch>
where
    P::Batch: Clone,
{
    let start = |rank| {
        let options = options(workers, depth, rank, world);
        Loader::start(Arc::clone(producer), range.clone(), options)
    };
    let mut loaders: Vec<_> = (0..world).map(start).collect();
    range
        .clone()
        .map(|index| {
            let loader = &mut loaders[(index % world) as usize];
            let batch = loader.next_batch().unwrap().unwrap();
            assert_eq!(batch.index(), index);
            batch.clone()
        })
        .collect()
}

/// Holds a producer to its contract: one pinned digest for any workers, ranks and buffers;
/// resumed anywhere, or asked for alone, a batch is the one of the stream.
fn keeps_its_contract<P: Produce>(producer: P, bytes: impl Fn(&P::Batch) -> Vec<u8>, pinned: &str)
where
    P::Batch: Clone + PartialEq + Debug,
{
    const END: u64 = 24;
    let digest = |batches: &[P::Batch]| {
        let mut hasher = blake3::Hasher::new();
        for batch in batches {
            hasher.update(&bytes(batch));
        }
        hasher.finalize().to_hex()[..16].to_owned()
    };
    let producer = Arc::new(producer);
    let whole = delivered(&producer, 0..END, 1, 1, 1);
    assert_eq!(digest(&whole), pinned);
    for workers in [1, 2, 3, 7, 16] {
        for world in 1..=4 {
            for depth in [1, 2, 64] {
                let again = delivered(&producer, 0..END, workers, depth, world);
                let with = format!("{workers} workers, {world} ranks, depth {depth}");
                assert_eq!(digest(&again), pinned, "{with}");
            }
        }
    }
    for resume in [1, END / 2, END - 1] {
        let rest = delivered(&producer, resume..END, 3, 2, 2);
        assert!(rest == whole[resume as usize..], "resumed at {resume}");
    }
    let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
    for index in [5, 0, 3, 3, 1] {
        producer.fill(index, &mut scratch, &mut batch).unwrap();
        assert!(batch == whole[index as usize], "batch {index} alone");
    }
}

#[test]
fn class_batches_keep_their_contract() {
    let store = made_up();
    let shape = BatchShape {
        drawings: 32,
        alphabet_characters: 8,
    };
    let sampler = BatchSampler::new(&store, &alphabets_of(&store, Split::Background), shape, 11);
    let pages = Arc::new(PageCache::new(store));
    let producer = ClassBatches::new(pages, sampler, Distortion::COMPACT, 48, 11).unwrap();
    let bytes = |batch: &ClassBatch| {
        let pixels = batch.images.iter().flat_map(|pixel| pixel.to_le_bytes());
        let labels = format!("{:?} {}", batch.classes, batch.alphabet_part);
        pixels.chain(labels.into_bytes()).collect()
    };
    keeps_its_contract(producer, bytes, "021109152a5a881c");
}

fn pair_batches<P: Pixel>(distortion: Distortion, side: usize) -> PairBatches<P> {
    let store = made_up();
    let shape = PairShape {
        pairs: 16,
        within_alphabet: 128,
    };
    let background = alphabets_of(&store, Split::Background);
    let sampler = PairSampler::new(&store, &background, shape, 11).unwrap();
    PairBatches::new(
        Arc::new(PageCache::new(store)),
        sampler,
        distortion,
        side,
        11,
    )
    .unwrap()
}

/// Bytes of pixels, and which pairs they show.
fn pair_bytes<P: Copy, const N: usize>(batch: &PairBatch<P>, pixel: fn(P) -> [u8; N]) -> Vec<u8> {
    let pixels = batch.images.iter().flat_map(|&p| pixel(p));
    let labels = format!("{:?} {:?}", batch.same, batch.items);
    pixels.chain(labels.into_bytes()).collect()
}

#[test]
fn pair_batches_keep_their_contract() {
    for (distortion, side, float, byte) in [
        (
            Distortion::KOCH,
            105,
            "3ec7e0123288fcd4",
            "57f213b0e56381ef",
        ),
        (
            Distortion::COMPACT,
            48,
            "181799d3b55604f8",
            "3dd86d52569d762c",
        ),
    ] {
        let bytes = |batch: &PairBatch<f32>| pair_bytes(batch, f32::to_le_bytes);
        keeps_its_contract(pair_batches(distortion, side), bytes, float);
        let bytes = |batch: &PairBatch<u8>| pair_bytes(batch, u8::to_le_bytes);
        keeps_its_contract(pair_batches(distortion, side), bytes, byte);
    }
}

#[test]
fn pictures_of_a_pair_are_its_drawings() {
    let producer = pair_batches::<u8>(
        Distortion {
            affine: AffineLaw::NONE,
            ..Distortion::KOCH
        },
        105,
    );
    let mut batch = producer.batch();
    producer
        .fill(7, &mut producer.scratch(), &mut batch)
        .unwrap();
    let store = made_up();
    let mut decoder = store.decoder();
    for (place, item) in batch.items.iter().enumerate() {
        assert_eq!(batch.same[place], f32::from(u8::from(item.same)));
        for (picture, id) in batch
            .pictures(place)
            .into_iter()
            .zip([item.left, item.right])
        {
            let page = decoder.drawing(id).unwrap();
            let ink = |at: usize| 255 * u8::from(page.ink(at % 105, at / 105));
            assert!(
                (0..105 * 105).all(|at| picture[at] == ink(at)),
                "pair {place}"
            );
        }
    }
}
