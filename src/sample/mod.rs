//! What to draw: seeded streams, splits, batches and one-shot tasks, as ids only.

mod counts;
mod seed;

pub use counts::PairCounts;
pub use seed::{Purpose, STREAM_VERSION, Stream};
