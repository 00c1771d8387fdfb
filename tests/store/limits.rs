//! The format's limits, from both sides: what just fits is taken and read back, and each
//! contradiction is refused by name at the byte where it shows.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::common::{alphabet, character, small_archive, store_bytes, unpack};
use omnishot::archive::{Archive, Query, Run, Split};
use omnishot::store::{self, Store, StoreError, WriteOptions};
use sha2::{Digest, Sha256};

/// Makes the checksums of the front and of the file fit.
fn sign(bytes: &mut [u8], front_len: usize) {
    let front = [&bytes[..64], &bytes[96..front_len]].concat();
    bytes[64..96].copy_from_slice(&Sha256::digest(front));
    let body = bytes.len() - 32;
    let checksum = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&checksum);
}

/// Where in a store the front ends.
fn front_len(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize
}

/// Of the small store, signed, with `lie` at `at`: the offset that the refusal names.
fn refused(at: usize, lie: &[u8], says: &str) -> u64 {
    refused_in(store_bytes(&small_archive()), at, lie, says)
}

/// As [`refused`], of another store.
fn refused_in(mut bytes: Vec<u8>, at: usize, lie: &[u8], says: &str) -> u64 {
    bytes[at..at + lie.len()].copy_from_slice(lie);
    let front_len = front_len(&bytes).clamp(96, bytes.len() - 32);
    sign(&mut bytes, front_len);
    match Store::from_bytes("lie", bytes).unwrap_err() {
        StoreError::Damaged { offset, what, .. } => {
            assert!(what.contains(says), "{lie:?} at {at}: {what}");
            offset
        }
        error => panic!("{lie:?} at {at}: {error}"),
    }
}

/// Field, lie, place that is named, and words. The small store's tables begin at 96 (alphabets), 112
/// (characters), 176 (ranges), 196 (the run), 200 (supports), 208 (queries) and 224 (names).
#[test]
fn every_contradiction_is_named_where_it_shows() {
    let lies: &[(usize, &[u8], u64, &str)] = &[
        (12, &[104, 0], 12, "104 x 105"),
        (14, &[106, 0], 12, "105 x 106"),
        (56, &[2], 56, "how pictures were made"),
        (57, &[1], 57, "must be zero"),
        (63, &[1], 57, "must be zero"),
        // Counts: alphabets, characters, drawings, ranges, runs, supports, queries.
        (28, &[1], 104, "do not hold all characters"),
        (32, &[3], 104, "an alphabet of 2 characters"),
        (36, &[11], 176, "do not add up"),
        (36, &[9], 176, "do not add up"),
        (40, &[6], 176, "do not add up"),
        (44, &[0], 196, "the runs' drawings do not add up"),
        (48, &[3], 196, "the runs' drawings do not add up"),
        (52, &[1], 196, "the runs' drawings do not add up"),
        // Alphabets.
        (96, &[0], 96, "an alphabet of 0 characters"),
        (104, &[0xFF; 4], 104, "an alphabet of 4294967295"),
        (100, &[2], 100, "split 2"),
        (108, &[2], 108, "split 2"),
        (101, &[1], 101, "must be zero"),
        (111, &[1], 109, "must be zero"),
        // Characters: drawings, ranges, block.
        (116, &[0, 0], 116, "a character of 0 drawings"),
        (132, &[1, 16], 132, "a character of 4097 drawings"),
        (116, &[4, 0], 176, "do not add up"),
        (118, &[2, 0], 176, "do not add up"),
        (120, &[0; 4], 120, "the blocks do not fit"),
        (136, &[0xFF; 4], 136, "the blocks do not fit"),
        // Ranges: of the first character (1, 3), of the second (1, 1) and (3, 2), then (1, 2) twice.
        (176, &[0, 0], 176, "do not ascend"),
        (178, &[0, 0], 176, "do not ascend"),
        (178, &[2, 0], 176, "another number of drawers"),
        (184, &[2, 0], 180, "do not ascend"), // it touches the one before
        (184, &[1, 0], 180, "do not ascend"),
        (188, &[0xFF, 0xFF], 188, "do not ascend"), // 65,535 and 65,536
        (194, &[3, 0], 192, "another number of drawers"),
        // The run.
        (196, &[1, 0], 196, "the runs' drawings do not add up"),
        (200, &[10], 200, "drawing 10 of 10"),
        (204, &[0xFF; 4], 204, "drawing 4294967295 of 10"),
        (208, &[10], 208, "drawing 10 of 10"),
        (212, &[2], 212, "answer 2 of 2"),
        (220, &[0xFF; 2], 220, "answer 65535 of 2"),
        (215, &[1], 214, "must be zero"),
        (222, &[1], 222, "must be zero"),
        // Names: Runic, Çelik, character01, ...
        (224, &[0], 224, "a name"),
        (225, b"\n", 224, "a name"),
        (231, &[0xFF], 230, "a name"),
        (248, b"9", 96, "out of order"), // character09 before character02
        (248, b"2", 96, "out of order"), // twice the same
    ];
    for &(at, lie, offset, says) in lies {
        assert_eq!(refused(at, lie, says), offset, "{lie:?} at {at}: {says}");
    }
    let bytes = store_bytes(&small_archive());
    let (len, front_len) = (bytes.len(), front_len(&bytes));
    let file_len = (len as u64 + 1).to_le_bytes();
    assert_eq!(refused(16, &file_len, "its header says"), len as u64);
    // The front may end where the file's checksum begins, and no later; then there is no block.
    let longest = (len - 32) as u32;
    let says = "the blocks do not fit";
    assert_eq!(refused(24, &longest.to_le_bytes(), says), 120);
    let says = "counts do not fit";
    assert_eq!(refused(24, &(longest + 1).to_le_bytes(), says), 24);
    // The last name is one too short, or too long.
    let last = front_len - 6;
    let says = "the names end before";
    assert_eq!(refused(last, &[4], says), front_len as u64 - 1);
    assert_eq!(refused(last, &[6], "a name is cut off"), last as u64);
}

#[test]
fn names_of_alphabets_and_of_runs_are_there_once() {
    let mut archive = small_archive();
    for (alphabet, name) in archive.alphabets.iter_mut().zip(["Runic", "Runid"]) {
        (alphabet.split, alphabet.name) = (Split::Evaluation, name.to_owned());
    }
    let mut run = archive.runs[0].clone();
    run.name = "run02".to_owned();
    archive.runs.push(run);
    let bytes = store_bytes(&archive);
    for (name, twice) in [("Runid", "Runic"), ("run02", "run01")] {
        let at = bytes.windows(5).position(|at| at == name.as_bytes());
        let lie = twice.as_bytes();
        assert_eq!(
            refused_in(bytes.clone(), at.unwrap(), lie, "there twice"),
            96
        );
    }
}

/// Tables and names of two bytes at least must fit the front: one entry more is refused as such,
/// before anything is read or allocated.
#[test]
fn counts_are_held_against_the_front() {
    let spare = front_len(&store_bytes(&small_archive())) - (224 + 2 * 7);
    // Place of the count, its value, and the bytes that one more takes with its name.
    for (at, count, more) in [
        (28, 2, 8 + 2),
        (32, 4, 16 + 2),
        (40, 5, 4),
        (44, 1, 4 + 2),
        (48, 2, 4),
        (52, 2, 8),
    ] {
        let most = count + spare / more;
        assert_ne!(refused(at, &[most as u8], ""), 24, "{most} at {at}");
        let says = "counts do not fit";
        assert_eq!(refused(at, &[most as u8 + 1], says), 24, "{at}");
    }
}

#[test]
fn blocks_that_do_not_add_up_to_the_file_are_refused() {
    let bytes = store_bytes(&small_archive());
    let last = 112 + 3 * 16 + 8;
    let shorter = (u32::from_le_bytes(bytes[last..last + 4].try_into().unwrap()) - 1).to_le_bytes();
    assert_eq!(refused(last, &shorter, "do not add up"), 176);
    let first = 112 + 8;
    let longer =
        (u32::from_le_bytes(bytes[first..first + 4].try_into().unwrap()) + 1).to_le_bytes();
    assert_eq!(refused(first, &longer, "do not fit"), last as u64);
}

#[test]
fn a_sum_that_differs_is_named_where_it_lies() {
    let bytes = store_bytes(&small_archive());
    for at in [64, 95] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let error = Store::from_bytes("sum", damaged).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { offset: 64, .. }));
    }
    for at in [bytes.len() - 32, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let store = Store::from_bytes("sum", damaged).unwrap();
        let body = bytes.len() as u64 - 32;
        match store.verify().unwrap_err() {
            StoreError::Damaged { offset, what, .. } => {
                assert_eq!(
                    (offset, what.as_str()),
                    (body, "the checksum over the file differs")
                );
            }
            error => panic!("{error}"),
        }
    }
}

#[test]
fn a_cut_header_is_told_from_a_cut_file() {
    let bytes = store_bytes(&small_archive());
    for (len, says) in [(127, "inside the header"), (128, "its header says")] {
        match Store::from_bytes("cut", bytes[..len].to_vec()).unwrap_err() {
            StoreError::Damaged { offset, what, .. } => {
                assert!(what.contains(says), "{what}");
                assert_eq!(offset, len as u64);
            }
            error => panic!("{error}"),
        }
    }
}

#[test]
fn what_just_fits_is_packed_and_read() {
    // Names of one byte leave the front not a byte to spare; those of 255 bytes fill theirs.
    let long = "é".repeat(127) + "x";
    let other_long = "ê".repeat(127) + "x";
    assert_eq!(long.len(), 255);
    for name in ["a", &long] {
        let mut archive = small_archive();
        archive.alphabets[0].name = name.to_owned();
        archive.alphabets[1].name = name.to_owned();
        archive.runs[0].name = name.to_owned();
        let other = if name == "a" { "b" } else { &other_long };
        for alphabet in &mut archive.alphabets {
            alphabet.characters[0].name = name.to_owned();
            alphabet.characters[1].name = other.to_owned();
        }
        let store = Store::from_bytes("names", store_bytes(&archive)).unwrap();
        assert!(unpack(&store) == archive);
    }
    // The most drawings, by the last drawer there can be, and one drawing alone.
    let drawers: Vec<u16> = (u16::MAX - 4095..=u16::MAX).collect();
    let most = character("most", 1, &drawers);
    let one = character("one", 2, &[u16::MAX]);
    let archive = Archive {
        alphabets: vec![alphabet("A", Split::Background, vec![most, one])],
        runs: Vec::new(),
    };
    let store = Store::from_bytes("most", store_bytes(&archive)).unwrap();
    assert_eq!((store.drawings(), store.character_of(4095)), (4097, 0));
    assert_eq!(store.character_of(4096), 1);
    assert!(unpack(&store) == archive);
}

#[test]
fn runs_have_at_most_what_sixteen_bits_count() {
    let write = |supports: usize, queries: usize| {
        let mut archive = small_archive();
        let page = archive.runs[0].support[0];
        let query = Query {
            page,
            answer: supports - 1,
        };
        archive.runs[0] = Run {
            name: "long".to_owned(),
            support: vec![page; supports],
            queries: vec![query; queries],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.omni");
        store::write(&path, &archive, WriteOptions::default(), |_| ())
            .map(|_| std::fs::read(&path).unwrap())
    };
    let store = Store::from_bytes("long", write(65_535, 1).unwrap()).unwrap();
    assert_eq!(store.runs()[0].support.len(), 65_535);
    assert_eq!(store.runs()[0].queries, [(6, 65_534)]);
    for (supports, queries) in [(65_536, 1), (1, 65_536)] {
        let error = write(supports, queries).unwrap_err().to_string();
        assert!(error.contains("long: has over 65,535"), "{error}");
    }
}

#[test]
fn names_and_drawers_are_refused_by_the_writer_wherever_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    let refusal = |change: &dyn Fn(&mut Archive)| {
        let mut archive = small_archive();
        change(&mut archive);
        let error = store::write(&path, &archive, WriteOptions::default(), |_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Unpackable(_)), "{error}");
        error.to_string()
    };
    assert!(refusal(&|a| a.alphabets[0].characters.clear()).contains("no characters"));
    assert!(refusal(&|a| a.alphabets[0].characters[0].name.clear()).contains("control characters"));
    assert!(
        refusal(&|a| a.alphabets[0].characters[0].name.push('\u{85}'))
            .contains("control characters")
    );
    assert!(refusal(&|a| a.alphabets[0].name = "é".repeat(128)).contains("control characters"));
    assert!(refusal(&|a| a.runs[0].name = "a\tb".into()).contains("control characters"));
    let zero = |a: &mut Archive| a.alphabets[0].characters[0].drawings[0].drawer = 0;
    assert!(refusal(&zero).contains("Runic/character01: its drawers"));
    let twice = |a: &mut Archive| a.alphabets[1].characters[1].drawings[1].drawer = 1;
    assert!(refusal(&twice).contains("Çelik/character02: its drawers"));
    let double = |a: &mut Archive| {
        let first = a.alphabets[0].clone();
        a.alphabets.insert(0, first);
    };
    assert!(refusal(&double).contains("there twice"));
    let same = |a: &mut Archive| {
        let name = a.alphabets[0].characters[0].name.clone();
        a.alphabets[0].characters[1].name = name;
    };
    assert!(refusal(&same).contains("not in order"));
    let run = |a: &mut Archive| a.runs.push(a.runs[0].clone());
    assert!(refusal(&run).contains("the runs are out of order"));
}

#[test]
fn a_writer_tells_how_much_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.omni");
    let (calls, drawings) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = |count| {
        calls.fetch_add(1, Relaxed);
        drawings.fetch_add(count, Relaxed);
    };
    let len = store::write(&path, &small_archive(), WriteOptions::default(), done).unwrap();
    assert_eq!(len, std::fs::metadata(&path).unwrap().len());
    assert_eq!((calls.into_inner(), drawings.into_inner()), (4, 10));
    let store = Store::open(&path).unwrap();
    assert_eq!((store.len(), store.path()), (len, path.as_path()));
    // The name of a store is the checksum at its end.
    let bytes = std::fs::read(&path).unwrap();
    let hex: String = bytes[bytes.len() - 32..]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(store.digest().to_string(), hex);
    assert_eq!(format!("{:?}", store.digest()), hex);
    // Blocks lie end to end from the front to that checksum.
    let ranges: Vec<_> = (0..4).map(|id| store.block_range(id)).collect();
    assert_eq!(
        (ranges[0].start, ranges[3].end),
        (front_len(&bytes), bytes.len() - 32)
    );
    assert!(ranges.windows(2).all(|two| two[0].end == two[1].start));
    // ProtocolRun to, it is replaced.
    let options = |level| WriteOptions {
        level,
        overwrite: true,
        ..WriteOptions::default()
    };
    store::write(&path, &small_archive(), options(1), |_| ()).unwrap();
    Store::open(&path).unwrap().verify().unwrap();
}
