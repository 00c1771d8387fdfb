//! Koch's idea on the compact embedder: two drawings, one network, and a weighted distance
//! between what it makes of them.
//!
//! ```text
//! images [n, 1, s, s]
//!   compact embedder, without its L2 norm; sigmoid   [n, d]  the features of a drawing
//!   linear of |a - b|, sigmoid                       p(a, b)
//! ```
//!
//! Everything but the embedder is as in [`super::Koch`], so that the two objectives, pairs and
//! classes, can be compared on one network.

use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use super::compact::{Compact, CompactShape};
use super::distance::Distance;

/// The shape of a siamese compact network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiameseShape {
    /// Both towers; its dimensions are the features of a drawing.
    pub embedder: CompactShape,
}

/// The network; its weights live in the [`tch::nn::VarStore`] it was made in.
#[derive(Debug)]
pub struct Siamese {
    /// Both towers.
    pub embedder: Compact,
    /// What compares the features of two drawings.
    pub score: Distance,
}

impl Siamese {
    /// Makes the network's variables under `path`: `embedder`, and `score` with `weight` and
    /// `bias`.
    ///
    /// # Panics
    /// If the embedder's shape does not pass [`CompactShape::check`].
    #[must_use]
    pub fn new(path: &Path, shape: SiameseShape) -> Siamese {
        Siamese {
            embedder: Compact::new(&(path / "embedder"), shape.embedder),
            score: Distance::new(path / "score", shape.embedder.dimensions),
        }
    }

    /// The features of images `[n, 1, side, side]`: `[n, d]`, each from 0 to 1, each image
    /// alone.
    pub fn features(&self, images: &Tensor) -> Tensor {
        self.embedder.project(images).sigmoid()
    }

    /// The features of a training batch: see [`Compact::embed_training`].
    pub fn features_training(&self, images: &Tensor, mask: Option<&Tensor>, kind: Kind) -> Tensor {
        (self.embedder.project_training(images, mask, kind)).sigmoid()
    }
}
