//! `siamese-eval`: scores networks and baselines on one-shot protocols.

mod entrants;
mod evaluate;
mod export;
mod extras;
mod score;

use std::process::ExitCode;

use crate::cli::exit_code;
use crate::ranks::Place;
use crate::siamese::launch::{self, LaunchCommand};
use anyhow::{Result, bail};
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
    #[command(flatten)]
    Launch(LaunchCommand),
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    exit_code("siamese-eval", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match (&arguments.command, &arguments.evaluate) {
        (Some(Command::Launch(LaunchCommand::Launch(launch))), _) => launch::launch(launch),
        (Some(Command::ExportTasks(arguments)), _) => alone(|| export::run(arguments)),
        (Some(Command::Score(arguments)), _) => alone(|| score::run(arguments)),
        (None, Some(arguments)) => done(evaluate::run(arguments)),
        (None, None) => Arguments::command()
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "name a store, as omni-pack builds it",
            )
            .exit(),
    }
}

/// Does what ranks do not share, which each of several would do over again.
fn alone(work: impl FnOnce() -> Result<()>) -> Result<ExitCode> {
    let world = Place::from_env()?.world;
    if world > 1 {
        bail!("this is the work of one process, not of {world} ranks: call it without a launcher");
    }
    done(work())
}

fn done(result: Result<()>) -> Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}
