//! Omniglot itself, if its zips are there: in `OMNIGLOT_DIR`, else in `shared/omniglot`
//! beside the checkout.

use crate::common;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use omnishot::archive::{self, ReadOptions, Split};
use omnishot::image::SIDE;
use omnishot::sample::{PairCounts, PairTable, TableRecipe};
use omnishot::store::export::{ExportOptions, Exported, to_folder};
use omnishot::store::{self, Store, WriteOptions};

/// The level at which omni-pack packs unless told otherwise.
const LEVEL: i32 = 16;
/// The store of images_background, images_evaluation and all_runs at that level.
const STORE_DIGEST: &str = "7c68781b81157bc091130ea6f6f3b11e0a3dcb8f97db75b9061a9fc5e64bafc5";
/// SHA-256 of all its pixels as bytes 0 and 1, which depends on no compressor.
const PIXELS_DIGEST: &str = "90d72a3373341aa03eb349fa7fa6cd1a860167d0e5797ad200cdcda86d3e1d31";
/// The digests of four batches of each stream.
const STREAM_DIGESTS: [(&str, &str); 4] = [
    (
        "pairs",
        "84201af55f6d42254d45a32a8ca9cc585b2bad1bbb9ebc38c9947863ee95ff5f",
    ),
    (
        "classes",
        "7916aca798fb88710ebac3e4c637a65c66cf1b747c1eef515dfd95eb4cf0885b",
    ),
    (
        "tasks",
        "93ab723db759ad0e78bd6e4469793b0cf4b2d6d142cc35775d557b420a7ca423",
    ),
    (
        "table --table t.pairs",
        "d721e3a5952cface44182a00808960eecad9b0b33153d27d83a102efd2ba2aee",
    ),
];

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
            ..WriteOptions::default()
        };
        store::write(&path, &archive, options, |_| ()).unwrap();
        Some((zips, fs::read(path).unwrap()))
    });
    packed
        .as_ref()
        .map(|(zips, bytes)| (zips.as_path(), bytes.as_slice()))
}

/// Omniglot's store, if its zips are there.
#[cfg(feature = "torch")]
pub fn store() -> Option<Store> {
    packed().map(|(_, bytes)| open(bytes))
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

/// The first four batches of each stream of seed 0, as `omni-bench digest` prints them: what
/// two people with the official zips can compare.
#[test]
fn the_streams_are_pinned() {
    let Some((_, bytes)) = packed() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("o.omni"), bytes).unwrap();
    let store = open(bytes);
    let recipe = TableRecipe::training(&store, 0, 90_000, 8, 0).unwrap();
    PairTable::write(&folder.path().join("t.pairs"), &store, &recipe, false).unwrap();
    for (stream, digest) in STREAM_DIGESTS {
        let arguments = format!("digest o.omni --to 4 --workers 2 --stream {stream}");
        let assert = assert_cmd::Command::new(env!("CARGO_BIN_EXE_omni-bench"))
            .current_dir(folder.path())
            .args(arguments.split_whitespace())
            .assert()
            .success();
        let printed = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
        assert!(printed.starts_with(digest), "{stream}: {printed}");
    }
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

/// The evaluator against what others found: pixels by Lake and by Koch, and the errors in percent
/// of each of the 20 runs that come with Lake's demonstration of the modified Hausdorff distance.
#[cfg(feature = "torch")]
#[test]
fn baselines_score_as_published() {
    use omnishot::eval::{Answers, Hausdorff, Pixel, PixelScorer, TaskSet, Ties};
    use omnishot::store::PageCache;
    const HAUSDORFF_ERRORS: [u64; 20] = [
        45, 35, 40, 25, 30, 15, 60, 35, 40, 55, 15, 70, 65, 35, 15, 25, 30, 40, 70, 30,
    ];
    let Some((_, bytes)) = packed() else { return };
    let pages = PageCache::new(std::sync::Arc::new(open(bytes)));
    let set = TaskSet::lake_runs(pages.store()).unwrap();
    assert_eq!((set.tasks.len(), set.ways(), set.chance()), (400, 20, 5.0));
    for (pixel, right) in [(Pixel::L2, 76), (Pixel::Cosine, 87)] {
        let scorer = PixelScorer::new(&pages, pixel);
        let score = Answers::of(&scorer, &set, Ties::Against)
            .unwrap()
            .score(&set);
        assert_eq!((score.right, score.asked), (right, 400), "{pixel:?}");
    }
    let answers = Answers::of(&Hausdorff::new(&pages), &set, Ties::Against).unwrap();
    let errors = answers.group_scores(&set).into_iter();
    let errors: Vec<u64> = errors.map(|run| 5 * (run.asked - run.right)).collect();
    assert_eq!(errors, HAUSDORFF_ERRORS);
    assert_eq!(answers.score(&set).percent(), 61.25);
}

/// The network that ships with the program has the score that the README and its card tell.
#[cfg(feature = "torch")]
#[test]
fn the_pretrained_network_scores_as_told() {
    use omnishot::eval::{self, TaskSet, Ties};
    use omnishot::model::{Model, PRETRAINED};
    const RIGHT: u64 = 399;
    for text in [
        include_str!("../../README.md"),
        include_str!("../../src/weights/PRETRAINED.md"),
    ] {
        assert!(text.contains(&format!("{RIGHT} of 400")));
    }
    assert!(PRETRAINED.len() < 10_000_000);
    let model = Model::pretrained(tch::Device::Cpu);
    let Some((_, bytes)) = packed() else { return };
    let store = std::sync::Arc::new(open(bytes));
    assert_eq!(model.card.store, store.digest().to_string());
    assert_eq!(model.card.training.len(), 30);
    let set = TaskSet::lake_runs(&store).unwrap();
    let answers = eval::answer(&model, &store, &set, Ties::Against).unwrap();
    // Sums differ in their last bits from one CPU to another, which may turn a question or two.
    let right = answers.score(&set).right;
    assert!(right.abs_diff(RIGHT) <= 2, "{right} of 400");
}

/// The network that ships embeds the runs' drawings on this program's own runtime as it does on
/// libtorch, and answers as there.
#[cfg(feature = "torch")]
#[test]
fn the_runs_are_answered_alike_without_libtorch() {
    use omnishot::eval::{Answers, Embeddings, TaskSet, Ties};
    use omnishot::model::Model;
    use omnishot::onnx::Session;
    let Some(store) = store().map(std::sync::Arc::new) else {
        return;
    };
    let set = TaskSet::lake_runs(&store).unwrap();
    let model = Model::pretrained(tch::Device::Cpu);
    let libtorch = Embeddings::of(&model, &store, set.drawings()).unwrap();
    let ours = Embeddings::of(&Session::pretrained(), &store, set.drawings()).unwrap();
    assert_eq!(ours.drawings().len(), 800);
    let apart = ours.values().iter().zip(libtorch.values());
    let apart = apart.fold(0f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(apart <= 1e-5, "{apart}");
    let [ours, libtorch] = [&ours, &libtorch].map(|all| Answers::of(all, &set, Ties::Against));
    assert_eq!(ours.unwrap().chosen, libtorch.unwrap().chosen);
}
