//! Gradient descent with momentum, each layer by its own numbers (Koch 2015, section 3.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::super::range::RangeError;
use super::pieces::pieces;
use super::{Parameter, check_rate};
use crate::cuda::{self, CudaError};

/// Gradient descent with momentum (Koch 2015, section 3.2): layer `j` moves by its velocity,
/// `-lr_j (gradient + 2 l2_j w) + momentum_j velocity_j`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdOptions {
    /// What every learning rate is multiplied by after each epoch; 0.99 in the paper.
    pub decay: f64,
    /// The momentum of all layers in the first epoch; 0.5 in the paper.
    pub first_momentum: f64,
    /// Epochs in which it changes linearly to the layer's own.
    pub momentum_epochs: u64,
    /// The numbers of each layer, by its name.
    pub layers: BTreeMap<String, Layer>,
}

/// The numbers of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Learning rate in the first epoch; 1e-4 to 1e-1 in the paper.
    pub learning_rate: f64,
    /// Momentum at last; 0 to 1 in the paper.
    pub momentum: f64,
    /// What the sum of its squared weights (not biases) counts for in the loss; 0 to 0.1 in
    /// the paper.
    pub l2: f64,
}

impl SgdOptions {
    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), RangeError> {
        let decay = self.decay;
        let sound = decay > 0.0 && decay <= 1.0;
        RangeError::unless(sound, "optimizer.decay", decay, "above 0, to 1")?;
        RangeError::unless_share("optimizer.first_momentum", self.first_momentum)?;
        for layer in self.layers.values() {
            check_rate(layer.learning_rate)?;
            RangeError::unless_share("optimizer.layers' momentum", layer.momentum)?;
            RangeError::unless_share("optimizer.layers' l2", layer.l2)?;
        }
        Ok(())
    }

    /// Begins a step of an epoch, from 0, and gives the highest of its learning rates.
    pub(super) fn begin(&self, sgd: &mut Sgd, epoch: u64) -> f64 {
        let factor = self.decay.powi(i32::try_from(epoch).unwrap_or(i32::MAX));
        let risen = (epoch as f64 / self.momentum_epochs.max(1) as f64).min(1.0);
        let first = self.first_momentum;
        sgd.begin(factor, |own| first + risen * (own - first));
        let rates = self.layers.values().map(|layer| layer.learning_rate);
        factor * rates.fold(0.0, f64::max)
    }
}

/// Gradient descent with momentum, each parameter by its layer's numbers.
pub struct Sgd {
    pub(super) parameters: Vec<Parameter>,
    layers: Vec<Layer>,
    /// What each parameter moved by in the last step.
    pub(super) velocities: Vec<Tensor>,
    /// Of each parameter the learning rate and the momentum of the step that was begun.
    rates: Vec<[f64; 2]>,
    /// The same as scalars of f32 on a device, so that a captured step can be replayed at
    /// other rates; none on a CPU.
    on_device: Option<Vec<[Tensor; 2]>>,
}

impl Sgd {
    /// An optimizer that has not taken a step, of tensors and the numbers of their layers.
    #[must_use]
    pub fn new(parameters: Vec<Parameter>, layers: Vec<Layer>) -> Sgd {
        let device = parameters.first().map_or(Device::Cpu, |p| p.value.device());
        let mut sgd = Sgd {
            velocities: (parameters.iter())
                .map(|p| p.value.zeros_like().detach())
                .collect(),
            rates: vec![[0.0; 2]; parameters.len()],
            parameters,
            layers,
            on_device: None,
        };
        if device.is_cuda() {
            sgd.keep_rates_on(device);
        }
        sgd
    }

    fn keep_rates_on(&mut self, device: Device) {
        let zero = |_| Tensor::zeros([] as [i64; 0], (Kind::Float, device));
        let scalars = self.parameters.iter().map(|_| [0, 1].map(zero));
        self.on_device = Some(scalars.collect());
    }

    /// Says how long the next step is: the layers' learning rates times `factor`, and
    /// `momentum` made from a layer's own. [`Sgd::apply`] takes it.
    pub fn begin(&mut self, factor: f64, momentum: impl Fn(f64) -> f64) {
        for (rates, layer) in self.rates.iter_mut().zip(&self.layers) {
            let now = [factor * layer.learning_rate, momentum(layer.momentum)];
            *rates = now;
        }
        for (scalars, rates) in self.on_device.iter_mut().flatten().zip(&self.rates) {
            for (scalar, rate) in scalars.iter_mut().zip(rates) {
                let _ = scalar.fill_(*rate);
            }
        }
    }

    /// Takes the step that was begun along `gradients`, one for each parameter.
    ///
    /// # Errors
    /// If libtorch refuses, which it does if the device's memory is used up.
    pub fn apply(&mut self, gradients: &[Tensor]) -> Result<(), CudaError> {
        let slots = self.parameters.iter().zip(&self.velocities).zip(gradients);
        for (at, ((parameter, velocity), gradient)) in slots.enumerate() {
            let (l2, all) = (parameter.l2, [&parameter.value, velocity, gradient]);
            if let Some(scalars) = &self.on_device {
                let [rate, momentum] = &scalars[at];
                let [value, velocity, gradient] = all.map(|tensor| [tensor.shallow_clone()]);
                cuda::momentum_step(&value, &gradient, &velocity, rate, momentum, l2)?;
                continue;
            }
            let [rate, momentum] = self.rates[at];
            pieces(all, [], |[mut value, mut velocity, gradient], []| {
                let _ = velocity.g_mul_scalar_(momentum);
                let mut step = gradient * -rate;
                if l2 > 0.0 {
                    step += &value * (-2.0 * rate * l2);
                }
                velocity += step;
                value += &velocity;
                Ok(())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LEN, constant, parameter};
    use super::*;

    #[test]
    fn steps_follow_the_paper() {
        for device in [false, true] {
            let (_, mut penalised) = parameter(0.0, 0.25);
            let kind = if device { Kind::Float } else { Kind::Double };
            penalised.value = penalised.value.to_kind(kind);
            let value = penalised.value.shallow_clone();
            let layer = Layer {
                learning_rate: 0.1,
                momentum: 0.9,
                l2: 0.25,
            };
            let mut sgd = Sgd::new(vec![penalised], vec![layer]);
            if device {
                sgd.keep_rates_on(Device::Cpu);
            }
            let (mut w, mut last) = (1.5, 0.0);
            for gradient in [0.5, -2.0, 1e-3] {
                sgd.begin(0.5, |momentum| momentum - 0.2);
                sgd.apply(&[constant(gradient).to_kind(kind)]).unwrap();
                last = 0.7 * last - 0.05 * (gradient + 2.0 * 0.25 * w);
                w += last;
                for at in [0, LEN - 1] {
                    let apart = (value.double_value(&[at]) - w).abs();
                    assert!(apart < if device { 1e-6 } else { 1e-12 }, "{apart}");
                }
            }
        }
    }
}
