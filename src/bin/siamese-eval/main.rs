//! `siamese-eval`: scores networks and baselines on one-shot protocols.

mod contestants;
mod evaluate;
mod export;
mod score;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// Scores networks and baselines on the one-shot protocols, and writes a report.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    evaluate: Option<evaluate::Evaluate>,
}

#[derive(Subcommand)]
enum Command {
    ExportTasks(export::Export),
    Score(score::Score),
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
    match (&arguments.command, &arguments.evaluate) {
        (Some(Command::ExportTasks(arguments)), _) => export::run(arguments),
        (Some(Command::Score(arguments)), _) => score::run(arguments),
        (None, Some(arguments)) => evaluate::run(arguments),
        (None, None) => Arguments::command()
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "name a store, as omni-pack builds it",
            )
            .exit(),
    }
}
