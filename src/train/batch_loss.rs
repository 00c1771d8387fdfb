//! From a batch to its loss.

use tch::{Kind, Tensor};

use super::device_batch::{DeviceBatch, Targets};
use super::objective;
use super::preset::Objective;
use crate::model::{Compact, Network};

/// What a batch's loss is taken with.
#[derive(Clone, Copy)]
pub(super) struct LossInput<'a> {
    pub network: &'a Network,
    /// `[classes, d]`; without rows for losses without such vectors.
    pub class_vectors: &'a Tensor,
    pub objective: Objective,
    /// What the network's arithmetic is done in.
    pub kind: Kind,
}

impl LossInput<'_> {
    /// The loss of a batch, a scalar: the mean over its drawings or pairs.
    ///
    /// # Panics
    /// If network, batch and objective do not fit together, which a preset's check refuses.
    pub fn loss(&self, batch: &DeviceBatch) -> Tensor {
        match &batch.targets {
            Targets::Classes(classes, part) => self.of_classes(batch, classes, *part),
            Targets::Pairs(same) => self.of_pairs(batch, same),
        }
    }

    fn of_classes(&self, batch: &DeviceBatch, classes: &Tensor, part: usize) -> Tensor {
        // The embeddings [n, d] of the first `n` drawings.
        let embed = |network: &Compact, n: usize| {
            network.embed_training(&batch.images(n), batch.mask(n).as_ref(), self.kind)
        };
        match self.network {
            Network::Compact(network) => {
                let embeddings = embed(network, batch.drawings());
                objective::loss(
                    &embeddings,
                    classes,
                    self.class_vectors,
                    part,
                    self.objective,
                )
            }
            Network::Matching(network) => {
                // An alphabet without second drawings makes tasks of one way, which any two
                // drawings do for: the answer is certain, and teaches nothing.
                let embeddings = embed(&network.embedder, part.max(2));
                objective::matching(&network.context, &embeddings)
            }
            Network::Koch(_) | Network::Siamese(_) => unreachable!("pairs teach these two"),
        }
    }

    fn of_pairs(&self, batch: &DeviceBatch, same: &Tensor) -> Tensor {
        let images = batch.images(batch.drawings());
        // Both towers are one network, so one pass serves both: features are [2n, units].
        let (features, score) = match self.network {
            Network::Koch(network) => (network.features_in(&images, self.kind), &network.score),
            Network::Siamese(network) => {
                let mask = batch.mask(batch.drawings());
                let features = network.features_training(&images, mask.as_ref(), self.kind);
                (features, &network.score)
            }
            Network::Compact(_) | Network::Matching(_) => unreachable!("classes teach these two"),
        };
        let halves = features.chunk(2, 0);
        objective::verification(&score.logits(&halves[0], &halves[1]), same)
    }
}
