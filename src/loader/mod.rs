//! Batches made ahead by threads, in order, the same for any number of them.

mod classes;
mod pairs;
mod picture;
mod queue;

pub use classes::{ClassBatch, ClassBatches};
pub use pairs::{PairBatch, PairBatches};
pub use picture::Pictures;
pub use queue::{LoadError, Loader, LoaderCounts, LoaderOptions, Produce, Ready};
