//! Damage: whatever happens to a store's bytes, a reader says so by a typed error; it
//! neither panics nor takes much memory, even if every checksum was made to fit the damage.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
#[path = "common/memory.rs"]
mod memory;

use common::{small_archive, store_bytes, store_bytes_with, unpack};
use omnishot::seed::{Purpose, Stream};
use omnishot::store::{Store, StoreError, WriteOptions};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// What reading damaged stores may hold at once, all threads together.
const MEMORY: usize = 64 << 20;
/// Place of the first character's entry in the small store, and bytes of one.
const CHARACTERS: usize = 96 + 2 * 8;
const CHARACTER: usize = 16;

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn open(bytes: Vec<u8>) -> Result<Store, StoreError> {
    let store = Store::from_bytes("damaged", bytes)?;
    store.verify()?;
    Ok(store)
}

fn flip(stream: &mut Stream, bytes: &mut [u8]) {
    for _ in 0..1 + stream.index(4) {
        let at = stream.index(bytes.len());
        bytes[at] ^= 1 << stream.index(8);
    }
}

/// Makes the checksums of the front and of the file fit.
fn sign(bytes: &mut [u8]) {
    let front_len = number(bytes, 24).clamp(96, bytes.len() - 32);
    let mut sha = Sha256::new();
    sha.update(&bytes[..64]);
    sha.update(&bytes[96..front_len]);
    bytes[64..96].copy_from_slice(&sha.finalize());
    let body = bytes.len() - 32;
    let checksum = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&checksum);
}

#[test]
fn every_truncation_is_refused() {
    let bytes = store_bytes(&small_archive());
    for len in 0..bytes.len() {
        let error = Store::from_bytes("cut", bytes[..len].to_vec()).unwrap_err();
        let typed = matches!(error, StoreError::Magic { .. } | StoreError::Damaged { .. });
        assert!(
            typed && error.to_string().starts_with("cut: "),
            "{len}: {error}"
        );
    }
    assert!(matches!(
        Store::from_bytes("cut", [&bytes[..], &[0]].concat()),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn flipped_bits_are_always_found() {
    let bytes = store_bytes(&small_archive());
    (0..60_000u64).into_par_iter().for_each(|case| {
        let mut damaged = bytes.clone();
        flip(&mut Stream::new(1, Purpose::Bootstrap, case), &mut damaged);
        if damaged != bytes {
            assert!(open(damaged).is_err(), "case {case}");
        }
    });
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

/// Lies in the front, signed: what is taken all the same must be what a writer of the
/// content that it shows would have written, to the byte.
#[test]
fn signed_lies_in_the_front_are_refused_or_true() {
    let bytes = store_bytes(&small_archive());
    let front_len = number(&bytes, 24);
    let taken: usize = (0..60_000u64)
        .into_par_iter()
        .map(|case| {
            let mut lie = bytes.clone();
            flip(
                &mut Stream::new(2, Purpose::Bootstrap, case),
                &mut lie[8..front_len],
            );
            sign(&mut lie);
            let Ok(store) = open(lie.clone()) else {
                return 0;
            };
            let content = unpack(&store);
            if case % 64 == 0 {
                let options = WriteOptions {
                    pictures: store.pictures(),
                    ..WriteOptions::default()
                };
                let written = store_bytes_with(&content, options);
                assert!(written == lie, "case {case}");
            }
            1
        })
        .sum();
    // A changed number of a character, or letter of a name, is another sound store.
    assert!((1_000..50_000).contains(&taken), "{taken} taken");
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

/// Lies in a block whose checksums all fit reach zstd and the page's own rule.
#[test]
fn signed_lies_in_the_blocks_never_panic() {
    let bytes = store_bytes(&small_archive());
    let front_len = number(&bytes, 24);
    let refused: usize = (0..30_000u64)
        .into_par_iter()
        .map(|case| {
            let mut stream = Stream::new(3, Purpose::Bootstrap, case);
            let mut lie = bytes.clone();
            let body = lie.len() - 32;
            flip(&mut stream, &mut lie[front_len..body]);
            let mut block = front_len;
            for at in (CHARACTERS..).step_by(CHARACTER).take(4) {
                let end = block + number(&lie, at + 8);
                let crc = crc32fast::hash(&lie[block..end]);
                lie[at + 12..at + 16].copy_from_slice(&crc.to_le_bytes());
                block = end;
            }
            sign(&mut lie);
            match open(lie) {
                Ok(store) => {
                    assert_eq!(store.drawings(), 10);
                    0
                }
                Err(StoreError::DamagedCharacter { .. }) => 1,
                Err(error) => panic!("case {case}: {error}"),
            }
        })
        .sum();
    assert!(refused > 10_000, "{refused} refused");
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

#[test]
fn counts_that_lie_cost_no_memory() {
    let bytes = store_bytes(&small_archive());
    for at in (24..60).step_by(4) {
        for lie in [u32::MAX, 1 << 31, 1 << 20, 0] {
            let mut damaged = bytes.clone();
            damaged[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            if damaged != bytes {
                sign(&mut damaged);
                let error = open(damaged).unwrap_err();
                assert!(matches!(error, StoreError::Damaged { .. }), "{at}: {error}");
            }
        }
    }
    assert!(memory::peak() < MEMORY, "{} bytes", memory::peak());
}

#[test]
fn verify_names_the_damaged_character() {
    let bytes = store_bytes(&small_archive());
    let mut block = number(&bytes, 24);
    let places = [
        ("Runic", "character01"),
        ("Runic", "character02"),
        ("Çelik", "character01"),
        ("Çelik", "character02"),
    ];
    for (index, place) in places.into_iter().enumerate() {
        let mut damaged = bytes.clone();
        damaged[block + 9] ^= 0x10;
        let store = Store::from_bytes("damaged", damaged).unwrap();
        match store.verify().unwrap_err() {
            StoreError::DamagedCharacter {
                offset,
                alphabet,
                character,
                ..
            } => {
                assert_eq!((alphabet.as_str(), character.as_str()), place);
                assert_eq!(offset, block as u64);
            }
            error => panic!("{error}"),
        }
        // The others are still to be had.
        let mut decoder = store.decoder();
        for id in 0..4 {
            assert_eq!(decoder.character(id).is_err(), id as usize == index);
        }
        block += number(&bytes, CHARACTERS + CHARACTER * index + 8);
    }
}

#[test]
fn other_versions_and_files_are_told_apart() {
    let mut bytes = store_bytes(&small_archive());
    bytes[8] = 3;
    assert!(matches!(
        Store::from_bytes("new", bytes),
        Err(StoreError::Version {
            expected: 2,
            got: 3,
            ..
        })
    ));
    let zip = common::zip(&[("a", "b")]);
    assert!(matches!(
        Store::from_bytes("zip", zip),
        Err(StoreError::Magic { .. })
    ));
}
