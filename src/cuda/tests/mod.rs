//! The room's tests: what can be tested on a CPU, and what needs a GPU.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod gpu;
mod moving;
mod optim;
