//! Who answers: baselines without a network, networks, and what is made of networks. Each is a
//! [`System`].

mod assignment;
mod batches;
mod context;
mod digit_pixels;
mod embedding;
mod ensemble;
mod finetune;
mod hausdorff;
mod network;
mod pixel;
mod scorer;
mod system;
mod turned;

pub use assignment::{Assigned, assign};
pub use context::{answer_in_context, similarities};
pub use digit_pixels::DigitPixels;
pub use ensemble::{Ensemble, is_ensemble};
pub use finetune::FineTuned;
pub use hausdorff::{Hausdorff, PointSet};
pub use network::Network;
pub use pixel::{ExactSimilarity, Pixel, PixelScorer};
pub use scorer::Scorer;
pub use system::{ClassSimilarity, Rules, Similarity, System};
