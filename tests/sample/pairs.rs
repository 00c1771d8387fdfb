//! What is drawn as pairs: balance, order, no repetition, and the stream as pinned.

use std::collections::BTreeMap;

use crate::common::drawings::made_up;
use omnishot::archive::Split;
use omnishot::sample::{
    MOST_PAIRS, PairCounts, PairError, PairItem, PairSampler, PairScratch, PairShape, WITHIN_ALL,
    alphabets_of,
};
use omnishot::store::{CharacterId, Store};
use proptest::prelude::*;

fn sampler(store: &Store, pairs: usize, within_alphabet: u32, seed: u64) -> PairSampler {
    let shape = PairShape {
        pairs,
        within_alphabet,
    };
    PairSampler::new(store, &alphabets_of(store, Split::Background), shape, seed).unwrap()
}

fn batch(sampler: &PairSampler, index: u64) -> Vec<PairItem> {
    let mut items = Vec::new();
    sampler.draw(index, &mut PairScratch::default(), &mut items);
    items
}

fn characters(store: &Store, item: PairItem) -> [CharacterId; 2] {
    [item.left, item.right].map(|id| store.character_of(id))
}

/// How often each character is used: once by a same pair, once by each side of another.
fn uses(store: &Store, items: &[PairItem]) -> BTreeMap<CharacterId, u32> {
    let mut uses = BTreeMap::new();
    for &item in items {
        let [left, right] = characters(store, item);
        *uses.entry(left).or_default() += 1;
        if !item.same {
            *uses.entry(right).or_default() += 1;
        }
    }
    uses
}

#[test]
fn the_stream_is_pinned() {
    let store = made_up();
    let batches: Vec<_> = [0, 128, 256]
        .into_iter()
        .flat_map(|share| (0..8).map(move |i| (share, i)))
        .map(|(share, i)| batch(&sampler(&store, 32, share, 1), i))
        .collect();
    let digest = blake3::hash(format!("{batches:?}").as_bytes()).to_hex();
    assert_eq!(&digest[..16], "ae1e0f108a10418f");
}

proptest! {
    #[test]
    fn pairs_keep_their_rules(
        seed: u64,
        index in 0..1u64 << 48,
        half in 1..=120usize,
        share in 0..=WITHIN_ALL,
    ) {
        let store = made_up();
        let sampler = sampler(&store, 2 * half, share, seed);
        let items = batch(&sampler, index);
        prop_assert_eq!(items.len(), 2 * half);
        prop_assert_eq!(items.iter().filter(|item| item.same).count(), half);
        for &item in &items {
            let [left, right] = characters(&store, item);
            prop_assert_ne!(item.left, item.right, "a drawing paired with itself");
            prop_assert_eq!(left == right, item.same);
            let alphabets = [left, right].map(|c| store.character(c).alphabet);
            for alphabet in alphabets {
                prop_assert_eq!(store.alphabet(alphabet).split, Split::Background);
            }
            prop_assert!(share < WITHIN_ALL || alphabets[0] == alphabets[1]);
        }
        // The fixture has six alphabets: an odd card may be left over in each.
        if 3 * half + 6 <= sampler.characters() {
            let uses = uses(&store, &items);
            prop_assert!(uses.values().all(|&n| n == 1), "a character twice: {uses:?}");
        }
    }

    #[test]
    fn what_was_drawn_before_does_not_matter(seed: u64, indices in prop::collection::vec(0..9u64, 9)) {
        let store = made_up();
        let (mut scratch, mut items) = (PairScratch::default(), Vec::new());
        for index in indices {
            let sampler = sampler(&store, 2 + 2 * index as usize, 100, seed);
            sampler.draw(index, &mut scratch, &mut items);
            prop_assert_eq!(&items, &batch(&sampler, index));
        }
    }
}

#[test]
fn characters_come_back_only_when_the_deck_is_empty() {
    let store = made_up();
    let all = sampler(&store, 2, 0, 0).characters();
    // As many pairs as use every character once, and no more.
    let half = all / 3;
    for index in 0..200 {
        let once = uses(&store, &batch(&sampler(&store, 2 * half, 0, 2), index));
        assert!(once.values().all(|&n| n == 1), "batch {index}");
        // Twice as many use none a third time before the last has come, but for the one
        // card that may be left when a pair takes two.
        let twice = uses(&store, &batch(&sampler(&store, 4 * half, 0, 2), index));
        assert!(twice.values().all(|&n| n <= 3), "batch {index}");
        assert!(twice.len() + 1 >= all, "batch {index}");
    }
}

#[test]
fn every_pair_is_as_likely_and_in_either_order() {
    let store = made_up();
    let sampler = sampler(&store, 32, 128, 3);
    // By kind: pairs, those in ascending order, those of one alphabet, those at even places.
    let mut counts = [[0f64; 4]; 2];
    let mut drawn: BTreeMap<u32, u32> = BTreeMap::new();
    for index in 0..2000 {
        for (place, item) in batch(&sampler, index).into_iter().enumerate() {
            let [left, right] = characters(&store, item).map(|c| store.character(c).alphabet);
            let kind = &mut counts[usize::from(item.same)];
            kind[0] += 1.0;
            kind[1] += f64::from(u8::from(item.left < item.right));
            kind[2] += f64::from(u8::from(left == right));
            kind[3] += f64::from(u8::from(place % 2 == 0));
            *drawn.entry(item.left).or_default() += 1;
            *drawn.entry(item.right).or_default() += 1;
        }
    }
    for kind in counts {
        // 32,000 pairs of each kind: five standard deviations of a fair coin are 0.014.
        assert_eq!(kind[0], 32_000.0);
        assert!((kind[1] / kind[0] - 0.5).abs() < 0.014, "{counts:?}");
        assert!((kind[3] / kind[0] - 0.5).abs() < 0.014, "{counts:?}");
    }
    // Half within by the share, and a sixth or so of the other half by chance.
    let within = counts[0][2] / counts[0][0];
    assert!((0.56..0.60).contains(&within), "{within}");
    // Every drawing is reached, and as often: chi-square over n cells lies within five of
    // its standard deviations, sqrt(2n), of n, or below it (no character comes twice).
    let cells = (sampler.characters() * 6) as f64;
    assert_eq!(drawn.len() as f64, cells);
    let expected = 2.0 * 64_000.0 / cells;
    let chi: f64 = drawn
        .values()
        .map(|&n| (f64::from(n) - expected).powi(2) / expected)
        .sum();
    assert!(
        chi < cells + 5.0 * (2.0 * cells).sqrt(),
        "{chi} over {cells}"
    );
}

#[test]
fn what_cannot_be_paired_is_refused() {
    let store = made_up();
    let background = alphabets_of(&store, Split::Background);
    let new = |alphabets: &[u32], pairs, within_alphabet| {
        let shape = PairShape {
            pairs,
            within_alphabet,
        };
        PairSampler::new(&store, alphabets, shape, 0).map(|sampler| sampler.shape().pairs)
    };
    for pairs in [0, 1, 33, MOST_PAIRS + 2] {
        assert_eq!(new(&background, pairs, 0), Err(PairError::Pairs { pairs }));
    }
    assert_eq!(new(&background, MOST_PAIRS, 256), Ok(MOST_PAIRS));
    let share = WITHIN_ALL + 1;
    assert_eq!(new(&background, 2, share), Err(PairError::Share { share }));
    let none = PairError::TooFew {
        characters: 0,
        largest: 0,
    };
    assert_eq!(new(&[], 2, 0), Err(none));
}

#[test]
fn lone_drawings_are_in_no_pair() {
    use crate::common::{alphabet, character, store_bytes};
    let archive = omnishot::archive::Archive {
        alphabets: vec![alphabet(
            "A",
            Split::Background,
            vec![
                character("c1", 1, &[1]),
                character("c2", 2, &[1, 2]),
                character("c3", 3, &[1, 2, 3]),
            ],
        )],
        runs: Vec::new(),
    };
    let store = Store::from_bytes("lone", store_bytes(&archive)).unwrap();
    let sampler = sampler(&store, 8, 128, 0);
    assert_eq!(sampler.characters(), 2);
    for index in 0..100 {
        let items = batch(&sampler, index);
        assert!(items.iter().all(|item| item.left > 0 && item.right > 0));
    }
}

#[test]
fn pairs_are_counted_right() {
    let store = made_up();
    let counts = PairCounts::of(&store, Split::Background);
    // Six drawings of each character: C(6, 2) = 15 pairs of one character.
    assert_eq!(counts.drawings, counts.characters * 6);
    assert_eq!(counts.same, counts.characters * 15);
    assert_eq!(counts.all, counts.drawings * (counts.drawings - 1) / 2);
    let mut slow = [0u64; 3];
    let ids: Vec<_> = (0..counts.drawings as u32)
        .map(|id| store.character_of(id))
        .collect();
    for (place, &left) in ids.iter().enumerate() {
        for &right in &ids[..place] {
            let within = store.character(left).alphabet == store.character(right).alphabet;
            slow[if left == right {
                0
            } else {
                2 - usize::from(within)
            }] += 1;
        }
    }
    let all = [
        counts.same,
        counts.different_within,
        counts.different_between,
    ];
    assert_eq!(all, slow);
    let (characters, drawings) = (counts.characters, counts.drawings);
    let share = |pairs: u64| format!("{pairs} {:.3}%", 100.0 * pairs as f64 / counts.all as f64);
    let said = [
        format!("background: {characters} characters, {drawings} drawings"),
        format!("pairs of two drawings {}", share(counts.all)),
        format!("same character {}", share(all[0])),
        format!("same alphabet, different characters {}", share(all[1])),
        format!("different alphabets {}", share(all[2])),
    ];
    let text = counts.to_string();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(text.split('\n').map(words).collect::<Vec<_>>(), said);
    assert!(text.contains("100.000%"), "{text}");
}
