//! The programs, and what the documents say of them.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(all(feature = "cli", target_os = "linux"))]
mod full;
#[cfg(all(feature = "cli", unix))]
mod kill;
#[cfg(feature = "cli")]
mod omni_bench;
#[cfg(feature = "cli")]
mod omni_pack;
#[cfg(feature = "cli")]
mod python;
#[cfg(all(feature = "cli", feature = "torch"))]
mod readme;
