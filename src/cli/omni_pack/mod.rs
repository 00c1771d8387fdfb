//! `omni-pack`: turns Omniglot into one store, and looks into it.

mod build;
mod export;
mod inspect;
mod preview;
mod replay;
mod table;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cli::exit_code;
use crate::files::publish;
use crate::sheet::Canvas;

/// Packs drawings into one memory-mapped, checksummed file, and looks into it.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    // Without a word here, help shows all that these two say of themselves.
    Build(build::Build),
    Export(export::Export),
    /// Draw a sheet: an alphabet, a one-shot task, the tasks of a run, or composed classes.
    Preview(preview::Preview),
    /// Show what a store holds, alphabet by alphabet.
    Info(inspect::Info),
    /// Check every checksum and every drawing of a store.
    Verify(inspect::Verify),
    /// Count the pairs that can be drawn from a store.
    Pairs(inspect::Pairs),
    /// Draw or check a fixed table of pairs.
    Table(table::Table),
    /// Draw a batch of a stream as a picture, just as a network gets it.
    Replay(replay::Replay),
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Build(build) => build.run(),
        Command::Export(export) => export.run(),
        Command::Preview(preview) => preview.run(),
        Command::Info(info) => info.run(),
        Command::Verify(verify) => verify.run(),
        Command::Pairs(pairs) => pairs.run(),
        Command::Table(table) => table.run(),
        Command::Replay(replay) => replay.run(),
    };
    exit_code("omni-pack", done.map(|()| ExitCode::SUCCESS))
}

/// Writes a picture, and says how large it is.
fn save(canvas: &Canvas, output: &Path, force: bool) -> Result<()> {
    publish(output, force, |file| file.write_all(&canvas.to_png()))?;
    let (width, height) = canvas.dimensions();
    print_line!("{}: {width} x {height} pixels", output.display());
    Ok(())
}
