//! Koch's siamese network: its tower. What compares the features of two drawings is
//! [`super::Distance`].
//!
//! ```text
//! images [n, 1, 105, 105]
//!   conv 10x10, ReLU, pool 2     [n, 64, 48, 48]
//!   conv 7x7,   ReLU, pool 2     [n, 128, 21, 21]
//!   conv 4x4,   ReLU, pool 2     [n, 128, 9, 9]
//!   conv 4x4,   ReLU             [n, 256, 6, 6]
//!   linear, sigmoid              [n, 4096]      the features of a drawing
//!   linear of |a - b|, sigmoid   p(a, b): the probability that both show one character
//! ```
//!
//! |a - b| is |b - a| in floating point too, so that p(a, b) = p(b, a) bit for bit. With the
//! published shape there are 38,951,745 parameters (Koch 2015, figure 4).

use tch::nn::{self, Init, Path};
use tch::{Kind, Tensor};

use super::weights::{fill_normal, ordered};
use crate::weights::KochShape;

/// The tower; its weights live in the [`nn::VarStore`] it was made in.
#[derive(Debug)]
pub struct Koch {
    convolutions: Vec<nn::Conv2D>,
    linear: nn::Linear,
}

impl Koch {
    /// Makes the tower's variables under `path`: `conv1` to `conv4` and `fc`, each with `weight`
    /// and `bias`, all zero.
    ///
    /// # Panics
    /// If the shape does not pass [`KochShape::check`].
    #[must_use]
    pub fn new(path: &Path, shape: KochShape) -> Koch {
        shape.check().expect("a shape is checked where it is read");
        let zero = Init::Const(0.0);
        let inputs = [1, shape.filters[0], shape.filters[1], shape.filters[2]];
        let convolutions = (0..4)
            .map(|at| {
                let config = nn::ConvConfig {
                    ws_init: zero,
                    bs_init: zero,
                    ..Default::default()
                };
                let (from, to) = (inputs[at], shape.filters[at]);
                let path = path / format!("conv{}", at + 1);
                nn::conv2d(path, from, to, shape.kernels[at], config)
            })
            .collect();
        let linear = nn::LinearConfig {
            ws_init: zero,
            bs_init: Some(zero),
            bias: true,
        };
        Koch {
            convolutions,
            linear: nn::linear(path / "fc", shape.flat(), shape.units, linear),
        }
    }

    /// The features of images `[n, 1, side, side]` before their sigmoid: `[n, units]`, with the
    /// arithmetic in `kind`, and f32 again in the end. The weights stay f32, and so do their
    /// gradients.
    pub(super) fn project(&self, images: &Tensor, kind: Kind) -> Tensor {
        let cast = |tensor: &Tensor| tensor.to_kind(kind); // the tensor itself, if it is of the kind
        let mut x = cast(images);
        for (at, nn::Conv2D { ws, bs, .. }) in self.convolutions.iter().enumerate() {
            let bias = bs.as_ref().map(cast);
            x = x.conv2d(&cast(ws), bias, [1, 1], [0, 0], [1, 1], 1).relu_();
            if at < 3 {
                x = x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
            }
        }
        let nn::Linear { ws, bs } = &self.linear;
        let x = x.flatten(1, -1).linear(&cast(ws), bs.as_ref().map(cast));
        x.to_kind(Kind::Float)
    }
}

/// Draws the first weights as published (Koch 2015, section 3.2): weights of convolutions
/// N(0, 0.01), of linear layers N(0, 0.2) unless the shape says otherwise, and all biases
/// N(0.5, 0.01), each from the project's own streams.
pub(super) fn initialise(weights: &nn::VarStore, shape: KochShape, seed: u64) {
    for (number, (name, mut tensor)) in (0..).zip(ordered(weights)) {
        let (mean, deviation) = match name.split_once('.') {
            Some((_, "bias")) => (0.5, 0.01),
            Some(("fc" | "score", _)) => (0.0, shape.linear_deviation),
            _ => (0.0, 0.01),
        };
        fill_normal(&mut tensor, seed, number, mean, deviation);
    }
}
