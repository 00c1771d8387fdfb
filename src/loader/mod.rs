//! Batches made ahead by threads, in order, the same for any number of them.

mod classes;
mod pairs;
mod picture;
mod queue;
mod sync;
mod table;
mod tasks;

pub use classes::{ClassBatch, ClassBatches};
pub use pairs::{PairBatch, PairBatches};
pub use picture::Pictures;
pub use queue::{LoadError, Loader, LoaderCounts, LoaderOptions, Produce, Ready};
pub use table::{TableBatch, TableBatches, TableRefusal};
pub use tasks::{TaskBatch, TaskBatches};
