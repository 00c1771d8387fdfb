//! A softmax classifier fine-tuned on the support set: what transfer learning does with one
//! drawing of each class.
//!
//! The last layer is trained anew on the support drawings' embeddings, `logits = scale W e`, from
//! `W = 0` by full-batch gradient descent on the cross-entropy, the embedding itself left as it
//! is. Every gradient is a sum of support embeddings, so `W = A E` with one row of `A` for each
//! way, and all that is ever needed are the inner products of embeddings:
//!
//! ```text
//! K = E E'                      [s, s] of the support, k = E q  [s] of the query
//! logits of the support         scale A K      [ways, s]
//! A += rate (onehot - softmax(logits)) / s
//! logits of the query           scale A k      [ways]
//! ```
//!
//! The steps, the rate and the scale were chosen on background alphabets.

use super::network::Network;
use super::scorer::Scorer;
use super::system::{Rules, System};
use crate::embed::Embeddings;
use crate::eval::error::EvalError;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;
use crate::sample::Task;
use crate::store::StoreError;

/// Steps of gradient descent.
const STEPS: usize = 30;
/// Its learning rate.
const RATE: f32 = 1.0;
/// What logits are multiplied by: unit vectors' inner products are small.
const SCALE: f32 = 10.0;

/// A network whose last layer is trained for each task on its support.
pub struct FineTuned<'a> {
    name: String,
    role: Role,
    embeddings: &'a Embeddings,
}

impl<'a> FineTuned<'a> {
    /// A network's variant by its own embeddings; `None` if it answers with the whole support in
    /// view.
    #[must_use]
    pub fn of(network: &'a Network<'_>) -> Option<FineTuned<'a>> {
        (!network.has_context()).then(|| FineTuned {
            name: format!("{}, last layer fine-tuned on the support", network.name()),
            role: network.role().variant(),
            embeddings: network.embeddings(),
        })
    }
}

impl System for FineTuned<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        self.role
    }

    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        Answers::dealt(self, set, rules.ties, rules.ranks).map(Some)
    }
}

impl Scorer for FineTuned<'_> {
    type Similarity = f64;

    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<f64>, StoreError> {
        let inner = |a, b| self.embeddings.inner(a, b) as f32;
        let support = &task.support;
        let kernel: Vec<f32> = (support.iter())
            .flat_map(|&a| support.iter().map(move |&b| inner(a, b)))
            .collect();
        let query: Vec<f32> = support.iter().map(|&id| inner(id, task.query)).collect();
        Ok(fit_and_ask(&kernel, &query, shots))
    }
}

/// The query's logits for each way, `kernel` `[s, s]` and `query` `[s]` being inner products, the
/// support `shots` drawings of each way in turn.
fn fit_and_ask(kernel: &[f32], query: &[f32], shots: usize) -> Vec<f64> {
    let s = query.len();
    let ways = s / shots;
    let mut a = vec![0f32; ways * s];
    let mut logits = vec![0f32; ways * s];
    for _ in 0..STEPS {
        logits.fill(0.0);
        for (row, a) in logits.chunks_exact_mut(s).zip(a.chunks_exact(s)) {
            for (&a, kernel) in a.iter().zip(kernel.chunks_exact(s)) {
                // A row at a time: a sum along it could not be taken several terms at once.
                row.iter_mut()
                    .zip(kernel)
                    .for_each(|(logit, k)| *logit += SCALE * a * k);
            }
        }
        for j in 0..s {
            let column = || (0..ways).map(|way| logits[way * s + j]);
            let most = column().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = column().map(|logit| libm::expf(logit - most)).sum();
            for way in 0..ways {
                let share = libm::expf(logits[way * s + j] - most) / sum;
                let right = f32::from(u8::from(j / shots == way));
                a[way * s + j] += RATE / s as f32 * (right - share);
            }
        }
    }
    let ask = |a: &[f32]| -> f64 {
        let terms = a.iter().zip(query);
        terms
            .map(|(&a, &k)| f64::from(SCALE) * f64::from(a) * f64::from(k))
            .sum()
    };
    a.chunks_exact(s).map(ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Stream};

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// The same descent on the weights themselves.
    fn on_weights(support: &[Vec<f64>], query: &[f64], shots: usize) -> Vec<f64> {
        let (ways, d) = (support.len() / shots, query.len());
        let (scale, rate) = (f64::from(SCALE), f64::from(RATE));
        let mut w = vec![vec![0.0; d]; ways];
        for _ in 0..STEPS {
            let mut gradient = vec![vec![0.0; d]; ways];
            for (j, e) in support.iter().enumerate() {
                let exps: Vec<f64> = w.iter().map(|w| (scale * dot(w, e)).exp()).collect();
                let sum: f64 = exps.iter().sum();
                for way in 0..ways {
                    let error = exps[way] / sum - f64::from(u8::from(j / shots == way));
                    for (g, e) in gradient[way].iter_mut().zip(e) {
                        *g += error * e / support.len() as f64;
                    }
                }
            }
            for (w, g) in w.iter_mut().flatten().zip(gradient.iter().flatten()) {
                *w -= rate * g;
            }
        }
        w.iter().map(|w| scale * dot(w, query)).collect()
    }

    #[test]
    fn equals_descent_on_the_weights() {
        let mut stream = Stream::new(3, Purpose::Gallery, 0);
        for (ways, shots) in [(2, 1), (5, 1), (4, 3)] {
            let mut vector = || -> Vec<f64> {
                let v: Vec<f64> = (0..6).map(|_| stream.signed_unit()).collect();
                let length = dot(&v, &v).sqrt();
                v.iter().map(|x| x / length).collect()
            };
            let support: Vec<Vec<f64>> = (0..ways * shots).map(|_| vector()).collect();
            let query = vector();
            let kernel: Vec<f32> = (support.iter())
                .flat_map(|a| support.iter().map(move |b| dot(a, b) as f32))
                .collect();
            let asked: Vec<f32> = support.iter().map(|e| dot(e, &query) as f32).collect();
            let ours = fit_and_ask(&kernel, &asked, shots);
            for (ours, plain) in ours.iter().zip(on_weights(&support, &query, shots)) {
                assert!((ours - plain).abs() < 1e-4, "{ours} {plain}");
            }
        }
    }

    #[test]
    fn a_support_drawing_is_classified_as_itself() {
        let kernel = [1.0, 0.2, 0.1, 0.2, 1.0, 0.3, 0.1, 0.3, 1.0];
        for way in 0..3 {
            let logits = fit_and_ask(&kernel, &kernel[3 * way..][..3], 1);
            assert_eq!(crate::eval::scores::stands_out(&logits), Some(way));
        }
    }
}
