//! `omni-bench`: times the loader and the store on this machine, and digests a stream so
//! that it can be compared with that of another.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnishot_data::cli::omni_bench::main()
}
