//! `siamese-eval`: scores networks and baselines on one-shot protocols.

mod contestants;
mod evaluate;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Scores networks and baselines on the one-shot protocols, and writes a report.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    evaluate: evaluate::Evaluate,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("siamese-eval: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    evaluate::run(&arguments.evaluate)
}
