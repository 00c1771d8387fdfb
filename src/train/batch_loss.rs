//! From a batch to its loss.

use tch::{Kind, Tensor};

use super::candidates::Candidates;
use super::device_batch::DeviceBatch;
use super::objective::{self, Objective};
use crate::model::Network;

/// Why parts are there that a loss needs.
pub(super) const FIT: &str = "a preset's parts fit together";

/// What a batch's loss is taken with.
#[derive(Clone, Copy)]
pub(super) struct LossInput<'a> {
    pub network: &'a Network,
    /// `[classes, d]`; without rows for losses without such vectors.
    pub class_vectors: &'a Tensor,
    /// Classes from this one on count only where a batch shows them; none, if all count.
    pub sampled_from: Option<i64>,
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
        match self.objective {
            Objective::Metric(_) | Objective::Softmax(_) => {
                let (classes, part) = batch.classes().expect(FIT);
                let embeddings = self.embed(batch, batch.drawings());
                let candidates = candidates(self.class_vectors, classes, self.sampled_from);
                objective::loss(&embeddings, &candidates, part, self.objective)
            }
            Objective::Matching => {
                let (_, part) = batch.classes().expect(FIT);
                // An alphabet without second drawings makes tasks of one way, which any two
                // drawings do for: the answer is certain, and teaches nothing.
                let embeddings = self.embed(batch, part.max(2));
                objective::matching(self.network.context().expect(FIT), &embeddings)
            }
            Objective::Verification => {
                // Both towers are one network, so one pass serves both: features are [2n, d].
                let halves = self.embed(batch, batch.drawings()).chunk(2, 0);
                let distance = self.network.distance().expect(FIT);
                let logits = distance.logits(&halves[0], &halves[1]);
                objective::verification(&logits, batch.same().expect(FIT))
            }
        }
    }

    /// The embeddings `[n, d]` of the first `n` drawings.
    fn embed(&self, batch: &DeviceBatch, n: usize) -> Tensor {
        let (images, mask) = (batch.images(n), batch.mask(n));
        (self.network).embed_training(&images, mask.as_ref(), self.kind)
    }
}

/// What drawings of `classes` `[n]` are told from.
pub(super) fn candidates(
    class_vectors: &Tensor,
    classes: &Tensor,
    sampled_from: Option<i64>,
) -> Candidates {
    match sampled_from {
        Some(from) => Candidates::sampled(class_vectors, classes, from),
        None => Candidates::all(class_vectors, classes),
    }
}
