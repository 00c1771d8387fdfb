//! Omniglot-like drawings from archives to batches: the rooms of `omnishot` that need no libtorch.
//!
//! `omnishot` hands all of them on under the same names, and its documentation shows a drawing's
//! way through them. They are a crate of their own so that a loader can be had, and `omni-pack`
//! run, without libtorch.

pub mod seed;

pub mod image;

pub mod files;

pub mod archive;

pub mod synthetic;

pub mod store;

pub mod sample;

pub mod distort;

pub mod loader;

pub mod presets;

pub mod sheet;

#[cfg(feature = "cli")]
pub mod cli;
