//! The programs of networks: each parses its arguments, calls the rooms and prints.
//!
//! What several have in common stands beside them: `launch` starts several ranks, `training` reads
//! settings and waits for Ctrl-C. What they share with the other programs is in `cli`.

pub mod classify;
pub mod eval;
mod launch;
pub mod train;
mod training;
pub mod tune;
