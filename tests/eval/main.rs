//! Evaluation, classification and their exchange with other programs.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(all(feature = "cli", feature = "torch"))]
mod classify;
#[cfg(feature = "torch")]
mod clothes;
#[cfg(all(feature = "cli", feature = "torch"))]
mod embed;
#[cfg(feature = "torch")]
mod episodes;
#[cfg(feature = "torch")]
mod evaluation;
#[cfg(feature = "torch")]
mod exchange;
#[cfg(all(feature = "cli", feature = "torch"))]
mod exchange_cli;
#[cfg(feature = "cli")]
mod real;
mod remembered;
#[cfg(feature = "cli")]
mod without_libtorch;
