//! What to draw: seeded streams, splits, batches and one-shot tasks, as ids only.

mod seed;

pub use seed::{Purpose, STREAM_VERSION, Stream};
