//! `omni-pack`: turns Omniglot into one store, and looks into it.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot_data::cli::omni_pack::main()
}
