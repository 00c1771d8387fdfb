//! The search for settings.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "torch")]
mod search;
#[cfg(all(feature = "cli", feature = "torch"))]
mod tune_cli;
#[cfg(feature = "torch")]
mod tune_journal;
