//! `siamese-tune`: searches for settings of a network.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::cli::siamese_tune::main()
}
