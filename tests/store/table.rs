//! Tables of pairs: their rules, their bytes as pinned, and what damage does.

use crate::common;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::common::drawings::made_up;
use crate::common::{sha256, store_bytes};
use omnishot::archive::{Archive, Split};
use omnishot::files::PublishError;
use omnishot::sample::{PairTable, RecipeError, TableError, TableRecipe, alphabets_of};
use omnishot::seed::{Purpose, Stream};
use omnishot::store::Store;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Six alphabets; of the six drawers of the fixture the first four.
fn recipe(pairs: u32, copies: u8, seed: u64) -> TableRecipe {
    TableRecipe {
        alphabets: alphabets_of(&made_up(), Split::Background),
        drawers: 1..=4,
        pairs,
        copies,
        seed,
    }
}

fn table_bytes(recipe: &TableRecipe) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.pairs");
    let len = PairTable::write(&path, &made_up(), recipe, false).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(len, bytes.len() as u64);
    let table = PairTable::open(&path).unwrap();
    table.check(&made_up()).unwrap();
    assert_eq!(table.recipe(), recipe);
    bytes
}

/// Makes the checksum fit.
fn sign(bytes: &mut [u8]) {
    let mut sha = Sha256::new();
    sha.update(&bytes[..96]);
    sha.update(&bytes[128..]);
    bytes[96..128].copy_from_slice(&sha.finalize());
}

#[test]
fn tables_keep_their_rules_and_their_bytes() {
    let store = made_up();
    let bytes = table_bytes(&recipe(1200, 8, 3));
    assert_eq!(bytes.len(), 128 + 6 * 4 + 1200 * 9);
    assert_eq!(&sha256(&bytes)[..16], "8b9a3895b4c9e5f7");
    let table = PairTable::from_bytes("t", bytes).unwrap();
    let mut kinds: BTreeMap<(u32, bool), u32> = BTreeMap::new();
    for p in 0..1200 {
        let item = table.pair(p);
        assert_ne!(item.left, item.right);
        let [left, right] = [item.left, item.right].map(|id| {
            let character = store.character_of(id);
            let place = id - store.character(character).drawings.start;
            let drawer = store.drawers(character).nth(place as usize).unwrap();
            assert!((1..=4).contains(&drawer), "drawer {drawer}");
            character
        });
        assert_eq!(left == right, item.same);
        let alphabet = store.character(left).alphabet;
        assert_eq!(alphabet, store.character(right).alphabet);
        *kinds.entry((alphabet, item.same)).or_default() += 1;
    }
    assert_eq!(kinds.len(), 12);
    assert!(kinds.values().all(|&n| n == 100), "{kinds:?}");
}

#[test]
fn copies_are_functions_of_seed_pair_and_copy() {
    let one = PairTable::from_bytes("1", table_bytes(&recipe(24, 1, 3))).unwrap();
    let eight = PairTable::from_bytes("8", table_bytes(&recipe(24, 8, 3))).unwrap();
    assert_eq!((one.len(), eight.len()), (48, 216));
    let of = |mut s: Stream| (s.word(), s.word(), s.word());
    let words = |table: &PairTable, e| {
        let streams = table.distortion(&table.entry(e));
        streams.map(|streams| streams.map(of))
    };
    let mut seen = BTreeSet::new();
    for e in 0..eight.len() {
        let entry = eight.entry(e);
        assert_eq!((entry.pair, entry.copy), ((e / 9) as u32, (e % 9) as u8));
        assert_eq!(entry.item, one.pair(entry.pair));
        match words(&eight, e) {
            None => assert_eq!(entry.copy, 0),
            Some(words) => {
                let left = 2 * (256 * u64::from(entry.pair) + u64::from(entry.copy));
                let items = [left, left + 1].map(|item| Stream::new(3, Purpose::Copy, item));
                assert_eq!(words, items.map(of), "entry {e}");
                assert!(words.into_iter().all(|w| seen.insert(w)), "entry {e}");
                assert!(entry.copy > 0);
            }
        }
        if entry.copy < 2 {
            let same = 2 * u64::from(entry.pair) + u64::from(entry.copy);
            assert_eq!(words(&one, same), words(&eight, e));
        }
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_with_what_to_do() {
    let store = made_up();
    for pairs in [0, 6, 13, 1201] {
        let error = recipe(pairs, 0, 0).draw(&store).unwrap_err();
        assert!(error.to_string().contains("multiple of 12"), "{error}");
    }
    for not_ascending in [vec![2, 2, 3], vec![3, 2, 1]] {
        let unsorted = TableRecipe {
            alphabets: not_ascending,
            ..recipe(12, 0, 0)
        };
        let error = unsorted.draw(&store).unwrap_err();
        assert!(matches!(error, RecipeError::Uneven { .. }), "{error}");
    }
    let late = TableRecipe {
        drawers: 6..=20,
        ..recipe(12, 0, 0)
    };
    let error = late.draw(&store).unwrap_err();
    assert!(
        matches!(error, RecipeError::TooFew { first: 6, .. }),
        "{error}"
    );
    let error = TableRecipe::validation(&store, 10_000, 0).unwrap_err();
    let typed = matches!(
        error,
        RecipeError::Alphabets {
            wanted: 11,
            got: 6,
            ..
        }
    );
    assert!(typed, "{error}");
    let error = TableRecipe::test(&store, 10_000, 0).unwrap_err();
    let typed = matches!(
        error,
        RecipeError::Alphabets {
            wanted: 10,
            got: 2,
            ..
        }
    );
    assert!(typed, "{error}");
    let held = TableRecipe::training(&store, 2, 1200, 0, 7).unwrap();
    assert_eq!((held.alphabets.len(), held.drawers), (4, 1..=12));
}

#[test]
fn two_characters_with_two_drawings_each_are_enough() {
    let draw = |second: &[u16]| {
        let characters = vec![
            common::character("a", 1, &[1, 2]),
            common::character("b", 2, second),
        ];
        let archive = Archive {
            alphabets: vec![common::alphabet("own", Split::Background, characters)],
            runs: Vec::new(),
        };
        let store = Store::from_bytes("own", store_bytes(&archive)).unwrap();
        let recipe = TableRecipe {
            alphabets: vec![0],
            drawers: 1..=2,
            ..recipe(4, 0, 0)
        };
        recipe.draw(&store)
    };
    assert_eq!(draw(&[1, 2]).unwrap().len(), 4);
    let error = draw(&[1, 3]).unwrap_err();
    assert!(matches!(error, RecipeError::TooFew { .. }), "{error}");
}

#[test]
fn a_file_that_is_there_is_kept_and_another_store_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.pairs");
    fs::write(&path, "mine").unwrap();
    let error = PairTable::write(&path, &made_up(), &recipe(12, 0, 0), false).unwrap_err();
    assert!(matches!(
        error,
        TableError::Publish(PublishError::Exists { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    let error = PairTable::open(&path).unwrap_err();
    assert!(matches!(error, TableError::Magic { .. }), "{error}");
    let table = PairTable::from_bytes("t", table_bytes(&recipe(12, 0, 0))).unwrap();
    let other = common::store_bytes(&common::small_archive());
    let other = Store::from_bytes("other", other).unwrap();
    let error = table.check(&other).unwrap_err();
    assert!(matches!(error, TableError::OtherStore { .. }), "{error}");
}

#[test]
fn every_truncation_is_refused() {
    let bytes = table_bytes(&recipe(24, 8, 1));
    for len in 0..bytes.len() {
        let error = PairTable::from_bytes("cut", bytes[..len].to_vec()).unwrap_err();
        let typed = matches!(error, TableError::Magic { .. } | TableError::Damaged { .. });
        assert!(
            typed && error.to_string().starts_with("cut: "),
            "{len}: {error}"
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(PairTable::from_bytes("long", longer).is_err());
}

/// Unsigned, a flipped bit is always found; signed, what is taken never panics, and is
/// what its own header says.
#[test]
fn mutations_are_refused_or_true() {
    let bytes = table_bytes(&recipe(24, 8, 1));
    let store = made_up();
    let taken: usize = (0..20_000u64)
        .into_par_iter()
        .map(|case| {
            let mut stream = Stream::new(4, Purpose::Bootstrap, case);
            let mut lie = bytes.clone();
            for _ in 0..1 + stream.index(4) {
                // Half of the flips in the header, which is the smaller part.
                let most = if stream.chance(1, 2) {
                    128
                } else {
                    bytes.len()
                };
                lie[stream.index(most)] ^= 1 << stream.index(8);
            }
            if lie == bytes {
                return 0;
            }
            assert!(
                PairTable::from_bytes("lie", lie.clone()).is_err(),
                "case {case}"
            );
            sign(&mut lie);
            let Ok(table) = PairTable::from_bytes("lie", lie) else {
                return 0;
            };
            for e in (0..table.len()).step_by(7) {
                let entry = table.entry(e);
                assert_ne!(entry.item.left, entry.item.right);
            }
            let _ = table.check(&store);
            1
        })
        .sum();
    assert!((200..15_000).contains(&taken), "{taken} taken");
}

#[test]
fn versions_are_told_apart() {
    let mut bytes = table_bytes(&recipe(12, 0, 0));
    bytes[8] = 2;
    let error = PairTable::from_bytes("new", bytes).unwrap_err();
    assert!(
        matches!(error, TableError::Version { got: 2, .. }),
        "{error}"
    );
}

/// The refusal of a table of 24 pairs over 6 alphabets, signed, with `lie` at `at`. Alphabets lie
/// at 128, left drawings at 152, right ones at 248, kinds at 344.
fn refused(lies: &[(usize, &[u8])]) -> (usize, String) {
    let mut bytes = table_bytes(&recipe(24, 8, 1));
    for (at, lie) in lies {
        bytes[*at..at + lie.len()].copy_from_slice(lie);
    }
    sign(&mut bytes);
    match PairTable::from_bytes("lie", bytes).unwrap_err() {
        TableError::Damaged { offset, what, .. } => (offset, what),
        error => panic!("{lies:?}: {error}"),
    }
}

#[test]
fn every_contradiction_is_named_where_it_shows() {
    let bytes = table_bytes(&recipe(24, 8, 1));
    let all = made_up().drawings().to_le_bytes();
    let right = &bytes[248 + 4 * 5..][..4];
    type Lies<'a> = &'a [(usize, &'a [u8])];
    let contradictions: &[(Lies, usize, &str)] = &[
        (&[(12, &[23])], 40, "its counts"),
        (&[(16, &[7])], 40, "its counts"),
        (&[(40, &[0])], 40, "its header says"),
        // Lengths that add up, of 15 and of 60 alphabets.
        (&[(12, &[20]), (16, &[15])], 12, "evenly"),
        (&[(12, &[0]), (16, &[60])], 12, "evenly"),
        (&[(20, &[0, 1])], 20, "more than 255 copies"),
        (&[(24, &[5])], 24, "drawers"),
        (&[(48, &[1])], 24, "not zero"),
        (&[(63, &[1])], 24, "not zero"),
        (&[(128, &[9])], 128, "do not ascend"),
        (&[(132, &bytes[128..132])], 128, "do not ascend"),
        (&[(152 + 4 * 5, right)], 152 + 4 * 5, "pair 5: "),
        (&[(152 + 4 * 8, &all)], 152 + 4 * 8, "pair 8: "),
        (&[(248 + 4 * 7, &all)], 152 + 4 * 7, "pair 7: "),
        (&[(344 + 3, &[0])], 152 + 4 * 3, "pair 3: "),
        (&[(344 + 6, &[1])], 152 + 4 * 6, "pair 6: "),
        (&[(344 + 23, &[2])], 152 + 4 * 23, "pair 23: "),
    ];
    for &(lies, offset, says) in contradictions {
        let (at, what) = refused(lies);
        assert!(what.contains(says), "{lies:?}: {what}");
        assert_eq!(at, offset, "{lies:?}: {what}");
    }
    // What just fits: as many copies as a byte counts, and one drawer alone.
    let mut fits = bytes.clone();
    (fits[20], fits[24]) = (255, 4);
    sign(&mut fits);
    let table = PairTable::from_bytes("fits", fits.clone()).unwrap();
    assert_eq!((table.len(), table.bytes()), (24 * 256, fits.len()));
    assert_eq!(table.entry(24 * 256 - 1).copy, 255);
    assert_eq!(table.recipe().drawers, 4..=4);
    let hex: String = fits[96..128].iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(table.checksum(), hex);
}

#[test]
fn a_check_tells_which_pair_lies() {
    let store = made_up();
    let checked = |at: usize, id: u32| {
        let mut bytes = table_bytes(&recipe(24, 8, 1));
        bytes[at..at + 4].copy_from_slice(&id.to_le_bytes());
        sign(&mut bytes);
        PairTable::from_bytes("lie", bytes).unwrap().check(&store)
    };
    let table = PairTable::from_bytes("t", table_bytes(&recipe(24, 8, 1))).unwrap();
    let first = |character| store.character(character).drawings.start;
    // Pair 2 is of one character; pair 9 of two of one alphabet, which is the fourth.
    assert!(table.pair(2).same && !table.pair(9).same);
    let characters = store
        .alphabet(table.recipe().alphabets[2])
        .characters
        .clone();
    let same = store.character_of(table.pair(2).left);
    let other = characters.clone().find(|&c| c != same).unwrap();
    let elsewhere = store.alphabet(table.recipe().alphabets[4]).characters.start;
    for (at, id, pair, offset) in [
        (152 + 4 * 2, first(other), 2, 160),
        (248 + 4 * 2, first(other), 2, 160),
        (152 + 4 * 9, first(elsewhere), 9, 188),
        (248 + 4 * 9, first(elsewhere), 9, 188),
    ] {
        match checked(at, id).unwrap_err() {
            TableError::Damaged {
                offset: got, what, ..
            } => {
                assert_eq!(got, offset);
                assert_eq!(what, format!("pair {pair} does not show what it says"));
            }
            error => panic!("{error}"),
        }
    }
    // The same store by its digest, and another number of drawings.
    let error = checked(28, store.drawings() + 1).unwrap_err();
    assert!(matches!(error, TableError::OtherStore { .. }), "{error}");
}
