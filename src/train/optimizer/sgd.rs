//! Gradient descent with momentum, each layer by its own numbers (Koch 2015, section 3.2).

use tch::{Device, Kind, Tensor};

use super::pieces::pieces;
use super::{Layer, Parameter};
use crate::cuda::{self, CudaError};

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
            pieces(all, |[mut value, mut velocity, gradient]| {
                let _ = velocity.g_mul_scalar_(momentum);
                let mut step = gradient * -rate;
                if l2 > 0.0 {
                    step += &value * (-2.0 * rate * l2);
                }
                velocity += step;
                value += &velocity;
            });
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
