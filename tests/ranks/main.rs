//! Several processes.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(all(feature = "cli", feature = "distributed"))]
mod processes;
#[cfg(all(feature = "cli", feature = "distributed"))]
mod ranks_eval;
