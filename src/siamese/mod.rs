//! The programs of networks: each parses its arguments, calls the rooms and prints.
//!
//! What several have in common stands beside them: `launch` starts several ranks, `network` loads a
//! network and says how pictures are made for it, `training` reads settings and waits for Ctrl-C. What they share with the other
//! programs is in `cli`. Those that only ask a network about pictures, [`classify`], `draw` and [`embed`], need no libtorch.

pub mod classify;
#[cfg(feature = "draw")]
pub mod draw;
pub mod embed;
#[cfg(feature = "torch")]
pub mod eval;
#[cfg(feature = "torch")]
mod launch;
mod network;
#[cfg(feature = "torch")]
pub mod train;
#[cfg(feature = "torch")]
mod training;
#[cfg(feature = "torch")]
pub mod tune;
