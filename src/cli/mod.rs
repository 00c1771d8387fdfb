//! The programs that need no libtorch, and what all programs share.
//!
//! A program of `src/bin` is its `main` here, or in `siamese`, and nothing more, so that all of them
//! are compiled once, with the library. What several have in common stands beside them: `stream`
//! names a stream of batches, [`output`] prints, and [`exit_code`] ends a program.

/// `print!`, by [`output`].
#[macro_export]
macro_rules! print_text {
    ($($text:tt)*) => { $crate::cli::output::print(format_args!($($text)*)) };
}

/// `println!`, by [`output`].
#[macro_export]
macro_rules! print_line {
    ($($text:tt)*) => { $crate::cli::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

use std::process::ExitCode;

use anyhow::Result;

pub mod omni_bench;
pub mod omni_pack;
pub mod output;
mod stream;

/// How a program ends: with its own code, or with an error that is printed after its name.
pub fn exit_code(program: &str, done: Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("{program}: {error:#}");
        ExitCode::FAILURE
    })
}
