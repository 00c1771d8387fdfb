//! Which classes the drawings of a batch are told from: all, or, of very many, those it shows.

use tch::{Kind, Tensor};

/// Classes to choose among in a softmax, and the right ones.
#[derive(Debug)]
pub struct Candidates {
    /// Their vectors, `[candidates, d]`.
    pub vectors: Tensor,
    /// Which of them each drawing shows, `[n]`.
    pub targets: Tensor,
    /// Those that do not count for a drawing, `[n, candidates]`; none, if all count.
    hidden: Option<Tensor>,
}

impl Candidates {
    /// All classes, of `class_vectors` `[classes, d]`, for drawings of `classes` `[n]`.
    #[must_use]
    pub fn all(class_vectors: &Tensor, classes: &Tensor) -> Candidates {
        Candidates {
            vectors: class_vectors.shallow_clone(),
            targets: classes.shallow_clone(),
            hidden: None,
        }
    }

    /// All classes below `from`, and of the others those that the batch shows (a sampled softmax:
    /// Jean et al. 2015), so that a step costs the same however many there are.
    ///
    /// Each drawing brings the vector of its class with it. So the sizes hang on the batch's alone,
    /// and of a class that is shown twice a drawing hides the other drawing's.
    #[must_use]
    pub fn sampled(class_vectors: &Tensor, classes: &Tensor, from: i64) -> Candidates {
        let n = classes.size()[0];
        let device = classes.device();
        let places = Tensor::arange(n, (Kind::Int64, device));
        let sampled = classes.ge(from); // [n]
        let brought = class_vectors.index_select(0, classes);
        let twice = classes.unsqueeze(1).eq_tensor(&classes.unsqueeze(0));
        let own = Tensor::eye(n, (Kind::Bool, device));
        let brought_hidden = twice.logical_xor(&own).logical_or(&sampled.logical_not());
        let known_hidden = Tensor::zeros([n, from], (Kind::Bool, device));
        Candidates {
            vectors: Tensor::cat(&[class_vectors.narrow(0, 0, from), brought], 0),
            targets: (&places + from).where_self(&sampled, classes),
            hidden: Some(Tensor::cat(&[known_hidden, brought_hidden], 1)),
        }
    }

    /// Mean cross-entropy of the targets under logits `[n, candidates]`.
    pub(super) fn cross_entropy(&self, logits: &Tensor) -> Tensor {
        match &self.hidden {
            None => logits.cross_entropy_for_logits(&self.targets),
            Some(hidden) => logits
                .masked_fill(hidden, f64::NEG_INFINITY)
                .cross_entropy_for_logits(&self.targets),
        }
    }
}
