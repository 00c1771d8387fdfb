//! Opening a store, decoding all of it, and one drawing of it.
//!
//! On Omniglot as `OMNIGLOT_STORE` names it packed, else on drawings made here in the
//! same number (964 + 659 characters by 20 drawers), of fewer strokes.

use std::path::PathBuf;

use divan::Bencher;
use omnishot::archive::{Alphabet, Archive, Character, Drawing, Split};
use omnishot::image::Page;
use omnishot::seed::{Purpose, Stream};
use omnishot::store::{self, Store, WriteOptions};

fn main() {
    divan::main();
}

/// The store's file; the made-up one lives as long as the folder that is returned.
fn file() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(path) = std::env::var_os("OMNIGLOT_STORE") {
        return (path.into(), None);
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("s.omni");
    let options = WriteOptions {
        level: 3,
        overwrite: false,
        ..WriteOptions::default()
    };
    store::write(&path, &made_up(), options, |_| ()).expect("the made-up set can be packed");
    (path, Some(folder))
}

fn made_up() -> Archive {
    let alphabet = |(split, characters): (Split, u32)| Alphabet {
        name: split.name().to_owned(),
        split,
        characters: (1..=characters)
            .map(|number| Character {
                name: format!("character{number:03}"),
                number,
                drawings: (1..=20)
                    .map(|drawer| Drawing {
                        drawer,
                        page: scribble(u64::from(number) * 32 + u64::from(drawer)),
                        shades: None,
                    })
                    .collect(),
            })
            .collect(),
    };
    Archive {
        alphabets: [(Split::Background, 964), (Split::Evaluation, 659)]
            .map(alphabet)
            .into(),
        runs: Vec::new(),
    }
}

/// A walk with a pen three pixels wide.
fn scribble(index: u64) -> Page {
    let mut stream = Stream::new(0, Purpose::Synthetic, index);
    let (mut page, mut x, mut y) = (Page::BLANK, 50, 50);
    for _ in 0..300 {
        x = (x + stream.index(3)).clamp(3, 100) - 1;
        y = (y + stream.index(3)).clamp(3, 100) - 1;
        for step in 0..9 {
            page.set(x + step % 3, y + step / 3, true);
        }
    }
    page
}

#[divan::bench]
fn open(bencher: Bencher) {
    let (path, _folder) = file();
    assert_eq!(Store::open(&path).map(|s| s.drawings()).ok(), Some(32_460));
    bencher.bench_local(|| Store::open(&path));
}

#[divan::bench(sample_count = 20)]
fn open_and_decode_all(bencher: Bencher) {
    let (path, _folder) = file();
    let decode = || {
        let store = Store::open(&path).expect("the store is sound");
        let mut decoder = store.decoder();
        (0..store.characters().len() as u32)
            .map(|id| decoder.character(id).expect("the store is sound").len())
            .sum::<usize>()
    };
    assert_eq!(decode(), 32_460);
    bencher.bench_local(decode);
}

#[divan::bench]
fn one_random_drawing(bencher: Bencher) {
    let (path, _folder) = file();
    let store = Store::open(&path).expect("the store is sound");
    let mut decoder = store.decoder();
    let mut stream = Stream::new(1, Purpose::Batch, 0);
    bencher.bench_local(|| {
        let id = stream.below(32_460);
        decoder.drawing(id).expect("the store is sound").ink_count()
    });
}
