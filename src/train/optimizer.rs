//! Optimizers on tensors of our own, so that their state can be saved: Adam (Kingma & Ba
//! 2015) with either kind of weight decay (Loshchilov & Hutter 2019), gradient descent with
//! momentum, and the exponential average of weights.
//!
//! Large tensors are updated in pieces that stay in the cache between one pass and the next;
//! since every element is updated alone, that changes no bit.

use rayon::prelude::*;
use tch::{Tensor, no_grad};

use super::preset::{AdamWOptions, Layer};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Elements of a piece: so few that libtorch keeps each operation on one thread, and that all
/// tensors of a piece stay in the cache.
const PIECE: i64 = 1 << 15;

/// The learning rate of step `step` (from 0) of `steps`: a linear rise, then half a cosine down
/// to nothing.
#[must_use]
pub fn learning_rate(options: &AdamWOptions, step: u64, steps: u64) -> f64 {
    let warmup = options.warmup_steps.min(steps);
    if step < warmup {
        return options.learning_rate * (step + 1) as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / (steps - warmup).max(1) as f64;
    options.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}

/// A tensor that learns, by name, with the penalties on it.
pub struct Parameter {
    /// Its name in the network.
    pub name: String,
    /// The tensor itself.
    pub value: Tensor,
    /// What it shrinks by in each step, times the learning rate, beside the gradient (AdamW).
    pub decay: f64,
    /// What the sum of its squares counts for in the loss.
    pub l2: f64,
}

/// Does `work` on flat views of tensors of one size, cut into the same pieces, on all of
/// rayon's threads. libtorch's own would wait for each other after every operation, which one
/// busy core makes a hundred times slower.
fn pieces<const N: usize>(tensors: [&Tensor; N], work: impl Fn([Tensor; N]) + Sync) {
    let cut: Vec<[Tensor; N]> = no_grad(|| {
        let flat = tensors.map(|tensor| tensor.reshape([-1]));
        let len = flat[0].size()[0];
        let starts = (0..len).step_by(PIECE as usize);
        let piece = |start| {
            flat.each_ref()
                .map(|t| t.narrow(0, start, PIECE.min(len - start)))
        };
        starts.map(piece).collect()
    });
    // Whether gradients are recorded is each thread's own.
    cut.into_par_iter()
        .for_each(|piece| no_grad(|| work(piece)));
}

/// Adam and AdamW over a fixed list of tensors.
pub struct Adam {
    parameters: Vec<Parameter>,
    /// Of each parameter the first and the second moment.
    moments: Vec<[Tensor; 2]>,
    steps: i32,
}

impl Adam {
    /// An optimizer of these tensors that has not taken a step.
    #[must_use]
    pub fn new(parameters: Vec<Parameter>) -> Adam {
        let zeros = |p: &Parameter| [0, 1].map(|_| p.value.zeros_like().detach());
        Adam {
            moments: parameters.iter().map(zeros).collect(),
            parameters,
            steps: 0,
        }
    }

    /// Takes one step of length `rate` along `gradients`, one for each parameter.
    pub fn step(&mut self, rate: f64, gradients: &[Tensor]) {
        self.steps += 1;
        let bias1 = 1.0 - BETA1.powi(self.steps);
        let bias2 = (1.0 - BETA2.powi(self.steps)).sqrt();
        let slots = self.parameters.iter().zip(&self.moments).zip(gradients);
        for ((parameter, [first, second]), gradient) in slots {
            let (l2, decay) = (parameter.l2, parameter.decay);
            let all = [&parameter.value, first, second, gradient];
            pieces(all, |[mut value, mut first, mut second, mut gradient]| {
                if l2 > 0.0 {
                    gradient += &value * (2.0 * l2);
                }
                let _ = first.lerp_(&gradient, 1.0 - BETA1);
                let _ = second.lerp_(&gradient.square(), 1.0 - BETA2);
                // value -= rate * (first / bias1) / (sqrt(second) / bias2 + epsilon), with the
                // factors drawn into the divisor, since addcdiv_ takes none here.
                let mut divisor = second.sqrt();
                let _ = divisor.g_mul_scalar_(-bias1 / (rate * bias2));
                let _ = divisor.g_sub_scalar_(EPSILON * bias1 / rate);
                let _ = value.g_mul_scalar_(1.0 - rate * decay);
                let _ = value.addcdiv_(&first, &divisor);
            });
        }
    }
}

/// Gradient descent with momentum, each parameter by its layer's numbers.
pub struct Sgd {
    parameters: Vec<Parameter>,
    layers: Vec<Layer>,
    moves: Vec<Tensor>,
}

impl Sgd {
    /// An optimizer that has not taken a step, of tensors and the numbers of their layers.
    #[must_use]
    pub fn new(parameters: Vec<Parameter>, layers: Vec<Layer>) -> Sgd {
        Sgd {
            moves: (parameters.iter())
                .map(|p| p.value.zeros_like().detach())
                .collect(),
            parameters,
            layers,
        }
    }

    /// Takes one step along `gradients`, one for each parameter, with the layers' learning
    /// rates times `factor`, and `momentum` made from a layer's own.
    pub fn step(&mut self, factor: f64, momentum: impl Fn(f64) -> f64, gradients: &[Tensor]) {
        let slots = self.parameters.iter().zip(&self.layers).zip(&self.moves);
        for (((parameter, layer), last), gradient) in slots.zip(gradients) {
            let (rate, momentum) = (factor * layer.learning_rate, momentum(layer.momentum));
            let (l2, all) = (parameter.l2, [&parameter.value, last, gradient]);
            pieces(all, |[mut value, mut last, gradient]| {
                let _ = last.g_mul_scalar_(momentum);
                let mut step = gradient * -rate;
                if l2 > 0.0 {
                    step += &value * (-2.0 * rate * l2);
                }
                last += step;
                value += &last;
            });
        }
    }
}

/// An optimizer of either kind.
pub enum Descent {
    /// Adam or AdamW.
    Adam(Adam),
    /// Gradient descent with momentum.
    Sgd(Sgd),
}

impl Descent {
    /// The tensors that learn.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        match self {
            Descent::Adam(adam) => &adam.parameters,
            Descent::Sgd(sgd) => &sgd.parameters,
        }
    }

    /// Everything that it remembers, by name, to be saved or set.
    #[must_use]
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let named = |what: &str, p: &Parameter, tensor: &Tensor| {
            (format!("{what}.{}", p.name), tensor.shallow_clone())
        };
        let parameters = self.parameters().iter();
        match self {
            Descent::Adam(adam) => (parameters.zip(&adam.moments))
                .flat_map(|(p, [first, second])| {
                    [named("first", p, first), named("second", p, second)]
                })
                .collect(),
            Descent::Sgd(sgd) => (parameters.zip(&sgd.moves))
                .map(|(p, last)| named("move", p, last))
                .collect(),
        }
    }

    /// Goes on as after `steps` steps; the state's tensors are the caller's to set.
    pub fn resume(&mut self, steps: u64) {
        if let Descent::Adam(adam) = self {
            adam.steps = i32::try_from(steps).unwrap_or(i32::MAX);
        }
    }
}

/// An exponential average of tensors, which scores better than the tensors themselves
/// (Polyak & Juditsky 1992).
pub struct Average {
    pairs: Vec<(Tensor, Tensor)>,
    decay: f64,
    steps: u64,
}

impl Average {
    /// Averages each `source` into its `average`; both have the same shape.
    #[must_use]
    pub fn new(pairs: Vec<(Tensor, Tensor)>, decay: f64) -> Average {
        Average {
            pairs,
            decay,
            steps: 0,
        }
    }

    /// Goes on as after `steps` steps; the averages themselves are the caller's to set.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// Takes the sources as they are now into the average. The first ones weigh less than
    /// `decay` says, so that the first weights, which are random, are soon forgotten.
    pub fn update(&mut self) {
        self.steps += 1;
        let steps = self.steps as f64;
        let decay = self.decay.min((1.0 + steps) / (10.0 + steps));
        no_grad(|| {
            for (average, source) in &mut self.pairs {
                let _ = average.lerp_(source, 1.0 - decay);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    /// AdamW as its paper writes it, in plain f64.
    fn reference(mut value: f64, gradients: &[f64], rate: f64, decay: f64) -> f64 {
        let (mut first, mut second) = (0.0, 0.0);
        for (t, gradient) in (1..).zip(gradients) {
            first = BETA1 * first + (1.0 - BETA1) * gradient;
            second = BETA2 * second + (1.0 - BETA2) * gradient * gradient;
            let first = first / (1.0 - BETA1.powi(t));
            let second: f64 = second / (1.0 - BETA2.powi(t));
            value -= rate * decay * value;
            value -= rate * first / (second.sqrt() + EPSILON);
        }
        value
    }

    #[test]
    fn steps_follow_the_paper() {
        let gradients = [0.5, -2.0, 1e-3, 0.0, 7.0];
        let (value, parameter) = parameter(0.05, 0.0);
        let mut optimizer = Adam::new(vec![parameter]);
        for gradient in gradients {
            optimizer.step(3e-3, &[constant(gradient)]);
        }
        let expected = reference(1.5, &gradients, 3e-3, 0.05);
        assert!((value.double_value(&[0]) - expected).abs() < 1e-12);
        // A tensor of several pieces: its last element like its first.
        assert!((value.double_value(&[LEN - 1]) - expected).abs() < 1e-12);
    }

    /// More than two pieces.
    const LEN: i64 = 2 * PIECE + 5;

    fn constant(value: f64) -> Tensor {
        Tensor::full([LEN], value, (Kind::Double, Device::Cpu))
    }

    fn parameter(decay: f64, l2: f64) -> (Tensor, Parameter) {
        let value = constant(1.5);
        let parameter = Parameter {
            name: "w".to_owned(),
            value: value.shallow_clone(),
            decay,
            l2,
        };
        (value, parameter)
    }

    #[test]
    fn a_penalty_on_squares_is_part_of_the_gradient() {
        let (value, penalised) = parameter(0.0, 0.25);
        let mut adam = Adam::new(vec![penalised]);
        adam.step(1e-3, &[constant(0.5)]);
        assert!(
            (value.double_value(&[0]) - reference(1.5, &[0.5 + 0.75], 1e-3, 0.0)).abs() < 1e-12
        );

        let (value, penalised) = parameter(0.0, 0.25);
        let layer = Layer {
            learning_rate: 0.1,
            momentum: 0.9,
            l2: 0.25,
        };
        let mut sgd = Sgd::new(vec![penalised], vec![layer]);
        let (mut w, mut last) = (1.5, 0.0);
        for gradient in [0.5, -2.0, 1e-3] {
            sgd.step(0.5, |momentum| momentum - 0.2, &[constant(gradient)]);
            last = 0.7 * last - 0.05 * (gradient + 2.0 * 0.25 * w);
            w += last;
            for at in [0, LEN - 1] {
                assert!((value.double_value(&[at]) - w).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_rate_rises_then_falls_to_nothing() {
        let options = AdamWOptions {
            learning_rate: 2.0,
            warmup_steps: 4,
            weight_decay: 0.0,
            average: 0.0,
        };
        let rates: Vec<f64> = (0..12)
            .map(|step| learning_rate(&options, step, 12))
            .collect();
        assert_eq!(rates[..5], [0.5, 1.0, 1.5, 2.0, 2.0]);
        assert!(rates[4..].is_sorted_by(|a, b| a > b) && rates[11] > 0.0 && rates[11] < 0.1);
    }
}
