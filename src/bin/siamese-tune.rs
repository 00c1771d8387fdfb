//! `siamese-tune`: searches for settings of a network.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::siamese::tune::main()
}
