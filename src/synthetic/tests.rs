//! What made-up alphabets promise: the same for a seed, different by character, varied by drawer.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::archive::Run;

fn small() -> SyntheticOptions {
    SyntheticOptions {
        seed: 5,
        background: 2,
        evaluation: 4,
        characters_per_alphabet: 20..=24,
        drawers: 6,
    }
}

/// A digest of everything an alphabet says.
fn digest(alphabets: &[Alphabet]) -> String {
    let mut hasher = blake3::Hasher::new();
    for alphabet in alphabets {
        hasher.update(format!("{} {}\n", alphabet.split, alphabet.name).as_bytes());
        for character in &alphabet.characters {
            hasher.update(format!("{} {}\n", character.name, character.number).as_bytes());
            for drawing in &character.drawings {
                hasher.update(&drawing.drawer.to_le_bytes());
                hasher.update(drawing.page.bands());
            }
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn drawings(alphabets: &[Alphabet]) -> impl Iterator<Item = &Page> {
    let characters = alphabets.iter().flat_map(|alphabet| &alphabet.characters);
    characters.flat_map(|character| character.drawings.iter().map(|drawing| &drawing.page))
}

fn assert_canonical(alphabets: &[Alphabet], options: &SyntheticOptions) {
    assert_eq!(
        alphabets.len(),
        usize::from(options.background + options.evaluation)
    );
    assert!(alphabets.is_sorted_by(|a, b| (a.split, &a.name) < (b.split, &b.name)));
    let evaluation = alphabets.iter().filter(|a| a.split == Split::Evaluation);
    assert_eq!(evaluation.count(), usize::from(options.evaluation));
    let mut numbers = 1..;
    for alphabet in alphabets {
        let count = alphabet.characters.len() as u16;
        assert!(options.characters_per_alphabet.contains(&count), "{count}");
        assert!(alphabet.characters.is_sorted_by(|a, b| a.name < b.name));
        for character in &alphabet.characters {
            assert_eq!(Some(character.number), numbers.next());
            let drawers = character.drawings.iter().map(|drawing| drawing.drawer);
            assert!(drawers.eq(1..=options.drawers));
        }
    }
}

/// The share of queries whose own support page alone scores highest by `score`.
fn nearest_neighbour(runs: &[Run], score: impl Fn(&Page, &Page) -> f64) -> f64 {
    let (mut right, mut all) = (0u32, 0u32);
    for run in runs {
        for query in &run.queries {
            let own = score(&query.page, &run.support[query.answer]);
            let beats = |(k, page)| k == query.answer || score(&query.page, page) < own;
            right += u32::from(run.support.iter().enumerate().all(beats));
            all += 1;
        }
    }
    f64::from(right) / f64::from(all)
}

fn shared_ink(a: &Page, b: &Page) -> f64 {
    let both = a
        .bands()
        .iter()
        .zip(b.bands())
        .map(|(a, b)| (a & b).count_ones());
    f64::from(both.sum::<u32>())
}

#[test]
fn a_small_set_is_pinned() {
    let alphabets = synthesize(&small());
    assert_eq!(digest(&alphabets), "74914771b5c50269");
    let mut hasher = blake3::Hasher::new();
    for run in synthesize_runs(&alphabets, 5) {
        hasher.update(run.name.as_bytes());
        run.support.iter().for_each(|page| {
            hasher.update(page.bands());
        });
        for query in &run.queries {
            hasher
                .update(query.page.bands())
                .update(&[query.answer as u8]);
        }
    }
    assert_eq!(&hasher.finalize().to_hex()[..16], "4b5e8dc4d299aaae");
}

#[test]
fn threads_do_not_matter() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads can be started");
        pool.install(|| synthesize(&small()))
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn seeds_matter() {
    let other = SyntheticOptions { seed: 6, ..small() };
    let (first, second) = (synthesize(&small()), synthesize(&other));
    let first: HashSet<&Page> = drawings(&first).collect();
    assert!(drawings(&second).all(|page| !first.contains(page)));
}

#[test]
fn every_drawing_has_ink_and_differs_from_all_others() {
    let alphabets = synthesize(&small());
    assert_canonical(&alphabets, &small());
    let mut seen = HashSet::new();
    for page in drawings(&alphabets) {
        let ink = page.ink_count();
        assert!((80..2500).contains(&ink), "{ink} pixels of ink\n{page:?}");
        assert!(seen.insert(page), "drawn twice\n{page:?}");
    }
}

#[test]
fn characters_of_an_alphabet_are_far_from_each_other() {
    for alphabet in 0..3 {
        let style = Style::draw(&mut stream(5, Item::Style, alphabet, 0, 0));
        let prototypes = prototypes(5, alphabet, 40, &style);
        let silhouettes: Vec<Silhouette> = prototypes
            .iter()
            .map(|prototype| Silhouette::new(&style.specimen(prototype)))
            .collect();
        for (k, one) in silhouettes.iter().enumerate() {
            for other in &silhouettes[..k] {
                let distance = one.distance(other);
                assert!(distance >= NEAREST / 2, "alphabet {alphabet}: {distance}");
            }
        }
    }
}

#[test]
fn a_crowded_style_ends() {
    let options = SyntheticOptions {
        background: 1,
        evaluation: 0,
        characters_per_alphabet: 99..=99,
        drawers: 1,
        ..small()
    };
    assert_canonical(&synthesize(&options), &options);
}

#[test]
fn runs_ask_another_drawer_each_character_once() {
    let alphabets = synthesize(&small());
    let runs = synthesize_runs(&alphabets, 1);
    assert_eq!(runs.len(), 20);
    let whose = |page: &Page| {
        let mut found = alphabets.iter().flat_map(|alphabet| {
            alphabet.characters.iter().flat_map(move |character| {
                let drawing = character.drawings.iter().find(|d| d.page == *page)?;
                Some((alphabet, character.number, drawing.drawer))
            })
        });
        found.next().expect("runs hold drawings of the alphabets")
    };
    let mut orders = HashSet::new();
    for (number, run) in (1..).zip(&runs) {
        assert_eq!(run.name, format!("run{number:02}"));
        let (alphabet, _, support_drawer) = whose(&run.support[0]);
        assert_eq!(alphabet.split, Split::Evaluation);
        let support: Vec<_> = run.support.iter().map(whose).collect();
        assert!(
            support
                .iter()
                .all(|s| s.0.name == alphabet.name && s.2 == support_drawer)
        );
        let (_, _, query_drawer) = whose(&run.queries[0].page);
        assert_ne!(query_drawer, support_drawer);
        for query in &run.queries {
            let (_, character, drawer) = whose(&query.page);
            assert_eq!((character, drawer), (support[query.answer].1, query_drawer));
        }
        let answers: Vec<usize> = run.queries.iter().map(|query| query.answer).collect();
        assert_eq!(answers.iter().collect::<HashSet<_>>().len(), 20);
        orders.insert(answers);
    }
    assert_eq!(orders.len(), 20);
}

#[test]
fn without_able_alphabets_there_are_no_runs() {
    let one_drawer = SyntheticOptions {
        drawers: 1,
        ..small()
    };
    assert!(synthesize_runs(&synthesize(&one_drawer), 0).is_empty());
    let background = SyntheticOptions {
        evaluation: 0,
        ..small()
    };
    assert!(synthesize_runs(&synthesize(&background), 0).is_empty());
}

#[test]
fn comparing_pixels_scores_low_but_above_chance() {
    let alphabets = synthesize(&small());
    let runs: Vec<Run> = (0..10)
        .flat_map(|seed| synthesize_runs(&alphabets, seed))
        .collect();
    let cosine = nearest_neighbour(&runs, |a, b| {
        shared_ink(a, b) / (f64::from(a.ink_count()) * f64::from(b.ink_count())).sqrt()
    });
    let euclidean = nearest_neighbour(&runs, |a, b| {
        2.0 * shared_ink(a, b) - f64::from(a.ink_count()) - f64::from(b.ink_count())
    });
    assert!((0.20..0.45).contains(&cosine), "cosine {cosine}");
    assert!((0.10..0.45).contains(&euclidean), "Euclidean {euclidean}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_options_in_range_give_a_canonical_set(
        seed: u64, background in 0..3u16, evaluation in 0..3u16,
        fewest in 1..6u16, more in 0..4u16, drawers in 1..=20u16,
    ) {
        let options = SyntheticOptions {
            seed,
            background,
            evaluation,
            characters_per_alphabet: fewest..=fewest + more,
            drawers,
        };
        let alphabets = synthesize(&options);
        assert_canonical(&alphabets, &options);
        prop_assert!(drawings(&alphabets).all(|page| page.ink_count() > 0));
    }
}
