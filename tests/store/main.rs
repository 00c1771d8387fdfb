//! The store and the table of pairs.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod changed;
mod export;
mod format;
mod limits;
mod table;
