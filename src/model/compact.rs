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

use tch::nn::{self, ModuleT, Path};
use tch::{Kind, Tensor};

use super::convolve::{self, Convolution};
use super::tiled::Tiled;
use crate::weights::CompactShape;

/// The network; its weights live in the [`nn::VarStore`] it was made in.
#[derive(Debug)]
pub struct Compact {
    stem: Convolution,
    stem_norm: nn::BatchNorm,
    blocks: Vec<Block>,
    project: nn::Linear,
    project_norm: nn::BatchNorm,
    /// What learns in bf16 on a CPU with tile registers, instead of all of the above but the last.
    tiled: Tiled,
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
            tiled: Tiled::new(shape),
        }
    }

    /// The convolutions and the norms after them: the stem's, and three of each block.
    pub(super) fn layers(&self) -> Vec<(&Convolution, &nn::BatchNorm)> {
        let blocks = self.blocks.iter().flat_map(|block| {
            [
                (&block.conv1, &block.norm1),
                (&block.conv2, &block.norm2),
                (&block.shortcut, &block.shortcut_norm),
            ]
        });
        std::iter::once((&self.stem, &self.stem_norm))
            .chain(blocks)
            .collect()
    }

    #[cfg(test)]
    pub(super) fn tiled(&self) -> &Tiled {
        &self.tiled
    }

    /// The norm of embeddings, the network's last layer.
    pub(crate) fn embedding_norm(&self) -> &nn::BatchNorm {
        &self.project_norm
    }

    /// The weight of the projection before it, `[dimensions, features]`.
    pub(crate) fn projection(&self) -> &Tensor {
        &self.project.ws
    }

    /// The gradients by `parameters` of a loss of the last training batch; whoever trains the
    /// network takes them here, since its convolutions leave some of them to be made.
    pub fn gradients(&self, loss: &Tensor, parameters: &[&Tensor]) -> Vec<Tensor> {
        if let Some(gradients) = self.tiled.gradients(self, loss, parameters) {
            return gradients;
        }
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
        if self.tiled.serves(kind, images) {
            let projected = self.tiled.project(self, images, mask);
            return self.project_norm.forward_t(&projected, true);
        }
        let mask = mask.map(|mask| mask.to_kind(kind));
        self.forward(&images.to_kind(kind), true, mask.as_ref())
    }

    /// libtorch's own pass, in the kind of `images`.
    pub(super) fn forward(&self, images: &Tensor, train: bool, mask: Option<&Tensor>) -> Tensor {
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
pub(super) fn unit_rows(x: &Tensor) -> Tensor {
    let length = x
        .square()
        .sum_dim_intlist([-1i64].as_slice(), true, Kind::Float)
        .sqrt();
    x / length.clamp_min(1e-12)
}
