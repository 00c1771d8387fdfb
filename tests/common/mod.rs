//! What several tests share: small drawings, a small archive, and zips of them; and beside them
//! streams, runs and networks that are as small.
#![allow(dead_code, reason = "no test binary uses all of it")]

pub mod digits;
pub mod drawings;
pub mod inputs;
pub mod pictures;
pub mod runs;
#[cfg(feature = "torch")]
pub mod small;
pub mod streams;
#[cfg(feature = "torch")]
pub mod study;
#[cfg(feature = "torch")]
pub mod tasks;
#[cfg(feature = "torch")]
pub mod untrained;

use std::io::{Cursor, Write};
use std::path::Path;

use omnishot::archive::{Alphabet, Archive, Character, Drawing, Query, Run, Split};
use omnishot::image::{Page, SIDE};
use omnishot::store::{self, Store, WriteOptions};
use sha2::{Digest, Sha256};

/// A drawing of two strokes; each `kind` gives another one.
pub fn page(kind: u32) -> Page {
    let mut page = Page::BLANK;
    let (row, column) = (kind as usize % 97, kind as usize / 97 % 97);
    for step in 0..60 {
        page.set(20 + step, row + step / 10, true);
        page.set(column + step / 15, 30 + step, true);
    }
    page
}

/// Runs a program in a folder, with arguments apart by spaces.
pub fn program(path: &str, folder: &Path, arguments: &str) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(path)
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .assert()
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn character(name: &str, number: u32, drawers: &[u16]) -> Character {
    let drawing = |&drawer| Drawing {
        drawer,
        page: page(number * 40 + u32::from(drawer)),
        shades: None,
    };
    Character {
        name: name.to_owned(),
        number,
        drawings: drawers.iter().map(drawing).collect(),
    }
}

pub fn alphabet(name: &str, split: Split, characters: Vec<Character>) -> Alphabet {
    Alphabet {
        name: name.to_owned(),
        split,
        characters,
    }
}

/// Two alphabets of two characters, one with a gap in its drawers, and one run.
pub fn small_archive() -> Archive {
    let background = vec![
        character("character01", 1, &[1, 2, 3]),
        character("character02", 2, &[1, 3, 4]),
    ];
    let evaluation = vec![
        character("character01", 3, &[1, 2]),
        character("character02", 4, &[1, 2]),
    ];
    let drawn = |character: usize, drawing: usize| evaluation[character].drawings[drawing].page;
    let run = Run {
        name: "run01".to_owned(),
        support: vec![drawn(0, 0), drawn(1, 0)],
        queries: vec![
            Query {
                page: drawn(1, 1),
                answer: 1,
            },
            Query {
                page: drawn(0, 1),
                answer: 0,
            },
        ],
    };
    Archive {
        runs: vec![run],
        alphabets: vec![
            alphabet("Runic", Split::Background, background),
            alphabet("Çelik", Split::Evaluation, evaluation),
        ],
    }
}

/// The bytes of a store of `archive`.
pub fn store_bytes(archive: &Archive) -> Vec<u8> {
    store_bytes_with(archive, WriteOptions::default())
}

/// The bytes of a store of `archive`, written as asked.
pub fn store_bytes_with(archive: &Archive, options: WriteOptions) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    store::write(&path, archive, options, |_| ()).unwrap();
    std::fs::read(path).unwrap()
}

/// An archive again from a store: what was packed.
pub fn unpack(store: &Store) -> Archive {
    let mut decoder = store.decoder();
    let alphabets = (store.alphabets().iter())
        .map(|entry| Alphabet {
            name: entry.name.clone(),
            split: entry.split,
            characters: (entry.characters.clone())
                .map(|id| Character {
                    name: store.character(id).name.clone(),
                    number: store.character(id).number,
                    drawings: (decoder.character(id).unwrap().iter())
                        .zip(store.drawers(id))
                        .map(|(&page, drawer)| Drawing {
                            drawer,
                            page,
                            shades: None,
                        })
                        .collect(),
                })
                .collect(),
        })
        .collect();
    let runs = (store.runs().iter())
        .map(|run| Run {
            name: run.name.clone(),
            support: (run.support.iter())
                .map(|&id| *decoder.drawing(id).unwrap())
                .collect(),
            queries: (run.queries.iter())
                .map(|&(id, answer)| Query {
                    page: *decoder.drawing(id).unwrap(),
                    answer: usize::from(answer),
                })
                .collect(),
        })
        .collect();
    Archive { alphabets, runs }
}

/// SHA-256 over every pixel as a byte 0 or 1, row by row, as `tools/read_store.py` prints it.
pub fn pixel_digest(store: &Store) -> String {
    let (mut sha, mut row) = (Sha256::new(), [0; SIDE]);
    let mut decoder = store.decoder();
    for id in 0..store.characters().len() as u32 {
        for page in decoder.character(id).unwrap() {
            for y in 0..SIDE {
                page.expand_row(y, 1, &mut row);
                sha.update(row);
            }
        }
    }
    hex(&sha.finalize())
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A zip of these files, deflated.
pub fn zip<N: AsRef<str>, B: AsRef<[u8]>>(files: &[(N, B)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in files {
        zip.start_file(name.as_ref(), options).unwrap();
        zip.write_all(bytes.as_ref()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Names inside a folder, to see that nothing was left behind.
pub fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
