//! `siamese-eval`: scores networks and baselines on one-shot protocols.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::siamese::eval::main()
}
