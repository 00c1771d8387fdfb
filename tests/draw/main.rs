//! `siamese-draw`: what its server answers and refuses, and its page in a real browser.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod browser;
mod client;
mod limits;
mod page;
mod program;
mod refusals;
mod sets;
mod webdriver;
