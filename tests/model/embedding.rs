//! What the embeddings of drawings promise, and how tasks are answered by them.

use crate::common::drawings::made_up;
use crate::common::untrained::{compact, model};
use omnishot::eval::{Embeddings, Entrant, Network, Role, Scorer, TaskSet};
use omnishot::ranks::Ranks;
use omnishot::sample::{Scope, Task, TaskShape};

/// Each drawing is embedded with running statistics, so what else is asked for changes nothing.
#[test]
fn a_drawing_is_embedded_alone() {
    let store = made_up();
    let model = compact(&[]);
    let all = Embeddings::of(&model, &store, 0..300).unwrap();
    for id in [0, 17, 299] {
        let alone = Embeddings::of(&model, &store, [id, id]).unwrap();
        assert_eq!(alone.drawings(), [id]);
        let near = all
            .row(id)
            .iter()
            .zip(alone.row(id))
            .all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "{id}");
    }
    let averaged = Embeddings::averaged(&model, &store, 0..9, 3, 1, &Ranks::alone()).unwrap();
    assert!((averaged.inner(4, 4) - 1.0).abs() < 1e-6);
    assert_ne!(averaged.row(4), all.row(4));
    let none = Embeddings::averaged(&model, &store, 0..300, 0, 1, &Ranks::alone()).unwrap();
    assert!((none.similarity(3, 9) - all.similarity(3, 9)).abs() < 1e-6);
}

#[test]
fn networks_together_answer_by_the_mean_of_their_cosines() {
    let store = made_up();
    let wider = [
        "network.side=16",
        "network.width=3",
        "network.dimensions=12",
    ];
    let each = [compact(&[]), model("compact", &wider, &[])]
        .map(|model| Embeddings::of(&model, &store, 0..40).unwrap());
    let together = Embeddings::ensemble(&each);
    assert_eq!((together.dimensions(), together.drawings().len()), (20, 40));
    for (a, b) in [(0, 0), (3, 17), (39, 4)] {
        let mean = (each[0].similarity(a, b) + each[1].similarity(a, b)) / 2.0;
        assert!((together.similarity(a, b) - mean).abs() < 1e-6);
    }
}

#[test]
fn several_shots_are_answered_by_the_cosine_with_their_mean() {
    let store = made_up();
    let embeddings = Embeddings::of(&compact(&[]), &store, 0..40).unwrap();
    let task = Task {
        support: vec![0, 1, 2, 20, 21, 22],
        query: 7,
        answer: 0,
    };
    let ways = embeddings.similarities(&task, 3).unwrap();
    for (way, drawings) in ways.iter().zip(task.support.chunks(3)) {
        let mean = |at: usize| {
            drawings
                .iter()
                .map(|&id| f64::from(embeddings.row(id)[at]))
                .sum()
        };
        let mean: Vec<f64> = (0..embeddings.dimensions()).map(mean).collect();
        let length = mean.iter().map(|value| value * value).sum::<f64>().sqrt();
        let query = embeddings.row(7).iter().zip(&mean);
        let product: f64 = query.map(|(&value, mean)| f64::from(value) * mean).sum();
        assert!((way - product / length).abs() < 1e-6);
    }
    // One shot is its own mean.
    let single = embeddings.similarities(&task, 1).unwrap();
    assert_eq!(single[3], embeddings.similarity(7, 20));
}

/// Of a set that takes more than one pass, by a network with the whole support in view and one
/// without.
#[test]
fn some_questions_are_answered_as_all_are() {
    let store = made_up();
    let shape = TaskShape {
        ways: 3,
        shots: 1,
        scope: Scope::Within,
    };
    let set = TaskSet::random(&store, &[0, 1], shape, 4, 600).unwrap();
    let side = |network: &str| format!("network.{network}side=32");
    for (preset, embedder) in [("matching", "embedder."), ("compact", "")] {
        let entrant = Entrant {
            name: preset.to_owned(),
            role: Role::Network,
            model: model(preset, &[&side(embedder)], &[]),
            digest: String::new(),
        };
        let drawings: Vec<_> = set.drawings().collect();
        let embeddings = Embeddings::of(&entrant.model, &store, drawings).unwrap();
        let network = Network::new(&entrant, embeddings);
        assert_eq!(network.has_context(), preset == "matching");
        let all = network.similarities(&set).unwrap();
        let wanted = [599, 0, 255, 256, 599];
        let some = network.similarities_of(&set, &wanted).unwrap();
        assert_eq!(some, wanted.map(|at| all[at].clone()));
    }
}
