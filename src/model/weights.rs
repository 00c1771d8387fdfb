//! First weights, drawn from the project's own streams, so that a seed means the
//! same weights whatever libtorch's generator does.

use rayon::prelude::*;
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

/// Values of a tensor that one item of a stream gives: two words make two of them.
const PIECE: usize = 1 << 19;

/// Fills tensor `number` of a network with normal values, by the Box-Muller transform and
/// the `libm` crate's logarithm, sine and cosine, which are the same on every machine.
pub(super) fn fill_normal(tensor: &mut Tensor, seed: u64, number: u64, mean: f64, deviation: f64) {
    let mut values = vec![0f32; tensor.numel()];
    let pieces = values.par_chunks_mut(PIECE).enumerate();
    pieces.for_each(|(piece, values)| {
        let index = (number << 32) | (piece as u64 + 1); // a stream for each, beside `initialise`'s
        let mut stream = Stream::new(seed, Purpose::Weights, index);
        for pair in values.chunks_mut(2) {
            let open = (f64::from(stream.word()) + 0.5) / 4_294_967_296.0; // never 0
            let turn = f64::from(stream.word()) / 4_294_967_296.0 * std::f64::consts::TAU;
            let radius = deviation * libm::sqrt(-2.0 * libm::log(open));
            let both = [radius * libm::cos(turn), radius * libm::sin(turn)];
            for (value, normal) in pair.iter_mut().zip(both) {
                *value = (mean + normal) as f32;
            }
        }
    });
    let values = Tensor::from_slice(&values).view(tensor.size().as_slice());
    tch::no_grad(|| tensor.copy_(&values));
}
