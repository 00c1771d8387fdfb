//! Who answers: baselines without a network, networks, and what is made of networks.

mod assignment;
mod batches;
mod context;
mod dot;
mod embedding;
mod finetune;
mod hausdorff;
mod pixel;
mod scorer;

pub use assignment::assign;
pub use context::{answer_in_context, similarities};
pub use embedding::Embeddings;
pub use finetune::FineTuned;
pub use hausdorff::{Hausdorff, PointSet};
pub use pixel::{ExactSimilarity, Pixel};
pub(in crate::eval) use scorer::nearest;
pub use scorer::{Answers, PixelScorer, Scorer};
