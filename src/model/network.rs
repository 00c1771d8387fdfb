//! The networks there are, by name.

use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::{Path, VarStore};

use super::compact::{Compact, CompactShape};
use super::koch::{self, Koch, KochShape};
use super::matching::{self, Context, Matching, MatchingShape};
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
        }
    }

    /// Width and height of its images in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        match self {
            NetworkShape::Compact(shape) => shape.side,
            NetworkShape::Koch(shape) => shape.side,
            NetworkShape::Matching(shape) => shape.embedder.side,
        }
    }

    /// Length of what a drawing is embedded to.
    #[must_use]
    pub fn dimensions(&self) -> i64 {
        match self {
            NetworkShape::Compact(shape) => shape.dimensions,
            NetworkShape::Koch(shape) => shape.units,
            NetworkShape::Matching(shape) => shape.embedder.dimensions,
        }
    }

    /// Draws the first weights of a network of this shape.
    pub fn initialise(&self, weights: &VarStore, seed: u64) {
        match self {
            NetworkShape::Compact(_) => initialise(weights, seed),
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
        }
    }

    /// Embeds images `[n, 1, side, side]` to `[n, dimensions]`: unit vectors of a compact
    /// network and, without their context, of a matching network; features from 0 to 1 of
    /// Koch's. Each image alone, whatever else is in the batch.
    pub fn embed(&self, images: &Tensor) -> Tensor {
        match self {
            Network::Compact(network) => network.embed(images),
            Network::Koch(network) => network.features(images),
            Network::Matching(network) => network.embedder.embed(images),
        }
    }

    /// What answers tasks from the embeddings of the whole support, if the network has that.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        match self {
            Network::Compact(_) | Network::Koch(_) => None,
            Network::Matching(network) => Some(&network.context),
        }
    }

    /// How its embeddings are compared, symmetric in both.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        match self {
            Network::Compact(_) | Network::Matching(_) => Comparison::Cosine,
            Network::Koch(network) => {
                let (weights, bias) = network.score_weights();
                Comparison::Distance { weights, bias }
            }
        }
    }
}
