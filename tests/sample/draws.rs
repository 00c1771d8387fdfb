//! What is drawn: the rules that batches, tasks and splits keep, and the streams as pinned.

use crate::common;
use std::collections::{BTreeMap, BTreeSet};

use crate::common::drawings::made_up;
use crate::common::store_bytes;
use omnishot::archive::{Archive, Split};
use omnishot::sample::{
    BatchItem, BatchSampler, BatchScratch, BatchShape, Scope, TaskSampler, TaskShape,
    TrainingSplit, alphabets_of,
};
use omnishot::store::{DrawingId, Store};
use proptest::prelude::*;

const SHAPE: BatchShape = BatchShape {
    drawings: 64,
    alphabet_characters: 20,
    poses: 4,
};

fn sampler(store: &Store, seed: u64) -> BatchSampler {
    BatchSampler::new(store, &alphabets_of(store, Split::Background), SHAPE, seed)
}

fn batch(sampler: &BatchSampler, index: u64) -> (Vec<BatchItem>, usize) {
    let mut items = Vec::new();
    let part = sampler.draw(index, &mut BatchScratch::default(), &mut items);
    (items, part)
}

fn tasks(store: &Store, ways: usize, shots: usize, scope: Scope, seed: u64) -> TaskSampler {
    let shape = TaskShape { ways, shots, scope };
    TaskSampler::new(store, &alphabets_of(store, Split::Evaluation), shape, seed).unwrap()
}

fn drawer(store: &Store, id: DrawingId) -> u16 {
    let character = store.character_of(id);
    let place = id - store.character(character).drawings.start;
    store.drawers(character).nth(place as usize).unwrap()
}

#[test]
fn streams_are_pinned() {
    let store = made_up();
    let batches: Vec<_> = (0..8).map(|i| batch(&sampler(&store, 1), i)).collect();
    let within = tasks(&store, 20, 1, Scope::Within, 1);
    let between = tasks(&store, 20, 5, Scope::Between, 1);
    let all: Vec<_> = (0..8)
        .flat_map(|i| [within.draw(i), between.draw(i)])
        .collect();
    let split = TrainingSplit::draw(&store, 1, 2).unwrap();
    let digest = |text: String| blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
    // What the field is called is no part of the stream.
    assert_eq!(
        digest(format!("{batches:?}").replace("pose", "quarter")),
        "653114a721b344dc"
    );
    assert_eq!(digest(format!("{all:?}")), "2a81c35c88181fd8");
    assert_eq!(digest(format!("{split:?}")), "685e39a9a342354a");
}

proptest! {
    #[test]
    fn batches_keep_their_rules(seed: u64, index in 0..1u64 << 40) {
        let store = made_up();
        let sampler = sampler(&store, seed);
        let (items, part) = batch(&sampler, index);
        prop_assert_eq!(items.len(), SHAPE.drawings);
        prop_assert_eq!(part, 2 * SHAPE.alphabet_characters);
        for item in &items {
            let character = store.character_of(item.drawing);
            let alphabet = store.character(character).alphabet;
            prop_assert_eq!(store.alphabet(alphabet).split, Split::Background);
            // Background characters come first, so a character is its place among the classes.
            prop_assert_eq!(item.class, character * SHAPE.poses + u32::from(item.pose));
            prop_assert!(u32::from(item.pose) < SHAPE.poses);
            prop_assert!(item.class < sampler.classes());
        }
        let mut seen = BTreeSet::new();
        for pair in items[..part].chunks_exact(2) {
            let characters = pair.iter().map(|item| store.character_of(item.drawing));
            let characters: Vec<_> = characters.collect();
            prop_assert_eq!(characters[0], characters[1]);
            prop_assert_ne!(pair[0].drawing, pair[1].drawing, "a drawing paired with itself");
            prop_assert!(seen.insert(characters[0]), "a character twice in one alphabet's part");
            prop_assert_eq!(pair[0].pose, items[0].pose);
            prop_assert_eq!(pair[1].pose, items[0].pose);
            let alphabet = store.character(characters[0]).alphabet;
            let first = store.character(store.character_of(items[0].drawing)).alphabet;
            prop_assert_eq!(alphabet, first);
        }
    }

    #[test]
    fn tasks_keep_their_rules(
        seed: u64,
        index in 0..1u64 << 40,
        ways in 1..=20usize,
        shots in 1..=5usize,
        within: bool,
    ) {
        let store = made_up();
        let scope = if within { Scope::Within } else { Scope::Between };
        let task = tasks(&store, ways, shots, scope, seed).draw(index);
        prop_assert_eq!(task.support.len(), ways * shots);
        prop_assert!(task.answer < ways);
        prop_assert!(!task.support.contains(&task.query), "the query is in the support");
        let characters: Vec<_> = task
            .support
            .chunks_exact(shots)
            .map(|way| way.iter().map(|&id| store.character_of(id)).collect::<BTreeSet<_>>())
            .collect();
        prop_assert!(characters.iter().all(|way| way.len() == 1), "a way of two characters");
        let ways_seen: BTreeSet<_> = characters.iter().flatten().collect();
        prop_assert_eq!(ways_seen.len(), ways, "a character has two ways");
        let distinct: BTreeSet<_> = task.support.iter().collect();
        prop_assert_eq!(distinct.len(), task.support.len(), "a drawing is there twice");
        let asked = store.character_of(task.query);
        prop_assert!(characters[task.answer].contains(&asked));
        let by = drawer(&store, task.query);
        prop_assert!(task.support.iter().all(|&id| drawer(&store, id) != by));
        let alphabets: BTreeSet<_> =
            ways_seen.iter().map(|&&id| store.character(id).alphabet).collect();
        prop_assert!(!within || alphabets.len() == 1);
        prop_assert!(alphabets.iter().all(|&a| store.alphabet(a).split == Split::Evaluation));
    }

    #[test]
    fn splits_part_the_background(seed: u64, held_out in 0..6usize) {
        let store = made_up();
        let split = TrainingSplit::draw(&store, seed, held_out).unwrap();
        prop_assert_eq!(split.validation.len(), held_out);
        let mut all = [split.training.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, alphabets_of(&store, Split::Background));
    }
}

#[test]
fn either_order_of_a_pair_is_as_likely() {
    let store = made_up();
    let sampler = sampler(&store, 3);
    let (mut ascending, mut all) = (0f64, 0f64);
    let mut places: BTreeMap<DrawingId, u32> = BTreeMap::new();
    for index in 0..500 {
        let (items, part) = batch(&sampler, index);
        for pair in items[..part].chunks_exact(2) {
            ascending += f64::from(u8::from(pair[0].drawing < pair[1].drawing));
            all += 1.0;
            for item in pair {
                let first = store
                    .character(store.character_of(item.drawing))
                    .drawings
                    .start;
                *places.entry(item.drawing - first).or_default() += 1;
            }
        }
    }
    // 10,000 pairs: half of them within five standard deviations (0.025).
    assert!(
        (ascending / all - 0.5).abs() < 0.025,
        "{ascending} of {all}"
    );
    let expected = 2.0 * all / 6.0;
    let even = |&n: &u32| (f64::from(n) / expected - 1.0).abs() < 0.1;
    assert!(places.len() == 6 && places.values().all(even), "{places:?}");
}

#[test]
fn the_right_answer_is_anywhere() {
    let store = made_up();
    let sampler = tasks(&store, 5, 1, Scope::Within, 9);
    let mut places = [0u32; 5];
    for index in 0..5000 {
        places[sampler.draw(index).answer] += 1;
    }
    assert!(places.iter().all(|n| (850..1150).contains(n)), "{places:?}");
}

#[test]
fn items_do_not_depend_on_the_order_they_are_drawn_in() {
    let store = made_up();
    let sampler = sampler(&store, 4);
    let forward: Vec<_> = (0..32).map(|index| batch(&sampler, index)).collect();
    let backward: Vec<_> = (0..32).rev().map(|index| batch(&sampler, index)).collect();
    assert!(forward.iter().eq(backward.iter().rev()));
    assert_eq!(
        forward
            .iter()
            .map(|batch| format!("{batch:?}"))
            .collect::<BTreeSet<_>>()
            .len(),
        32,
        "batches repeat"
    );
}

/// As in folders of one's own: it is learned, but there is nothing to set beside it.
#[test]
fn a_character_with_one_drawing_is_in_no_alphabets_part() {
    let characters = vec![
        common::character("a", 1, &[1]),
        common::character("b", 2, &[1, 2]),
        common::character("c", 3, &[4, 7, 9]),
    ];
    let archive = Archive {
        alphabets: vec![common::alphabet("own", Split::Background, characters)],
        runs: Vec::new(),
    };
    let store = Store::from_bytes("own", store_bytes(&archive)).unwrap();
    let sampler = sampler(&store, 1);
    let mut seen = BTreeSet::new();
    for index in 0..50 {
        let (items, part) = batch(&sampler, index);
        assert_eq!((items.len(), part), (SHAPE.drawings, 4));
        assert!(
            items[..part]
                .iter()
                .all(|item| store.character_of(item.drawing) != 0)
        );
        seen.extend(items.iter().map(|item| store.character_of(item.drawing)));
    }
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let store = made_up();
    let evaluation = alphabets_of(&store, Split::Evaluation);
    let shape = |ways, shots| TaskShape {
        ways,
        shots,
        scope: Scope::Within,
    };
    for (ways, shots) in [(25, 1), (20, 6), (0, 1), (5, 0)] {
        let refused = TaskSampler::new(&store, &evaluation, shape(ways, shots), 0);
        assert!(refused.is_err(), "{ways} ways, {shots} shots");
    }
    assert_eq!(TrainingSplit::draw(&store, 0, 6), None);
    let small = Store::from_bytes("small", store_bytes(&common::small_archive())).unwrap();
    assert!(TrainingSplit::draw(&small, 0, 99).is_none());
}
