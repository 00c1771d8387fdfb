//! The protocols of others: Meta-Dataset's episodes and Vinyals's split, and what networks get wrong
//! together.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::drawings::made_up;
use crate::common::untrained::compact;
use omnishot::archive::Split;
use omnishot::eval::{
    Answers, Entrant, Episode, EpisodeSet, EvalError, Plan, Protocol, ProtocolRun, Role, TaskSet,
    Ties, evaluate, mean_interval,
};
use omnishot::ranks::Ranks;
use omnishot::sample::{Task, alphabets_of};
use omnishot::store::{DrawingId, Store};

fn episodes(store: &Store, seed: u64, count: u64) -> EpisodeSet {
    EpisodeSet::draw(store, &alphabets_of(store, Split::Evaluation), seed, count).unwrap()
}

fn check(store: &Store, episode: &Episode) {
    let ways = episode.support.len();
    let character = |id: DrawingId| store.character_of(id);
    let classes: Vec<_> = episode
        .support
        .iter()
        .map(|way| character(way[0]))
        .collect();
    assert_eq!(classes.iter().collect::<BTreeSet<_>>().len(), ways);
    let alphabet = |&id| store.character(id).alphabet;
    assert!(
        classes
            .iter()
            .all(|id| alphabet(id) == alphabet(&classes[0]))
    );
    let has = |&id| store.character(id).drawings.len();
    let queries = classes.iter().map(|id| has(id) / 2).fold(10, usize::min);
    let mut all: Vec<DrawingId> = episode.support.concat();
    let support = all.len();
    assert!((ways..=500).contains(&support));
    for (way, drawings) in episode.support.iter().enumerate() {
        assert!(drawings.iter().all(|&id| character(id) == classes[way]));
        assert!(drawings.len() <= has(&classes[way]) - queries);
        let asked = episode.queries.iter().filter(|query| query.1 == way);
        assert_eq!(asked.count(), queries);
    }
    for &(query, answer) in &episode.queries {
        assert_eq!(character(query), classes[answer]);
        all.push(query);
    }
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn an_episode_has_one_alphabet_and_no_drawing_twice() {
    let store = made_up();
    let set = episodes(&store, 1, 300);
    set.episodes
        .iter()
        .for_each(|episode| check(&store, episode));
    assert_eq!(set, episodes(&store, 1, 300));
    assert_eq!(set.episodes[..7], episodes(&store, 1, 7).episodes);
    assert_ne!(set, episodes(&store, 2, 300));
    let [fewest, most] = set.ways();
    assert!(fewest == 5 && most > 8, "{fewest} to {most} ways");
    let shots: BTreeSet<usize> = (set.episodes.iter())
        .flat_map(|episode| episode.support.iter().map(Vec::len))
        .collect();
    assert!(shots.len() > 2 && shots.contains(&1), "{shots:?}");
    assert!(EpisodeSet::draw(&store, &[], 1, 1).is_err());
}

/// The published law, in the terms of its authors, gives a mean of so many ways and shots where
/// alphabets have so many characters of 20 drawings each.
#[test]
fn omniglots_episodes_are_of_the_published_size() {
    let Some(store) = crate::real::store() else {
        return;
    };
    let set = episodes(&store, 0, 4_000);
    set.episodes[..200]
        .iter()
        .for_each(|episode| check(&store, episode));
    assert_eq!(set.ways()[0], 5);
    assert_eq!(set.ways()[1], 47); // Malayalam's
    let n = set.episodes.len() as f64;
    let ways = |episode: &Episode| episode.support.len() as f64;
    let mean = set.episodes.iter().map(ways).sum::<f64>() / n;
    // An alphabet of n characters has (5 + n) / 2 ways in the mean; the evaluation alphabets have
    // 659 characters together.
    let expected = 0.5 * (5.0 + 659.0 / 20.0);
    assert!((mean - expected).abs() < 0.6, "{mean} ways, not {expected}");
    let shots = |episode: &Episode| episode.support.concat().len() as f64 / ways(episode);
    let shots = set.episodes.iter().map(shots).sum::<f64>() / n;
    // The size is 5.5 for each way in the mean, of which rounding takes about a half, and the
    // ten that a class has at most a little more.
    assert!((4.5..5.5).contains(&shots), "{shots} shots");
    assert_eq!(
        set.queries(),
        set.episodes
            .iter()
            .map(|e| 10 * e.support.len() as u64)
            .sum::<u64>()
    );
}

#[test]
fn vinyals_set_aside_the_last_423_characters() {
    let Some(store) = crate::real::store() else {
        return;
    };
    let draw = || TaskSet::of_protocol(&store, Protocol::Vinyals, (20, 5), 3, 2_000).unwrap();
    let set = draw();
    assert_eq!(set, draw());
    let character = |number: u32| store.character_of(number / 4);
    let classes: BTreeSet<(u32, u32)> = (set.tasks.iter())
        .flat_map(|task| &task.support)
        .map(|&number| (character(number), number % 4))
        .collect();
    assert_eq!(classes.len(), 4 * 423);
    let first = classes.first().unwrap().0;
    let name = &store.character(first).name;
    let alphabet = &store.alphabet(store.character(first).alphabet).name;
    // The list of Snell, Swersky & Zemel begins with it.
    assert_eq!(
        (alphabet.as_str(), name.as_str()),
        ("Gurmukhi", "character42")
    );
    for task in &set.tasks {
        let ways: Vec<&[u32]> = task.support.chunks(5).collect();
        let class = |number: u32| (character(number), number % 4);
        let of: BTreeSet<_> = ways.iter().map(|way| class(way[0])).collect();
        assert_eq!((ways.len(), of.len()), (20, 20));
        for way in &ways {
            assert!(way.iter().all(|&number| class(number) == class(way[0])));
            assert_eq!(way.iter().collect::<BTreeSet<_>>().len(), 5);
        }
        assert_eq!(class(task.query), class(ways[task.answer][0]));
        assert!(!task.support.contains(&task.query));
    }
}

#[test]
fn vinyals_split_of_another_store_is_refused() {
    let refused = TaskSet::of_protocol(&made_up(), Protocol::Vinyals, (5, 1), 3, 10).unwrap_err();
    assert!(
        matches!(refused, EvalError::NotOmniglot { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("leave this protocol out"));
}

#[test]
fn networks_answer_episodes_and_the_mean_is_over_episodes() {
    let store = made_up();
    let other = |seed| {
        let model = compact(&[]);
        model.card.network.initialise(model.weights(), seed);
        model
    };
    let entrants = [0, 1].map(|seed| Entrant {
        name: format!("network {seed}"),
        role: Role::Network,
        model: other(seed),
        digest: String::new(),
    });
    let plan = Plan {
        protocols: vec![(Protocol::Within, 1)],
        ways: 5,
        trials: 80,
        curve_trials: 0,
        episodes: 12,
        verification: false,
        seed: 3,
        ties: Ties::Against,
        copies: 0,
        assignment: false,
        ensemble: false,
        gallery: true,
        fine_tuned: false,
    };
    let ranks = Ranks::alone();
    let (evaluation, gallery) = evaluate(
        &Arc::clone(&store),
        &entrants,
        &plan,
        None,
        false,
        &ranks,
        |_| (),
    )
    .unwrap();
    let found = evaluation.episodes.unwrap();
    let set = episodes(&store, 3, 12);
    assert_eq!((found.episodes, found.queries), (12, set.queries()));
    assert_eq!(found.systems.len(), 2);
    for system in &found.systems {
        assert_eq!(system.score.asked, set.queries());
        assert!(system.percent > found.chance && system.percent < 100.0);
        assert!(system.interval[0] < system.percent && system.percent < system.interval[1]);
    }
    let shared = evaluation.protocols[0].shared.unwrap();
    assert_eq!((shared.networks, shared.all_wrong.asked), (2, 80));
    assert!(shared.same_wrong.right <= shared.all_wrong.right);
    assert_eq!(gallery.shared.len() as u64, shared.same_wrong.right.min(20));
}

#[test]
fn shared_errors_are_the_same_wrong_way_of_all() {
    let task = Task {
        support: vec![0, 1, 2],
        query: 3,
        answer: 0,
    };
    let mut run = ProtocolRun::new(TaskSet {
        protocol: Protocol::Within,
        shots: 1,
        seed: Some(0),
        tasks: vec![task; 5],
        groups: vec!["a".to_owned()],
        group_of: vec![0; 5],
    });
    let answers = |chosen: [Option<usize>; 5]| Answers {
        chosen: chosen.to_vec(),
        tied: 0,
        places: Vec::new(),
    };
    run.add(
        "one",
        Role::Network,
        answers([Some(0), Some(1), Some(1), None, Some(2)]),
    );
    assert_eq!((run.same_wrong(), run.scores(0).shared), (vec![], None));
    run.add("pixels", Role::Baseline, answers([Some(0); 5]));
    run.add(
        "two",
        Role::Network,
        answers([Some(1), Some(1), Some(2), None, Some(2)]),
    );
    assert_eq!(run.same_wrong(), [(1, 1), (4, 2)]);
    let shared = run.scores(0).shared.unwrap();
    assert_eq!((shared.all_wrong.right, shared.same_wrong.right), (4, 2));
}

#[test]
fn a_mean_has_the_interval_of_the_normal_law() {
    let (mean, [low, high]) = mean_interval(&[90.0, 94.0, 92.0, 96.0]);
    let reach = 1.96 * (20f64 / 3.0).sqrt() / 2.0;
    assert_eq!(mean, 93.0);
    assert!((mean - low - reach).abs() < 1e-12 && (high - mean - reach).abs() < 1e-12);
    assert_eq!(mean_interval(&[50.0]), (50.0, [0.0, 100.0]));
}
