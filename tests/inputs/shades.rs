//! Stores of drawings in shades of grey, and the same way through the loader.

use crate::common;
use std::fs;
use std::io::BufReader;
use std::sync::Arc;

use crate::common::{page, small_archive, store_bytes};
use omnishot::archive::{Archive, GroupOptions, ScanOptions, Split, read_groups};
use omnishot::distort::{Distorter, Distortion};
use omnishot::image::{AREA, Page, SIDE, Shades};
use omnishot::loader::{ClassBatches, Loader, LoaderOptions, PairBatches};
use omnishot::sample::{BatchSampler, BatchShape, PairSampler, PairShape, alphabets_of};
use omnishot::seed::{Purpose, Stream};
use omnishot::sheet::{TaskPicture, contact_sheet, task_sheet};
use omnishot::store::export::{ExportOptions, to_folder, to_npz};
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

/// The shades of every drawing, one after the other.
fn all_shades(archive: &Archive) -> Vec<u8> {
    let characters = archive.alphabets.iter().flat_map(|a| &a.characters);
    let drawings = characters.flat_map(|c| &c.drawings);
    let shades = drawings.flat_map(|d| *d.shades.as_ref().unwrap().bytes());
    shades.collect()
}

#[test]
fn an_export_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let options = ExportOptions::default();
    // Pictures in grey: white less the ink.
    let faint = folder.path().join("faint");
    to_folder(&opened(&grey_archive(9)), &faint, options, |_| ()).unwrap();
    let png = fs::File::open(faint.join("images_background/Runic/character01/0001_01.png"));
    let mut reader = png::Decoder::new(BufReader::new(png.unwrap()))
        .read_info()
        .unwrap();
    assert_eq!(
        (reader.info().bit_depth, reader.info().color_type),
        (png::BitDepth::Eight, png::ColorType::Grayscale)
    );
    let mut pixels = vec![0; AREA];
    reader.next_frame(&mut pixels).unwrap();
    let first = grey_archive(9).alphabets[0].characters[0].drawings[0]
        .shades
        .clone();
    let ink: Vec<u8> = pixels.iter().map(|pixel| 255 - pixel).collect();
    assert_eq!(ink, first.unwrap().bytes());
    // They are read again as they were.
    let (archive, full) = (grey_archive(255), folder.path().join("full"));
    to_folder(&opened(&archive), &full, options, |_| ()).unwrap();
    let again = GroupOptions {
        evaluation: vec![archive.alphabets[1].name.clone()],
        scan: ScanOptions {
            cut: false,
            grey: true,
        },
        merge_splits: true,
        ..GroupOptions::default()
    };
    fs::remove_dir_all(full.join("all_runs")).unwrap();
    let groups = read_groups(&full, &again).unwrap();
    assert_eq!(all_shades(&groups.archive), all_shades(&archive));
    // And as an array beside that of the pages.
    let npz = folder.path().join("a.npz");
    to_npz(&opened(&grey_archive(9)), &npz, options, |_| ()).unwrap();
    let mut zip = zip::ZipArchive::new(fs::File::open(npz).unwrap()).unwrap();
    let mut array = |name: &str| {
        let file = npyz::NpyFile::new(BufReader::new(zip.by_name(name).unwrap())).unwrap();
        assert_eq!(file.shape(), [10, 105, 105]);
        file.into_vec::<u8>().unwrap()
    };
    let (pages, shades) = (array("pages.npy"), array("shades.npy"));
    assert_eq!(shades, all_shades(&grey_archive(9)));
    assert!(
        pages
            .iter()
            .zip(&shades)
            .all(|(ink, shade)| 9 * ink == *shade)
    );
}

#[test]
fn a_sheet_shows_them() {
    let [plain, full, faint] = [small_archive(), grey_archive(255), grey_archive(100)]
        .map(|archive| contact_sheet(&opened(&archive), 0).unwrap().to_png());
    assert_eq!(full, plain);
    assert_ne!(faint, plain);
    let sheet = |archive: &Archive| {
        let store = opened(archive);
        let task = TaskPicture::read(&mut store.decoder(), 0, &[1, 3], 0).unwrap();
        task_sheet("a task", &[task]).unwrap().to_png()
    };
    assert_eq!(sheet(&grey_archive(255)), sheet(&small_archive()));
    assert_ne!(sheet(&grey_archive(100)), sheet(&small_archive()));
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
        let drawn = omnishot::image::Drawn { page: &page(1), shades: Some(shades.bytes()) };
        for law in [Distortion::KOCH, Distortion::COMPACT] {
            let [fast, slow] = [Distorter::new(law), Distorter::scalar(law)].map(|distorter| {
                let mut distorter = distorter.unwrap().at(60).unwrap();
                let mut out = vec![0f32; 60 * 60];
                let mut stream = Stream::new(1, Purpose::Distort, item);
                distorter.draw(drawn, 3, &mut stream, &mut out);
                out
            });
            prop_assert_eq!(fast, slow);
        }
    }
}
