//! What training minimises: drawings of one class near each other, others far; or, for
//! comparison, what a classifier, a verifier and a matching network minimise.
//!
//! *Cosine softmax* (Wang et al. 2018, CosFace): each class has a vector, and the
//! cosine of a drawing with its own class, less a margin, must stand out among the cosines
//! with all classes. *Contrast* (Khosla et al. 2020): among the drawings of one
//! alphabet, the other drawing of a drawing's character must stand out: the question
//! that a one-shot task inside an alphabet asks.

use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use super::batch::Batch;
use super::candidates::Candidates;
use super::range::RangeError;
use crate::model::{Context, HeadShape};

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Objective {
    /// Drawings of one class near each other, others far.
    Metric(Metric),
    /// Cross-entropy over all training classes: a plain classifier.
    Softmax(Softmax),
    /// Mean negative log-probability of the right way, of tasks that a matching network answers
    /// (Vinyals et al. 2016, section 2.2).
    Matching,
    /// Cross-entropy of "these two show one character" (Koch 2015, section 3.2).
    Verification,
}

/// The parts of the metric loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Inverse temperature of the softmax over all training classes.
    pub scale: f64,
    /// What the cosine with the right class is lowered by.
    pub margin: f64,
    /// Inverse temperature of the contrast among drawings of one alphabet.
    pub contrast_scale: f64,
}

/// A plain classifier: a linear layer over the embedding, whose class vectors are of any length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// What the linear layer's outputs are multiplied by: embeddings are unit vectors, and
    /// without it the class vectors would have far to grow.
    pub scale: f64,
}

impl Objective {
    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), RangeError> {
        match self {
            Objective::Softmax(Softmax { scale }) => {
                let sound = *scale > 0.0 && *scale <= 1000.0;
                RangeError::unless(sound, "objective.scale", scale, "above 0, to 1,000")
            }
            Objective::Metric(_) | Objective::Matching | Objective::Verification => Ok(()),
        }
    }

    /// Whether each class has a vector that learns.
    pub(super) fn has_class_vectors(&self) -> bool {
        match self {
            Objective::Metric(_) | Objective::Softmax(_) => true,
            Objective::Matching | Objective::Verification => false,
        }
    }

    /// Whether the loss can be taken of such batches by such a network.
    pub(super) fn fits(&self, head: HeadShape, batch: &Batch) -> bool {
        let classes = match batch {
            Batch::Classes(_) => true,
            Batch::Pairs(_) | Batch::Table(_) => false,
        };
        match self {
            Objective::Metric(_) | Objective::Softmax(_) => classes && head == HeadShape::Cosine,
            Objective::Matching => classes && matches!(head, HeadShape::Context(_)),
            Objective::Verification => !classes && head == HeadShape::Distance,
        }
    }
}

/// The loss of a batch by class, a scalar: a softmax over all classes, plus the contrast within
/// an alphabet if the objective is metric and there are two characters to contrast.
///
/// `embeddings` are unit vectors `[n, d]`. The first `alphabet_part` drawings are of one alphabet,
/// the two of each character one after the other.
///
/// # Panics
/// If the objective is not metric or softmax.
pub fn loss(
    embeddings: &Tensor,
    candidates: &Candidates,
    alphabet_part: usize,
    objective: Objective,
) -> Tensor {
    let softmax = by_class(embeddings, candidates, objective);
    match within_alphabet(embeddings, alphabet_part, objective) {
        Some(contrast) => softmax + contrast,
        None => softmax,
    }
}

/// The loss of a plain classifier, a scalar: mean cross-entropy under logits that are `scale` times
/// the products of `embeddings` `[n, d]` and the candidates' vectors.
pub fn softmax(embeddings: &Tensor, candidates: &Candidates, scale: f64) -> Tensor {
    let logits = embeddings.matmul(&candidates.vectors.tr()) * scale; // [n, candidates]
    candidates.cross_entropy(&logits)
}

/// The loss of a matching network, a scalar: mean negative log-probability of the right ways
/// (Vinyals et al. 2016, section 2.2). `embeddings` `[2n, d]` are of two drawings of each of `n`
/// characters, one after the other. They make two `n`-way 1-shot tasks of `n` queries each: the
/// first drawings are the support of the second ones, and the second ones of the first.
///
/// # Panics
/// If there are no embeddings, or an odd number.
pub fn matching(context: &Context, embeddings: &Tensor) -> Tensor {
    let both = embeddings.unflatten(0, [-1, 2]).transpose(0, 1); // [2, n, d]
    let answers = context.answer_all(&both, &both.flip([0]), 1); // [2, n, n]
    -answers.diagonal(0, 1, 2).mean(Kind::Float)
}

/// The loss of pairs, a scalar: mean cross-entropy of p(a, b) with the labels `same`, both
/// `[n]` (Koch 2015, section 3.2). `logits` are before the sigmoid.
pub fn verification(logits: &Tensor, same: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(same, None, None, Reduction::Mean)
}

/// The part of a loss that is the mean of the drawings' own: a softmax over all classes.
///
/// # Panics
/// If the objective is not metric or softmax.
pub(super) fn by_class(
    embeddings: &Tensor,
    candidates: &Candidates,
    objective: Objective,
) -> Tensor {
    match objective {
        Objective::Metric(metric) => cosine_softmax(embeddings, candidates, metric),
        Objective::Softmax(Softmax { scale }) => softmax(embeddings, candidates, scale),
        Objective::Matching | Objective::Verification => {
            panic!("{objective:?} has no class vectors")
        }
    }
}

fn cosine_softmax(embeddings: &Tensor, candidates: &Candidates, objective: Metric) -> Tensor {
    let Candidates {
        vectors, targets, ..
    } = candidates;
    // Not unit vectors of the classes, which are many: lengths are divided by where drawings are few.
    let lengths = vectors.norm_scalaropt_dim(2.0, [1i64].as_slice(), false);
    let cosines = embeddings.matmul(&vectors.tr()) / lengths.clamp_min(1e-12); // [n, candidates]
    // Not by scatter_add, which a GPU adds by in any order.
    let all = Tensor::arange(vectors.size()[0], (Kind::Int64, targets.device()));
    let own = targets.unsqueeze(1).eq_tensor(&all).to_kind(Kind::Float); // [n, candidates]
    let cosines = cosines - own * objective.margin;
    candidates.cross_entropy(&(cosines * objective.scale))
}

/// The part of a loss that compares the drawings of one alphabet, the first `alphabet_part`; none
/// of a plain classifier, nor of one character, which there is nothing to contrast with.
pub(super) fn within_alphabet(
    embeddings: &Tensor,
    alphabet_part: usize,
    objective: Objective,
) -> Option<Tensor> {
    match objective {
        Objective::Metric(metric) if alphabet_part >= 4 => {
            let alphabet = embeddings.narrow(0, 0, alphabet_part as i64);
            Some(contrast(&alphabet, metric.contrast_scale))
        }
        Objective::Metric(_)
        | Objective::Softmax(_)
        | Objective::Matching
        | Objective::Verification => None,
    }
}

/// Each drawing must find its partner (the next, or the one before) among all but itself.
fn contrast(embeddings: &Tensor, scale: f64) -> Tensor {
    let n = embeddings.size()[0];
    let logits = embeddings.matmul(&embeddings.tr()) * scale; // [n, n]
    let itself = Tensor::eye(n, (Kind::Bool, embeddings.device()));
    let logits = logits.masked_fill(&itself, f64::NEG_INFINITY);
    let partners = Tensor::arange(n, (Kind::Int64, embeddings.device())).bitwise_xor(1i64);
    logits.cross_entropy_for_logits(&partners)
}
