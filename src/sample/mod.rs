//! What to draw: seeded streams, splits, batches and one-shot tasks, as ids only.
//!
//! Nothing here reads a pixel.

mod batch;
mod counts;

mod split;
mod task;

pub use batch::{BatchItem, BatchSampler, BatchShape, QUARTERS};
pub use counts::PairCounts;

pub use split::{TrainingSplit, alphabets_of, characters_of};
pub use task::{Scope, Task, TaskSampler, TaskShape, TooFew};
