//! Networks, and their weights elsewhere.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "torch")]
mod embedding;
#[cfg(feature = "torch")]
mod koch;
#[cfg(feature = "torch")]
mod matching;
#[cfg(feature = "torch")]
mod onnx;
#[cfg(all(feature = "cli", feature = "torch"))]
mod siamese;
#[cfg(feature = "torch")]
mod weights_in_python;
