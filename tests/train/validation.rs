//! A validation score is what it says: of as many ways, over the characters that can be asked
//! about, and refused before training where nothing can be asked.

use crate::common;
use crate::common::untrained;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::common::small::{options, run, with};
use omnishot::archive::{Archive, Split};
use omnishot::eval::validate;
use omnishot::sample::{TaskShape, TrainingSplit, ValidationTasks};
use omnishot::store::{AlphabetId, Store};
use omnishot::train::{Preset, TrainError, Validation, train};

const TRAIN: &str = env!("CARGO_BIN_EXE_siamese-train");

/// The bytes of a store whose background alphabets have characters of so many drawings.
fn bytes(alphabets: &[&[u16]]) -> Vec<u8> {
    let alphabet = |(number, characters): (u32, &&[u16])| {
        let drawn = |(place, &drawings): (u32, &u16)| {
            let drawers: Vec<u16> = (1..=drawings).collect();
            common::character(&format!("c{place:02}"), number * 50 + place + 1, &drawers)
        };
        let characters = (0..).zip(characters.iter()).map(drawn).collect();
        common::alphabet(&format!("g{number}"), Split::Background, characters)
    };
    let alphabets: Vec<_> = (0..).zip(alphabets).map(alphabet).collect();
    common::store_bytes(&Archive {
        alphabets,
        runs: Vec::new(),
    })
}

fn store(alphabets: &[&[u16]]) -> Arc<Store> {
    Arc::new(Store::from_bytes("uneven", bytes(alphabets)).unwrap())
}

fn ways_of(store: &Store, held_out: &[AlphabetId]) -> Option<(usize, Vec<AlphabetId>)> {
    let tasks = ValidationTasks::of(store, held_out)?;
    let TaskShape { ways, shots, .. } = tasks.shape;
    assert_eq!(shots, 1);
    let mut all = [tasks.asked, tasks.left_out.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, held_out);
    Some((ways, tasks.left_out))
}

#[test]
fn tasks_have_the_ways_of_the_largest_held_out_alphabet_up_to_twenty() {
    let store = store(&[
        &[3; 25],
        &[3; 14],
        &[3; 20],
        &[3],
        &[3, 1, 3, 1, 3],
        &[1; 30],
    ]);
    assert_eq!(ways_of(&store, &[0, 1, 2]), Some((20, vec![1])));
    assert_eq!(ways_of(&store, &[1, 3]), Some((14, vec![3])));
    // A single drawing can be no support beside a query.
    assert_eq!(ways_of(&store, &[3, 4]), Some((3, vec![3])));
    for nothing in [&[3][..], &[5], &[3, 5], &[]] {
        assert_eq!(ways_of(&store, nothing), None, "{nothing:?}");
    }
}

#[test]
fn scores_are_over_characters_that_have_second_drawings() {
    // The alphabets of one way, and the single drawings, gave 100 % and 0 % once.
    let store = store(&[&[2], &[3, 3, 3, 1], &[1, 1, 1]]);
    let model = untrained::compact(&[]);
    let score = |validation: &[AlphabetId]| {
        let split = TrainingSplit {
            training: Vec::new(),
            validation: validation.to_vec(),
        };
        validate(&model, &store, &split, 300).unwrap()
    };
    let Validation { accuracy, ways } = score(&[0, 1]).unwrap();
    assert_eq!(ways, 3);
    assert!(
        accuracy > 34.0,
        "three of them are easily told apart: {accuracy}"
    );
    assert_eq!(
        score(&[0, 1]),
        score(&[1]),
        "the alphabet of one way says nothing"
    );
    assert_eq!(score(&[0, 2]), None);
}

#[test]
fn what_cannot_be_validated_is_refused_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |store: &Arc<Store>, preset: &Preset| {
        let trained = train(
            store,
            preset,
            &options(1, 1, folder.path()),
            |_, _| panic!("nothing is scored"),
            |_| panic!("no step is taken"),
            &AtomicBool::new(false),
        );
        trained.err().unwrap()
    };
    let single = store(&[&[1, 1, 1], &[3], &[3]]);
    let error = refused(&single, &with("compact", 3, &["validation_alphabets=2"]));
    let told = error.to_string();
    assert!(
        matches!(error, TrainError::NothingToValidateOn { .. }),
        "{told}"
    );
    assert!(told.contains("--validation-alphabets 0"), "{told}");
    let error = refused(&store(&[&[3; 4]]), &with("compact", 3, &[]));
    let told = error.to_string();
    assert!(matches!(
        error,
        TrainError::NothingToTrainOn {
            background: 1,
            held_out: 1
        }
    ));
    assert!(
        told.contains("--validation-alphabets 0") && told.contains("groups"),
        "{told}"
    );
    // What the sentence says helps.
    let changes = ["validation_alphabets=0"];
    let (losses, trained) = run(&store(&[&[3; 4]]), &with("compact", 2, &changes), 1, 1);
    assert!(losses.len() == 2 && trained.best.is_none());
}

#[test]
fn a_best_score_of_other_ways_is_no_bar() {
    let store = store(&[&[3; 6], &[3; 6]]);
    let folder = tempfile::tempdir().unwrap();
    let mut scores = [(90.0, 5), (40.0, 20), (41.0, 20), (39.0, 20)].into_iter();
    let preset = with("compact", 20, &["validation_every=5"]);
    let mut told = Vec::new();
    let trained = train(
        &store,
        &preset,
        &options(1, 1, folder.path()),
        |_, _| Ok((scores.next()).map(|(accuracy, ways)| Validation { accuracy, ways })),
        |record| told.extend(record.validation.zip(record.validation_ways)),
        &AtomicBool::new(false),
    );
    let best = trained.unwrap().best.unwrap();
    assert_eq!((best.step, best.accuracy, best.ways), (15, 41.0, 20));
    assert_eq!(told, [(90.0, 5), (40.0, 20), (41.0, 20), (39.0, 20)]);
}

fn siamese_train(folder: &Path, arguments: &str) -> (bool, String) {
    let output = Command::new(TRAIN)
        .current_dir(folder)
        .args("s.omni --out run --preset compact --steps 6 --set validation_every=2".split(' '))
        .args("--set network.side=32 --set network.width=2 --set network.dimensions=8".split(' '))
        .args("--set batch.drawings=8 --set batch.alphabet_characters=2 --threads 1".split(' '))
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains("panicked"), "{told}");
    (output.status.success(), told)
}

#[test]
fn a_run_tells_the_ways_beside_every_score() {
    let folder = tempfile::tempdir().unwrap();
    // In each group one class has one picture.
    let uneven: &[u16] = &[3, 3, 1, 3];
    fs::write(
        folder.path().join("s.omni"),
        bytes(&[uneven, uneven, uneven, &[3]]),
    )
    .unwrap();
    for seed in 0..4 {
        let seed = format!("--force --set keep=best --seed {seed}");
        let (success, told) = siamese_train(folder.path(), &seed);
        assert!(success, "{told}");
        assert!(told.contains("for 3-way tasks: g"), "{told}");
        let scored = told.lines().filter(|line| line.contains("validation "));
        assert_eq!(scored.clone().count(), 4, "{told}");
        for line in scored {
            assert!(
                line.contains("(3-way)") && !line.contains("validation 0.0%"),
                "{line}"
            );
        }
        let held_out = told.lines().find(|line| line.contains("held out")).unwrap();
        let alone = "; too small for that, and not asked about: g3";
        assert_eq!(
            held_out.contains(alone),
            held_out.contains("g3"),
            "{held_out}"
        );
        let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
        for (line, step) in metrics.lines().zip(1..) {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let ways = record["validation_ways"].as_u64();
            assert_eq!(ways, (step % 2 == 0).then_some(3), "{line}");
        }
    }
}

#[test]
fn a_run_that_cannot_be_validated_leaves_the_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("s.omni"),
        bytes(&[&[1, 1, 3], &[1, 3, 1]]),
    )
    .unwrap();
    let (success, told) = siamese_train(folder.path(), "--validation-alphabets 0");
    assert!(
        success && told.contains("background set: nothing"),
        "{told}"
    );
    let weights = folder.path().join("run/weights.safetensors");
    let before = fs::read(&weights).unwrap();
    for (held_out, says) in [
        ("1", "no task can be asked"),
        ("2", "leaves none to train on"),
    ] {
        let arguments = format!("--force --validation-alphabets {held_out}");
        let (success, told) = siamese_train(folder.path(), &arguments);
        assert!(!success && told.contains(says), "{told}");
        assert_eq!(fs::read(&weights).unwrap(), before);
    }
}
