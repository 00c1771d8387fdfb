//! Stores of drawings in shades of grey, and the same way through the loader.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::sync::Arc;

use common::{page, small_archive, store_bytes};
use omnishot::archive::{AREA, Archive, Page, SIDE, Shades, Split};
use omnishot::distort::{Distorter, Distortion};
use omnishot::loader::{ClassBatches, Loader, LoaderOptions, PairBatches};
use omnishot::sample::{BatchSampler, BatchShape, PairSampler, PairShape, alphabets_of};
use omnishot::seed::{Purpose, Stream};
use omnishot::store::export::{ExportError, ExportOptions, to_folder, to_npz};
use omnishot::store::{PageCache, Store, StoreError, WriteOptions, write};
use proptest::prelude::*;

/// A page as shades, ink of `full`.
fn shades(page: &Page, full: u8) -> Shades {
    let ink = |at: usize| full * u8::from(page.ink(at % SIDE, at / SIDE));
    Shades::new((0..AREA).map(ink).collect())
}

/// The small archive in shades.
fn grey_archive(full: u8) -> Archive {
    let mut archive = small_archive();
    let characters = archive.alphabets.iter_mut().flat_map(|a| &mut a.characters);
    for drawing in characters.flat_map(|c| &mut c.drawings) {
        drawing.shades = Some(shades(&drawing.page, full));
    }
    archive
}

fn opened(archive: &Archive) -> Store {
    Store::from_bytes("a store", store_bytes(archive)).unwrap()
}

#[test]
fn shades_come_back_as_they_were_packed() {
    let archive = grey_archive(200);
    let store = opened(&archive);
    assert!(store.is_grey() && !opened(&small_archive()).is_grey());
    store.verify().unwrap();
    let store = Arc::new(store);
    let cache = PageCache::new(Arc::clone(&store));
    let mut decoder = store.decoder();
    let drawings = archive.alphabets.iter().flat_map(|a| &a.characters);
    for (id, drawing) in (0..).zip(drawings.flat_map(|c| &c.drawings)) {
        let expected = drawing.shades.as_ref().unwrap().bytes();
        for drawn in [decoder.drawn(id).unwrap(), cache.drawn(id).unwrap()] {
            assert_eq!((drawn.page, drawn.shades), (&drawing.page, Some(expected)));
        }
    }
    let plain = opened(&small_archive());
    assert!(plain.decoder().drawn(0).unwrap().shades.is_none());
    assert!(plain.decoder().shades(0).unwrap().is_empty());
}

#[test]
fn all_drawings_have_shades_or_none_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    for (alphabet, character) in [(0, 0), (1, 1)] {
        let mut archive = grey_archive(255);
        archive.alphabets[alphabet].characters[character].drawings[1].shades = None;
        let refused = write(&path, &archive, WriteOptions::default(), |_| ());
        assert!(
            matches!(refused, Err(StoreError::Unpackable(_))),
            "{refused:?}"
        );
    }
    assert!(common::listing(folder.path()).is_empty());
}

#[test]
fn a_damaged_block_of_shades_is_named() {
    let bytes = store_bytes(&grey_archive(128));
    let sound = Store::from_bytes("a store", bytes.clone()).unwrap();
    for id in 0..4 {
        for at in sound.block_range(id).step_by(7) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let store = Store::from_bytes("a store", bytes).unwrap();
            let error = store.verify().unwrap_err();
            let named = &store.character(id).name;
            assert!(
                matches!(&error, StoreError::DamagedCharacter { character, .. } if character == named)
            );
        }
    }
}

#[test]
fn one_version_is_not_read_as_the_other() {
    for archive in [small_archive(), grey_archive(255)] {
        let mut bytes = store_bytes(&archive);
        bytes[8] ^= 3; // 1 and 2
        assert!(matches!(
            Store::from_bytes("a store", bytes),
            Err(StoreError::Damaged { .. })
        ));
    }
}

#[test]
fn an_export_would_lose_them_and_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (store, options) = (opened(&grey_archive(9)), ExportOptions::default());
    let to = folder.path().join("out");
    let refused = to_folder(&store, &to, options, |_| ());
    assert!(matches!(refused, Err(ExportError::Grey { .. })));
    let refused = to_npz(&store, &to, options, |_| ());
    assert!(matches!(refused, Err(ExportError::Grey { .. })));
    assert!(common::listing(folder.path()).is_empty());
}

/// The first batches of two streams of a store.
fn batches(archive: &Archive, law: Distortion) -> (Vec<Vec<f32>>, Vec<Vec<u8>>) {
    let store = Arc::new(opened(archive));
    let alphabets = alphabets_of(&store, Split::Background);
    let pages = Arc::new(PageCache::new(Arc::clone(&store)));
    let shape = BatchShape {
        drawings: 6,
        alphabet_characters: 2,
        poses: 8,
    };
    let classes = BatchSampler::new(&store, &alphabets, shape, 1);
    let classes = ClassBatches::<f32>::new(Arc::clone(&pages), classes, law, 48, 1).unwrap();
    let shape = PairShape {
        pairs: 4,
        within_alphabet: 256,
    };
    let pairs = PairSampler::new(&store, &alphabets, shape, 1).unwrap();
    let pairs = PairBatches::<u8>::new(pages, pairs, law, 105, 1).unwrap();
    let options = LoaderOptions::default();
    let mut classes = Loader::start(Arc::new(classes), 0..4, options);
    let mut pairs = Loader::start(Arc::new(pairs), 0..4, options);
    (
        (0..4)
            .map(|_| classes.next_batch().unwrap().unwrap().images.clone())
            .collect(),
        (0..4)
            .map(|_| pairs.next_batch().unwrap().unwrap().images.clone())
            .collect(),
    )
}

#[test]
fn shades_of_ink_and_ground_alone_make_the_batches_of_pages() {
    for law in [Distortion::KOCH, Distortion::COMPACT] {
        let of_pages = batches(&small_archive(), law);
        assert_eq!(batches(&grey_archive(255), law), of_pages);
        let faint = batches(&grey_archive(100), law);
        assert_ne!(faint, of_pages);
        let sum = |batches: &[Vec<f32>]| batches.iter().flatten().sum::<f32>();
        let share = sum(&faint.0) / sum(&of_pages.0);
        // Softened strokes saturate, so that their sum falls by less.
        assert!((0.38..0.6).contains(&share), "{share}");
    }
}

proptest! {
    #[test]
    fn vector_and_scalar_forms_agree_on_shades(noise in proptest::collection::vec(any::<u8>(), AREA), item in 0u64..1000) {
        let shades = Shades::new(noise);
        let drawn = omnishot::archive::Drawn { page: &page(1), shades: Some(shades.bytes()) };
        for law in [Distortion::KOCH, Distortion::COMPACT] {
            let [fast, slow] = [Distorter::new(law), Distorter::scalar(law)].map(|distorter| {
                let mut out = vec![0f32; 60 * 60];
                let mut stream = Stream::new(1, Purpose::Distort, item);
                distorter.unwrap().draw(drawn, 3, &mut stream, 60, &mut out);
                out
            });
            prop_assert_eq!(fast, slow);
        }
    }
}
