//! A network: a tower, which embeds each drawing alone, and a head, which compares embeddings.
//!
//! ```text
//! images [n, 1, s, s]
//!   tower            [n, d]
//!   head             unit vectors (cosine, context), or features from 0 to 1 (distance)
//! two embeddings     their cosine, or a weighted distance
//! a whole support    context alone: log-probabilities of its ways
//! ```

use tch::nn::{Path, VarStore};
use tch::{Kind, Tensor};

use super::compact::{Compact, unit_rows};
use super::context::Context;
use super::distance::Distance;
use super::koch::Koch;
use super::{context, koch, weights};
use crate::embed::Comparison;
use crate::weights::{HeadShape, NetworkShape, TowerShape};

/// A network; its weights live in the [`tch::nn::VarStore`] it was made in.
#[derive(Debug)]
pub struct Network {
    /// What embeds a drawing.
    pub tower: Tower,
    /// What compares embeddings.
    pub head: Head,
}

/// What embeds a drawing.
#[derive(Debug)]
pub enum Tower {
    /// The small residual embedder.
    Compact(Box<Compact>),
    /// Koch's convolutions.
    Koch(Koch),
}

/// What compares embeddings.
#[derive(Debug)]
pub enum Head {
    /// The cosine of two unit vectors.
    Cosine,
    /// Koch's weighted distance between features.
    Distance(Distance),
    /// Full context embeddings.
    Context(Context),
}

impl Tower {
    /// Makes the tower's variables: under `path`, or, of a compact tower beside a head that has
    /// variables too, under `embedder` there.
    fn new(path: &Path, shape: NetworkShape) -> Tower {
        match (shape.tower, shape.head) {
            (TowerShape::Compact(compact), HeadShape::Cosine) => {
                Tower::Compact(Box::new(Compact::new(path, compact)))
            }
            (TowerShape::Compact(compact), HeadShape::Distance | HeadShape::Context(_)) => {
                Tower::Compact(Box::new(Compact::new(&(path / "embedder"), compact)))
            }
            (
                TowerShape::Koch(koch),
                HeadShape::Cosine | HeadShape::Distance | HeadShape::Context(_),
            ) => Tower::Koch(Koch::new(path, koch)),
        }
    }

    /// What it makes of images `[n, 1, side, side]`, each alone: `[n, dimensions]`, of any size.
    fn project(&self, images: &Tensor) -> Tensor {
        match self {
            Tower::Compact(tower) => tower.project(images),
            Tower::Koch(tower) => tower.project(images, Kind::Float),
        }
    }

    /// The same of a training batch: see [`Network::embed_training`].
    fn project_training(&self, images: &Tensor, mask: Option<&Tensor>, kind: Kind) -> Tensor {
        match self {
            Tower::Compact(tower) => tower.project_training(images, mask, kind),
            // Nothing of it is silenced, so that there is no mask.
            Tower::Koch(tower) => tower.project(images, kind),
        }
    }
}

impl Head {
    fn new(path: &Path, shape: NetworkShape) -> Head {
        match shape.head {
            HeadShape::Cosine => Head::Cosine,
            HeadShape::Distance => {
                Head::Distance(Distance::new(path / "score", shape.dimensions()))
            }
            HeadShape::Context(context) => {
                let units = shape.dimensions();
                Head::Context(Context::new(&(path / "context"), context, units))
            }
        }
    }

    /// Embeddings as it compares them, of what the tower made.
    fn embed(&self, projected: &Tensor) -> Tensor {
        match self {
            Head::Cosine | Head::Context(_) => unit_rows(projected),
            Head::Distance(_) => projected.sigmoid(),
        }
    }
}

impl NetworkShape {
    /// Draws the first weights of a network of this shape.
    pub fn initialise(&self, weights: &VarStore, seed: u64) {
        match self.tower {
            TowerShape::Compact(_) => weights::initialise(weights, seed),
            TowerShape::Koch(shape) => koch::initialise(weights, shape, seed),
        }
        match self.head {
            HeadShape::Cosine | HeadShape::Distance => (),
            HeadShape::Context(_) => context::initialise(weights),
        }
    }
}

impl Network {
    /// Makes a network's variables under `path`.
    ///
    /// # Panics
    /// If the shape does not pass its check.
    #[must_use]
    pub fn new(path: &Path, shape: NetworkShape) -> Network {
        shape.check().expect("a shape is checked where it is read");
        Network {
            tower: Tower::new(path, shape),
            head: Head::new(path, shape),
        }
    }

    /// Embeds images `[n, 1, side, side]` to `[n, dimensions]`: features from 0 to 1 for a
    /// distance, unit vectors for a cosine and for a context, which is left out here. Each image
    /// alone, whatever else is in the batch.
    pub fn embed(&self, images: &Tensor) -> Tensor {
        self.head.embed(&self.tower.project(images))
    }

    /// Embeds a training batch, with the statistics of the batch, its convolutions in `kind`
    /// and what follows them in f32. `mask` (`[n, features]`) multiplies the flattened features:
    /// dropout's mask, already scaled; none where nothing is silenced.
    pub fn embed_training(&self, images: &Tensor, mask: Option<&Tensor>, kind: Kind) -> Tensor {
        let projected = self.tower.project_training(images, mask, kind);
        self.head.embed(&projected)
    }

    /// The gradients of a training batch's loss by `parameters`: see [`Compact::gradients`].
    pub fn gradients(&self, loss: &Tensor, parameters: &[&Tensor]) -> Vec<Tensor> {
        match &self.tower {
            Tower::Compact(tower) => tower.gradients(loss, parameters),
            Tower::Koch(_) => Tensor::run_backward(&[loss], parameters, false, false),
        }
    }

    /// What answers tasks from the embeddings of the whole support, if the network has that.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        match &self.head {
            Head::Cosine | Head::Distance(_) => None,
            Head::Context(context) => Some(context),
        }
    }

    /// The distance that compares the features of two drawings, if the network has one.
    #[must_use]
    pub fn distance(&self) -> Option<&Distance> {
        match &self.head {
            Head::Cosine | Head::Context(_) => None,
            Head::Distance(distance) => Some(distance),
        }
    }

    /// How its embeddings are compared, symmetric in both.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        match &self.head {
            Head::Cosine | Head::Context(_) => Comparison::Cosine,
            Head::Distance(distance) => {
                let (weights, bias) = distance.weights();
                Comparison::Distance { weights, bias }
            }
        }
    }
}
