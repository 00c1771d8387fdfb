//! The search for settings: spaces, proposals, the median rule, and what mattered.

use std::cell::Cell;

use crate::common::study::{SPACE, study};
use omnishot::train::{Preset, PresetError};
use omnishot::tune::{
    Entry, FIRST, GRACE_TRIALS, Journal, Outcome, Past, Range, Space, SpaceError, Trial, TuneError,
    Value, importance, propose, pruned,
};

/// The trial numbers from 0 to `count`, each ended with what `score` says of its values.
fn search(
    space: &Space,
    count: u64,
    seed: u64,
    random: bool,
    score: fn(&[Value]) -> f64,
) -> Vec<Past> {
    let mut past: Vec<Past> = Vec::new();
    for number in 0..count {
        let values = propose(space, &past, (seed, number, random), |_| Ok(())).unwrap();
        let scored = score(&values);
        past.push((values, Some(scored)));
    }
    past
}

fn real(value: Value) -> f64 {
    match value {
        Value::Real(number) => number,
        Value::Whole(number) => number as f64,
        Value::Choice(place) => place as f64,
    }
}

#[test]
fn a_space_is_read_in_the_order_of_its_names() {
    let space = Space::parse(SPACE).unwrap();
    let names: Vec<&str> = space.dimensions().iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["a.rate", "a.share", "b.kind", "b.width"]);
    let whole = Range::Whole {
        low: 16,
        high: 240, // 250 is no step
        step: 16,
        log: false,
    };
    assert_eq!(space.dimensions()[3].range, whole);
    for share in 0..=100 {
        let values: Vec<Value> = (space.dimensions().iter())
            .map(|d| d.range.at(f64::from(share) / 100.0))
            .collect();
        let settings = space.settings(&values);
        assert_eq!(space.values(&settings).unwrap(), values, "{settings:?}");
        for (dimension, &value) in space.dimensions().iter().zip(&values) {
            let again = dimension.range.at(dimension.range.share(value));
            assert_eq!(again, value, "{}", dimension.name);
        }
    }
    let ends = [0.0, 1.0].map(|share| space.dimensions()[0].range.at(share));
    assert_eq!(ends, [Value::Real(1e-4), Value::Real(1e-1)]);
    assert!(space.values(&["a.rate=1".to_owned()]).is_none());
}

#[test]
fn bad_spaces_are_refused_by_name() {
    for (text, says) in [
        ("", "has 0 settings"),
        ("a", "cannot be read"),
        ("a = 1", "a is refused"),
        ("a.b = { low = 0 }", "a.b is refused"),
        ("a = { low = 0, high = 0 }", "low must be below high"),
        ("a = { low = nan, high = 1 }", "low must be below high"),
        ("a = { low = 0, high = inf }", "low must be below high"),
        ("a = { low = 0, high = 1, log = true }", "above 0"),
        ("a = { low = 0.5, high = 2, integer = true }", "whole"),
        ("a = { low = 0, high = 3, step = 4 }", "whole"),
        (
            "a = { low = 0, high = 3, step = -9223372036854775808 }",
            "whole",
        ),
        ("a = { low = -1e300, high = 1e300, step = 1 }", "whole"),
        ("a = { choices = [1] }", "2 to 64"),
        ("a = { choices = [1, 1] }", "2 to 64"),
        (
            "a = { choices = [1, 2], low = 0, high = 1 }",
            "choices alone",
        ),
        ("a = { choices = [{}, 2] }", "a choice must be"),
        ("a = { low = 0, high = 1, lgo = true }", "cannot be read"),
    ] {
        let error = anyhow::Error::from(Space::parse(text).unwrap_err());
        let told = format!("{error:#}");
        assert!(told.contains(says), "{text}: {told}");
    }
    let many: String = (0..65)
        .map(|n| format!("a{n} = {{ low = 0, high = 1 }}\n"))
        .collect();
    assert!(matches!(Space::parse(&many), Err(SpaceError::Count(65))));
    let long = "#".repeat(1 << 17);
    assert!(matches!(Space::parse(&long), Err(SpaceError::Long(_))));
    assert!(matches!(
        Space::shipped_text("no"),
        Err(SpaceError::Unknown(_))
    ));
}

#[test]
fn shipped_spaces_fit_their_presets_and_others_are_refused() {
    for (space, preset) in [
        ("compact", "compact"),
        ("compact", "fast"),
        ("koch", "koch"),
        ("koch-layers", "koch"),
    ] {
        let space = Space::parse(Space::shipped_text(space).unwrap()).unwrap();
        let preset = Preset::shipped_text(preset).unwrap();
        let refused = Cell::new(0);
        let fits = |settings: &[String]| {
            let parsed = Preset::parse(preset, settings).map(|_| ());
            refused.set(refused.get() + u32::from(parsed.is_err()));
            parsed
        };
        let mut tried = Vec::new();
        for number in 0..40 {
            let values = propose(&space, &[], (1, number, true), fits).unwrap();
            tried.push(space.settings(&values));
        }
        // Some kernels leave nothing of an image, which are drawn again.
        let mut names = space.dimensions().iter().map(|dimension| &dimension.name);
        assert!(refused.get() > 0 || names.all(|name| !name.contains("kernels")));
        let dimensions = space.dimensions().len();
        for at in 0..dimensions {
            let first = &tried[0][at];
            assert!(
                tried.iter().any(|settings| settings[at] != *first),
                "{first}"
            );
        }
    }
    let compact = Preset::shipped_text("compact").unwrap();
    let fits = |settings: &[String]| Preset::parse(compact, settings).map(|_| ());
    let attempt =
        |text: &str| propose(&Space::parse(text).unwrap(), &[], (0, 0, false), fits).unwrap_err();
    let unknown = attempt("optimizer.rate = { low = 0, high = 1 }");
    assert!(matches!(unknown, TuneError::Preset(PresetError::Toml(_))));
    let unknown = attempt("no.such = { low = 0, high = 1 }");
    assert!(matches!(
        unknown,
        TuneError::Preset(PresetError::Setting(_))
    ));
    let nothing = attempt("network.dropout = { low = 2, high = 3 }");
    assert!(matches!(nothing, TuneError::NothingFits { .. }));
}

#[test]
fn the_same_seed_proposes_the_same_and_another_seed_does_not() {
    let space = Space::parse(SPACE).unwrap();
    let score = |values: &[Value]| 50.0 - 20.0 * real(values[1]) + real(values[2]);
    let count = FIRST as u64 + 6;
    let one = search(&space, count, 3, false, score);
    assert_eq!(one, search(&space, count, 3, false, score));
    assert_ne!(one, search(&space, count, 4, false, score));
    let random = search(&space, count, 3, true, score);
    assert_eq!(one[..FIRST], random[..FIRST], "nothing is known yet");
    assert_ne!(one[FIRST..], random[FIRST..]);
    let open: Vec<Past> = one
        .iter()
        .map(|(values, _)| (values.clone(), None))
        .collect();
    let unknown = propose(&space, &open, (3, count, false), |_| Ok(())).unwrap();
    assert_eq!(
        unknown,
        search(&space, count + 1, 3, true, score)[count as usize].0
    );
}

#[test]
fn the_search_beats_chance_on_a_known_function() {
    let space = "
        a = { low = 1e-4, high = 1e-1, log = true }
        b = { low = 0, high = 1 }
        c = { low = 0, high = 100, integer = true }
        d = { low = -1, high = 1 }
        e = { choices = [1, 2, 4, 8] }
    ";
    let space = Space::parse(space).unwrap();
    // 100 at its best, and 60 or so at a random place.
    let score = |values: &[Value]| {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|at| real(values[at]));
        let off = [
            (a.log10() + 2.2) / 3.0,
            b - 0.7,
            c / 100.0 - 0.4,
            d / 2.0 - 0.1,
            (e - 1.0) / 4.0,
        ];
        100.0 - 80.0 * off.map(|off| off * off).iter().sum::<f64>()
    };
    let mean = |random: bool| {
        let seeds = 0..12;
        let best = seeds.map(|seed| {
            let past = search(&space, 24, seed, random, score);
            past.iter()
                .filter_map(|(_, score)| *score)
                .fold(0.0, f64::max)
        });
        best.sum::<f64>() / 12.0
    };
    let (learned, random) = (mean(false), mean(true));
    // What is left to the best is less than half as much.
    assert!(
        100.0 - learned < 0.5 * (100.0 - random),
        "{learned} and {random}"
    );
}

/// Hartmann's function of six variables, at most 3.32237 (Dixon & Szegö 1978): four bumps, of which
/// one is the highest.
fn hartmann(values: &[Value]) -> f64 {
    const HEIGHTS: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const WIDTHS: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRES: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let bump = |at: usize| {
        let terms = (0..6).map(|i| WIDTHS[at][i] * (real(values[i]) - CENTRES[at][i]).powi(2));
        HEIGHTS[at] * (-terms.sum::<f64>()).exp()
    };
    (0..4).map(bump).sum()
}

#[test]
fn the_search_finds_what_random_does_not() {
    let space: String = (0..6)
        .map(|i| format!("x{i} = {{ low = 0, high = 1 }}\n"))
        .collect();
    let space = Space::parse(&space).unwrap();
    let best = |seed, random| {
        let past = search(&space, 30, seed, random, hartmann);
        past.iter().filter_map(|past| past.1).fold(0.0, f64::max)
    };
    let pairs: Vec<(f64, f64)> = (0..10)
        .map(|seed| (best(seed, false), best(seed, true)))
        .collect();
    let ahead = pairs.iter().filter(|(learned, random)| learned > random);
    assert!(ahead.count() >= 8, "{pairs:?}");
    let mean = pairs.iter().map(|pair| pair.0).sum::<f64>() / 10.0;
    assert!(mean > 2.2, "{mean}: {pairs:?}");
}

#[test]
#[ignore = "prints a table"]
fn a_table_of_the_search_beside_random() {
    let unit = |count: usize| -> Space {
        let lines = (0..count).map(|i| format!("x{i:02} = {{ low = 0, high = 1 }}\n"));
        Space::parse(&lines.collect::<String>()).unwrap()
    };
    let bowl = |values: &[Value]| {
        let far = values.iter().zip(0..).map(|(&value, i)| {
            let centre = 0.2 + 0.045 * f64::from(i);
            (real(value) - centre).powi(2) / f64::from(1 + i % 4)
        });
        100.0 - 40.0 * far.sum::<f64>()
    };
    let scores: [fn(&[Value]) -> f64; 2] = [hartmann, bowl];
    let spaces = [("hartmann", unit(6)), ("bowl", unit(14))];
    for ((name, space), score) in spaces.into_iter().zip(scores) {
        for count in [20, 40] {
            let best = |seed, random| {
                let past = search(&space, count, seed, random, score);
                past.iter()
                    .filter_map(|past| past.1)
                    .fold(f64::MIN, f64::max)
            };
            let pairs: Vec<(f64, f64)> = (0..20)
                .map(|seed| (best(seed, false), best(seed, true)))
                .collect();
            let ahead = pairs.iter().filter(|pair| pair.0 > pair.1).count();
            let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / 20.0;
            let (learned, random) = (mean(|pair| pair.0), mean(|pair| pair.1));
            println!(
                "{name}, {count} trials: {learned:.2} and {random:.2}, ahead on {ahead} of 20"
            );
        }
    }
}

fn text(entries: &[Entry]) -> String {
    entries.iter().map(Entry::line).collect()
}

#[test]
fn a_trial_below_the_median_of_finished_ones_is_pruned() {
    let trial = |how, scores: &[(u64, f64)]| Trial {
        values: Vec::new(),
        scores: scores.iter().copied().collect(),
        ended: Some((how, scores.last().unwrap().1, 100)),
    };
    // At step 50 the best so far are 20, 30, 40 and 60, the last of them from step 25.
    let mut others = vec![
        trial(Outcome::Finished, &[(25, 5.0), (50, 20.0), (100, 90.0)]),
        trial(Outcome::Finished, &[(25, 5.0), (50, 30.0), (100, 31.0)]),
        trial(Outcome::Finished, &[(25, 5.0), (50, 40.0), (100, 41.0)]),
    ];
    assert_eq!(GRACE_TRIALS, 4);
    assert!(!pruned(&others, 100, 50, 0.0), "too few have finished");
    others.push(trial(Outcome::Pruned, &[(50, 1.0)]));
    assert!(!pruned(&others, 100, 50, 0.0), "stopped ones do not count");
    others.push(trial(
        Outcome::Finished,
        &[(25, 60.0), (50, 50.0), (100, 70.0)],
    ));
    assert!(pruned(&others, 100, 50, 34.9));
    assert!(
        !pruned(&others, 100, 50, 35.0),
        "the median itself is not below it"
    );
    assert!(pruned(&others, 100, 25, 4.9));
    assert!(
        !pruned(&others, 100, 24, 0.0),
        "the first quarter has a grace"
    );
    assert!(
        !pruned(&others, 100, 100, 0.0),
        "at its end a trial has finished"
    );
}

#[test]
fn what_matters_is_told_from_what_does_not() {
    let mut entries = vec![Entry::Study(study(0))];
    let space = Space::parse(SPACE).unwrap();
    for trial in 0..60 {
        let values = propose(&space, &[], (9, trial, true), |_| Ok(())).unwrap();
        let accuracy = 90.0 - 200.0 * (real(values[1]) - 0.4).powi(2); // a bend, not a slope
        let settings = space.settings(&values);
        entries.push(Entry::Begun {
            trial,
            settings,
            process: 1,
        });
        entries.push(Entry::Ended {
            trial,
            how: Outcome::Finished,
            accuracy,
            steps: 1,
        });
    }
    let journal = Journal::parse(text(&entries).as_bytes())
        .unwrap()
        .0
        .unwrap();
    let shares = importance(&journal);
    assert!(shares[1] > 0.3, "{shares:?}");
    assert!([0, 2, 3].iter().all(|&at| shares[at] < 0.15), "{shares:?}");
    let few = Journal::parse(text(&entries[..9]).as_bytes())
        .unwrap()
        .0
        .unwrap();
    assert_eq!(importance(&few), [0.0; 4]);
}
