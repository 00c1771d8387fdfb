//! Composed classes: what they are, that no two are the same, how batches show them, and what
//! their drawings look like.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use omnishot::archive::Split;
use omnishot::distort::{Distorter, Distortion};
use omnishot::image::Page;
use omnishot::loader::{Composer, Produce};
use omnishot::sample::{
    ComposedDrawing, ComposedError, ComposedSampler, ComposedShape, Composition, Compositions,
    SIBLINGS, alphabets_of,
};
use omnishot::seed::{Purpose, Stream};
use omnishot::store::AlphabetId;
use proptest::prelude::*;

use crate::common::drawings::made_up;
use crate::common::streams;

const SHAPE: ComposedShape = ComposedShape {
    classes: 2000,
    drawings: 32,
    kinds: Compositions::ALL,
};

fn background() -> Vec<AlphabetId> {
    alphabets_of(&made_up(), Split::Background)
}

fn sampler(shape: ComposedShape, seed: u64) -> ComposedSampler {
    ComposedSampler::new(&made_up(), &background(), shape, seed).unwrap()
}

fn batch(sampler: &ComposedSampler, index: u64) -> Vec<ComposedDrawing> {
    let mut items = vec![sampler.drawing(0, 0)]; // whatever is there
    sampler.draw(index, &mut items);
    items
}

fn page(drawing: &ComposedDrawing) -> Page {
    Composer::new().page(&streams::pages(), drawing).unwrap()
}

#[test]
fn composed_streams_are_pinned() {
    let sampler = sampler(SHAPE, 1);
    let classes: Vec<_> = (0..40).map(|class| sampler.class(class)).collect();
    let batches: Vec<_> = (0..4).map(|index| batch(&sampler, index)).collect();
    let pages: Vec<_> = batches[0].iter().map(page).collect();
    let digest = |text: String| blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
    let got = [
        digest(format!("{classes:?}")),
        digest(format!("{batches:?}")),
        digest(format!("{pages:?}")),
    ];
    assert_eq!(
        got,
        ["c615e4244977946f", "8aa18365a7bbb371", "a6cd0712d3cec289"]
    );
}

/// All that the characters can make, of every choice of kinds that is tried.
#[test]
fn no_two_classes_are_the_same() {
    let choices = [
        Compositions::ALL,
        vec![Composition::Marked].into(),
        vec![Composition::Parts, Composition::Beside].into(),
    ];
    for (seed, kinds) in (0..).zip(choices) {
        let all = ComposedShape {
            classes: 1 << 30,
            drawings: 8,
            kinds,
        };
        let refused = ComposedSampler::new(&made_up(), &background(), all, seed);
        let Err(ComposedError::TooMany { most, .. }) = refused else {
            panic!("{refused:?}");
        };
        let classes = most as u32;
        let sampler = sampler(ComposedShape { classes, ..all }, seed);
        let more = ComposedShape {
            classes: classes + SIBLINGS,
            ..all
        };
        assert!(ComposedSampler::new(&made_up(), &background(), more, seed).is_err());
        let seen: HashSet<_> = (0..classes).map(|class| sampler.class(class)).collect();
        assert_eq!(seen.len(), classes as usize);
        // Nor do two families share what is told from the characters alone.
        let words = |class: u32| {
            let class = sampler.class(class);
            (class.kind, class.characters)
        };
        let seen: HashSet<_> = (0..classes).map(words).collect();
        assert_eq!(2 * seen.len(), classes as usize);
        assert!(classes > 4000 * kinds.iter().count() as u32, "{classes}");
    }
}

#[test]
fn kinds_and_alphabets_are_in_balance() {
    let store = made_up();
    let sampler = sampler(SHAPE, 3);
    let mut counts: BTreeMap<(Composition, bool), u32> = BTreeMap::new();
    let mut bases: BTreeMap<u32, u32> = BTreeMap::new();
    for class in (0..SHAPE.classes).map(|class| sampler.class(class)) {
        let [base, other] = class.characters.map(|id| store.character(id).alphabet);
        *counts.entry((class.kind, base == other)).or_default() += 1;
        *bases.entry(class.characters[0]).or_default() += 1;
    }
    let each = SHAPE.classes / 10;
    assert_eq!(counts.len(), 10);
    assert!(counts.values().all(|&count| count == each), "{counts:?}");
    // 500 families over about 130 characters: none is the base of very many.
    assert!(
        bases.len() > 100 && bases.values().all(|&n| n < 60),
        "{bases:?}"
    );
}

proptest! {
    #[test]
    fn siblings_differ_in_a_character_or_its_place(seed: u64, family in 0..SHAPE.classes / SIBLINGS) {
        let store = made_up();
        let few = &background()[1..4];
        let sampler = ComposedSampler::new(&store, few, SHAPE, seed).unwrap();
        let classes = (SIBLINGS * family..).map(|class| sampler.class(class));
        let siblings: Vec<_> = classes.take(SIBLINGS as usize).collect();
        let first = siblings[0];
        for class in &siblings {
            prop_assert_eq!(class.kind, first.kind);
            prop_assert_eq!(class.characters[0], first.characters[0]);
            prop_assert_ne!(class.characters[0], class.characters[1]);
            for id in class.characters {
                prop_assert!(few.contains(&store.character(id).alphabet));
            }
            let shape = |k: usize| (class.places[k].side, class.places[k].half);
            prop_assert_eq!([shape(0), shape(1)], [0, 1].map(|k| {
                (first.places[k].side, first.places[k].half)
            }));
            prop_assert_eq!(class.places[0].half.is_some(), class.kind == Composition::Parts);
        }
        let others: BTreeSet<_> = siblings.iter().map(|class| class.characters[1]).collect();
        let alphabets: BTreeSet<_> = others.iter().map(|&id| store.character(id).alphabet).collect();
        let own = store.character(first.characters[0]).alphabet;
        prop_assert!(alphabets == [own].into() || !alphabets.contains(&own));
        let places: HashSet<_> = siblings.iter().map(|class| class.places).collect();
        prop_assert_eq!((others.len(), places.len()), (2, 2));
        let [one, other] = [0, 2].map(|sibling| siblings[sibling].places[1].centre);
        let apart = (0..2).map(|axis| (one[axis] - other[axis]).abs()).max().unwrap();
        prop_assert!(apart >= 10, "places {one:?} and {other:?} are one to the eye");
    }

    #[test]
    fn batches_show_whole_families(seed: u64, index in 0..1u64 << 40) {
        let sampler = sampler(SHAPE, seed);
        let items = batch(&sampler, index);
        prop_assert_eq!(items.len(), SHAPE.drawings);
        let mut families = BTreeSet::new();
        for family in items.chunks_exact(8) {
            let first = family[0].class;
            prop_assert!(first.is_multiple_of(SIBLINGS) && families.insert(first));
            let classes: Vec<_> = family.iter().map(|item| item.class - first).collect();
            prop_assert_eq!(classes, [0, 0, 1, 1, 2, 2, 3, 3]);
        }
        for pair in items.chunks_exact(2) {
            prop_assert_ne!(pair[0], pair[1], "a drawing paired with itself");
        }
        let (store, again) = (made_up(), batch(&sampler, index));
        prop_assert_eq!(&items, &again);
        for item in &items {
            let class = sampler.class(item.class);
            prop_assert_eq!(item.drawings.map(|id| store.character_of(id)), class.characters);
        }
    }

    #[test]
    fn drawings_stay_near_their_class_and_have_ink(
        seed: u64,
        class in 0..SHAPE.classes,
        number in 0..1u32 << 20,
    ) {
        let sampler = sampler(SHAPE, seed);
        let drawing = sampler.drawing(class, number);
        let places = sampler.class(class).places;
        for (drawn, place) in drawing.places.iter().zip(places) {
            for axis in 0..2 {
                prop_assert!((0..105).contains(&drawn.centre[axis]));
                prop_assert!((drawn.centre[axis] - place.centre[axis]).abs() <= 3);
            }
            prop_assert!((drawn.side - place.side).abs() <= place.side / 8 + 1);
            prop_assert!((10..=90).contains(&drawn.side));
            prop_assert_eq!(drawn.half, place.half);
        }
        let page = page(&drawing);
        // As much as a line of half a part's side under the pen, and no more than any drawing.
        let ink = page.ink_count();
        prop_assert!((30..5000).contains(&ink), "{} pixels\n{:?}", ink, page);
    }
}

#[test]
fn drawings_of_a_class_vary_and_those_of_siblings_differ() {
    let sampler = sampler(SHAPE, 5);
    for class in (0..SHAPE.classes).step_by(97) {
        let pages: HashSet<_> = (0..20).map(|n| page(&sampler.drawing(class, n))).collect();
        assert!(pages.len() >= 19, "class {class} has {} looks", pages.len());
        let sibling = class ^ 1;
        let others: HashSet<_> = (0..20)
            .map(|n| page(&sampler.drawing(sibling, n)))
            .collect();
        assert!(pages.is_disjoint(&others), "{class} looks as {sibling}");
    }
}

#[test]
fn every_class_is_shown_as_often() {
    let shape = ComposedShape {
        classes: 60,
        drawings: 32,
        kinds: Compositions::ALL,
    };
    let sampler = sampler(shape, 6);
    let mut counts = vec![0u32; 60];
    let mut drawers = BTreeSet::new();
    for item in (0..3000).flat_map(|index| batch(&sampler, index)) {
        counts[item.class as usize] += 1;
        drawers.insert(item.drawings);
    }
    // 96,000 drawings over 60 classes are 1,600 of each; 15 families in four ranges of 3 or 4.
    assert!(
        counts.iter().all(|n| (1300..2250).contains(n)),
        "{counts:?}"
    );
    // 15 families of two pairs of characters, each by 6 and 6 drawers.
    assert_eq!(drawers.len(), 30 * 36);
}

#[test]
fn what_cannot_be_composed_is_refused() {
    let new = |shape| ComposedSampler::new(&made_up(), &background(), shape, 0).unwrap_err();
    for classes in [0, 2, 1999] {
        let refused = new(ComposedShape { classes, ..SHAPE });
        assert_eq!(refused, ComposedError::Classes { classes });
    }
    for (classes, drawings) in [(2000, 0), (2000, 12), (8, 24)] {
        let refused = new(ComposedShape {
            classes,
            drawings,
            ..SHAPE
        });
        assert_eq!(refused, ComposedError::Drawings { drawings, classes });
    }
    let kinds = Vec::new().into();
    assert_eq!(new(ComposedShape { kinds, ..SHAPE }), ComposedError::NoKind);
    let none = ComposedSampler::new(&made_up(), &[], SHAPE, 0).unwrap_err();
    let (classes, most) = (2000, 0);
    assert_eq!(none, ComposedError::TooMany { classes, most });
}

/// One alphabet has nothing to compose with but itself.
#[test]
fn a_single_alphabet_is_composed_within() {
    let (store, one) = (made_up(), &background()[..1]);
    let shape = ComposedShape {
        classes: 400,
        ..SHAPE
    };
    let sampler = ComposedSampler::new(&store, one, shape, 0).unwrap();
    for class in (0..400).map(|class| sampler.class(class)) {
        for id in class.characters {
            assert_eq!(store.character(id).alphabet, one[0]);
        }
    }
}

/// They come after the others, which stay what they are, and each is its page, distorted by the
/// item of its place.
#[test]
fn a_batch_shows_composed_drawings_after_its_own() {
    const SIDE: usize = 30;
    let (koch, seed) = (Distortion::KOCH, 9);
    let producer = streams::composed::<u8>(koch, SIDE, seed);
    let plain = streams::classes::<u8>(koch, SIDE, seed);
    let mut distorter = Distorter::new(koch).unwrap().at(SIDE).unwrap();
    assert_eq!(producer.classes(), plain.classes() + 400);
    for index in 0..10 {
        let (mut batch, mut own) = (producer.batch(), plain.batch());
        producer
            .fill(index, &mut producer.scratch(), &mut batch)
            .unwrap();
        plain.fill(index, &mut plain.scratch(), &mut own).unwrap();
        assert_eq!(batch.items, own.items);
        assert_eq!(batch.alphabet_part, own.alphabet_part);
        assert_eq!(batch.classes[..12], own.classes);
        assert!(own.composed.is_empty());
        let pictures = batch.images.chunks_exact(SIDE * SIDE).skip(12);
        for (place, (drawing, picture)) in (12..).zip(batch.composed.iter().zip(pictures)) {
            let class = i64::from(plain.classes() + drawing.class);
            assert_eq!(batch.classes[place as usize], class);
            let mut stream = Stream::new(seed, Purpose::Distort, 28 * index + place);
            let mut again = vec![0; SIDE * SIDE];
            distorter.draw(&page(drawing), 0, &mut stream, &mut again);
            assert!(again == picture, "place {place}");
        }
    }
}
