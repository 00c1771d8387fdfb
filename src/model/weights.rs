//! First weights, drawn from the project's own streams, so that a seed means the
//! same weights whatever libtorch's generator does.

use tch::Tensor;
use tch::nn::VarStore;

use crate::seed::{Purpose, Stream};

/// All variables of a store of weights, ascending by name: the only order that is the same
/// in every run.
#[must_use]
pub fn ordered(weights: &VarStore) -> Vec<(String, Tensor)> {
    let mut all: Vec<_> = weights.variables().into_iter().collect();
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Draws every weight of two dimensions or more uniformly with variance 2 / fan-in (He et
/// al. 2015), which keeps the scale of activations through ReLUs. Norms and biases
/// keep their ones and zeros.
pub fn initialise(weights: &VarStore, seed: u64) {
    for (index, (_, mut tensor)) in (0u64..).zip(ordered(weights)) {
        let size = tensor.size();
        if size.len() < 2 {
            continue;
        }
        let fan_in: i64 = size[1..].iter().product();
        let bound = (6.0 / fan_in as f64).sqrt();
        let mut stream = Stream::new(seed, Purpose::Weights, index);
        let values: Vec<f32> = (0..tensor.numel())
            .map(|_| (stream.signed_unit() * bound) as f32)
            .collect();
        let values = Tensor::from_slice(&values).view(size.as_slice());
        tch::no_grad(|| tensor.copy_(&values));
    }
}
