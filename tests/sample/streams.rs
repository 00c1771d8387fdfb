//! What the streams hold: each picture is the drawing it says, distorted by the item it says, no
//! item serves twice, tasks are fair, and a table is gone through once an epoch.

use crate::common;
use crate::common::streams;
use std::collections::{BTreeMap, BTreeSet};

use crate::common::drawings::made_up;
use omnishot::distort::{Distorter, Distortion};
use omnishot::loader::{Pictures, Produce, TableBatchError, TableBatches};
use omnishot::sample::{MOST_PAIRS, Order, Scope, TableError};
use omnishot::seed::{Purpose, Stream};
use omnishot::store::DrawingId;
use proptest::prelude::*;

const KOCH: Distortion = Distortion::KOCH;
const SIDE: usize = 30;

fn batch<P: Produce>(producer: &P, index: u64) -> P::Batch {
    let mut batch = producer.batch();
    producer
        .fill(index, &mut producer.scratch(), &mut batch)
        .unwrap();
    batch
}

/// Redraws pictures from the words of the documents alone, and keeps the items that it used.
struct Redrawn {
    distorter: Distorter,
    items: BTreeSet<[u32; 4]>,
}

impl Redrawn {
    fn new() -> Redrawn {
        Redrawn {
            distorter: Distorter::new(KOCH).unwrap().at(SIDE).unwrap(),
            items: BTreeSet::new(),
        }
    }

    fn holds(
        &mut self,
        picture: &[u8],
        (drawing, pose): (DrawingId, u8),
        mut stream: Stream,
        what: &str,
    ) {
        let mut words = stream.clone();
        let words = [(); 4].map(|()| words.word());
        assert!(self.items.insert(words), "{what}: an item serves twice");
        let mut again = vec![0; SIDE * SIDE];
        let pages = streams::pages();
        let page = pages.page(drawing).unwrap();
        self.distorter.draw(page, pose, &mut stream, &mut again);
        assert!(again == picture, "{what}: another picture");
    }
}

/// Every picture of every stream, of two seeds: as documented, and no two share an item.
#[test]
fn no_item_of_any_stream_serves_twice() {
    let mut redrawn = Redrawn::new();
    for (seed, index) in (1..=2).flat_map(|seed| (0..20).map(move |index| (seed, index))) {
        let item = |purpose, item| Stream::new(seed, purpose, item);
        let pairs = batch(&streams::pairs::<u8>(KOCH, SIDE, seed), index);
        for (j, pair) in (0..).zip(&pairs.items) {
            let [left, right] = pairs.pictures(j as usize);
            let at = 2 * (index * 6 + j);
            let streams = [at, at + 1].map(|at| item(Purpose::PairDistort, at));
            let [one, other] = streams;
            redrawn.holds(left, (pair.left, 0), one, "left");
            redrawn.holds(right, (pair.right, 0), other, "right");
        }
        let classes = batch(&streams::classes::<u8>(KOCH, SIDE, seed), index);
        let pictures = classes.images.chunks_exact(SIDE * SIDE);
        for (j, (class, picture)) in (0..).zip(classes.items.iter().zip(pictures)) {
            let stream = item(Purpose::Distort, index * 12 + j);
            redrawn.holds(picture, (class.drawing, class.pose), stream, "class");
        }
        let tasks = batch(
            &streams::tasks::<u8>(KOCH, SIDE, Scope::Within, seed),
            index,
        );
        let supports = tasks.support.chunks_exact(6 * SIDE * SIDE);
        let queries = tasks.queries.chunks_exact(SIDE * SIDE);
        for (j, (task, (support, query))) in
            (0..).zip(tasks.tasks.iter().zip(supports.zip(queries)))
        {
            let ids = task.support.iter().chain([&task.query]);
            let pictures = support.chunks_exact(SIDE * SIDE).chain([query]);
            for (k, (&id, picture)) in (0..).zip(ids.zip(pictures)) {
                let stream = item(Purpose::TaskDistort, (index * 3 + j) * 7 + k);
                redrawn.holds(picture, (id, 0), stream, "task");
            }
        }
    }
    // The copies of a table look the same under every seed: one epoch of one seed.
    let producer = streams::table::<u8>(KOCH, SIDE, 1);
    let mut left = producer.table().len();
    for index in 0..15 {
        let table = batch(&producer, index);
        for (j, entry) in table.entries.iter().enumerate().take(left as usize) {
            left -= 1;
            let at = 2 * (256 * u64::from(entry.pair) + u64::from(entry.copy));
            if entry.copy > 0 {
                let streams = [at, at + 1].map(|at| Stream::new(77, Purpose::Copy, at));
                let ids = [entry.item.left, entry.item.right];
                for ((picture, id), stream) in
                    table.pairs.pictures(j).into_iter().zip(ids).zip(streams)
                {
                    redrawn.holds(picture, (id, 0), stream, "copy");
                }
            }
        }
    }
    assert_eq!(left, 0);
    // Six pairs, twelve drawings and three tasks of seven, 40 times; and 48 copies of 24 pairs.
    assert_eq!(redrawn.items.len(), 40 * (12 + 12 + 21) + 2 * 48);
}

/// On a page of ink and ground a byte is 255 times the float, rounded half up; on a grey plane
/// both are roundings of one whole number.
#[test]
fn bytes_are_rounded_floats() {
    fn pixels<B: Pictures>(batch: B) -> Vec<f64> {
        batch
            .pixels()
            .concat()
            .into_iter()
            .map(Into::into)
            .collect()
    }
    for index in 0..4 {
        let floats = pixels(batch(&streams::pairs::<f32>(KOCH, 105, 1), index));
        let bytes = pixels(batch(&streams::pairs::<u8>(KOCH, 105, 1), index));
        let rounded = floats.iter().map(|float| (255.0 * float).round());
        assert!(rounded.eq(bytes));
        let law = Distortion::COMPACT;
        let floats = pixels(batch(
            &streams::tasks::<f32>(law, 48, Scope::Within, 1),
            index,
        ));
        let bytes = pixels(batch(
            &streams::tasks::<u8>(law, 48, Scope::Within, 1),
            index,
        ));
        let whole = floats.iter().map(|float| (float * 16_711_680.0).round());
        assert!(whole.map(|n| ((n + 32_768.0) / 65_536.0).floor()).eq(bytes));
    }
}

#[test]
fn tasks_are_those_of_the_sampler_and_fair() {
    let store = made_up();
    let drawer = |id: DrawingId| {
        let character = store.character_of(id);
        let place = id - store.character(character).drawings.start;
        store.drawers(character).nth(place as usize).unwrap()
    };
    for scope in [Scope::Within, Scope::Between] {
        let producer = streams::tasks::<u8>(KOCH, 8, scope, 5);
        let (mut scratch, mut batch) = (producer.scratch(), producer.batch());
        let mut answers = [0f64; 3];
        for index in 0..2000 {
            producer.fill(index, &mut scratch, &mut batch).unwrap();
            for (j, (task, &answer)) in (0..).zip(batch.tasks.iter().zip(&batch.answers)) {
                assert_eq!(*task, producer.sampler().draw(3 * index + j));
                assert_eq!(task.answer as i64, answer);
                assert!(!task.support.contains(&task.query));
                assert!(
                    task.support
                        .iter()
                        .all(|&id| drawer(id) != drawer(task.query))
                );
                let asked = store.character_of(task.query);
                for (way, drawings) in (0..).zip(task.support.chunks_exact(2)) {
                    let shown = drawings.iter().all(|&id| store.character_of(id) == asked);
                    assert_eq!(shown, way == answer);
                }
                answers[task.answer] += 1.0;
            }
        }
        // 6,000 answers over 3 ways: chi-square with 2 degrees is under 13.8 in 99.9% of seeds.
        let chi: f64 = answers.iter().map(|n| (n - 2e3).powi(2) / 2e3).sum();
        assert!(chi < 13.8, "{answers:?}");
    }
}

#[test]
fn plain_tasks_are_the_pages() {
    let producer = streams::tasks::<u8>(KOCH, 105, Scope::Within, 5).plain();
    let batch = batch(&producer, 3);
    let pages = streams::pages();
    let pictures = batch.queries.chunks_exact(105 * 105);
    for (task, picture) in batch.tasks.iter().zip(pictures) {
        let page = pages.page(task.query).unwrap();
        let ink = |at: usize| 255 * u8::from(page.ink(at % 105, at / 105));
        assert!((0..105 * 105).all(|at| picture[at] == ink(at)));
    }
}

/// Each epoch visits every entry once, so that Koch's balance holds; in another order than the
/// epoch before, and than under another seed.
#[test]
fn an_epoch_of_a_table_visits_every_entry_once() {
    let store = made_up();
    let orders: Vec<Vec<_>> = [1, 2]
        .into_iter()
        .flat_map(|seed| {
            let producer = streams::table::<u8>(KOCH, 4, seed);
            let all = producer.table().len() as usize;
            let entries: Vec<_> = (0..3 * all as u64 / 5 + 1)
                .flat_map(|index| batch(&producer, index).entries)
                .collect();
            let epochs = entries.chunks_exact(all).map(<[_]>::to_vec);
            epochs.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(orders.len(), 6);
    for order in &orders {
        let seen: BTreeSet<_> = order.iter().map(|entry| (entry.pair, entry.copy)).collect();
        assert_eq!(seen.len(), 72);
        let mut kinds: BTreeMap<_, u32> = BTreeMap::new();
        for entry in order {
            let alphabet = store
                .character(store.character_of(entry.item.left))
                .alphabet;
            *kinds.entry((alphabet, entry.item.same)).or_default() += 1;
        }
        assert_eq!(kinds.len(), 12);
        assert!(kinds.values().all(|&n| n == 6), "{kinds:?}");
    }
    for (place, order) in orders.iter().enumerate() {
        assert!(!orders[..place].contains(order), "an order comes again");
    }
}

/// A batch larger than its table holds several epochs.
#[test]
fn a_table_smaller_than_a_batch_serves() {
    let table = streams::pair_table(12, 0);
    let new = |pairs| TableBatches::<u8>::new(streams::pages(), table.clone(), pairs, KOCH, 4, 9);
    let entries = batch(&new(40).unwrap(), 1).entries;
    // Numbers 40 to 79: the last 8 of epoch 3, epochs 4 and 5, and 8 of epoch 6.
    for whole in [8..20, 20..32] {
        let seen: BTreeSet<_> = entries[whole].iter().map(|entry| entry.pair).collect();
        assert_eq!(seen.len(), 12);
    }
    for pairs in [0, MOST_PAIRS + 1] {
        let refused = new(pairs).err().unwrap();
        assert!(
            matches!(refused, TableBatchError::Pairs { .. }),
            "{refused}"
        );
    }
    let other = common::store_bytes(&common::small_archive());
    let other = omnishot::store::Store::from_bytes("other", other).unwrap();
    let pages = omnishot::store::PageCache::new(other.into());
    let refused = TableBatches::<u8>::new(pages.into(), table.clone(), 8, KOCH, 4, 9);
    let refused = refused.err().unwrap();
    let typed = matches!(
        refused,
        TableBatchError::Table(TableError::OtherStore { .. })
    );
    assert!(typed, "{refused}");
}

proptest! {
    #[test]
    fn an_order_is_a_permutation(seed: u64, epoch in 0..1u64 << 48, entries in 1..3000u64) {
        let order = Order::new(seed, epoch, entries);
        let mut all: Vec<_> = (0..entries).map(|place| order.entry(place)).collect();
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(0..entries));
    }

    #[test]
    fn a_large_order_repeats_nothing(seed: u64, bits in 12..=60u32, less: u64, from: u64) {
        let entries = (1 << bits) - less % (1 << (bits - 1));
        let order = Order::new(seed, 0, entries);
        let from = from % (entries - 500);
        let some: BTreeSet<_> = (from..from + 500).map(|place| order.entry(place)).collect();
        prop_assert_eq!(some.len(), 500);
        prop_assert!(some.iter().all(|&entry| entry < entries));
    }
}

#[test]
fn orders_are_even_and_pinned() {
    // 10,000 orders of 10: the entry at each place is uniform. 10 tables of 9 degrees: together
    // 90 less those shared, 81; chi-square with 81 degrees is under 126 in 99.9% of seeds.
    let mut counts = [[0f64; 10]; 10];
    for epoch in 0..10_000 {
        let order = Order::new(4, epoch, 10);
        for (place, counts) in (0..).zip(&mut counts) {
            counts[order.entry(place) as usize] += 1.0;
        }
    }
    let chi: f64 = counts
        .iter()
        .flatten()
        .map(|n| (n - 1e3).powi(2) / 1e3)
        .sum();
    assert!(chi < 126.0, "{chi}");
    // Neighbours are strangers: of 30,000 steps one or so goes to the next entry.
    let order = Order::new(4, 0, 30_000);
    let steps = (1..30_000).filter(|&place| order.entry(place) == order.entry(place - 1) + 1);
    assert!(steps.count() < 8);
    let text = format!("{:?}", (0..100).map(|p| order.entry(p)).collect::<Vec<_>>());
    assert_eq!(
        &blake3::hash(text.as_bytes()).to_hex()[..16],
        "51185f22d5bb6767"
    );
}

#[test]
fn sides_that_no_picture_has_are_refused() {
    for side in [0, 1, 106, usize::MAX] {
        let refused = Distorter::new(KOCH).unwrap().at(side).unwrap_err();
        assert!(refused.to_string().contains("from 2 to 105"), "{refused}");
    }
    let whole = Distorter::new(KOCH).unwrap();
    assert_eq!(whole.side(), 105);
    assert_eq!(whole.at(48).unwrap().side(), 48);
}
