//! From a batch of any kind to its loss.

use tch::Tensor;

use super::learner::Learner;
use super::objective;
use crate::loader::{ClassBatch, PairBatch, TableBatch};
use crate::model::{Compact, Network, hand_over};

/// A batch that a network learns from.
pub trait Lesson {
    /// The batch's loss, a scalar; the mean over what a rank has of it.
    fn loss(&self, learner: &Learner) -> Tensor;

    /// Drawings that this rank has of it.
    fn drawings(&self) -> usize;

    /// Its pixels `[n, 1, side, side]`, and what is said of each drawing or pair, as numbers:
    /// for whoever wants to see the batch that a loss went wrong on.
    fn contents(&self) -> (&[f32], Vec<f32>);

    /// The batch itself if it can be cut into shards.
    fn classes(&self) -> Option<&ClassBatch> {
        None
    }
}

impl Lesson for ClassBatch {
    fn loss(&self, learner: &Learner) -> Tensor {
        let (network, vectors) = (&learner.model.network, &learner.class_vectors);
        // The embeddings [n, d] of the first `n` drawings.
        let embed = |network: &Compact, n: usize| {
            let area = self.images.len() / self.classes.len();
            let images = learner.images(&self.images[..n * area]);
            let kind = learner.kind();
            network.embed_training(&images, &learner.keep(n, 1), kind)
        };
        let (all, part) = (self.classes.len(), self.alphabet_part);
        match network {
            Network::Compact(network) => {
                let classes = hand_over(&self.classes, learner.device);
                let objective = learner.preset.objective;
                objective::loss(&embed(network, all), &classes, vectors, part, objective)
            }
            Network::Matching(network) => {
                // An alphabet without second drawings makes tasks of one way, which any two
                // drawings do for: the answer is certain, and teaches nothing.
                let embeddings = embed(&network.embedder, part.max(2));
                objective::matching(&network.context, &embeddings)
            }
            _ => unreachable!("a preset's parts fit together"),
        }
    }

    fn drawings(&self) -> usize {
        self.classes.len()
    }

    fn classes(&self) -> Option<&ClassBatch> {
        Some(self)
    }

    fn contents(&self) -> (&[f32], Vec<f32>) {
        let classes = self.classes.iter().map(|&class| class as f32).collect();
        (&self.images, classes)
    }
}

impl Lesson for PairBatch<f32> {
    fn loss(&self, learner: &Learner) -> Tensor {
        let (_, same) = self.contents();
        let same = hand_over(&same, learner.device);
        let kind = learner.kind();
        let images = learner.images(&self.images);
        // Both towers are one network, so one pass serves both: features are [2n, units].
        let (features, score) = match &learner.model.network {
            Network::Koch(network) => (network.features_in(&images, kind), &network.score),
            Network::Siamese(network) => {
                let keep = learner.keep(learner.preset.batch.drawings(), 2);
                let features = network.features_training(&images, &keep, kind);
                (features, &network.score)
            }
            _ => unreachable!("a preset's parts fit together"),
        };
        let halves = features.chunk(2, 0);
        objective::verification(&score.logits(&halves[0], &halves[1]), &same)
    }

    fn drawings(&self) -> usize {
        2 * self.items.len()
    }

    fn contents(&self) -> (&[f32], Vec<f32>) {
        let same = |item: &crate::sample::PairItem| f32::from(u8::from(item.same));
        (&self.images, self.items.iter().map(same).collect())
    }
}

impl Lesson for TableBatch<f32> {
    fn loss(&self, learner: &Learner) -> Tensor {
        self.pairs.loss(learner)
    }

    fn drawings(&self) -> usize {
        self.pairs.drawings()
    }

    fn contents(&self) -> (&[f32], Vec<f32>) {
        self.pairs.contents()
    }
}
