//! Koch's network against its paper and against plain arithmetic.

use omnishot::model::{Distance, KochShape, Network, NetworkShape, ordered};
use omnishot::seed::{Purpose, Stream};
use omnishot::train::verification;
use tch::nn::VarStore;
use tch::{Device, Tensor};

/// Every part of the network, and small enough for plain loops.
const SMALL: KochShape = KochShape {
    side: 32,
    filters: [2, 3, 3, 4],
    kernels: [4, 3, 2, 2],
    units: 5,
    linear_deviation: 0.2,
};
const PAIRS: usize = 3;

fn flat(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.detach().to_kind(tch::Kind::Double).flatten(0, -1);
    Vec::try_from(flat).unwrap()
}

fn score(network: &Network) -> &Distance {
    network.distance().unwrap()
}

/// A small network with random weights, and random images of both towers.
fn random(seed: u64) -> (VarStore, Network, Tensor) {
    let weights = VarStore::new(Device::Cpu);
    let network = Network::new(&weights.root(), SMALL.into());
    let mut stream = Stream::new(seed, Purpose::Synthetic, 0);
    let mut values = |count: usize, range: f64| -> Tensor {
        let values = (0..count).map(|_| (range * stream.signed_unit()) as f32);
        Tensor::from_slice(&values.collect::<Vec<_>>())
    };
    for (_, mut tensor) in ordered(&weights) {
        let new = values(tensor.numel(), 0.6).view(tensor.size().as_slice());
        tch::no_grad(|| tensor.copy_(&new));
    }
    let side = SMALL.side;
    let images = values(2 * PAIRS * side * side, 0.5) + 0.5;
    (
        weights,
        network,
        images.view([-1, 1, side as i64, side as i64]),
    )
}

/// Maps `[channels][y][x]`.
type Maps = Vec<Vec<Vec<f64>>>;

fn convolve(input: &Maps, weights: &[f64], biases: &[f64], kernel: usize) -> Maps {
    let side = input[0].len() - kernel + 1;
    let at = |out: usize, of: usize, y: usize, x: usize| {
        weights[((out * input.len() + of) * kernel + y) * kernel + x]
    };
    let pixel = |out: usize, y: usize, x: usize| {
        let mut sum = biases[out];
        for (of, map) in input.iter().enumerate() {
            for dy in 0..kernel {
                for dx in 0..kernel {
                    sum += at(out, of, dy, dx) * map[y + dy][x + dx];
                }
            }
        }
        sum.max(0.0)
    };
    let row = |out, y| (0..side).map(|x| pixel(out, y, x)).collect();
    let map = |out| (0..side).map(|y| row(out, y)).collect();
    (0..biases.len()).map(map).collect()
}

fn pool(input: &Maps) -> Maps {
    let half = |map: &Vec<Vec<f64>>| {
        let greatest = |y: usize, x: usize| {
            let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
            let values = four.map(|(dy, dx)| map[2 * y + dy][2 * x + dx]);
            values.into_iter().fold(f64::MIN, f64::max)
        };
        let side = map.len() / 2;
        let row = |y| (0..side).map(|x| greatest(y, x)).collect();
        (0..side).map(row).collect()
    };
    input.iter().map(half).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The network as the paper writes it, in f64. `weights` are by name, ascending: conv1.bias,
/// conv1.weight, ..., fc.bias, fc.weight, score.bias, score.weight.
fn features(weights: &[Vec<f64>], image: &[f64]) -> Vec<f64> {
    let mut maps: Maps = vec![image.chunks(SMALL.side).map(<[f64]>::to_vec).collect()];
    for layer in 0..4 {
        let (biases, kernel) = (&weights[2 * layer], SMALL.kernels[layer] as usize);
        maps = convolve(&maps, &weights[2 * layer + 1], biases, kernel);
        if layer < 3 {
            maps = pool(&maps);
        }
    }
    let flat: Vec<f64> = maps.into_iter().flatten().flatten().collect();
    let unit = |(row, bias): (&[f64], &f64)| {
        sigmoid(bias + row.iter().zip(&flat).map(|(w, x)| w * x).sum::<f64>())
    };
    weights[9]
        .chunks(flat.len())
        .zip(&weights[8])
        .map(unit)
        .collect()
}

fn loss(weights: &[Vec<f64>], images: &[f64], same: &[f64]) -> f64 {
    let area = SMALL.side * SMALL.side;
    let all: Vec<Vec<f64>> = images.chunks(area).map(|i| features(weights, i)).collect();
    let entropy = |pair: usize| {
        let both = all[pair].iter().zip(&all[PAIRS + pair]);
        let terms = both.zip(&weights[11]).map(|((a, b), w)| w * (a - b).abs());
        let p = sigmoid(weights[10][0] + terms.sum::<f64>());
        -(same[pair] * p.ln() + (1.0 - same[pair]) * (1.0 - p).ln())
    };
    (0..PAIRS).map(entropy).sum::<f64>() / PAIRS as f64
}

#[test]
fn the_published_network_has_38_951_745_parameters() {
    let weights = VarStore::new(Device::Cpu);
    let _network = Network::new(&weights.root(), KochShape::PUBLISHED.into());
    let all: usize = ordered(&weights).iter().map(|(_, t)| t.numel()).sum();
    assert_eq!(all, 38_951_745);
    let names: Vec<String> = ordered(&weights)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let layers = ["conv1", "conv2", "conv3", "conv4", "fc", "score"];
    let expected: Vec<String> = (layers.iter())
        .flat_map(|layer| [format!("{layer}.bias"), format!("{layer}.weight")])
        .collect();
    assert_eq!(names, expected);
}

#[test]
fn first_weights_are_as_published() {
    // The published widths, but for the length of the largest layer.
    let shape = KochShape {
        units: 256,
        ..KochShape::PUBLISHED
    };
    let weights = VarStore::new(Device::Cpu);
    let _network = Network::new(&weights.root(), shape.into());
    NetworkShape::from(shape).initialise(&weights, 5);
    for (name, tensor) in ordered(&weights) {
        let values = flat(&tensor);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (expected_mean, expected) = match name.as_str() {
            "fc.weight" | "score.weight" => (0.0, 0.2),
            name if name.ends_with("bias") => (0.5, 0.01),
            _ => (0.0, 0.01),
        };
        // Five standard errors.
        assert!(
            (mean - expected_mean).abs() < 5.0 * expected / n.sqrt(),
            "{name}: {mean}"
        );
        let bound = 5.0 / (2.0 * n).sqrt();
        if n > 1.0 {
            assert!(
                (deviation / expected - 1.0).abs() < bound,
                "{name}: {deviation}"
            );
        }
        // Not a few values again and again.
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        assert!(
            sorted.len() as f64 > 0.5 * n.min(1e5),
            "{name}: {}",
            sorted.len()
        );
    }
}

#[test]
fn first_weights_are_pinned() {
    let weights = VarStore::new(Device::Cpu);
    let _network = Network::new(&weights.root(), SMALL.into());
    NetworkShape::from(SMALL).initialise(&weights, 5);
    let mut hasher = blake3::Hasher::new();
    for (_, tensor) in ordered(&weights) {
        for value in flat(&tensor) {
            hasher.update(&(value as f32).to_le_bytes());
        }
    }
    assert_eq!(&hasher.finalize().to_string()[..16], "fb2ace6b57bf3410");
}

#[test]
fn forward_and_gradients_are_those_of_plain_arithmetic() {
    tch::set_num_threads(1);
    for seed in 0..3 {
        let (store, network, images) = random(seed);
        let same = [1.0, 0.0, 1.0];
        let features = network.embed(&images);
        let (left, right) = (features.narrow(0, 0, 3), features.narrow(0, 3, 3));
        let labels = Tensor::from_slice(&same.map(|label| label as f32));
        let got = verification(&score(&network).logits(&left, &right), &labels);
        let variables = ordered(&store);
        let inputs: Vec<&Tensor> = variables.iter().map(|(_, tensor)| tensor).collect();
        let gradients = Tensor::run_backward(&[&got], &inputs, false, false);

        let mut weights: Vec<Vec<f64>> = inputs.iter().map(|tensor| flat(tensor)).collect();
        let images = flat(&images);
        let expected = loss(&weights, &images, &same);
        assert!(
            (got.double_value(&[]) - expected).abs() < 1e-5,
            "{expected}"
        );
        let step = 1e-7; // small, since a step over a kink of ReLU or pooling shows
        for (which, gradient) in gradients.iter().enumerate() {
            for (at, got) in flat(gradient).into_iter().enumerate() {
                let value = weights[which][at];
                let [above, below] = [step, -step].map(|change| {
                    weights[which][at] = value + change;
                    loss(&weights, &images, &same)
                });
                weights[which][at] = value;
                let expected = (above - below) / (2.0 * step);
                let name = &variables[which].0;
                assert!(
                    (got - expected).abs() < 1e-5 + 1e-3 * expected.abs(),
                    "{name} {at}: {got} and {expected}"
                );
            }
        }
    }
}

#[test]
fn bfloat16_is_near_and_learns_f32_weights() {
    for seed in 0..3 {
        let (store, network, images) = random(seed);
        let exact = network.embed(&images);
        let near = network.embed_training(&images, None, tch::Kind::BFloat16);
        assert_eq!(near.kind(), tch::Kind::Float);
        let apart = (&near - &exact).abs().max().double_value(&[]);
        assert!(apart > 0.0 && apart < 0.05, "{apart}");
        let variables = ordered(&store);
        let towers = variables
            .iter()
            .filter(|(name, _)| !name.starts_with("score"));
        let inputs: Vec<&Tensor> = towers.map(|(_, tensor)| tensor).collect();
        let sum = near.sum(tch::Kind::Float);
        for gradient in Tensor::run_backward(&[&sum], &inputs, false, false) {
            assert_eq!(gradient.kind(), tch::Kind::Float);
        }
    }
}

#[test]
fn a_pair_is_as_likely_either_way_round_bit_for_bit() {
    for seed in 0..20 {
        let (_store, network, images) = random(seed);
        let features = network.embed(&images);
        let (left, right) = (features.narrow(0, 0, 3), features.narrow(0, 3, 3));
        let bits = |tensor: Tensor| {
            flat(&tensor)
                .into_iter()
                .map(f64::to_bits)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            bits(score(&network).logits(&left, &right)),
            bits(score(&network).logits(&right, &left))
        );
        // A drawing and itself: nothing but the bias.
        let (_, bias) = score(&network).weights();
        assert_eq!(
            bits(score(&network).logits(&left, &left)),
            vec![f64::from(bias).to_bits(); 3]
        );
    }
}

#[test]
fn shapes_that_leave_nothing_are_refused() {
    for shape in [
        KochShape {
            side: 26,
            ..SMALL_AT_LEAST
        },
        KochShape {
            side: 106,
            ..KochShape::PUBLISHED
        },
        KochShape {
            kernels: [0, 7, 4, 4],
            ..KochShape::PUBLISHED
        },
        KochShape {
            kernels: [-1, 7, 4, 4],
            ..KochShape::PUBLISHED
        },
        KochShape {
            kernels: [i64::MIN, 7, 4, 4],
            ..KochShape::PUBLISHED
        },
        KochShape {
            filters: [64, 0, 128, 256],
            ..KochShape::PUBLISHED
        },
        KochShape {
            units: 0,
            ..KochShape::PUBLISHED
        },
        KochShape {
            linear_deviation: f64::NAN,
            ..KochShape::PUBLISHED
        },
    ] {
        assert!(shape.check().is_err(), "{shape:?}");
    }
    assert!(KochShape::PUBLISHED.check().is_ok() && SMALL_AT_LEAST.check().is_ok());
}

/// With one pixel less nothing is left.
const SMALL_AT_LEAST: KochShape = KochShape { side: 27, ..SMALL };
