//! Omniglot itself, if its zips are there: in `OMNIGLOT_DIR`, else in `shared/omniglot`
//! beside the checkout.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use omnishot::archive::{self, ReadOptions, SIDE, Split};
use omnishot::sample::PairCounts;
use omnishot::store::export::{ExportOptions, Exported, to_folder};
use omnishot::store::{self, Store, WriteOptions};

/// The level at which omni-pack packs unless told otherwise.
const LEVEL: i32 = 16;
/// The store of images_background, images_evaluation and all_runs at that level.
const STORE_DIGEST: &str = "7c68781b81157bc091130ea6f6f3b11e0a3dcb8f97db75b9061a9fc5e64bafc5";
/// SHA-256 of all its pixels as bytes 0 and 1, which depends on no compressor.
const PIXELS_DIGEST: &str = "90d72a3373341aa03eb349fa7fa6cd1a860167d0e5797ad200cdcda86d3e1d31";

fn zips() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/omniglot");
    let folder = std::env::var_os("OMNIGLOT_DIR").map_or_else(|| beside.into(), PathBuf::from);
    let found = folder.join("images_background.zip").is_file();
    if !found {
        eprintln!(
            "SKIPPED: no Omniglot in {}; set OMNIGLOT_DIR",
            folder.display()
        );
    }
    found.then_some(folder)
}

/// The store, packed once for all tests here.
fn packed() -> Option<(&'static Path, &'static [u8])> {
    static PACKED: OnceLock<Option<(PathBuf, Vec<u8>)>> = OnceLock::new();
    let packed = PACKED.get_or_init(|| {
        let zips = zips()?;
        let archive = archive::read(std::slice::from_ref(&zips), ReadOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.omni");
        let options = WriteOptions {
            level: LEVEL,
            overwrite: false,
        };
        store::write(&path, &archive, options, |_| ()).unwrap();
        Some((zips, fs::read(path).unwrap()))
    });
    packed
        .as_ref()
        .map(|(zips, bytes)| (zips.as_path(), bytes.as_slice()))
}

fn open(bytes: &[u8]) -> Store {
    Store::from_bytes("o.omni", bytes.to_vec()).unwrap()
}

/// Every picture of a zip by its path, decoded by `png` alone: one byte a pixel, 1 for ink.
fn pictures(zip: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
    let mut pictures = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        if name.ends_with(".png") {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            pictures.insert(name, pixels(&bytes));
        }
    }
    pictures
}

fn pixels(png: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    assert_eq!(reader.info().bit_depth, png::BitDepth::One);
    let mut packed = vec![0; 14 * SIDE];
    reader.next_frame(&mut packed).unwrap();
    let row = |row: &[u8]| {
        (0..SIDE)
            .map(|x| 1 - (row[x / 8] >> (7 - x % 8) & 1))
            .collect::<Vec<u8>>()
    };
    packed.chunks(14).flat_map(row).collect()
}

#[test]
fn the_official_counts() {
    let Some((_, bytes)) = packed() else { return };
    assert!(bytes.len() <= 3_600_000, "{} bytes", bytes.len());
    let store = open(bytes);
    store.verify().unwrap();
    assert_eq!(store.drawings(), 32_460);
    for (split, alphabets, characters, drawings) in [
        (Split::Background, 30, 964, 19_280),
        (Split::Evaluation, 20, 659, 13_180),
    ] {
        let counts = PairCounts::of(&store, split);
        let of_split = store.alphabets().iter().filter(|a| a.split == split);
        assert_eq!(of_split.count(), alphabets);
        assert_eq!((counts.characters, counts.drawings), (characters, drawings));
    }
    let background = PairCounts::of(&store, Split::Background);
    assert_eq!((background.all, background.same), (185_849_560, 183_160));
    assert_eq!(store.runs().len(), 20);
    assert_eq!(
        store
            .runs()
            .iter()
            .map(|run| run.queries.len())
            .sum::<usize>(),
        400
    );
    assert!(store.runs().iter().all(|run| run.support.len() == 20));
}

#[test]
fn the_bytes_and_the_pixels_are_pinned() {
    let Some((_, bytes)) = packed() else { return };
    let store = open(bytes);
    assert_eq!(common::pixel_digest(&store), PIXELS_DIGEST);
    assert_eq!(common::sha256(bytes), STORE_DIGEST);
}

#[test]
fn every_drawing_survives_the_store() {
    let Some((zips, bytes)) = packed() else {
        return;
    };
    let store = open(bytes);
    let mut decoder = store.decoder();
    let mut compared = 0;
    for split in [Split::Background, Split::Evaluation] {
        let root = format!("images_{split}");
        let mut sources = pictures(&zips.join(format!("{root}.zip")));
        for alphabet in store.alphabets().iter().filter(|a| a.split == split) {
            for id in alphabet.characters.clone() {
                let character = store.character(id);
                let folder = format!("{root}/{}/{}", alphabet.name, character.name);
                for (page, drawer) in decoder.character(id).unwrap().iter().zip(store.drawers(id)) {
                    let name = format!("{folder}/{:04}_{drawer:02}.png", character.number);
                    let source = sources.remove(&name).unwrap();
                    let ink = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
                    let ink: Vec<u8> = ink.map(|(x, y)| u8::from(page.ink(x, y))).collect();
                    assert!(ink == source, "{name}");
                    compared += 1;
                }
            }
        }
        assert!(
            sources.is_empty(),
            "not in the store: {:?}",
            sources.keys().next()
        );
    }
    assert_eq!(compared, 32_460);
}

#[test]
fn every_picture_survives_the_export() {
    let Some((zips, bytes)) = packed() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let exported = to_folder(&open(bytes), &target, ExportOptions::default(), |_| ()).unwrap();
    assert_eq!(
        exported,
        Exported {
            drawings: 32_460,
            runs: 20
        }
    );
    let mut compared = 0;
    for (zip, root) in [
        ("images_background.zip", ""),
        ("images_evaluation.zip", ""),
        ("all_runs.zip", "all_runs"),
    ] {
        for (name, source) in pictures(&zips.join(zip)) {
            let written = fs::read(target.join(root).join(&name)).unwrap();
            assert!(pixels(&written) == source, "{name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 32_460 + 800);
    for run in 1..=20 {
        let name = format!("run{run:02}/class_labels.txt");
        let mut zip =
            zip::ZipArchive::new(fs::File::open(zips.join("all_runs.zip")).unwrap()).unwrap();
        let mut table = String::new();
        zip.by_name(&name)
            .unwrap()
            .read_to_string(&mut table)
            .unwrap();
        assert_eq!(
            fs::read_to_string(target.join("all_runs").join(&name)).unwrap(),
            table
        );
    }
    // Read again, strictly, it is what was packed.
    let again = archive::read(&[target], ReadOptions::default()).unwrap();
    assert!(again == common::unpack(&open(bytes)));
}

/// In each run a query's drawing shows the character of its answer, and no other support does.
#[test]
fn the_runs_answers_are_the_characters_of_the_drawings() {
    let Some((_, bytes)) = packed() else { return };
    let store = open(bytes);
    for run in store.runs() {
        let characters: Vec<u32> = run
            .support
            .iter()
            .map(|&id| store.character_of(id))
            .collect();
        for &(query, answer) in &run.queries {
            let character = store.character_of(query);
            let places: Vec<usize> = (0..20).filter(|&i| characters[i] == character).collect();
            assert_eq!(places, [usize::from(answer)], "{}", run.name);
        }
    }
}

#[cfg(feature = "torch")]
#[test]
fn pixel_neighbours_score_as_published() {
    use omnishot::eval::{Pixel, PixelJudge, answer_runs, total};
    let Some((_, bytes)) = packed() else { return };
    let store = open(bytes);
    for (pixel, right) in [(Pixel::L2, 76), (Pixel::Cosine, 87)] {
        let answers = answer_runs(store.runs(), PixelJudge::new(&store, pixel)).unwrap();
        let score = total(&answers);
        assert_eq!((score.right, score.asked), (right, 400), "{pixel:?}");
    }
}
