//! `siamese-train`: trains a network from a store.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::siamese::train::main()
}
