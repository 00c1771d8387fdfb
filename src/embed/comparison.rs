//! How two embeddings are compared, and one with a class.

use super::dot::{inner, weighted_distance};

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

impl Comparison {
    /// How alike two embeddings are, the same in either order.
    ///
    /// # Panics
    /// If they are not as long as the network's embeddings.
    #[must_use]
    pub fn similarity(&self, a: &[f32], b: &[f32]) -> f64 {
        match self {
            Comparison::Cosine => inner(a, b),
            Comparison::Distance { weights, bias } => {
                f64::from(*bias) + weighted_distance(a, b, weights)
            }
        }
    }

    /// How alike a query is to a class, of which some embeddings are known: to the one there is
    /// ([`Comparison::similarity`]), or to all of them, the cosine with their mean (a prototype,
    /// Snell et al. 2017), or the mean logit.
    ///
    /// # Panics
    /// If there are none, and as [`Comparison::similarity`].
    #[must_use]
    pub fn class_similarity(&self, query: &[f32], class: &[&[f32]]) -> f64 {
        assert!(!class.is_empty(), "a class of no drawings");
        match (class, self) {
            (&[only], _) => self.similarity(query, only),
            (_, Comparison::Cosine) => prototype_cosine(query, class),
            (_, Comparison::Distance { .. }) => {
                let logits = class.iter().map(|known| self.similarity(query, known));
                logits.sum::<f64>() / class.len() as f64
            }
        }
    }
}

/// The cosine of a query with the mean of some embeddings.
fn prototype_cosine(query: &[f32], class: &[&[f32]]) -> f64 {
    let mut sum = vec![0f32; query.len()];
    for known in class {
        let terms = sum.iter_mut().zip(*known);
        terms.for_each(|(sum, value)| *sum += value);
    }
    let length = inner(&sum, &sum).sqrt().max(f64::MIN_POSITIVE);
    inner(query, &sum) / length
}
