//! The loader's promises: the same batches, in order, for any number of workers, ranks and
//! buffers; resumed as if never stopped; errors with their batch; no thread left behind.

use crate::common::streams;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::drawings::made_up;
use omnishot::distort::{AffineLaw, Distortion};
use omnishot::loader::{LoadError, Loader, LoaderOptions, Pictures, Produce, RankSlice};
use omnishot::sample::Scope;
use omnishot::store::StoreError;
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
        batches: RankSlice::of(rank, world),
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

/// Checks what ranks deliver of the stream from `resume` on against the whole stream.
fn delivers<P: Produce<Batch: Pictures>>(
    producer: &Arc<P>,
    whole: &[P::Batch],
    resume: usize,
    (workers, world, depth): (usize, u64, usize),
) {
    let range = resume as u64..whole.len() as u64;
    let start = |rank| {
        let options = options(workers, depth, rank, world);
        Loader::start(Arc::clone(producer), range.clone(), options)
    };
    let mut loaders: Vec<_> = (0..world).map(start).collect();
    for index in range.clone() {
        let loader = &mut loaders[(index % world) as usize];
        let batch = loader.next_batch().unwrap().unwrap();
        assert_eq!(batch.index(), index);
        assert!(
            *batch == whole[index as usize],
            "batch {index}, resumed at {resume}: {workers} workers, {world} ranks, depth {depth}"
        );
    }
    for loader in &mut loaders {
        assert!(loader.next_batch().is_none(), "a batch too many");
    }
}

/// Holds a producer to its contract: one stream, of the pinned digest, for any workers, ranks
/// and buffers, resumed anywhere; and a batch asked for alone is the one of the stream.
fn keeps_its_contract<P: Produce<Batch: Pictures + Clone>>(producer: P, pinned: &str) {
    const END: usize = 24;
    let producer = Arc::new(producer);
    let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
    let (mut whole, mut bytes) = (Vec::new(), Vec::new());
    for index in 0..END as u64 {
        producer.fill(index, &mut scratch, &mut batch).unwrap();
        batch.append_to(index, &mut bytes);
        whole.push(batch.clone());
    }
    assert_eq!(&blake3::hash(&bytes).to_hex()[..16], pinned);
    for workers in [1, 2, 3, 7, 16] {
        for world in 1..=4 {
            for depth in [1, 2, 64] {
                for resume in [0, 1, END / 2, END - 1] {
                    delivers(&producer, &whole, resume, (workers, world, depth));
                }
            }
        }
    }
    for index in [5, 0, 3, 3, 1] {
        producer.fill(index, &mut scratch, &mut batch).unwrap();
        assert!(batch == whole[index as usize], "batch {index} alone");
    }
}

/// By Koch's law and as floats, from the page itself; and by all there is, as bytes.
const LAWS: [(Distortion, usize); 2] = [(Distortion::KOCH, 28), (Distortion::COMPACT, 20)];

#[test]
fn class_batches_keep_their_contract() {
    let [(koch, side), (compact, small)] = LAWS;
    keeps_its_contract(streams::classes::<f32>(koch, side, 11), "07af06b2ac4343e2");
    keeps_its_contract(
        streams::classes::<u8>(compact, small, 11),
        "0e2ea283921224ee",
    );
}

#[test]
fn batches_with_composed_classes_keep_their_contract() {
    let [(koch, side), (compact, small)] = LAWS;
    keeps_its_contract(streams::composed::<f32>(koch, side, 11), "1af92f5e25d93862");
    keeps_its_contract(
        streams::composed::<u8>(compact, small, 11),
        "e8e70b92adc4e121",
    );
}

#[test]
fn pair_batches_keep_their_contract() {
    let [(koch, side), (compact, small)] = LAWS;
    keeps_its_contract(streams::pairs::<f32>(koch, side, 11), "1f59cb1952ccce6c");
    keeps_its_contract(streams::pairs::<u8>(compact, small, 11), "0fb860a00eb4864e");
}

#[test]
fn task_batches_keep_their_contract() {
    let [(koch, side), (compact, small)] = LAWS;
    let within = streams::tasks::<f32>(koch, side, Scope::Within, 11);
    keeps_its_contract(within, "47e78a0f75a1198c");
    let between = streams::tasks::<u8>(compact, small, Scope::Between, 11);
    keeps_its_contract(between, "26883132389e642f");
    let plain = streams::tasks::<u8>(compact, small, Scope::Within, 11).plain();
    keeps_its_contract(plain, "bf785fddc7b05141");
}

#[test]
fn table_batches_keep_their_contract() {
    let [(koch, side), (compact, small)] = LAWS;
    keeps_its_contract(streams::table::<f32>(koch, side, 11), "decd7917e302cb15");
    keeps_its_contract(streams::table::<u8>(compact, small, 11), "990c1f0f0c2a6dbb");
}

/// The pictures of 105 and 48 pixels that networks are trained on, as pinned.
#[test]
fn full_pictures_are_pinned() {
    fn digest<P: Produce<Batch: Pictures>>(producer: P) -> String {
        let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
        let mut bytes = Vec::new();
        for index in 0..8 {
            producer.fill(index, &mut scratch, &mut batch).unwrap();
            batch.append_to(index, &mut bytes);
        }
        blake3::hash(&bytes).to_hex()[..16].to_owned()
    }
    let (koch, compact) = (Distortion::KOCH, Distortion::COMPACT);
    let got = [
        digest(streams::classes::<f32>(koch, 105, 3)),
        digest(streams::classes::<u8>(compact, 48, 3)),
        digest(streams::pairs::<f32>(koch, 105, 3)),
        digest(streams::pairs::<u8>(compact, 48, 3)),
        digest(streams::tasks::<f32>(koch, 105, Scope::Within, 3)),
        digest(streams::tasks::<u8>(compact, 48, Scope::Between, 3)),
        digest(streams::table::<f32>(koch, 105, 3)),
        digest(streams::table::<u8>(compact, 48, 3)),
    ];
    assert_eq!(
        got,
        [
            "766111ebd27ededa",
            "7f76c164172d8a6f",
            "7af21051ab7624ed",
            "6cf81b533b17a2a7",
            "69e22a136493525f",
            "779c28fa279b8eb8",
            "baf47d4158748a05",
            "c1bff6d92784fce6"
        ]
    );
}

#[test]
fn pictures_of_a_pair_are_its_drawings() {
    let still = Distortion {
        affine: AffineLaw::NONE,
        ..Distortion::KOCH
    };
    let producer = streams::pairs::<u8>(still, 105, 11);
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

/// The pictures of batch `index`, one after the other, as bytes of so many for a picture.
fn pictures<P: Produce<Batch: Pictures<Pixel = u8>>>(batches: &P, index: u64) -> Vec<Vec<u8>> {
    let mut batch = batches.batch();
    batches
        .fill(index, &mut batches.scratch(), &mut batch)
        .unwrap();
    let pixels = batch.pixels().concat();
    pixels.chunks_exact(24 * 24).map(<[u8]>::to_vec).collect()
}

/// One of two towers of pictures.
fn tower(all: &[Vec<u8>], right: bool) -> &[Vec<u8>] {
    let (left, other) = all.split_at(all.len() / 2);
    if right { other } else { left }
}

/// Several processes that share each batch see what one sees, at the same places, distorted alike.
#[test]
fn slices_of_a_batch_are_the_batch() {
    let law = Distortion::KOCH;
    let table = || streams::table::<u8>(law, 24, 3);
    let (pairs, classes) = (
        || streams::pairs::<u8>(law, 24, 3),
        || streams::composed::<u8>(law, 24, 3),
    );
    for index in [0, 1, 1_000_003] {
        let whole = pictures(&classes(), index);
        for world in 1..=4u64 {
            for rank in 0..world {
                let slice = RankSlice::of(rank, world);
                let own = pictures(&classes().sliced(slice), index);
                assert_eq!(own.len(), slice.count(whole.len()));
                for (place, picture) in own.iter().enumerate() {
                    assert_eq!(picture, &whole[slice.place(place) as usize]);
                }
                let both = [
                    (
                        pictures(&pairs(), index),
                        pictures(&pairs().sliced(slice), index),
                    ),
                    (
                        pictures(&table(), index),
                        pictures(&table().sliced(slice), index),
                    ),
                ];
                for (whole, own) in &both {
                    assert_eq!(own.len(), 2 * slice.count(whole.len() / 2));
                    for right in [false, true] {
                        let (whole, own) = (tower(whole, right), tower(own, right));
                        for (place, picture) in own.iter().enumerate() {
                            assert_eq!(picture, &whole[slice.place(place) as usize]);
                        }
                    }
                }
            }
        }
    }
}
