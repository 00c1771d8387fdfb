//! One-shot learning on Omniglot-like drawings: a store, a deterministic loader, a trainer
//! and an evaluator.
//!
//! The rooms stand in the order that data flows, and each uses only rooms before it. One
//! drawing's way from zip to loss:
//!
//! 1. [`archive`]: a zip's entry becomes a one-bit [`image::Page`], its path an alphabet, a
//!    character and a drawer. [`synthetic`] makes alphabets up instead.
//! 2. [`store`]: [`store::write`](fn@store::write) compresses the pages of each character into
//!    a block; [`store::Store`] maps the file and proves it, [`store::PageCache`] keeps
//!    decoded pages.
//! 3. [`sample`]: a batch or a task is drawn as ids alone, from item `i` of a stream of
//!    [`seed`].
//! 4. [`distort`]: the page is warped into a grey image, in the caller's slice.
//! 5. [`loader`]: threads fill batches ahead, and hand them out in order.
//! 6. `model`: the network embeds a batch `[n, 1, side, side]` as unit vectors `[n, d]`.
//! 7. `ranks`: who else learns from the rest of the batch, and how sums are told.
//! 8. `train`: the loss, the step, the average of the weights.
//! 9. `eval`: new characters, one drawing each: who is nearest? Ties are wrong.
//! 10. `tune`: the settings of 8 are searched by what 9 says of held-out background alphabets.
//! 11. `report`: the pages of an evaluation and of a search.
//!
//! Beside the way stand [`seed`], where every random number comes from; [`image`], the drawing
//! itself; [`files`], which are written whole or not at all; [`presets`], the settings that
//! ship with the program; [`sheet`], drawings and batches as pictures to look at; and `cuda`, what
//! libtorch does on GPUs and tch does not hand on; and `amx`, what it does too slowly on processors with tile
//! registers. The programs are `cli`, with what all of them
//! share, and `siamese`.
//!
//! A trained network needs no libtorch: `weights` reads its file, `onnx` runs it, and writes it for
//! ONNX runtimes, and `embed` compares drawings and classifies pictures by whatever embeds them.
//!
//! The rooms up to [`loader`], with [`presets`], [`sheet`] and `cli`, are the crate `omnishot_data`, handed on
//! from here: they need no libtorch, and neither do programs made of them alone. `weights`, `embed` and
//! `onnx` need the feature `network`, which the others bring along; all others need the feature `torch`, and
//! the programs the feature `cli`. Both are on by default.
//!
//! # As a library
//!
//! From drawings to the first batch of a training:
//!
//! ```
//! use std::sync::Arc;
//!
//! use omnishot::archive::{Archive, Split};
//! use omnishot::synthetic::{SyntheticOptions, synthesize};
//! use omnishot::distort::Distortion;
//! use omnishot::loader::{Loader, LoaderOptions, PairBatches};
//! use omnishot::sample::{PairSampler, PairShape, alphabets_of};
//! use omnishot::store::{self, PageCache, Store, WriteOptions};
//!
//! // Made-up alphabets; `archive::read` takes the official zips.
//! let options = SyntheticOptions { background: 3, evaluation: 1, drawers: 4, ..Default::default() };
//! let archive = Archive { alphabets: synthesize(&options), runs: Vec::new() };
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("made-up.omni");
//! store::write(&path, &archive, WriteOptions::default(), |_| ())?;
//!
//! let store = Arc::new(Store::open(&path)?);
//! let training = alphabets_of(&store, Split::Background);
//! let shape = PairShape { pairs: 16, within_alphabet: 128 };
//! let (seed, side) = (7, 105);
//! let sampler = PairSampler::new(&store, &training, shape, seed)?;
//! let pages = Arc::new(PageCache::new(store));
//! let batches = PairBatches::<f32>::new(pages, sampler, Distortion::KOCH, side, seed)?;
//!
//! let options = LoaderOptions { workers: 2, ..Default::default() };
//! let mut loader = Loader::start(Arc::new(batches), 0..100, options);
//! while let Some(batch) = loader.next_batch() {
//!     let batch = batch?;
//!     assert_eq!(batch.images.len(), 2 * 16 * side * side); // [2, pairs, 1, side, side]
//!     assert_eq!(batch.same.iter().sum::<f32>(), 8.0); // half of them show one character
//!     # break;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc(inline)]
pub use omnishot_data::{
    archive, distort, files, image, loader, presets, sample, seed, sheet, store, synthetic,
};

#[cfg(feature = "cli")]
#[doc(inline)]
pub use omnishot_data::cli;

#[cfg(feature = "network")]
pub mod weights;

#[cfg(feature = "network")]
pub mod embed;

#[cfg(feature = "network")]
pub mod onnx;

#[cfg(feature = "torch")]
pub mod amx;

#[cfg(feature = "torch")]
pub mod cuda;

#[cfg(feature = "torch")]
pub mod model;

#[cfg(feature = "torch")]
pub mod ranks;

#[cfg(feature = "torch")]
pub mod train;

#[cfg(feature = "torch")]
pub mod eval;

#[cfg(feature = "torch")]
pub mod tune;

#[cfg(feature = "torch")]
pub mod report;

#[cfg(feature = "cli")]
pub mod siamese;
