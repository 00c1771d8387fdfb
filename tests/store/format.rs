//! The format's promises: pinned bytes, the fields where the specification says, what is
//! written is read, and a second reader agrees.

use crate::common;
use std::process::Command;

use crate::common::{character, small_archive, store_bytes};
use omnishot::archive::{Alphabet, Archive, Character, Drawing, Query, Run, Split};
use omnishot::files::{PublishError, publish};
use omnishot::image::{AREA, Page, Shades};
use omnishot::store::{self, Store, StoreError, WriteOptions};
use proptest::prelude::*;

/// SHA-256 of the small store: it changes with the format, or with zstd itself.
const GOLDEN: &str = "02cb063fa804a44706538369639a115acb3ea6068b4f2d5c1358a70a267182a0";

#[test]
fn the_bytes_are_pinned_on_any_number_of_threads() {
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let bytes = pool.install(|| store_bytes(&small_archive()));
        assert_eq!(common::sha256(&bytes), GOLDEN, "{threads} threads");
    }
}

/// Little-endian number of `N` bytes at `at`.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len]
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[test]
fn every_field_lies_where_the_specification_says() {
    let bytes = store_bytes(&small_archive());
    assert_eq!(&bytes[..8], b"\x89OMNI\r\n\x1a");
    let front_len = number(&bytes, 24, 4) as usize;
    // Version, width, height, file_len; then the seven counts and the zero.
    let header = [
        (8, 4, 1),
        (12, 2, 105),
        (14, 2, 105),
        (16, 8, bytes.len() as u64),
    ];
    let counts = [
        (28, 2),
        (32, 4),
        (36, 10),
        (40, 5),
        (44, 1),
        (48, 2),
        (52, 2),
        (56, 0),
        (60, 0),
    ];
    for (at, len, expected) in header.into_iter().chain(counts.map(|(at, n)| (at, 4, n))) {
        assert_eq!(number(&bytes, at, len), expected, "at {at}");
    }
    let summed = [&bytes[..64], &bytes[96..front_len]].concat();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(common::sha256(&summed), hex(&bytes[64..96]));
    let body = bytes.len() - 32;
    assert_eq!(common::sha256(&bytes[..body]), hex(&bytes[body..]));
    // Alphabets: characters, split.
    assert_eq!(bytes[96..104], [2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[104..112], [2, 0, 0, 0, 1, 0, 0, 0]);
    // Characters: number, drawings, ranges, block, its checksum.
    let mut block = front_len;
    for (index, (drawings, ranges)) in [(3, 1), (3, 2), (2, 1), (2, 1)].into_iter().enumerate() {
        let at = 112 + 16 * index;
        assert_eq!(number(&bytes, at, 4), index as u64 + 1);
        assert_eq!(
            (number(&bytes, at + 4, 2), number(&bytes, at + 6, 2)),
            (drawings, ranges)
        );
        let end = block + number(&bytes, at + 8, 4) as usize;
        let crc = crc32fast::hash(&bytes[block..end]);
        assert_eq!(number(&bytes, at + 12, 4), u64::from(crc));
        // A frame of zstd that states its size.
        assert_eq!(bytes[block..block + 4], [0x28, 0xB5, 0x2F, 0xFD]);
        let pages = zstd::bulk::decompress(&bytes[block..end], 1 << 20).unwrap();
        assert_eq!(pages.len() as u64, drawings * 1470);
        block = end;
    }
    assert_eq!(block, body);
    let ranges: Vec<u64> = (0..10).map(|i| number(&bytes, 176 + 2 * i, 2)).collect();
    assert_eq!(ranges, [1, 3, 1, 1, 3, 2, 1, 2, 1, 2]);
    assert_eq!(bytes[196..200], [2, 0, 2, 0]); // the run
    assert_eq!(bytes[200..208], [6, 0, 0, 0, 8, 0, 0, 0]); // its supports
    assert_eq!(
        bytes[208..224],
        [9, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]
    );
    let names = b"\x05Runic\x06\xC3\x87elik\x0Bcharacter01\x0Bcharacter02\x0Bcharacter01\x0Bcharacter02\x05run01";
    assert_eq!(&bytes[224..front_len], names);
}

#[test]
fn bands_lie_as_the_specification_says() {
    let mut page = Page::BLANK;
    page.set(7, 18, true); // band 2, bit 2
    page.set(104, 104, true); // band 13, bit 0
    let mut bands = [0; 1470];
    bands[2 * 105 + 7] = 4;
    bands[13 * 105 + 104] = 1;
    assert_eq!(page.bands(), &bands);
}

/// Characters of up to five drawers out of ten, so that gaps are common.
fn a_character() -> impl Strategy<Value = (String, Vec<(u16, u32)>, u32)> {
    let drawers = proptest::collection::btree_map(1u16..10, 0u32..5000, 1..5);
    ("[^\\pC/]{1,20}", drawers, any::<u32>())
        .prop_map(|(name, drawers, number)| (name, drawers.into_iter().collect(), number))
}

fn an_archive() -> impl Strategy<Value = Archive> {
    let characters = proptest::collection::vec(a_character(), 1..4);
    let alphabets =
        proptest::collection::btree_map((any::<bool>(), "[^\\pC/]{1,20}"), characters, 1..4);
    (
        alphabets,
        proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    )
        .prop_map(|(alphabets, picks)| {
            let alphabets: Vec<Alphabet> = alphabets
                .into_iter()
                .map(|((evaluation, name), mut characters)| {
                    characters.sort();
                    characters.dedup_by(|a, b| a.0 == b.0);
                    let split = if evaluation {
                        Split::Evaluation
                    } else {
                        Split::Background
                    };
                    let characters =
                        characters
                            .into_iter()
                            .map(|(name, drawings, number)| Character {
                                name,
                                number,
                                drawings: drawings
                                    .into_iter()
                                    .map(|(drawer, kind)| Drawing {
                                        drawer,
                                        page: common::page(kind),
                                        shades: None,
                                    })
                                    .collect(),
                            });
                    common::alphabet(&name, split, characters.collect())
                })
                .collect();
            let pages: Vec<Page> = (alphabets.iter().flat_map(|a| &a.characters))
                .flat_map(|c| c.drawings.iter().map(|d| d.page))
                .collect();
            let runs = picks.iter().enumerate().map(|(index, pick)| Run {
                name: format!("run{index:02}"),
                support: vec![*pick.get(&pages), pages[0]],
                queries: vec![Query {
                    page: *pick.get(&pages),
                    answer: index % 2,
                }],
            });
            Archive {
                runs: runs.collect(),
                alphabets,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read(archive in an_archive()) {
        let store = Store::from_bytes("memory", store_bytes(&archive)).unwrap();
        store.verify().unwrap();
        prop_assert_eq!(common::unpack(&store), archive);
    }
}

#[test]
fn a_second_reader_finds_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    let bytes = store_bytes(&small_archive());
    std::fs::write(&path, &bytes).unwrap();
    let read = || {
        Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/read_store.py"))
            .arg(&path)
            .output()
            .expect("this test needs python3; install it")
    };
    let output = read();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let store = Store::open(&path).unwrap();
    let digest = format!("pixels: {}", common::pixel_digest(&store));
    assert_eq!(text.lines().last(), Some(digest.as_str()));
    assert!(
        text.contains("drawings: 10\nruns: 1 with 2 queries\n"),
        "{text}"
    );
    for at in [20, 70, 130, 230, bytes.len() - 40, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert!(!read().status.success(), "it took a flip at {at}");
    }
}

#[test]
fn a_second_reader_takes_stores_of_shades_and_says_what_it_does_not_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    let mut archive = small_archive();
    let mut all = Vec::new();
    let characters = archive.alphabets.iter_mut().flat_map(|a| &mut a.characters);
    for (number, drawing) in (0u8..).zip(characters.flat_map(|c| &mut c.drawings)) {
        let shade = |at: usize| (at as u8).wrapping_mul(31).wrapping_add(number);
        let shades: Vec<u8> = (0..AREA).map(shade).collect();
        all.extend(&shades);
        drawing.shades = Some(Shades::new(shades));
    }
    let mut bytes = store_bytes(&archive);
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let mut python = Command::new("python3");
        python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/read_store.py"));
        python.arg(&path).output().unwrap()
    };
    let output = read(&bytes);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let shades = format!("shades: {}\n", common::sha256(&all));
    assert!(text.contains(&shades), "{text}");
    bytes[8] = 3;
    let told = String::from_utf8(read(&bytes).stderr).unwrap();
    assert!(
        told.contains("version is 3") && !told.contains("damaged"),
        "{told}"
    );
}

fn refusal(change: impl FnOnce(&mut Archive)) -> String {
    let mut archive = small_archive();
    change(&mut archive);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    let error = store::write(&path, &archive, WriteOptions::default(), |_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Unpackable(_)), "{error}");
    assert!(common::listing(folder.path()).is_empty());
    error.to_string()
}

#[test]
fn what_no_reader_would_take_is_not_written() {
    assert!(refusal(|a| a.alphabets.clear()).contains("no alphabets"));
    assert!(refusal(|a| a.alphabets.reverse()).contains("out of order"));
    assert!(refusal(|a| a.alphabets[1].characters.reverse()).contains("Çelik"));
    assert!(refusal(|a| a.alphabets[0].name = "a\nb".into()).contains("a\\nb"));
    assert!(refusal(|a| a.alphabets[0].name = "x".repeat(256)).contains("name"));
    assert!(
        refusal(|a| a.alphabets[0].characters[0].drawings.reverse()).contains("Runic/character01")
    );
    assert!(refusal(|a| a.alphabets[0].characters[0].drawings.clear()).contains("0 drawings"));
    let drawers: Vec<u16> = (1..=4097).collect();
    let many = character("character01", 1, &drawers);
    assert!(refusal(|a| a.alphabets[0].characters[0] = many).contains("4097"));
    assert!(refusal(|a| a.runs[0].queries[0].page = common::page(9000)).contains("run01"));
    assert!(refusal(|a| a.runs[0].queries[0].answer = 2).contains("run01"));
    assert!(refusal(|a| a.runs.push(a.runs[0].clone())).contains("run01"));
    assert!(refusal(|a| a.runs[0].name.clear()).contains("name"));
}

#[test]
fn a_failed_write_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    let write = |path: &std::path::Path| {
        store::write(path, &small_archive(), WriteOptions::default(), |_| ())
    };
    std::fs::write(&path, "another file").unwrap();
    assert!(matches!(
        write(&path),
        Err(StoreError::Publish(PublishError::Exists { .. }))
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"another file");
    let missing = folder.path().join("no such folder/s.omni");
    let error = write(&missing).unwrap_err();
    assert!(
        matches!(&error, StoreError::Publish(PublishError::Write { path, .. }) if *path == missing),
        "{error}"
    );
    assert_eq!(common::listing(folder.path()), ["s.omni"]);
}

/// A file system of 64 KiB, unmounted at the end.
#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path())
            .output();
        mount
            .is_ok_and(|m| m.status.success())
            .then_some(SmallDisk(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED a_full_disk_leaves_nothing: mounting needs root");
        return;
    };
    let publish = |len: usize| {
        let bytes = vec![7; len];
        publish(&disk.0.path().join("a"), true, |file| {
            file.write_all(&bytes)
        })
    };
    publish(10_000).unwrap();
    let error = publish(1 << 20).unwrap_err();
    assert!(
        matches!(&error, PublishError::Write { source, .. }
        if source.kind() == std::io::ErrorKind::StorageFull),
        "{error}"
    );
    assert_eq!(common::listing(disk.0.path()), ["a"]);
    assert_eq!(std::fs::read(disk.0.path().join("a")).unwrap(), [7; 10_000]);
}
