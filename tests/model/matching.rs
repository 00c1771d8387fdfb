//! Matching Networks' context against their paper and against plain arithmetic.

use crate::common::small;
use std::collections::BTreeMap;

use crate::common::drawings::made_up;
use omnishot::eval::{Embeddings, TaskSet, Ties, answer, answer_in_context, stands_out};
use omnishot::model::{CompactShape, MatchingShape, Network, NetworkShape, ordered};
use omnishot::sample::{Scope, Task, TaskShape};
use omnishot::seed::{Purpose, Stream};
use omnishot::train::matching;
use proptest::prelude::*;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Dimensions of all vectors.
const D: usize = 3;
const SMALL: MatchingShape = MatchingShape {
    steps: 3,
    scale: 4.0,
    embedder: CompactShape {
        side: 16,
        width: 1,
        dimensions: D as i64,
        dropout: 0.0,
    },
};

fn flat(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.detach().to_kind(Kind::Double).flatten(0, -1);
    Vec::try_from(flat).unwrap()
}

fn values(stream: &mut Stream, count: usize) -> Tensor {
    let values = (0..count).map(|_| stream.signed_unit() as f32);
    Tensor::from_slice(&values.collect::<Vec<_>>())
}

/// A small network with random weights, large enough that gates open and close.
fn random(seed: u64) -> (VarStore, Network) {
    let weights = VarStore::new(Device::Cpu);
    let network = Network::new(&weights.root(), SMALL.into());
    let mut stream = Stream::new(seed, Purpose::Synthetic, 0);
    for (_, mut tensor) in ordered(&weights) {
        let new = values(&mut stream, tensor.numel()).view(tensor.size().as_slice());
        tch::no_grad(|| tensor.copy_(&new));
    }
    (weights, network)
}

/// Unit vectors `[shape.., D]`.
fn embeddings(seed: u64, shape: &[i64]) -> Tensor {
    let count = shape.iter().product::<i64>() as usize;
    let mut stream = Stream::new(seed, Purpose::Synthetic, 1);
    let rows = values(&mut stream, count * D).view([-1, D as i64]);
    let length = rows
        .square()
        .sum_dim_intlist([1i64].as_slice(), true, Kind::Float)
        .sqrt();
    (rows / length).view([shape, &[D as i64]].concat().as_slice())
}

type Rows = Vec<Vec<f64>>;
/// Weights by name.
type Weights = BTreeMap<String, Vec<f64>>;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// 0 if there is nothing in one of them.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x + y).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let exp: Vec<f64> = logits.iter().map(|logit| logit.exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.iter().map(|e| e / sum).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One step of an LSTM: output and cells.
fn step(
    weights: &Weights,
    name: &str,
    input: &[f64],
    state: &[f64],
    cell: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let part = |what: &str| &weights[&format!("context.{name}.{what}")];
    let (from_input, from_state) = (part("input.weight"), part("hidden.weight"));
    let gate = |at: usize| {
        part("input.bias")[at]
            + dot(&from_input[at * D..][..D], input)
            + dot(&from_state[at * state.len()..][..state.len()], state)
    };
    let (mut out, mut next) = (Vec::new(), Vec::new());
    for (unit, cell) in cell.iter().enumerate() {
        let [take, keep, new, show] = [0, 1, 2, 3].map(|kind| gate(kind * D + unit));
        let value = sigmoid(keep) * cell + sigmoid(take) * new.tanh();
        out.push(sigmoid(show) * value.tanh());
        next.push(value);
    }
    (out, next)
}

/// Log-probabilities of the ways, as the paper's appendix writes them.
fn reference(weights: &Weights, support: &Rows, query: &[f64], shots: usize) -> Vec<f64> {
    let n = support.len();
    let mut g = support.clone();
    for name in ["forward", "backward"] {
        let (mut out, mut cell) = (vec![0.0; D], vec![0.0; D]);
        for place in 0..n {
            let place = if name == "forward" {
                place
            } else {
                n - 1 - place
            };
            (out, cell) = step(weights, name, &support[place], &out, &cell);
            g[place] = add(&g[place], &out);
        }
    }
    let (mut h, mut cell) = (vec![0.0; D], vec![0.0; D]);
    for _ in 0..SMALL.steps {
        let logits: Vec<f64> = g.iter().map(|g| SMALL.scale * cosine(&h, g)).collect();
        let mut read = vec![0.0; D];
        for (attention, g) in softmax(&logits).iter().zip(&g) {
            let part: Vec<f64> = g.iter().map(|x| attention * x).collect();
            read = add(&read, &part);
        }
        let (out, next) = step(weights, "query", query, &[h, read].concat(), &cell);
        (h, cell) = (add(&out, query), next);
    }
    let logits: Vec<f64> = g.iter().map(|g| SMALL.scale * cosine(&h, g)).collect();
    let ways = softmax(&logits);
    ways.chunks(shots)
        .map(|way| way.iter().sum::<f64>().ln())
        .collect()
}

fn rows(flat: &[f64]) -> Rows {
    flat.chunks(D).map(<[f64]>::to_vec).collect()
}

/// The loss of drawings two by two: either half answers the other.
fn reference_loss(weights: &Weights, flat: &[f64]) -> f64 {
    let all = rows(flat);
    let half = |first: usize| -> Rows { all.iter().skip(first).step_by(2).cloned().collect() };
    let mut logs = Vec::new();
    for (support, queries) in [(half(0), half(1)), (half(1), half(0))] {
        for (way, query) in queries.iter().enumerate() {
            logs.push(reference(weights, &support, query, 1)[way]);
        }
    }
    -logs.iter().sum::<f64>() / logs.len() as f64
}

fn by_name(store: &VarStore) -> Weights {
    ordered(store)
        .into_iter()
        .map(|(name, tensor)| (name, flat(&tensor)))
        .filter(|(name, _)| name.starts_with("context."))
        .collect()
}

#[test]
fn answers_are_those_of_plain_arithmetic() {
    tch::set_num_threads(1);
    let (tasks, ways, queries) = (3usize, 4usize, 2usize);
    for seed in 0..3 {
        for shots in [1usize, 2] {
            let (store, network) = random(seed);
            let n = ways * shots;
            let support = embeddings(seed + 10, &[tasks as i64, n as i64]);
            let asked = embeddings(seed + 20, &[tasks as i64, queries as i64]);
            let got = network
                .context()
                .unwrap()
                .answer_all(&support, &asked, shots as i64);
            assert_eq!(got.size(), [tasks as i64, queries as i64, ways as i64]);
            let first =
                network
                    .context()
                    .unwrap()
                    .answer(&support, &asked.select(1, 0), shots as i64);
            assert_eq!(first.size(), [tasks as i64, ways as i64]);
            let (got, first) = (flat(&got), flat(&first));
            let (support, asked) = (rows(&flat(&support)), rows(&flat(&asked)));
            let weights = by_name(&store);
            for (at, query) in asked.iter().enumerate() {
                let task = at / queries;
                let support = support[task * n..][..n].to_vec();
                let expected = reference(&weights, &support, query, shots);
                for way in 0..ways {
                    let apart = (got[at * ways + way] - expected[way]).abs();
                    assert!(apart < 1e-5, "task {task}, way {way}: {apart}");
                    if at % queries == 0 {
                        let apart = (first[task * ways + way] - expected[way]).abs();
                        assert!(apart < 1e-5, "task {task} alone, way {way}: {apart}");
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_are_those_of_plain_arithmetic() {
    tch::set_num_threads(1);
    for seed in 0..2 {
        let (store, network) = random(seed);
        let drawings = embeddings(seed + 30, &[8]).set_requires_grad(true);
        let got = matching(network.context().unwrap(), &drawings);
        let variables: Vec<(String, Tensor)> = ordered(&store)
            .into_iter()
            .filter(|(name, _)| name.starts_with("context."))
            .collect();
        assert_eq!(variables.len(), 9);
        let mut inputs: Vec<&Tensor> = variables.iter().map(|(_, tensor)| tensor).collect();
        inputs.push(&drawings);
        let gradients = Tensor::run_backward(&[&got], &inputs, false, false);

        let (mut weights, mut flat_drawings) = (by_name(&store), flat(&drawings));
        let expected = reference_loss(&weights, &flat_drawings);
        assert!((got.double_value(&[]) - expected).abs() < 1e-5);
        let step = 1e-5;
        let check = |name: &str, at: usize, got: f64, [above, below]: [f64; 2]| {
            let expected = (above - below) / (2.0 * step);
            let near = (got - expected).abs() < 1e-5 + 1e-3 * expected.abs();
            assert!(near, "{name} {at}: {got} and {expected}");
        };
        for ((name, _), gradient) in variables.iter().zip(&gradients) {
            for (at, got) in flat(gradient).into_iter().enumerate() {
                let value = weights[name][at];
                let both = [step, -step].map(|change| {
                    weights.get_mut(name).unwrap()[at] = value + change;
                    reference_loss(&weights, &flat_drawings)
                });
                weights.get_mut(name).unwrap()[at] = value;
                check(name, at, got, both);
            }
        }
        for (at, got) in flat(&gradients[9]).into_iter().enumerate() {
            let value = flat_drawings[at];
            let both = [step, -step].map(|change| {
                flat_drawings[at] = value + change;
                reference_loss(&weights, &flat_drawings)
            });
            flat_drawings[at] = value;
            check("embeddings", at, got, both);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_task_is_answered_alone_and_its_ways_share_all(
        seed in 0u64..1000, tasks in 1i64..6, ways in 1i64..7, shots in 1i64..4,
    ) {
        let (_store, network) = random(seed);
        let support = embeddings(seed + 1, &[tasks, ways * shots]);
        let queries = embeddings(seed + 2, &[tasks]);
        let together = network.context().unwrap().answer(&support, &queries, shots);
        prop_assert_eq!(together.size(), [tasks, ways]);
        let sums = flat(&together.exp().sum_dim_intlist([1i64].as_slice(), false, Kind::Float));
        prop_assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{:?}", sums);
        for task in 0..tasks {
            let one = |tensor: &Tensor| tensor.narrow(0, task, 1);
            let alone = network.context().unwrap().answer(&one(&support), &one(&queries), shots);
            let apart = (alone - one(&together)).abs().max().double_value(&[]);
            prop_assert!(apart < 1e-5, "task {}: {}", task, apart);
        }
    }
}

#[test]
fn the_support_is_read_in_its_order() {
    // Why tasks draw their order at random; and a context that reads nothing would pass the rest.
    let (_store, network) = random(1);
    let (support, queries) = (embeddings(2, &[1, 4]), embeddings(3, &[1]));
    let answer = |support: &Tensor| network.context().unwrap().answer(support, &queries, 1);
    let turned = answer(&support.flip([1])).flip([1]);
    let apart = (turned - answer(&support)).abs().max().double_value(&[]);
    assert!(apart > 1e-3, "{apart}");
}

#[test]
fn first_weights_are_pinned_and_gates_stand_open() {
    let mut digests = Vec::new();
    for libtorch in [1, 2] {
        tch::manual_seed(libtorch);
        let store = VarStore::new(Device::Cpu);
        let _network = Network::new(&store.root(), SMALL.into());
        NetworkShape::from(SMALL).initialise(&store, 5);
        let mut hasher = blake3::Hasher::new();
        for (name, tensor) in ordered(&store) {
            let values = flat(&tensor);
            for &value in &values {
                hasher.update(&(value as f32).to_le_bytes());
            }
            if !name.starts_with("context.") {
                continue;
            }
            if name.ends_with("bias") {
                let expected = [[0.0; D], [1.0; D], [0.0; D], [0.0; D]].concat();
                assert_eq!(values, expected, "{name}");
                continue;
            }
            let bound = 0.1 / (tensor.size()[1] as f64).sqrt();
            let most = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            assert!(most <= bound + 1e-7 && most > 0.7 * bound, "{name}: {most}");
        }
        digests.push(hasher.finalize().to_string());
    }
    assert_eq!(digests[0], digests[1], "libtorch's generator has no part");
    assert_eq!(&digests[0][..16], "4cec938b7ebf4213");
}

#[test]
fn many_tasks_are_scored_by_context() {
    let store = made_up();
    let (_, trained) = small::run(&store, &small::with("matching", 3, &[]), 2, 1);
    let model = &trained.model;
    let shape = TaskShape {
        ways: 5,
        shots: 2,
        scope: Scope::Within,
    };
    // More than one pass takes.
    let set = TaskSet::random(&store, &[0, 1], shape, 4, 300).unwrap();
    let tasks = &set.tasks;
    let drawings = |task: &Task| [&task.support[..], &[task.query]].concat();
    let embeddings = Embeddings::of(model, &store, tasks.iter().flat_map(drawings)).unwrap();
    let answers = answer_in_context(model, &embeddings, tasks, 2).unwrap();
    assert_eq!(answers.len(), 300);
    let rows = |ids: &[u32]| {
        let rows: Vec<f32> = ids
            .iter()
            .flat_map(|&id| embeddings.row(id))
            .copied()
            .collect();
        Tensor::from_slice(&rows).view([1, -1, 16])
    };
    let context = model.network.context().unwrap();
    let mut right = 0;
    for (task, answer) in tasks.iter().zip(&answers) {
        let alone = context.answer(&rows(&task.support), &rows(&[task.query]).squeeze_dim(1), 2);
        for (a, b) in flat(&alone).iter().zip(answer) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        right += u64::from(stands_out(answer) == Some(task.answer));
    }
    let score = answer(model, &store, &set, Ties::Against)
        .unwrap()
        .score(&set);
    assert_eq!((score.right, score.asked), (right, 300));

    let (_, other) = small::run(&store, &small::with("softmax", 3, &[]), 2, 1);
    let drawn = Embeddings::of(&other.model, &store, drawings(&tasks[0])).unwrap();
    assert!(answer_in_context(&other.model, &drawn, &tasks[..1], 2).is_none());
}

#[test]
fn shapes_that_no_network_has_are_refused() {
    let check = |change: fn(&mut MatchingShape)| {
        let mut shape = SMALL;
        change(&mut shape);
        NetworkShape::from(shape).check()
    };
    let wrong: [fn(&mut MatchingShape); 8] = [
        |shape| shape.steps = 0,
        |shape| shape.steps = usize::MAX,
        |shape| shape.scale = 0.0,
        |shape| shape.scale = f64::NAN,
        |shape| shape.scale = f64::INFINITY,
        |shape| shape.embedder.side = 17,
        |shape| shape.embedder.dimensions = 1025,
        |shape| shape.embedder.dimensions = i64::MIN,
    ];
    for (at, change) in wrong.into_iter().enumerate() {
        assert!(check(change).is_err(), "{at}");
    }
    assert_eq!(check(|shape| shape.embedder.dimensions = 1024), Ok(()));
    assert_eq!(check(|_| ()), Ok(()));
}
