//! `siamese-draw`: a page to draw on, and what a network takes the drawings for.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot::siamese::draw::main()
}
