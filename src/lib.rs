//! One-shot learning on Omniglot-like drawings: a store, a deterministic loader, a trainer
//! and an evaluator.
//!
//! The rooms stand in the order that data flows, and each uses only rooms before it. One
//! drawing's way from zip to loss:
//!
//! 1. [`archive`]: a zip's entry becomes a one-bit [`archive::Page`], its path an alphabet, a
//!    character and a drawer. [`archive::synthesize`] makes alphabets up instead.
//! 2. [`store`]: [`store::write`](fn@store::write) compresses the pages of each character into
//!    a block; [`store::Store`] maps the file and proves it, [`store::PageCache`] keeps
//!    decoded pages.
//! 3. [`sample`]: a batch or a task is drawn as ids alone, from item `i` of a stream of
//!    [`seed`].
//! 4. [`distort`]: the page is warped into a grey image, in the caller's slice.
//! 5. [`loader`]: threads fill batches ahead, and hand them out in order.
//! 6. `model`: the network embeds a batch `[n, 1, side, side]` as unit vectors `[n, d]`.
//! 7. `train`: the loss, the step, the average of the weights.
//! 8. `eval`: new characters, one drawing each: who is nearest? Ties are wrong.
//! 9. `tune`: the settings of 7 are searched by what 8 says of held-out background alphabets.
//! 10. [`report`]: pictures to look at, and the pages of an evaluation and of a search.
//!
//! `model`, `train`, `eval` and `tune` need libtorch and the feature `torch`, which is on by default.

pub mod seed;

pub mod archive;

pub mod store;

pub mod sample;

pub mod distort;

pub mod loader;

#[cfg(feature = "torch")]
pub mod model;

#[cfg(feature = "torch")]
pub mod train;

#[cfg(feature = "torch")]
pub mod eval;

#[cfg(feature = "torch")]
pub mod tune;

pub mod report;
