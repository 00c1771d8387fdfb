//! Exported tasks, read by loops that share nothing with the library.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use omnishot::archive::{Archive, Split};
use omnishot::eval::exchange::{self, Format, TaskFile};
use omnishot::eval::{Pixel, Protocol, TaskSet};
use omnishot::image::SIDE;
use omnishot::sample::{Scope, TaskShape, alphabets_of};
use omnishot::store::Store;
use omnishot::synthetic::{SyntheticOptions, synthesize, synthesize_runs};

/// A file of tasks that a test makes once.
pub static JSON: OnceLock<String> = OnceLock::new();

/// A background alphabet and two for evaluation, of 20 to 22 characters by 6 drawers, and runs.
pub fn made_up_bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let options = SyntheticOptions {
            seed: 8,
            background: 1,
            evaluation: 2,
            characters_per_alphabet: 20..=22,
            drawers: 6,
        };
        let alphabets = synthesize(&options);
        let runs = synthesize_runs(&alphabets, 8);
        crate::common::store_bytes(&Archive { alphabets, runs })
    })
}

pub fn made_up() -> Arc<Store> {
    static STORE: OnceLock<Arc<Store>> = OnceLock::new();
    let store = STORE
        .get_or_init(|| Arc::new(Store::from_bytes("made up", made_up_bytes().to_vec()).unwrap()));
    Arc::clone(store)
}

/// Random tasks of the evaluation set under seed 7.
pub fn random(
    store: &Store,
    protocol: Protocol,
    ways: usize,
    shots: usize,
    trials: u64,
) -> TaskSet {
    let scope = match protocol {
        Protocol::Between => Scope::Between,
        _ => Scope::Within,
    };
    let shape = TaskShape { ways, shots, scope };
    TaskSet::random(
        store,
        &alphabets_of(store, Split::Evaluation),
        shape,
        7,
        trials,
    )
    .unwrap()
}

/// The folder `out` in a new one, and the file of tasks in it.
pub fn exported(store: &Store, set: &TaskSet, format: Format) -> (tempfile::TempDir, TaskFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = exchange::export(store, set, &folder.path().join("out"), format, false).unwrap();
    (folder, file)
}

/// The drawings in a folder by their numbers: 105 x 105 bytes, 1 for ink.
pub fn images(folder: &Path) -> Vec<Vec<u8>> {
    let npz = folder.join("drawings.npz");
    if !npz.exists() {
        let names = crate::common::listing(&folder.join("drawings"));
        let numbers = 0..names.len();
        return (numbers.zip(names))
            .map(|(number, name)| {
                assert_eq!(name, format!("{number:06}.png"));
                from_png(&fs::read(folder.join("drawings").join(name)).unwrap())
            })
            .collect();
    }
    let mut zip = zip::ZipArchive::new(fs::File::open(npz).unwrap()).unwrap();
    assert_eq!(zip.len(), 1);
    let mut bytes = Vec::new();
    let mut file = zip.by_name("images.npy").unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(array.shape()[1..], [105, 105]);
    let pixels: Vec<u8> = array.into_vec().unwrap();
    pixels.chunks(SIDE * SIDE).map(<[u8]>::to_vec).collect()
}

fn from_png(png: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; SIDE * SIDE];
    reader.next_frame(&mut pixels).unwrap();
    pixels.iter().map(|&shade| u8::from(shade == 0)).collect()
}

/// A prediction file of a number for each way of each task.
pub fn shot_csv(tasks: &TaskFile, similarity: impl Fn(usize, usize) -> f64) -> Vec<u8> {
    let names: String = (0..tasks.ways).map(|way| format!(",way{way}")).collect();
    let mut text = format!("task{names}\n");
    // Backwards: the order of the lines must not matter.
    for (number, task) in tasks.tasks.iter().enumerate().rev() {
        let cell = |way| match way < task.support.len() {
            true => similarity(number, way).to_string(),
            false => String::new(),
        };
        let cells: Vec<String> = (0..tasks.ways).map(cell).collect();
        text += &format!("{number},{}\n", cells.join(","));
    }
    text.into_bytes()
}

/// What a nearest neighbour in pixels predicts, by plain sums. The cosine is squared and without
/// the query's length, so that equal cosines are equal numbers.
pub fn neighbour_csv(tasks: &TaskFile, images: &[Vec<u8>], pixel: Pixel) -> Vec<u8> {
    let similarity = |query: &[u8], support: &[u8]| {
        let (mut shared, mut ink, mut differing) = (0.0, 0.0, 0.0);
        for (&a, &b) in query.iter().zip(support) {
            shared += f64::from(a * b);
            ink += f64::from(b);
            differing += f64::from(a ^ b);
        }
        match pixel {
            Pixel::L2 => -f64::sqrt(differing),
            Pixel::Cosine => shared * shared / f64::max(ink, 1.0),
        }
    };
    shot_csv(tasks, |task, way| {
        let task = &tasks.tasks[task];
        let query = &images[task.query as usize];
        let drawings = task.support[way].iter();
        drawings
            .map(|&number| similarity(query, &images[number as usize]))
            .fold(f64::NEG_INFINITY, f64::max)
    })
}
