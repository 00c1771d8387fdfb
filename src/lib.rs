//! One-shot learning on Omniglot-like drawings.

pub mod archive;
pub mod export;
pub mod report;
pub mod sample;
pub mod store;
