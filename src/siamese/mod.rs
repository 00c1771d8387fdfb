//! The programs of networks: each parses its arguments, calls the rooms and prints.
//!
//! What several have in common stands beside them: `launch` starts several ranks, `network` loads a
//! network and says how pictures are made for it, `training` reads settings and waits for Ctrl-C. What they share with the other programs is in `cli`.

pub mod classify;
pub mod embed;
pub mod eval;
mod launch;
mod network;
pub mod train;
mod training;
pub mod tune;
