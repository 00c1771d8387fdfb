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

use serde::{Deserialize, Serialize};
use tch::nn::{self, Init, Path};
use tch::{Kind, Tensor};

use super::error::ShapeError;
use super::weights::{fill_normal, ordered};

/// The layers that an optimizer has numbers for.
pub(super) const LAYERS: [&str; 6] = ["conv1", "conv2", "conv3", "conv4", "fc", "score"];

/// The shape of a Koch network, and how its first weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KochShape {
    /// Width and height of its images in pixels; 105 in the paper.
    pub side: usize,
    /// Channels of the four convolutions; 64, 128, 128 and 256 in the paper.
    pub filters: [i64; 4],
    /// Widths of their kernels; 10, 7, 4 and 4 in the paper.
    pub kernels: [i64; 4],
    /// Features of a drawing; 4096 in the paper.
    pub units: i64,
    /// Standard deviation of the first weights of both linear layers, 0 to 1: 0.2 in the paper.
    pub linear_deviation: f64,
}

impl KochShape {
    /// As published.
    pub const PUBLISHED: KochShape = KochShape {
        side: 105,
        filters: [64, 128, 128, 256],
        kernels: [10, 7, 4, 4],
        units: 4096,
        linear_deviation: 0.2,
    };

    /// Width of what each convolution, and the pool after it, leaves; `None` if nothing is left.
    fn sides(&self) -> Option<[i64; 4]> {
        let mut side = i64::try_from(self.side).ok()?;
        let mut sides = [0; 4];
        for (at, (kernel, left)) in self.kernels.iter().zip(&mut sides).enumerate() {
            side = side.checked_sub(*kernel)?.checked_add(1)?;
            side /= if at < 3 { 2 } else { 1 };
            if *kernel < 1 || side < 1 {
                return None;
            }
            *left = side;
        }
        Some(sides)
    }

    /// Refuses a shape that no network can have.
    ///
    /// # Errors
    /// If the kernels leave nothing of an image, a number of channels or units is 0 or beyond
    /// any use (1,024 and 65,536), or the deviation is not from 0 to 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let side = (2..=105).contains(&self.side);
        let filters = self.filters.iter().all(|n| (1..=1024).contains(n));
        let units = (1..=65_536).contains(&self.units);
        let deviation = (0.0..=1.0).contains(&self.linear_deviation);
        let [kernels_are, filters_are] = [self.kernels, self.filters].map(|all| format!("{all:?}"));
        ShapeError::unless(side, "side", self.side, "2 to 105")?;
        let kernels = "widths of 1 and more that leave something of an image";
        ShapeError::unless(self.sides().is_some(), "kernels", kernels_are, kernels)?;
        ShapeError::unless(filters, "filters", filters_are, "each 1 to 1,024")?;
        ShapeError::unless(units, "units", self.units, "1 to 65,536")?;
        let field = "linear_deviation";
        ShapeError::unless(deviation, field, self.linear_deviation, "0 to 1")
    }

    /// Length of the flattened output of the last convolution.
    fn flat(&self) -> i64 {
        let side = self.sides().map_or(0, |sides| sides[3]);
        self.filters[3] * side * side
    }

    /// Values of the tower's variables together; below 2^55 for any shape that passes its check.
    pub(super) fn values(&self) -> u64 {
        let inputs = [1, self.filters[0], self.filters[1], self.filters[2]];
        let convolutions: i64 = (0..4)
            .map(|at| (inputs[at] * self.kernels[at] * self.kernels[at] + 1) * self.filters[at])
            .sum();
        (convolutions + (self.flat() + 1) * self.units) as u64
    }
}

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
