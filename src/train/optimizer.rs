//! AdamW (Loshchilov & Hutter 2019) on tensors of our own, so that its state can be saved,
//! and the exponential average of weights.

use tch::{Tensor, no_grad};

use super::preset::Optimizer;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The learning rate of step `step` (from 0) of `steps`: a linear rise, then half a cosine down
/// to nothing.
#[must_use]
pub fn learning_rate(options: &Optimizer, step: u64, steps: u64) -> f64 {
    let warmup = options.warmup_steps.min(steps);
    if step < warmup {
        return options.learning_rate * (step + 1) as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / (steps - warmup).max(1) as f64;
    options.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}

/// One tensor that learns, and its moments.
struct Slot {
    value: Tensor,
    first: Tensor,
    second: Tensor,
    decay: f64,
}

/// AdamW over a fixed list of tensors.
pub struct AdamW {
    slots: Vec<Slot>,
    steps: i32,
}

impl AdamW {
    /// An optimizer for tensors, each with its weight decay.
    #[must_use]
    pub fn new(tensors: impl IntoIterator<Item = (Tensor, f64)>) -> AdamW {
        let slots = tensors
            .into_iter()
            .map(|(value, decay)| Slot {
                first: value.zeros_like().detach(),
                second: value.zeros_like().detach(),
                value,
                decay,
            })
            .collect();
        AdamW { slots, steps: 0 }
    }

    /// Takes one step of length `rate` along the gradients, then clears them.
    pub fn step(&mut self, rate: f64) {
        self.steps += 1;
        let bias1 = 1.0 - BETA1.powi(self.steps);
        let bias2 = (1.0 - BETA2.powi(self.steps)).sqrt();
        no_grad(|| {
            for slot in &mut self.slots {
                let mut gradient = slot.value.grad();
                if !gradient.defined() {
                    continue;
                }
                let _ = slot.first.lerp_(&gradient, 1.0 - BETA1);
                let _ = slot.second.lerp_(&gradient.square(), 1.0 - BETA2);
                // value -= rate * (first / bias1) / (sqrt(second) / bias2 + epsilon), with the
                // factors drawn into the divisor, since addcdiv_ takes none here.
                let mut divisor = slot.second.sqrt();
                let _ = divisor.g_mul_scalar_(-bias1 / (rate * bias2));
                let _ = divisor.g_sub_scalar_(EPSILON * bias1 / rate);
                let _ = slot.value.g_mul_scalar_(1.0 - rate * slot.decay);
                let _ = slot.value.addcdiv_(&slot.first, &divisor);
                let _ = gradient.zero_();
            }
        });
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
        let value = Tensor::full([1], 1.5, (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let mut optimizer = AdamW::new([(value.shallow_clone(), 0.05)]);
        for gradient in gradients {
            (&value * gradient).sum(Kind::Double).backward();
            optimizer.step(3e-3);
        }
        let expected = reference(1.5, &gradients, 3e-3, 0.05);
        assert!((value.double_value(&[0]) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_rate_rises_then_falls_to_nothing() {
        let options = Optimizer {
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
