//! What is read: archives, folders and pictures.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod archives;
mod bad_pictures;
#[cfg(feature = "cli")]
mod pictures;
mod sets;
mod shades;
