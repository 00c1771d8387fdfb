//! The programs: each parses its arguments, calls the rooms and prints.
//!
//! A program of `src/bin` is its `main` here and nothing more, so that all of them are compiled
//! once, with the library. What several have in common stands beside them: `stream` names a stream
//! of batches, `launch` starts several ranks, `training` reads settings and waits for Ctrl-C.

/// `print!`, by [`output`].
#[cfg(feature = "torch")]
macro_rules! print_text {
    ($($text:tt)*) => { $crate::cli::output::print(format_args!($($text)*)) };
}

/// `println!`, by [`output`].
macro_rules! print_line {
    ($($text:tt)*) => { $crate::cli::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

use std::process::ExitCode;

use anyhow::Result;

#[cfg(feature = "torch")]
mod launch;
pub mod omni_bench;
pub mod omni_pack;
mod output;
#[cfg(feature = "torch")]
pub mod siamese_classify;
#[cfg(feature = "torch")]
pub mod siamese_eval;
#[cfg(feature = "torch")]
pub mod siamese_train;
#[cfg(feature = "torch")]
pub mod siamese_tune;
mod stream;
#[cfg(feature = "torch")]
mod training;

/// How a program ends: with its own code, or with an error that is printed after its name.
fn exit_code(program: &str, done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("{program}: {error:#}");
        ExitCode::FAILURE
    })
}
