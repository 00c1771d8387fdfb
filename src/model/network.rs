//! The networks there are, by name.

use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::{Path, VarStore};

use super::compact::{Compact, CompactShape};
use super::distance::Distance;
use super::koch::{self, Koch, KochShape};
use super::matching::{self, Context, Matching, MatchingShape};
use super::siamese::{Siamese, SiameseShape};
use super::weights::initialise;

/// A network's kind and shape.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum NetworkShape {
    /// The small residual embedder.
    Compact(CompactShape),
    /// Koch's siamese network.
    Koch(KochShape),
    /// Matching Networks with full context embeddings.
    Matching(MatchingShape),
    /// Koch's distance over two compact embeddings.
    Siamese(SiameseShape),
}

impl NetworkShape {
    /// Says what is wrong with a shape that no network can have.
    ///
    /// # Errors
    /// As the kind's own check.
    pub fn check(&self) -> Result<(), String> {
        match self {
            NetworkShape::Compact(shape) => shape.check(),
            NetworkShape::Koch(shape) => shape.check(),
            NetworkShape::Matching(shape) => shape.check(),
            NetworkShape::Siamese(shape) => shape.embedder.check(),
        }
    }

    /// Values of all variables of such a network together: what it takes memory for.
    ///
    /// # Panics
    /// If the shape does not pass its check.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.check().expect("a shape is checked where it is read");
        match self {
            NetworkShape::Compact(shape) => shape.values(),
            NetworkShape::Koch(shape) => shape.values(),
            NetworkShape::Matching(shape) => shape.values(),
            NetworkShape::Siamese(SiameseShape { embedder }) => {
                embedder.values() + embedder.dimensions as u64 + 1 // the score's weight and bias
            }
        }
    }

    /// The compact embedder in it, if there is one.
    #[must_use]
    pub fn embedder(&self) -> Option<CompactShape> {
        match self {
            NetworkShape::Compact(shape) => Some(*shape),
            NetworkShape::Koch(_) => None,
            NetworkShape::Matching(shape) => Some(shape.embedder),
            NetworkShape::Siamese(shape) => Some(shape.embedder),
        }
    }

    /// Whether such networks can answer together: each compares two embeddings by their cosine, with
    /// no context.
    #[must_use]
    pub fn answers_together(&self) -> bool {
        matches!(self, NetworkShape::Compact(_))
    }

    /// Width and height of its images in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        match self {
            NetworkShape::Compact(shape) => shape.side,
            NetworkShape::Koch(shape) => shape.side,
            NetworkShape::Matching(shape) => shape.embedder.side,
            NetworkShape::Siamese(shape) => shape.embedder.side,
        }
    }

    /// Length of what a drawing is embedded to.
    #[must_use]
    pub fn dimensions(&self) -> i64 {
        match self {
            NetworkShape::Compact(shape) => shape.dimensions,
            NetworkShape::Koch(shape) => shape.units,
            NetworkShape::Matching(shape) => shape.embedder.dimensions,
            NetworkShape::Siamese(shape) => shape.embedder.dimensions,
        }
    }

    /// Draws the first weights of a network of this shape.
    pub fn initialise(&self, weights: &VarStore, seed: u64) {
        match self {
            NetworkShape::Compact(_) | NetworkShape::Siamese(_) => initialise(weights, seed),
            NetworkShape::Koch(shape) => koch::initialise(weights, *shape, seed),
            NetworkShape::Matching(_) => matching::initialise(weights, seed),
        }
    }
}

/// A network of any kind.
#[derive(Debug)]
pub enum Network {
    /// The small residual embedder.
    Compact(Box<Compact>),
    /// Koch's siamese network.
    Koch(Koch),
    /// Matching Networks with full context embeddings.
    Matching(Box<Matching>),
    /// Koch's distance over two compact embeddings.
    Siamese(Box<Siamese>),
}

/// How two embeddings are compared; the greater, the more alike.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// Their dot product: the cosine of unit vectors.
    Cosine,
    /// The logit of p(a, b): the weighted sum of |a - b|, and a bias.
    Distance {
        /// The weight of each component.
        weights: Vec<f32>,
        /// What is added.
        bias: f32,
    },
}

impl Network {
    /// Makes a network's variables under `path`.
    ///
    /// # Panics
    /// If the shape does not pass its check.
    #[must_use]
    pub fn new(path: &Path, shape: NetworkShape) -> Network {
        match shape {
            NetworkShape::Compact(shape) => Network::Compact(Box::new(Compact::new(path, shape))),
            NetworkShape::Koch(shape) => Network::Koch(Koch::new(path, shape)),
            NetworkShape::Matching(shape) => {
                Network::Matching(Box::new(Matching::new(path, shape)))
            }
            NetworkShape::Siamese(shape) => Network::Siamese(Box::new(Siamese::new(path, shape))),
        }
    }

    /// Embeds images `[n, 1, side, side]` to `[n, dimensions]`: unit vectors of a compact
    /// network and, without their context, of a matching network; features from 0 to 1 of
    /// Koch's and of a siamese one. Each image alone, whatever else is in the batch.
    pub fn embed(&self, images: &Tensor) -> Tensor {
        match self {
            Network::Compact(network) => network.embed(images),
            Network::Koch(network) => network.features(images),
            Network::Matching(network) => network.embedder.embed(images),
            Network::Siamese(network) => network.features(images),
        }
    }

    /// The gradients of a training batch's loss by `parameters`: see [`Compact::gradients`].
    pub fn gradients(&self, loss: &Tensor, parameters: &[&Tensor]) -> Vec<Tensor> {
        match self {
            Network::Compact(network) => network.gradients(loss, parameters),
            Network::Koch(_) => Tensor::run_backward(&[loss], parameters, false, false),
            Network::Matching(network) => network.embedder.gradients(loss, parameters),
            Network::Siamese(network) => network.embedder.gradients(loss, parameters),
        }
    }

    /// What answers tasks from the embeddings of the whole support, if the network has that.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        match self {
            Network::Compact(_) | Network::Koch(_) | Network::Siamese(_) => None,
            Network::Matching(network) => Some(&network.context),
        }
    }

    /// How its embeddings are compared, symmetric in both.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        match self {
            Network::Compact(_) | Network::Matching(_) => Comparison::Cosine,
            Network::Koch(Koch { score, .. }) => distance(score),
            Network::Siamese(network) => distance(&network.score),
        }
    }
}

fn distance(score: &Distance) -> Comparison {
    let (weights, bias) = score.weights();
    Comparison::Distance { weights, bias }
}
