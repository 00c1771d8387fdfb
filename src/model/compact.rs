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
use super::tiled::{Learning, Tiled};
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

    /// What learns on tile registers.
    fn learning(&self) -> Learning<'_> {
        let blocks = self.blocks.iter().flat_map(|block| {
            [
                (&block.conv1, &block.norm1),
                (&block.conv2, &block.norm2),
                (&block.shortcut, &block.shortcut_norm),
            ]
        });
        Learning {
            layers: std::iter::once((&self.stem, &self.stem_norm))
                .chain(blocks)
                .map(|(convolution, norm)| (convolution.kernel(), norm))
                .collect(),
            projection: &self.project.ws,
        }
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
        if let Some(gradients) = self.tiled.gradients(&self.learning(), loss, parameters) {
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
            let projected = self.tiled.project(&self.learning(), images, mask);
            return self.project_norm.forward_t(&projected, true);
        }
        let mask = mask.map(|mask| mask.to_kind(kind));
        self.forward(&images.to_kind(kind), true, mask.as_ref())
    }

    /// libtorch's own pass, in the kind of `images`.
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
pub(super) fn unit_rows(x: &Tensor) -> Tensor {
    let length = x
        .square()
        .sum_dim_intlist([-1i64].as_slice(), true, Kind::Float)
        .sqrt();
    x / length.clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, no_grad};

    use super::*;
    use crate::weights::NetworkShape;

    const SHAPE: CompactShape = CompactShape {
        side: 32,
        width: 32,
        dimensions: 32,
        dropout: 0.1,
    };
    const DRAWINGS: i64 = 32;

    /// Strokes here and there.
    fn images() -> Tensor {
        let side = SHAPE.side as i64;
        let wave = Tensor::arange(DRAWINGS * side * side, (Kind::Double, Device::Cpu));
        let wave = (&wave * 0.37).sin() + (&wave * 0.011).cos();
        let ink = wave.gt(0.9).to_kind(Kind::Float);
        ink.view([DRAWINGS, 1, side, side])
    }

    struct Learned {
        projected: Tensor,
        gradients: Vec<(String, Tensor)>,
        statistics: Vec<(String, Tensor)>,
    }

    /// What a step finds, by tile registers or by libtorch in `kind`.
    fn learned(tiled: bool, kind: Kind) -> Learned {
        let store = VarStore::new(Device::Cpu);
        let network = Compact::new(&store.root(), SHAPE);
        NetworkShape::from(SHAPE).initialise(&store, 3);
        let all = crate::model::ordered(&store);
        let wave = |tensor: &Tensor, rate: f64| {
            let at = Tensor::arange(tensor.numel() as i64, (Kind::Float, Device::Cpu));
            (at * rate).sin().view_as(tensor)
        };
        no_grad(|| {
            for (name, tensor) in &all {
                if name.contains("norm") && name.ends_with("weight") {
                    let _ = tensor.shallow_clone().g_add_(&(wave(tensor, 0.7) * 0.3));
                }
                if name.ends_with("bias") {
                    let _ = tensor.shallow_clone().g_add_(&(wave(tensor, 0.9) * 0.2));
                }
            }
        });
        let features = SHAPE.features();
        let mask = wave(
            &Tensor::zeros([DRAWINGS, features], (Kind::Float, Device::Cpu)),
            1.3,
        );
        let mask = mask.gt(-0.9).to_kind(Kind::Float) / 0.9;
        let projected = if tiled {
            let learning = network.learning();
            let projected = (network.tiled).project(&learning, &images(), Some(&mask));
            network.project_norm.forward_t(&projected, true)
        } else {
            network.forward(&images().to_kind(kind), true, Some(&mask.to_kind(kind)))
        };
        let loss = (&projected * wave(&projected, 0.3)).sum(Kind::Float);
        let (learns, still): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, tensor)| tensor.requires_grad());
        let tensors: Vec<&Tensor> = learns.iter().map(|(_, tensor)| tensor).collect();
        let gradients = network.gradients(&loss, &tensors);
        let names = learns.iter().map(|(name, _)| name.clone());
        Learned {
            projected: projected.detach(),
            gradients: names.zip(gradients).collect(),
            statistics: still,
        }
    }

    /// How far two tensors are apart, as a share of the second.
    fn apart(one: &Tensor, other: &Tensor) -> f64 {
        assert_eq!(one.size(), other.size());
        let length = |tensor: &Tensor| tensor.norm().double_value(&[]);
        length(&(one - other)) / length(other)
    }

    /// Rounding between layers moves gradients by a sixth in such a network, in libtorch's form too: so the
    /// two are held together, and each to the exact one.
    #[test]
    fn a_pass_on_tiles_finds_what_libtorch_finds_but_for_rounding() {
        let ours = learned(true, Kind::BFloat16);
        let exact = learned(false, Kind::Float);
        let rounded = learned(false, Kind::BFloat16);
        let pairs = |of: fn(&Learned) -> &Vec<(String, Tensor)>| {
            let both = of(&ours).iter().zip(of(&rounded)).zip(of(&exact));
            both.map(|(((name, ours), (_, rounded)), (_, exact))| {
                (name.clone(), apart(ours, exact), apart(rounded, exact))
            })
            .collect::<Vec<_>>()
        };
        let mut all = pairs(|learned| &learned.gradients);
        all.extend(pairs(|learned| &learned.statistics));
        assert_eq!(all.len(), 33 + 22);
        for (name, ours, rounded) in all {
            assert!(rounded < 0.3, "{name}: {rounded}");
            assert!(
                ours < 1.5 * rounded + 0.01,
                "{name}: {ours}, libtorch {rounded}"
            );
        }
        let (ours, rounded) = (&ours.projected, &rounded.projected);
        assert!(apart(ours, &exact.projected) < 1.5 * apart(rounded, &exact.projected) + 0.01);
    }

    #[test]
    fn running_statistics_move_as_libtorchs() {
        let (ours, exact) = (learned(true, Kind::BFloat16), learned(false, Kind::Float));
        for ((name, ours), (_, exact)) in ours.statistics.iter().zip(&exact.statistics) {
            assert!(apart(ours, exact) < 0.01, "{name}");
        }
    }
}
