//! Which drawings make a batch, and the loader that makes it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod composed;
mod draws;
mod loader;
mod pairs;
mod streams;
