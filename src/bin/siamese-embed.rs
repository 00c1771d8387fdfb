//! `siamese-embed`: pictures as a network sees them, a vector each.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::siamese::embed::main()
}
