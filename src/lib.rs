//! One-shot learning on Omniglot-like drawings.

pub mod archive;
pub mod distort;
pub mod sample;
pub mod seed;
pub mod store;
