//! `omni-pack`: turns Omniglot into one store, and looks into it.

mod build;
mod inspect;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Packs drawings into one memory-mapped, checksummed file, and looks into it.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pack zips, folders or made-up alphabets into a store.
    Build(build::Build),
    /// Show what a store holds, alphabet by alphabet.
    Info(inspect::Info),
    /// Check every sum and every drawing of a store.
    Verify(inspect::Verify),
    /// Count the pairs that can be drawn from a store.
    Pairs(inspect::Pairs),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Build(build) => build.run(),
        Command::Info(info) => info.run(),
        Command::Verify(verify) => verify.run(),
        Command::Pairs(pairs) => pairs.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("omni-pack: {error:#}");
            ExitCode::FAILURE
        }
    }
}
