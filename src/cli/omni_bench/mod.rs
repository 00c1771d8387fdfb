//! `omni-bench`: times the loader and the store on this machine, and digests a stream so
//! that machines can be compared.

mod apart;
mod digest;
mod growth;
mod loader;
mod plan;
mod soak;
mod store;
mod windows;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::exit_code;

/// Times the loader and the store, and prints digests of streams to compare.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Time the batches of a stream, in pairs a second.
    Loader(loader::LoaderTimes),
    /// Time how the cost of a stream grows with its batch, its pictures, workers and classes.
    Growth(growth::Growth),
    /// Say how many workers keep a consumer of so many drawings a second busy on this machine.
    Plan(plan::Plan),
    /// Print one digest of a stream: the same on every machine, for any workers and ranks.
    Digest(digest::Digest),
    /// Run a loader for hours and fail if memory, threads or open files grow.
    Soak(soak::Soak),
    /// Time opening a store, reading all of it, and reading at random.
    Store(store::StoreTimes),
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Loader(loader) => loader.run(),
        Command::Growth(growth) => growth.run(),
        Command::Plan(plan) => plan.run(),
        Command::Digest(digest) => digest.run(),
        Command::Soak(soak) => soak.run(),
        Command::Store(store) => store.run(),
    };
    exit_code("omni-bench", done.map(|()| ExitCode::SUCCESS))
}
