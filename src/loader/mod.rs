//! Batches made ahead by threads, in order, the same for any number of them.
//!
//! Whatever makes batch `i` from `i` alone can be loaded; drawings are what
//! [`PairBatches`] and its kin make.
//!
//! ```
//! use std::sync::Arc;
//!
//! use omnishot_data::loader::{Loader, LoaderOptions, Produce, RankSlice};
//! use omnishot_data::store::StoreError;
//!
//! struct Squares;
//!
//! impl Produce for Squares {
//!     type Batch = u64;
//!     type Scratch = ();
//!
//!     fn batch(&self) -> u64 {
//!         0
//!     }
//!
//!     fn scratch(&self) {}
//!
//!     fn fill(&self, index: u64, _: &mut (), batch: &mut u64) -> Result<(), StoreError> {
//!         *batch = index * index;
//!         Ok(())
//!     }
//! }
//!
//! // The second of two processes: it gets batches 1, 3, 5, ...
//! let options = LoaderOptions { workers: 3, depth: 4, batches: RankSlice::of(1, 2) };
//! let mut loader = Loader::start(Arc::new(Squares), 0..8, options);
//! let mut squares = Vec::new();
//! while let Some(batch) = loader.next_batch() {
//!     squares.push(*batch?); // dropped here, the buffer goes back to the workers
//! }
//! assert_eq!(squares, [1, 9, 25, 49]);
//! # Ok::<(), omnishot_data::loader::LoadError>(())
//! ```
#![doc = include_str!("README.md")]

mod classes;
mod compose;
mod painter;
mod pairs;
mod picture;
mod queue;
mod rank_slice;
mod sync;
mod table;
mod tasks;

pub use classes::{ClassBatch, ClassBatches};
pub use compose::Composer;
pub use pairs::{PairBatch, PairBatches};
pub use picture::Pictures;
pub use queue::{LoadError, Loader, LoaderCounts, LoaderOptions, Produce, Ready};
pub use rank_slice::RankSlice;
pub use table::{TableBatch, TableBatchError, TableBatches};
pub use tasks::{TaskBatch, TaskBatches};
