//! Optimizers on tensors of our own, so that their state can be saved: which tensors learn, by
//! what rule, and at what rate in each step.
//!
//! A step is begun, which says its rates, and then applied, which gives the device its work and
//! nothing else: so the work can be captured once and replayed at other rates.

mod adam;
mod ema;
mod pieces;
mod sgd;

pub use adam::{Adam, AdamOptions, AdamWOptions, learning_rate};
pub use ema::Ema;
pub use sgd::{Layer, Sgd, SgdOptions};

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::range::RangeError;
use crate::cuda::CudaError;

/// How it is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum OptimizerOptions {
    /// AdamW with warm-up and cosine decay, and an average of the weights.
    AdamW(AdamWOptions),
    /// Adam at one learning rate.
    Adam(AdamOptions),
    /// Gradient descent with momentum, each layer by its own numbers.
    Sgd(SgdOptions),
}

impl OptimizerOptions {
    /// Whether the learning rate of a step depends on how many there are in all.
    #[must_use]
    pub fn depends_on_steps(&self) -> bool {
        match self {
            OptimizerOptions::AdamW(_) => true,
            OptimizerOptions::Adam(_) | OptimizerOptions::Sgd(_) => false,
        }
    }

    /// Whether it counts in epochs.
    pub(super) fn counts_epochs(&self) -> bool {
        match self {
            OptimizerOptions::AdamW(_) | OptimizerOptions::Adam(_) => false,
            OptimizerOptions::Sgd(_) => true,
        }
    }

    /// The decay of the average of the weights; `None` where none is taken.
    pub(super) fn average(&self) -> Option<f64> {
        match self {
            OptimizerOptions::AdamW(options) => Some(options.average),
            OptimizerOptions::Adam(_) | OptimizerOptions::Sgd(_) => None,
        }
    }

    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), RangeError> {
        match self {
            OptimizerOptions::AdamW(options) => options.check(),
            OptimizerOptions::Adam(options) => options.check(),
            OptimizerOptions::Sgd(options) => options.check(),
        }
    }
}

fn check_rate(rate: f64) -> Result<(), RangeError> {
    let sound = rate.is_finite() && rate > 0.0;
    RangeError::unless(sound, "optimizer's learning_rate", rate, "above 0")
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

/// How long a run is: what rates of learning depend on.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Steps in all.
    pub steps: u64,
    /// Steps of an epoch; 0 where nothing counts in epochs.
    pub epoch_steps: u64,
}

/// The rule by which parameters follow their gradients, and what sets its rates.
enum Rule {
    AdamW(AdamWOptions, Adam),
    Adam(AdamOptions, Adam),
    Sgd(SgdOptions, Sgd),
}

/// What moves parameters along their gradients, at the rate that is due.
pub struct Optimizer {
    horizon: Horizon,
    rule: Rule,
    /// Steps begun.
    steps: u64,
}

impl Optimizer {
    /// An optimizer that has not taken a step. `network` are the network's parameters by name;
    /// `class_vectors` learn too, without penalties.
    ///
    /// # Panics
    /// If the options name no numbers for a layer of the network, which a preset's check
    /// refuses.
    #[must_use]
    pub fn new(
        options: &OptimizerOptions,
        horizon: Horizon,
        network: Vec<(String, Tensor)>,
        class_vectors: Option<Tensor>,
    ) -> Optimizer {
        let mut parameters: Vec<Parameter> = (network.into_iter())
            .map(|(name, value)| penalised(options, name, value))
            .collect();
        parameters.extend(class_vectors.map(|value| Parameter {
            name: "class_vectors".to_owned(),
            value,
            decay: 0.0,
            l2: 0.0,
        }));
        let rule = match options {
            OptimizerOptions::AdamW(options) => Rule::AdamW(*options, Adam::new(parameters)),
            OptimizerOptions::Adam(options) => Rule::Adam(options.clone(), Adam::new(parameters)),
            OptimizerOptions::Sgd(options) => {
                let layers = (parameters.iter())
                    .map(|parameter| options.layers[layer(&parameter.name)])
                    .collect();
                Rule::Sgd(options.clone(), Sgd::new(parameters, layers))
            }
        };
        Optimizer {
            horizon,
            rule,
            steps: 0,
        }
    }

    /// The tensors that learn, in the order of their gradients.
    pub fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.own().iter().map(|parameter| &parameter.value)
    }

    fn own(&self) -> &[Parameter] {
        match &self.rule {
            Rule::AdamW(_, adam) | Rule::Adam(_, adam) => &adam.parameters,
            Rule::Sgd(_, sgd) => &sgd.parameters,
        }
    }

    /// Says how long the next step is, and gives its learning rate: the highest, where layers
    /// have their own.
    pub fn begin(&mut self) -> f64 {
        let rate = match &mut self.rule {
            Rule::AdamW(options, adam) => {
                let rate = learning_rate(options, self.steps, self.horizon.steps);
                adam.begin(rate);
                rate
            }
            Rule::Adam(options, adam) => {
                adam.begin(options.learning_rate);
                options.learning_rate
            }
            Rule::Sgd(options, sgd) => {
                options.begin(sgd, self.steps / self.horizon.epoch_steps.max(1))
            }
        };
        self.steps += 1;
        rate
    }

    /// Takes the step that was begun along `gradients`, one for each parameter.
    ///
    /// # Errors
    /// If libtorch refuses, which it does if the device's memory is used up.
    pub fn apply(&mut self, gradients: &[Tensor]) -> Result<(), CudaError> {
        match &mut self.rule {
            Rule::AdamW(_, adam) | Rule::Adam(_, adam) => adam.apply(gradients),
            Rule::Sgd(_, sgd) => sgd.apply(gradients),
        }
    }

    /// Everything that it remembers, by name, to be saved or set.
    #[must_use]
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let named = |what: &str, p: &Parameter, tensor: &Tensor| {
            (format!("{what}.{}", p.name), tensor.shallow_clone())
        };
        let parameters = self.own().iter();
        match &self.rule {
            Rule::AdamW(_, adam) | Rule::Adam(_, adam) => (parameters.zip(&adam.moments))
                .flat_map(|(p, [first, second])| {
                    [named("first", p, first), named("second", p, second)]
                })
                .collect(),
            Rule::Sgd(_, sgd) => (parameters.zip(&sgd.velocities))
                .map(|(p, last)| named("move", p, last))
                .collect(),
        }
    }

    /// Goes on as after `steps` steps; the state's tensors are the caller's to set.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
        match &mut self.rule {
            Rule::AdamW(_, adam) | Rule::Adam(_, adam) => adam.resume(steps),
            Rule::Sgd(..) => (), // its velocities are all of its state
        }
    }
}

/// A layer's name, of a parameter's.
fn layer(parameter: &str) -> &str {
    parameter.split('.').next().unwrap_or(parameter)
}

/// A parameter with what the options say of it.
fn penalised(options: &OptimizerOptions, name: String, value: Tensor) -> Parameter {
    // Norms' scales and shifts and all biases have one dimension; they are left alone.
    let (decay, l2) = match options {
        OptimizerOptions::AdamW(options) => (options.weight_decay, 0.0),
        OptimizerOptions::Adam(options) => (0.0, *options.l2.get(layer(&name)).unwrap_or(&0.0)),
        OptimizerOptions::Sgd(options) => (0.0, options.layers[layer(&name)].l2),
    };
    let (decay, l2) = if value.dim() < 2 {
        (0.0, 0.0)
    } else {
        (decay, l2)
    };
    Parameter {
        name,
        value,
        decay,
        l2,
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::pieces::PIECE;
    use super::*;

    /// More than two pieces.
    pub(super) const LEN: i64 = 2 * PIECE + 5;

    pub(super) fn constant(value: f64) -> Tensor {
        Tensor::full([LEN], value, (Kind::Double, Device::Cpu))
    }

    pub(super) fn parameter(decay: f64, l2: f64) -> (Tensor, Parameter) {
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
