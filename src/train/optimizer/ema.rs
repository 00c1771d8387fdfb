//! An exponential average of weights, which scores better than the weights themselves (Polyak &
//! Juditsky 1992).

use tch::{Device, Kind, Tensor};

use super::pieces::pieces;
use crate::cuda::{self, CudaError};

/// An exponential moving average of tensors.
pub struct Ema {
    pairs: Vec<(Tensor, Tensor)>,
    decay: f64,
    steps: u64,
    weight: f64,
    /// The weight as a scalar of f32 on a device, so that a captured step can be replayed with
    /// another; none on a CPU.
    on_device: Option<Tensor>,
}

impl Ema {
    /// Averages each `source` into its `average`; both have the same shape.
    #[must_use]
    pub fn new(pairs: Vec<(Tensor, Tensor)>, decay: f64) -> Ema {
        let device = pairs.first().map_or(Device::Cpu, |pair| pair.0.device());
        let mut ema = Ema {
            pairs,
            decay,
            steps: 0,
            weight: 0.0,
            on_device: None,
        };
        if device.is_cuda() {
            ema.keep_weight_on(device);
        }
        ema
    }

    fn keep_weight_on(&mut self, device: Device) {
        self.on_device = Some(Tensor::zeros([] as [i64; 0], (Kind::Float, device)));
    }

    /// Goes on as after `steps` steps; the averages themselves are the caller's to set.
    pub fn resume(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// Says what the next sources weigh. The first ones weigh more than `1 - decay`, so that
    /// the first weights, which are random, are soon forgotten. [`Ema::apply`] takes them.
    pub fn begin(&mut self) {
        self.steps += 1;
        let steps = self.steps as f64;
        let decay = self.decay.min((1.0 + steps) / (10.0 + steps));
        self.weight = 1.0 - decay;
        if let Some(weight) = &mut self.on_device {
            let _ = weight.fill_(self.weight);
        }
    }

    /// Takes the sources as they are now into the average.
    ///
    /// # Errors
    /// If libtorch refuses, which it does if the device's memory is used up.
    pub fn apply(&mut self) -> Result<(), CudaError> {
        if let Some(weight) = &self.on_device {
            let shallow = |tensor: &Tensor| tensor.shallow_clone();
            let averages: Vec<Tensor> = self.pairs.iter().map(|pair| shallow(&pair.0)).collect();
            let sources: Vec<Tensor> = self.pairs.iter().map(|pair| shallow(&pair.1)).collect();
            return cuda::average(&averages, &sources, weight);
        }
        for (average, source) in &self.pairs {
            pieces([average, source], [], |[mut average, source], []| {
                let _ = average.lerp_(&source, self.weight);
                Ok(())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The average after each of four steps, of a source that each step doubles.
    fn averages(device: bool) -> Vec<f64> {
        let one = |value: f64| Tensor::full([3], value, (Kind::Float, Device::Cpu));
        let (average, mut source) = (one(0.0), one(1.0));
        let pairs = vec![(average.shallow_clone(), source.shallow_clone())];
        let mut ema = Ema::new(pairs, 0.25);
        if device {
            ema.keep_weight_on(Device::Cpu);
        }
        let step = |_| {
            ema.begin();
            ema.apply().unwrap();
            let _ = source.g_mul_scalar_(2.0);
            average.double_value(&[1])
        };
        (0..4).map(step).collect()
    }

    #[test]
    fn first_weights_are_soon_forgotten_and_a_device_averages_alike() {
        // Decays: 2/11, then 3/12 = 0.25, then 0.25 always.
        let first = 9.0 / 11.0;
        let second = 0.25 * first + 0.75 * 2.0;
        let third = 0.25 * second + 0.75 * 4.0;
        let expected = [first, second, third, 0.25 * third + 0.75 * 8.0];
        for device in [false, true] {
            for (got, expected) in averages(device).iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{got} and {expected}");
            }
        }
    }
}
