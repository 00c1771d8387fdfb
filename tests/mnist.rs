//! One-shot tasks of digits: their laws, and their scores against plain loops.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;
use common::digits;
use std::sync::OnceLock;

use common::digits::{SIDE, digits, idx};
use omnishot::archive::Digits;
use omnishot::distort::grey::enlarge;
use omnishot::distort::{Distorter, Distortion, Resize};
use omnishot::eval::{
    Answers, DigitError, DigitPixels, DigitTasks, DigitTrials, Embeddings, ProtocolRun, Role,
    Rules, Score, Scorer, Ties,
};
use omnishot::model::{
    Card, CompactShape, Comparison, KochShape, Model, NetworkShape, TowerShape, ordered,
};
use omnishot::ranks::Ranks;
use omnishot::seed::{Purpose, Stream};
use proptest::prelude::*;
use tch::{Device, Tensor};

/// Twenty images of each digit.
fn twenty() -> &'static Digits {
    static DIGITS: OnceLock<Digits> = OnceLock::new();
    DIGITS.get_or_init(|| digits(20))
}

fn trials(ways: usize, shots: usize, trials: u64, seed: u64) -> DigitTrials {
    DigitTrials {
        ways,
        shots,
        trials,
        seed,
    }
}

/// Digits with these labels, of one pixel each.
fn labelled(labels: &[u8]) -> Digits {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["images", "labels"].map(|name| folder.path().join(name));
    let count = labels.len();
    std::fs::write(&paths[0], idx(&[count, 1, 1], &vec![0; count])).unwrap();
    std::fs::write(&paths[1], idx(&[count], labels)).unwrap();
    Digits::read(&paths[0], &paths[1]).unwrap()
}

proptest! {
    #[test]
    fn tasks_keep_their_laws(
        ways in 2usize..=10,
        shots in 1usize..20,
        seed in any::<u64>(),
        index in 0u64..1 << 48,
    ) {
        let tasks = DigitTasks::new(twenty(), trials(ways, shots, 1, seed)).unwrap();
        let task = tasks.draw(index);
        prop_assert_eq!(&task, &tasks.clone().draw(index));
        let label = |at: u32| twenty().labels()[at as usize];
        prop_assert_eq!(task.support.len(), ways * shots);
        prop_assert!(!task.support.contains(&task.query));
        let mut drawn = task.support.clone();
        drawn.sort_unstable();
        drawn.dedup();
        prop_assert_eq!(drawn.len(), ways * shots);
        let mut shown = Vec::new();
        for way in task.support.chunks(shots) {
            prop_assert!(way.iter().all(|&at| label(at) == label(way[0])));
            shown.push(label(way[0]));
        }
        prop_assert_eq!(label(task.query), shown[task.answer]);
        shown.sort_unstable();
        shown.dedup();
        prop_assert_eq!(shown.len(), ways);
    }
}

#[test]
fn answers_queries_and_digits_are_uniform() {
    let tasks = DigitTasks::new(twenty(), trials(10, 1, 1, 4)).unwrap();
    let (mut answers, mut asked, mut first) = ([0f64; 10], [0f64; 10], [0f64; 10]);
    let mut images = [[0f64; 200]; 2];
    for index in 0..20_000 {
        let task = tasks.draw(index);
        answers[task.answer] += 1.0;
        asked[usize::from(twenty().labels()[task.query as usize])] += 1.0;
        first[usize::from(twenty().labels()[task.support[0] as usize])] += 1.0;
        images[0][task.query as usize] += 1.0;
        images[1][task.support[3] as usize] += 1.0;
    }
    let chi = |counts: &[f64]| -> f64 {
        let want = 20_000.0 / counts.len() as f64;
        counts.iter().map(|n| (n - want).powi(2) / want).sum()
    };
    // Chi-square with 9 and 199 degrees stays below these in 99.9% of seeds.
    for counts in [answers, asked, first] {
        assert!(chi(&counts) < 27.9, "{counts:?}");
    }
    for counts in images {
        assert!(chi(&counts) < 266.4, "{counts:?}");
    }
}

#[test]
fn tasks_are_pinned() {
    let tasks = DigitTasks::new(twenty(), DigitTrials::koch(7)).unwrap();
    let first: Vec<_> = (0..64).map(|index| tasks.draw(index)).collect();
    let mut hasher = blake3::Hasher::new();
    for task in &first {
        for &at in task.support.iter().chain([&task.query]) {
            hasher.update(&at.to_le_bytes());
        }
        hasher.update(&(task.answer as u64).to_le_bytes());
    }
    assert_eq!(hasher.finalize().to_hex()[..16], *"d6e59656b405bce9");
}

#[test]
fn trials_that_cannot_be_drawn_are_refused() {
    for (shape, what) in [
        (trials(1, 1, 1, 0), "ways"),
        (trials(11, 1, 1, 0), "ways"),
        (trials(10, 0, 1, 0), "shots"),
        (trials(10, usize::MAX, 1, 0), "shots"),
        (trials(10, 1, 0, 0), "trials"),
        (trials(10, 1, u64::MAX, 0), "trials"),
    ] {
        let error = DigitTasks::new(twenty(), shape).unwrap_err();
        assert!(
            matches!(error, DigitError::Range { .. }) && error.to_string().contains(what),
            "{error}"
        );
    }
    // The query takes one image more than the shots.
    assert!(DigitTasks::new(twenty(), trials(10, 19, 1, 0)).is_ok());
    let error = DigitTasks::new(twenty(), trials(10, 20, 1, 0)).unwrap_err();
    assert!(matches!(error, DigitError::TooFew { found: 0, .. }));
    let few = labelled(&[0, 0, 1, 1, 2, 3, 3, 3]);
    let error = DigitTasks::new(&few, trials(4, 1, 1, 0)).unwrap_err();
    assert!(matches!(error, DigitError::TooFew { found: 3, .. }));
    let tasks = DigitTasks::new(&few, trials(3, 1, 1, 0)).unwrap();
    for index in 0..100 {
        // The lone 2 is never drawn.
        let task = tasks.draw(index);
        assert!(task.query != 4 && !task.support.contains(&4));
    }
    assert!(DigitTasks::new(&labelled(&[]), trials(2, 1, 1, 0)).is_err());
}

fn score(tasks: &DigitTasks, scorer: &impl Scorer) -> Score {
    let set = tasks.set();
    Answers::of(scorer, &set, Ties::Against)
        .unwrap()
        .score(&set)
}

fn network(tasks: &DigitTasks, model: &Model) -> Score {
    let embeddings = Embeddings::of_digits(model, twenty(), tasks.set().drawings());
    score(tasks, &embeddings)
}

/// Right answers by the plain rule: the way with the greatest similarity, and no other with it.
fn count(tasks: &DigitTasks, mut similarity: impl FnMut(u32, &[u32]) -> f64) -> Score {
    let DigitTrials { shots, trials, .. } = tasks.trials();
    let mut score = Score::default();
    for index in 0..trials {
        let task = tasks.draw(index);
        let ways = task.support.chunks(shots);
        let alike: Vec<f64> = ways.map(|way| similarity(task.query, way)).collect();
        let rivals = alike
            .iter()
            .enumerate()
            .filter(|(way, _)| *way != task.answer);
        let right = rivals
            .into_iter()
            .all(|(_, &other)| alike[task.answer] > other);
        score.right += u64::from(right);
        score.asked += 1;
    }
    score
}

#[test]
fn the_nearest_neighbour_is_a_plain_loop() {
    for (ways, shots, seed) in [(10, 1, 1), (10, 3, 2), (5, 2, 3)] {
        let tasks = DigitTasks::new(twenty(), trials(ways, shots, 300, seed)).unwrap();
        for side in [SIDE, 35] {
            let image = |at: u32| -> Vec<f64> {
                let image = enlarge(twenty().image(at as usize), SIDE, side);
                image.into_iter().map(f64::from).collect()
            };
            let images: Vec<Vec<f64>> = (0..200).map(image).collect();
            let want = count(&tasks, |query, way| {
                let distance = |&at: &u32| -> f64 {
                    let pairs = images[query as usize].iter().zip(&images[at as usize]);
                    pairs.map(|(a, b)| (a - b).powi(2)).sum()
                };
                -way.iter().map(distance).fold(f64::MAX, f64::min)
            });
            let got = score(&tasks, &DigitPixels::new(twenty(), side));
            assert_eq!(got, want);
            assert!(
                got.percent() > 150.0 / ways as f64 && got.right < got.asked,
                "{got:?}"
            );
        }
    }
}

/// A network with weights that no one trained, large enough to tell images apart by more than
/// the rounding of an `f32`.
fn model(network: NetworkShape, distortion: Distortion) -> Model {
    let card = Card {
        program: "test".to_owned(),
        network,
        distortion,
        seed: 3,
        steps: 0,
        batch: 1,
        store: String::new(),
        training: Vec::new(),
        validation: Vec::new(),
        pictures: None,
    };
    let model = Model::new(card, Device::Cpu);
    network.initialise(model.weights(), 3);
    if matches!(network.tower, TowerShape::Koch(_)) {
        let mut stream = Stream::new(3, Purpose::Synthetic, 0);
        for (_, mut tensor) in ordered(model.weights()) {
            let values = (0..tensor.numel()).map(|_| (0.6 * stream.signed_unit()) as f32);
            let values = Tensor::from_slice(&values.collect::<Vec<_>>());
            tch::no_grad(|| tensor.copy_(&values.view(tensor.size().as_slice())));
        }
    }
    model
}

fn models() -> [Model; 3] {
    let compact = CompactShape {
        side: 48,
        width: 4,
        dimensions: 16,
        dropout: 0.0,
    };
    let koch = KochShape {
        side: 35,
        filters: [3, 4, 4, 5],
        kernels: [4, 3, 2, 2],
        units: 12,
        linear_deviation: 0.2,
    };
    let triangle = Distortion {
        resize: Resize::Triangle,
        ..Distortion::KOCH
    };
    [
        model(compact.into(), Distortion::COMPACT),
        model(koch.into(), Distortion::KOCH),
        model(koch.into(), triangle),
    ]
}

#[test]
fn a_network_is_asked_image_by_image() {
    // Single images are too little work to share.
    tch::set_num_threads(1);
    for model in models() {
        let side = model.card.network.side();
        let distorter = Distorter::new(model.card.distortion).unwrap();
        let mut distorter = distorter.at(side).unwrap();
        let embeddings: Vec<Vec<f64>> = (0..200)
            .map(|at| {
                let mut pixels = vec![0f32; side * side];
                distorter.plain_grey(twenty().image(at), SIDE, &mut pixels);
                let image = Tensor::from_slice(&pixels).view([1, 1, side as i64, side as i64]);
                Vec::try_from(model.embed(&image).to_kind(tch::Kind::Double).view([-1])).unwrap()
            })
            .collect();
        let alike = |a: u32, b: u32| -> f64 {
            let pairs = embeddings[a as usize].iter().zip(&embeddings[b as usize]);
            match model.network.comparison() {
                Comparison::Cosine => pairs.map(|(a, b)| a * b).sum(),
                Comparison::Distance { weights, .. } => (pairs.zip(weights))
                    .map(|((a, b), weight)| f64::from(weight) * (a - b).abs())
                    .sum(),
            }
        };
        // Of several drawings' sum, where the cosine with their mean is what counts.
        let length = |way: &[u32]| match model.network.comparison() {
            Comparison::Cosine => {
                let sum = |d: usize| {
                    way.iter()
                        .map(|&at| embeddings[at as usize][d])
                        .sum::<f64>()
                };
                (0..16).map(|d| sum(d).powi(2)).sum::<f64>().sqrt()
            }
            Comparison::Distance { .. } => 1.0,
        };
        for (shots, seed) in [(1, 1), (3, 2)] {
            let tasks = DigitTasks::new(twenty(), trials(10, shots, 200, seed)).unwrap();
            let want = count(&tasks, |query, way| {
                let sum: f64 = way.iter().map(|&at| alike(query, at)).sum();
                sum / length(way)
            });
            let got = network(&tasks, &model);
            // Sums of f32 in batches of another size may turn a near tie.
            assert!(got.right.abs_diff(want.right) <= 1, "{got:?} {want:?}");
            assert!(
                got.asked == 200 && (25..200).contains(&got.right),
                "{got:?}"
            );
        }
    }
}

#[test]
fn a_network_that_tells_nothing_apart_is_never_right() {
    for mut model in models() {
        for (_, mut tensor) in ordered(model.weights_mut()) {
            let _ = tch::no_grad(|| tensor.fill_(0.0));
        }
        let tasks = DigitTasks::new(twenty(), trials(10, 2, 50, 1)).unwrap();
        let want = Score {
            right: 0,
            asked: 50,
        };
        assert_eq!(network(&tasks, &model), want);
    }
}

/// Asks the nearest neighbours in pixels.
fn ask_pixels(digits: &Digits, run: &mut ProtocolRun) {
    let (ties, ranks) = (Ties::Against, &Ranks::alone());
    for pixels in DigitPixels::baselines(digits) {
        run.ask(&pixels, Rules { ties, ranks }).unwrap();
    }
}

#[test]
fn scores_do_not_hang_on_the_number_of_threads() {
    let tasks = DigitTasks::new(twenty(), trials(10, 2, 200, 5)).unwrap();
    let asked = || {
        let mut asked = ProtocolRun::new(tasks.set());
        ask_pixels(twenty(), &mut asked);
        let embeddings = Embeddings::of_digits(&models()[0], twenty(), asked.set.drawings());
        let answers = Answers::of(&embeddings, &asked.set, Ties::Against).unwrap();
        asked.add("network", Role::Network, answers);
        asked.scores(1)
    };
    let scores = asked();
    let names: Vec<&str> = scores.systems.iter().map(|s| &s.system[..]).collect();
    let pixels = ["pixel 1-NN, L2, 28 x 28", "pixel 1-NN, L2, 35 x 35"];
    assert_eq!(names, [pixels[0], pixels[1], "network"]);
    assert_eq!(
        (scores.protocol.name(), scores.ways, scores.chance),
        ("mnist", 10, 10.0)
    );
    for threads in [1, 2, 3] {
        tch::set_num_threads(threads);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads as usize);
        assert_eq!(pool.build().unwrap().install(asked), scores);
    }
}

#[test]
fn digits_of_any_side_are_scored() {
    for side in [1, 8, 35, 60] {
        let mut stream = Stream::new(side as u64, Purpose::Synthetic, 0);
        let pixels: Vec<u8> = (0..40 * side * side)
            .map(|_| stream.below(256) as u8)
            .collect();
        let labels: Vec<u8> = (0..40).map(|at| at % 10).collect();
        let folder = tempfile::tempdir().unwrap();
        let files = [idx(&[40, side, side], &pixels), idx(&[40], &labels)];
        digits::write(folder.path(), &files, ["images", "labels"]);
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        let digits = Digits::read(&images, &labels).unwrap();
        let tasks = DigitTasks::new(&digits, trials(10, 1, 20, 1)).unwrap();
        let mut asked = ProtocolRun::new(tasks.set());
        ask_pixels(&digits, &mut asked);
        let embeddings = Embeddings::of_digits(&models()[0], &digits, asked.set.drawings());
        let answers = Answers::of(&embeddings, &asked.set, Ties::Against).unwrap();
        asked.add("network", Role::Network, answers);
        assert_eq!(asked.systems.len(), if side < 35 { 3 } else { 2 });
        assert!(
            asked
                .scores(0)
                .systems
                .iter()
                .all(|system| system.score.asked == 20)
        );
    }
}
