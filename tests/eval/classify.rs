//! Pictures classified by a few known ones, and the threshold below which they are none of them.

use crate::common;
use crate::common::drawings;
use crate::common::untrained;
use std::fs;
use std::path::Path;

use crate::common::{page, store_bytes};
use assert_cmd::Command;
use omnishot::archive::{Archive, Class, Split, page_to_png};
use omnishot::eval::{Embeddings, RejectionError, RejectionPlan, Scorer, Threshold, classify};
use omnishot::sample::{Scope, TaskSampler, TaskShape, alphabets_of};
use proptest::prelude::*;

fn class(name: &str, kinds: &[u32]) -> Class {
    Class {
        name: name.to_owned(),
        pictures: kinds.iter().map(|&kind| page(kind).into()).collect(),
    }
}

fn plan(ways: usize, shots: usize, accepted: f64) -> RejectionPlan {
    RejectionPlan {
        ways,
        shots,
        accepted,
        tasks: 2000,
        seed: 3,
    }
}

#[test]
fn pictures_are_ranked_as_an_evaluation_judges_them() {
    let (store, model) = (drawings::made_up(), untrained::compact(&[]));
    let shape = TaskShape {
        ways: 7,
        shots: 2,
        scope: Scope::Within,
    };
    let alphabets = alphabets_of(&store, Split::Evaluation);
    let sampler = TaskSampler::new(&store, &alphabets, shape, 1).unwrap();
    let mut decoder = store.decoder();
    for index in 0..5 {
        let task = sampler.draw(index);
        let ids = task.support.iter().chain([&task.query]).copied();
        let scored = Embeddings::of(&model, &store, ids).unwrap();
        let scored = scored.similarities(&task, shape.shots).unwrap();
        let mut support = Vec::new();
        for (way, ids) in task.support.chunks(shape.shots).enumerate() {
            let pictures = ids
                .iter()
                .map(|&id| (*decoder.drawing(id).unwrap()).into())
                .collect();
            support.push(Class {
                name: way.to_string(),
                pictures,
            });
        }
        let query = (*decoder.drawing(task.query).unwrap()).into();
        // Whatever stands beside it.
        let ranked = classify(&model, &support, &[page(1).into(), query])
            .unwrap()
            .remove(1);
        for ranked in &ranked {
            assert!((ranked.score - scored[ranked.class]).abs() < 1e-5);
        }
        assert!(ranked.is_sorted_by(|a, b| a.score >= b.score));
        let mut classes: Vec<usize> = ranked.iter().map(|ranked| ranked.class).collect();
        classes.sort_unstable();
        assert_eq!(classes, (0..shape.ways).collect::<Vec<_>>());
    }
}

#[test]
fn classes_may_have_as_many_pictures_as_they_like() {
    let model = untrained::compact(&[]);
    let support = [class("a", &[1]), class("b", &[50, 60, 70])];
    let ranked = classify(&model, &support, &[page(1).into()])
        .unwrap()
        .remove(0);
    assert_eq!(ranked[0].class, 0);
    assert!((ranked[0].score - 1.0).abs() < 1e-5, "{ranked:?}");
}

#[test]
fn a_matching_network_has_no_similarity() {
    let small = [
        "network.embedder.side=32",
        "network.embedder.width=2",
        "network.embedder.dimensions=8",
    ];
    let model = untrained::model("matching", &small, &[]);
    assert!(classify(&model, &[class("a", &[1])], &[page(1).into()]).is_err());
    let refused = Threshold::find(&model, &drawings::made_up(), plan(3, 1, 0.1));
    assert!(matches!(refused, Err(RejectionError::Context(_))));
}

#[test]
fn a_threshold_lets_in_as_many_unknowns_as_it_may() {
    let (store, model) = (drawings::made_up(), untrained::compact(&[]));
    let mut least = f64::INFINITY;
    for accepted in [0.0, 0.05, 0.2, 0.5, 1.0] {
        let found = Threshold::find(&model, &store, plan(5, 1, accepted)).unwrap();
        assert_eq!((found.ways, found.within), (5, true));
        let share = found.unknowns.percent() / 100.0;
        // Of 1,000 that it was not chosen by.
        assert!((share - accepted).abs() < 0.05, "{share} of {accepted}");
        let sum = found.right.right + found.refused.right;
        assert!(found.right.asked == 1000 && sum <= 1000, "{found:?}");
        assert!(found.score <= least);
        least = found.score;
        assert_eq!(
            found,
            Threshold::find(&model, &store, plan(5, 1, accepted)).unwrap()
        );
    }
}

#[test]
fn a_threshold_is_found_on_unseen_background_alphabets_alone() {
    let store = drawings::made_up();
    let names = |split| -> Vec<String> {
        let ids = alphabets_of(&store, split);
        ids.iter()
            .map(|&id| store.alphabet(id).name.clone())
            .collect()
    };
    let background = names(Split::Background);
    let seen: Vec<&str> = background[1..].iter().map(String::as_str).collect();
    let found = Threshold::find(&untrained::compact(&seen), &store, plan(5, 1, 0.1)).unwrap();
    assert_eq!(found.alphabets, background[..1]);
    let all: Vec<&str> = background.iter().map(String::as_str).collect();
    let refused = Threshold::find(&untrained::compact(&all), &store, plan(5, 1, 0.1));
    assert!(matches!(refused, Err(RejectionError::NothingUnseen)));
    // More ways than an alphabet has are taken from several; more than there are, from what there is.
    let model = untrained::compact(&[]);
    let wide = Threshold::find(&model, &store, plan(40, 1, 0.1)).unwrap();
    assert_eq!((wide.ways, wide.within), (40, false));
    let wider = Threshold::find(&model, &store, plan(5000, 1, 0.1)).unwrap();
    let background = alphabets_of(&store, Split::Background);
    let characters = background
        .iter()
        .map(|&id| store.alphabet(id).characters.len());
    assert_eq!(wider.ways + 1, characters.sum::<usize>());
    let refused = Threshold::find(&model, &store, plan(5, 6, 0.1));
    assert!(matches!(refused, Err(RejectionError::TooFew(_))));
}

/// A folder with a support of two classes, pictures, weights and a store.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("known/round")).unwrap();
    for (name, kind) in [
        ("known/round/1.png", 1),
        ("known/round/2.png", 2),
        ("known/flat.png", 4000),
    ] {
        fs::write(at(name), page_to_png(&page(kind))).unwrap();
    }
    fs::write(at("q.png"), page_to_png(&page(4000))).unwrap();
    fs::write(at("bad.png"), b"no picture").unwrap();
    untrained::compact(&["A"])
        .save(&at("w.safetensors"))
        .unwrap();
    let archive = Archive {
        alphabets: vec![common::alphabet(
            "B",
            Split::Background,
            (1..=4)
                .map(|c| common::character(&format!("c{c}"), c, &[1, 2, 3]))
                .collect(),
        )],
        runs: Vec::new(),
    };
    fs::write(at("s.omni"), store_bytes(&archive)).unwrap();
    folder
}

fn run(folder: &Path, arguments: &str) -> (bool, String, String) {
    let mut command = Command::cargo_bin("siamese-classify").unwrap();
    let command = command
        .current_dir(folder)
        .args(arguments.split_whitespace());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

const KNOWN: &str = "--support known --weights w.safetensors";

#[test]
fn the_command_answers_ranks_and_refuses() {
    let folder = folder();
    let run = |arguments: &str| run(folder.path(), arguments);
    let (good, said, _) = run(&format!("{KNOWN} q.png"));
    assert!(
        good && said.starts_with("q.png: flat\n    1    1.0000  flat\n"),
        "{said}"
    );
    let (good, said, _) = run(&format!("{KNOWN} q.png --threshold 1.5"));
    assert!(good && said.starts_with("q.png: none of these\n"), "{said}");
    // One that cannot be read spoils the exit code and nothing else.
    let (good, said, error) = run(&format!("{KNOWN} bad.png q.png --json"));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(!good && error.contains("bad.png: is no picture"), "{error}");
    assert_eq!(json["answers"].as_array().unwrap().len(), 1);
    assert_eq!(json["answers"][0]["answer"], "flat");
    assert_eq!(json["answers"][0]["ranked"][1]["class"], "round");
    let (good, said, error) = run(&format!("{KNOWN} bad.png"));
    assert!(
        !good && said.is_empty() && error.contains("no picture could be read"),
        "{error}"
    );
    let (good, said, error) = run(&format!("{KNOWN} q.png --calibrate s.omni --strangers 20"));
    assert!(
        good && error.contains("1 alphabets that the network has not seen (B; 2 ways"),
        "{error}"
    );
    assert!(said.starts_with("q.png: flat\n"), "{said}");
    let (good, _, error) =
        run("--support known q.png --pretrained --threshold 0.5 --calibrate s.omni");
    assert!(!good && error.contains("cannot be used with"), "{error}");
    let (good, _, error) = run("--support nowhere q.png --pretrained");
    assert!(
        !good && error.contains("nowhere: cannot be read"),
        "{error}"
    );
}

#[test]
fn classes_that_share_the_first_place_are_no_answer() {
    let folder = folder();
    fs::copy(
        folder.path().join("q.png"),
        folder.path().join("known/same.png"),
    )
    .unwrap();
    let (good, said, _) = run(folder.path(), &format!("{KNOWN} q.png --json"));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(good && json["answers"][0]["answer"].is_null());
    assert_eq!(json["answers"][0]["why"], "tied");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn a_known_picture_is_its_own_class(kinds in proptest::collection::hash_set(0u32..9000, 2..6)) {
        let model = untrained::compact(&[]);
        let support: Vec<Class> = kinds.iter().map(|&kind| class(&kind.to_string(), &[kind])).collect();
        let pages: Vec<_> = support.iter().map(|class| class.pictures[0].clone()).collect();
        for (place, ranked) in classify(&model, &support, &pages).unwrap().iter().enumerate() {
            // Another may be as like to it, of first weights, but none is more.
            let own = ranked.iter().find(|ranked| ranked.class == place).unwrap();
            prop_assert!(own.score >= ranked[0].score - 1e-5);
        }
    }
}
