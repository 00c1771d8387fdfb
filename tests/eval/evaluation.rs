//! What an evaluation promises: exact protocols, ties against the model, nothing seen before.

use std::sync::Arc;

use crate::common::drawings::made_up;
use crate::common::untrained::{compact, model};
use omnishot::archive::Split;
use omnishot::eval::{
    Answers, CurveTasks, Embeddings, Entrant, EvalError, Hausdorff, Plan, PointSet, Protocol, Role,
    Scorer, TaskSet, Ties, assign, evaluate,
};
use omnishot::model::Model;
use omnishot::ranks::Ranks;
use omnishot::sample::{Scope, Task, TaskShape, alphabets_of};
use omnishot::store::{PageCache, Store, StoreError};

fn entrant(name: &str, model: Model) -> Entrant {
    Entrant {
        name: name.to_owned(),
        role: Role::Network,
        model,
        digest: String::new(),
    }
}

fn plan() -> Plan {
    Plan {
        protocols: vec![
            (Protocol::LakeRuns, 1),
            (Protocol::Within, 2),
            (Protocol::Between, 1),
        ],
        ways: 5,
        trials: 60,
        curve_trials: 0,
        episodes: 0,
        verification: false,
        seed: 3,
        ties: Ties::Against,
        copies: 0,
        assignment: false,
        ensemble: false,
        gallery: false,
        fine_tuned: false,
    }
}

fn random(store: &Store, scope: Scope, shots: usize, trials: u64) -> TaskSet {
    let alphabets = alphabets_of(store, Split::Evaluation);
    let shape = TaskShape {
        ways: 5,
        shots,
        scope,
    };
    TaskSet::random(store, &alphabets, shape, 3, trials).unwrap()
}

/// Finds everything equally like.
struct Blind;

impl Scorer for Blind {
    type Similarity = f64;

    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<f64>, StoreError> {
        Ok(vec![0.5; task.support.len() / shots])
    }
}

/// Knows the right answer of some questions, and is blind in the others.
struct Knows(u32);

impl Scorer for Knows {
    type Similarity = f64;

    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<f64>, StoreError> {
        let mut ways = vec![0.0; task.support.len() / shots];
        if task.query.is_multiple_of(self.0) {
            ways[task.answer] = 1.0;
        }
        Ok(ways)
    }
}

#[test]
fn whoever_is_blind_is_right_by_no_rule_but_luck() {
    let store = made_up();
    let set = random(&store, Scope::Within, 1, 2_000);
    let percent = |ties| {
        Answers::of(&Blind, &set, ties)
            .unwrap()
            .score(&set)
            .percent()
    };
    assert_eq!(percent(Ties::Against), 0.0);
    let firsts = set.tasks.iter().filter(|task| task.answer == 0).count();
    assert_eq!(percent(Ties::First), 100.0 * firsts as f64 / 2_000.0);
    assert!((percent(Ties::Random) - 20.0).abs() < 3.0);
    assert_eq!(Answers::of(&Blind, &set, Ties::First).unwrap().tied, 2_000);
    assert!((set.chance() - 20.0).abs() < 1e-9);
}

#[test]
fn a_query_is_never_in_its_support_nor_by_a_drawer_of_it() {
    let store = made_up();
    let drawer = |id: u32| {
        let character = store.character_of(id);
        let place = (id - store.character(character).drawings.start) as usize;
        store.drawers(character).nth(place).unwrap()
    };
    for (scope, shots) in [(Scope::Within, 1), (Scope::Within, 5), (Scope::Between, 3)] {
        let set = random(&store, scope, shots, 300);
        for (task, &group) in set.tasks.iter().zip(&set.group_of) {
            assert!(!task.support.contains(&task.query));
            let character = store.character_of(task.query);
            let places = task.support.chunks(shots).enumerate();
            for (way, drawings) in places {
                let same = drawings
                    .iter()
                    .all(|&id| store.character_of(id) == character);
                assert_eq!(same, way == task.answer);
            }
            if scope == Scope::Within {
                assert!(
                    task.support
                        .iter()
                        .all(|&id| drawer(id) != drawer(task.query))
                );
            }
            let alphabet = store.character(character).alphabet;
            assert_eq!(set.groups[group as usize], store.alphabet(alphabet).name);
        }
        assert_eq!(set, random(&store, scope, shots, 300), "a seed is a set");
    }
}

#[test]
fn several_shots_are_averaged_by_a_distance_and_searched_by_neighbours() {
    let store = made_up();
    let pages = PageCache::new(Arc::clone(&store));
    let set = random(&store, Scope::Between, 3, 40);
    let koch = [
        "network.side=30",
        "network.filters=[2, 2, 2, 2]",
        "network.kernels=[3, 3, 2, 2]",
        "network.units=20",
    ];
    let embeddings = Embeddings::of(&model("keras", &koch, &[]), &store, set.drawings()).unwrap();
    let points = |id| PointSet::new(pages.page(id).unwrap());
    let hausdorff = Hausdorff::new(&pages);
    for task in &set.tasks {
        let ours = embeddings.similarities(task, 3).unwrap();
        let nearest = hausdorff.similarities(task, 3).unwrap();
        let distance = |&id: &u32| points(task.query).distance(&points(id));
        let similarity = |way: &[u32]| way.iter().map(|id| -distance(id)).fold(f64::MIN, f64::max);
        let whole: Vec<f64> = task.support.chunks(3).map(similarity).collect();
        let first = whole.iter().copied().fold(f64::MIN, f64::max);
        for (way, drawings) in task.support.chunks(3).enumerate() {
            let similarities = drawings
                .iter()
                .map(|&id| embeddings.similarity(task.query, id));
            assert_eq!(ours[way], similarities.sum::<f64>() / 3.0);
            // What is not first is not measured to its end.
            assert_eq!(nearest[way] == first, whole[way] == first);
            assert!(nearest[way] <= first);
            let mirrored = |&id: &u32| embeddings.similarity(id, task.query);
            assert_eq!(drawings.iter().map(mirrored).sum::<f64>() / 3.0, ours[way]);
        }
    }
}

#[test]
fn queries_of_a_run_share_its_ways_out() {
    let store = made_up();
    let set = TaskSet::lake_runs(&store).unwrap();
    let ways = |set: &TaskSet| -> Vec<Vec<f64>> {
        let knows = |task| Knows(2).similarities(task, set.shots).unwrap();
        set.tasks.iter().map(knows).collect()
    };
    let assigned = assign(&ways(&set), &set).unwrap();
    for (group, _) in set.groups.iter().enumerate() {
        let of_group = set.group_of.iter().zip(&assigned.chosen);
        let of_group = of_group.filter(|(g, _)| **g as usize == group);
        let mut ways: Vec<usize> = of_group.map(|(_, way)| way.unwrap()).collect();
        ways.sort_unstable();
        assert!(ways.into_iter().eq(0..20), "each way once");
    }
    let alone = Answers::of(&Knows(2), &set, Ties::Against).unwrap();
    for (alone, assigned) in alone.right(&set).zip(assigned.right(&set)) {
        assert!(assigned || !alone, "what one knows stays known");
    }
    // Random tasks have no runs to share.
    let random = random(&store, Scope::Within, 1, 20);
    assert_eq!(assign(&ways(&random), &random), None);
}

#[test]
fn a_network_that_has_seen_the_test_is_refused() {
    let store = made_up();
    let evaluation = store
        .alphabets()
        .iter()
        .find(|a| a.split == Split::Evaluation)
        .unwrap();
    let run = |model, allow| {
        evaluate(
            &store,
            &[entrant("n", model)],
            &plan(),
            None,
            allow,
            &Ranks::alone(),
            |_| (),
        )
    };
    let (report, _) = run(compact(&["Synthetic_01"]), false).unwrap();
    assert!(report.provenance.networks[0].seen.is_empty());
    let Err(EvalError::Seen { network, alphabet }) = run(compact(&[&evaluation.name]), false)
    else {
        panic!("it was scored");
    };
    assert_eq!((network.as_str(), &alphabet), ("n", &evaluation.name));
    // Alphabets to choose by count as seen too.
    let mut chosen = compact(&[]);
    chosen.card.validation.push(evaluation.name.clone());
    assert!(matches!(run(chosen, false), Err(EvalError::Seen { .. })));
    let (report, _) = run(compact(&[&evaluation.name]), true).unwrap();
    assert_eq!(
        report.provenance.networks[0].seen[..],
        std::slice::from_ref(&evaluation.name)[..]
    );
}

#[test]
fn networks_are_told_apart_from_baselines_and_compared_on_the_same_tasks() {
    let store = made_up();
    let (first, second) = (entrant("a", compact(&[])), entrant("b", compact(&[])));
    let mut third = entrant("c", compact(&[]));
    third.role = Role::Baseline;
    let everything = Plan {
        copies: 1,
        assignment: true,
        ensemble: true,
        gallery: true,
        fine_tuned: true,
        curve_trials: 3,
        ..plan()
    };
    let (report, gallery) = evaluate(
        &store,
        &[first, second, third],
        &everything,
        None,
        false,
        &Ranks::alone(),
        |_| (),
    )
    .unwrap();
    for protocol in &report.protocols {
        let spread = protocol.spread.unwrap();
        // Two copies of one network do not differ, and the baseline is not in the mean.
        assert_eq!((spread.count, spread.deviation), (2, 0.0));
        let of = |name: &str| protocol.systems.iter().find(|s| s.system == name).unwrap();
        assert_eq!(of("a").score, of("b").score);
        assert_eq!(of("2 networks together").score, of("a").score);
        let test = protocol
            .comparisons
            .iter()
            .find(|t| t.second == "b")
            .unwrap();
        assert_eq!(
            (test.first.as_str(), test.only_first, test.p),
            ("a", 0, 1.0)
        );
        assert_eq!(protocol.comparisons.len(), protocol.systems.len() - 1);
        for system in &protocol.systems {
            let asked: u64 = system.groups.iter().map(|group| group.score.asked).sum();
            let right: u64 = system.groups.iter().map(|group| group.score.right).sum();
            assert_eq!((right, asked), (system.score.right, system.score.asked));
            let plain = ["a", "b"].contains(&system.system.as_str());
            assert_eq!(plain, system.role == Role::Network, "{}", system.system);
        }
    }
    // What is only compared with has neither curve nor variants, but for the fine-tuned one.
    let curve = report.curve.as_ref().unwrap();
    assert!(curve.lines.iter().any(|line| line.name.starts_with("b, ")));
    assert!(!curve.lines.iter().any(|line| line.name.starts_with("c, ")));
    let of_third = report.protocols[0]
        .systems
        .iter()
        .filter(|s| s.system.starts_with('c'));
    assert_eq!(of_third.count(), 2);
    assert_eq!(gallery.network, "a");
    assert!(!gallery.neighbours.is_empty() && gallery.map.is_some());
    assert!(
        gallery
            .failures
            .iter()
            .all(|failure| failure.chosen != Some(failure.answer))
    );
    let curve = report.curve.unwrap();
    assert!(
        curve
            .lines
            .iter()
            .all(|line| line.percent.len() <= curve.ways.len())
    );
}

#[test]
fn a_curve_has_as_many_ways_as_there_are_characters() {
    let store = made_up();
    let evaluation = alphabets_of(&store, Split::Evaluation);
    let one = CurveTasks::draw(&store, &evaluation[..1], 1, 4).unwrap();
    let characters = store.alphabet(evaluation[0]).characters.len();
    assert!(one.ways().into_iter().eq(2..=characters));
    assert_eq!(one.sets()[0].chance(), 50.0);
    assert!(CurveTasks::draw(&store, &[], 1, 4).is_err());
}

#[test]
fn digits_have_one_name_and_are_known_by_their_old_one() {
    let json = |text: &str| serde_json::from_str::<Protocol>(text).unwrap();
    for protocol in Protocol::ALL.into_iter().chain([Protocol::Digits]) {
        let name = serde_json::to_string(&protocol).unwrap();
        assert_eq!(name, format!("\"{}\"", protocol.name()));
        assert_eq!(json(&name), protocol);
    }
    assert_eq!(json("\"digits\""), Protocol::Digits);
}
