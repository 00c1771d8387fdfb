//! One-shot learning on Omniglot-like drawings.

pub mod archive;
pub mod distort;
#[cfg(feature = "torch")]
pub mod eval;
pub mod loader;
#[cfg(feature = "torch")]
pub mod model;
pub mod report;
pub mod sample;
pub mod seed;
pub mod store;
#[cfg(feature = "torch")]
pub mod train;
