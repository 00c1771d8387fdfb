//! `siamese-classify`: which class does a picture show, if one of a few that are known by an
//! example or two?

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::siamese::classify::main()
}
