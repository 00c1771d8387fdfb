//! The compact embedder: a small residual network that a CPU trains in minutes.
//!
//! ```text
//! images [n, 1, s, s]
//!   stem: conv 5x5 / 2, norm, ReLU            [n, w, s/2, s/2]
//!   three residual blocks / 2 of 2w, 4w, 8w   [n, 8w, s/16, s/16]
//!   flatten, dropout, linear, norm            [n, d]
//! ```
//!
//! Under a cosine, embeddings are scaled to length 1, and two drawings are compared by the
//! cosine of theirs, which is symmetric by construction: p(a, b) = p(b, a).

use serde::{Deserialize, Serialize};
use tch::nn::{self, ModuleT, Path};
use tch::{Kind, Tensor};

use super::convolve::{self, Convolution};
use super::error::ShapeError;

/// The shape of a compact embedder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactShape {
    /// Width and height of its images in pixels, a multiple of 16.
    pub side: usize,
    /// Channels after the stem, `w`.
    pub width: i64,
    /// Length of an embedding, `d`.
    pub dimensions: i64,
    /// Share of the flattened features that training silences, 0 to below 1.
    pub dropout: f64,
}

impl CompactShape {
    /// Refuses a shape that no network can have.
    ///
    /// # Errors
    /// If the side is not a multiple of 16 up to 96, a number of channels or dimensions is 0
    /// or beyond any use (1,024 and 65,536), or dropout is not from 0 to below 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let side = self.side.is_multiple_of(16) && (16..=96).contains(&self.side);
        let width = (1..=1024).contains(&self.width);
        let dimensions = (1..=65_536).contains(&self.dimensions);
        let dropout = (0.0..1.0).contains(&self.dropout);
        ShapeError::unless(side, "side", self.side, "a multiple of 16, from 16 to 96")?;
        ShapeError::unless(width, "width", self.width, "1 to 1,024")?;
        ShapeError::unless(dimensions, "dimensions", self.dimensions, "1 to 65,536")?;
        ShapeError::unless(dropout, "dropout", self.dropout, "from 0 to below 1")
    }

    /// Length of the flattened features: what dropout silences a part of.
    #[must_use]
    pub fn features(&self) -> i64 {
        let side = (self.side / 16) as i64;
        8 * self.width * side * side
    }

    /// Values of all variables together, those of norms included; below 2^55 for any shape that
    /// passes its check.
    pub(super) fn values(&self) -> u64 {
        let width = self.width as u64;
        let norm = |channels: u64| 4 * channels; // scale, shift, mean, variance
        let block = |(from, to): (u64, u64)| {
            let (from, to) = (from * width, to * width);
            from * to * 9 + to * to * 9 + from * to + 3 * norm(to)
        };
        let blocks: u64 = [(1, 2), (2, 4), (4, 8)].into_iter().map(block).sum();
        let dimensions = self.dimensions as u64;
        let project = self.features() as u64 * dimensions + norm(dimensions);
        25 * width + norm(width) + blocks + project
    }
}

/// The network; its weights live in the [`nn::VarStore`] it was made in.
#[derive(Debug)]
pub struct Compact {
    stem: Convolution,
    stem_norm: nn::BatchNorm,
    blocks: Vec<Block>,
    project: nn::Linear,
    project_norm: nn::BatchNorm,
}

/// Two 3x3 convolutions and a 1x1 shortcut, at half the resolution.
#[derive(Debug)]
struct Block {
    conv1: Convolution,
    norm1: nn::BatchNorm,
    conv2: Convolution,
    norm2: nn::BatchNorm,
    shortcut: Convolution,
    shortcut_norm: nn::BatchNorm,
}

/// Scales begin at 1: tch would draw them at random, and from a generator of its own.
fn norm_config() -> nn::BatchNormConfig {
    nn::BatchNormConfig {
        ws_init: nn::Init::Const(1.0),
        ..Default::default()
    }
}

impl Block {
    fn new(path: Path, from: i64, to: i64) -> Block {
        let norm = |name: &str| nn::batch_norm2d(&path / name, to, norm_config());
        Block {
            conv1: Convolution::new(&path / "conv1", from, to, 3, 2),
            norm1: norm("norm1"),
            conv2: Convolution::new(&path / "conv2", to, to, 3, 1),
            norm2: norm("norm2"),
            shortcut: Convolution::new(&path / "shortcut", from, to, 1, 2),
            shortcut_norm: norm("shortcut_norm"),
        }
    }

    fn forward(&self, input: &Tensor, train: bool) -> Tensor {
        let inner = self
            .norm1
            .forward_t(&self.conv1.forward(input), train)
            .relu_();
        let inner = self.norm2.forward_t(&self.conv2.forward(&inner), train);
        let short = self
            .shortcut_norm
            .forward_t(&self.shortcut.forward(input), train);
        (inner + short).relu_()
    }
}

impl Compact {
    /// Makes the network's variables under `path`.
    ///
    /// # Panics
    /// If the shape does not pass [`CompactShape::check`].
    #[must_use]
    pub fn new(path: &Path, shape: CompactShape) -> Compact {
        shape.check().expect("a shape is checked where it is read");
        let width = shape.width;
        let blocks = [(1, 2), (2, 4), (4, 8)]
            .into_iter()
            .enumerate()
            .map(|(at, (from, to))| Block::new(path / "blocks" / at, from * width, to * width))
            .collect();
        Compact {
            stem: Convolution::new(path / "stem", 1, width, 5, 2),
            stem_norm: nn::batch_norm2d(path / "stem_norm", width, norm_config()),
            blocks,
            project: nn::linear(
                path / "project",
                shape.features(),
                shape.dimensions,
                nn::LinearConfig {
                    bias: false,
                    ..Default::default()
                },
            ),
            project_norm: nn::batch_norm1d(path / "project_norm", shape.dimensions, norm_config()),
        }
    }

    /// The gradients by `parameters` of a loss of the last training batch; whoever trains the
    /// network takes them here, since its convolutions leave some of them to be made.
    pub fn gradients(&self, loss: &Tensor, parameters: &[&Tensor]) -> Vec<Tensor> {
        let all: Vec<&Convolution> = (self.blocks.iter())
            .flat_map(|block| [&block.conv1, &block.conv2, &block.shortcut])
            .collect();
        convolve::gradients(loss, parameters, &all)
    }

    /// What the network makes of images `[n, 1, side, side]`: `[n, dimensions]`, with batch norm's
    /// running statistics, each image alone, whatever else is in the batch. The head makes unit
    /// vectors of it, or features.
    pub(super) fn project(&self, images: &Tensor) -> Tensor {
        self.forward(images, false, None)
    }

    /// The same of a training batch: see [`super::Network::embed_training`].
    pub(super) fn project_training(
        &self,
        images: &Tensor,
        mask: Option<&Tensor>,
        kind: Kind,
    ) -> Tensor {
        let mask = mask.map(|mask| mask.to_kind(kind));
        self.forward(&images.to_kind(kind), true, mask.as_ref())
    }

    fn forward(&self, images: &Tensor, train: bool, mask: Option<&Tensor>) -> Tensor {
        let mut x = self
            .stem_norm
            .forward_t(&self.stem.forward(images), train)
            .relu_();
        for block in &self.blocks {
            x = block.forward(&x, train);
        }
        let mut x = x.flatten(1, -1); // [n, features]
        if let Some(mask) = mask {
            x = &x * mask; // not in place: ReLU's gradient needs its output
        }
        let x = x.linear::<Tensor>(&self.project.ws.to_kind(x.kind()), None);
        (self.project_norm).forward_t(&x.to_kind(Kind::Float), train)
    }
}

/// Scales each row to length 1; a row of zeros stays one.
pub(crate) fn unit_rows(x: &Tensor) -> Tensor {
    let length = x
        .square()
        .sum_dim_intlist([-1i64].as_slice(), true, Kind::Float)
        .sqrt();
    x / length.clamp_min(1e-12)
}
