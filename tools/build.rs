//! Writes the place of libtorch into every binary, so that none needs `LD_LIBRARY_PATH`.

use std::path::PathBuf;
use std::process::exit;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=tools/build.rs");
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    // The folder torch-sys links against, handed on by its own build script.
    let linked = PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").unwrap_or_default());
    let found = fs::canonicalize(&linked).ok();
    let Some(lib) = found.filter(|lib| lib.join("libtorch_cpu.so").exists()) else {
        println!(
            "cargo::error=there is no libtorch in {}: run tools/libtorch",
            linked.display()
        );
        exit(1)
    };
    // tools/libtorch touches it when it moves `.libtorch` to another folder.
    println!(
        "cargo::rerun-if-changed={}",
        linked.join("../build-version").display()
    );
    println!("cargo::rustc-link-search=native={}", lib.display());
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        // No symbol of it is named, so the linker would drop it, and the GPU with it.
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}
