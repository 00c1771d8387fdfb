//! `siamese-train`: trains a network from a store.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::cli::siamese_train::main()
}
