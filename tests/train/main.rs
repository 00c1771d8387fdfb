//! Training, stops and settings.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "torch")]
mod candidates;
#[cfg(all(feature = "cli", feature = "torch"))]
mod resume;
#[cfg(feature = "torch")]
mod settings;
#[cfg(all(feature = "cli", feature = "torch", unix))]
mod stops;
#[cfg(feature = "torch")]
mod training;
#[cfg(all(feature = "cli", feature = "torch"))]
mod validation;
