//! Which classes the drawings of a batch are told from: all, or, of very many, those it shows.

use tch::{Kind, Tensor};

/// Classes to choose among in a softmax, and the right ones.
#[derive(Debug)]
pub struct Candidates {
    /// Their vectors, `[candidates, d]`.
    pub vectors: Tensor,
    /// Which of them each drawing shows, `[n]`.
    pub targets: Tensor,
    /// Those that do not count, `[candidates]`; none, if all count.
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
    /// Each drawing brings the vector of its class with it, so that sizes hang on the batch's
    /// alone. Of a class that is shown more than once the first counts, and it alone has a
    /// gradient: so a GPU, which adds rows in any order, adds one to zeros.
    #[must_use]
    pub fn sampled(class_vectors: &Tensor, classes: &Tensor, from: i64) -> Candidates {
        let (n, device) = (classes.size()[0], classes.device());
        let places = Tensor::arange(n, (Kind::Int64, device));
        let same = classes.unsqueeze(1).eq_tensor(&classes.unsqueeze(0)); // [n, n]
        let first = (places.unsqueeze(0).expand_as(&same))
            .masked_fill(&same.logical_not(), n)
            .amin([1i64].as_slice(), false); // [n]
        let sampled = classes.ge(from);
        let brought = sampled.logical_and(&first.eq_tensor(&places));
        let known = Tensor::zeros([from], (Kind::Bool, device));
        let all = [
            class_vectors.narrow(0, 0, from),
            class_vectors.index_select(0, classes),
        ];
        Candidates {
            vectors: Tensor::cat(&all, 0),
            targets: (&first + from).where_self(&sampled, classes),
            hidden: Some(Tensor::cat(&[known, brought.logical_not()], 0)),
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
