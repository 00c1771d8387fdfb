//! Writes the place of libtorch into every binary, so that none needs `LD_LIBRARY_PATH`.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=tools/build.rs");
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let lib = lib_folder();
    let Ok(lib) = fs::canonicalize(&lib).and_then(|lib| {
        fs::metadata(lib.join("libtorch_cpu.so"))?;
        Ok(lib)
    }) else {
        println!(
            "cargo::error=there is no libtorch in {}: run tools/libtorch (or build with --no-default-features)",
            lib.display()
        );
        exit(1)
    };
    println!(
        "cargo::rerun-if-changed={}",
        lib.join("../build-version").display()
    );
    println!("cargo::rustc-link-search=native={}", lib.display());
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        // No symbol of it is named, so the linker would drop it, and the GPU with it.
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}

/// The folder that torch-sys links against, found the way its own build script does. That one
/// could pass it on, but then this script would run after it, and the message above would come
/// below a failed C++ build.
fn lib_folder() -> PathBuf {
    for name in ["LIBTORCH_USE_PYTORCH", "LIBTORCH_LIB", "LIBTORCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        let python = if env::var_os("VIRTUAL_ENV").is_some() {
            "python"
        } else {
            "python3"
        };
        let script =
            "import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))";
        let output = Command::new(python).args(["-c", script]).output();
        let printed = output.map(|output| output.stdout).unwrap_or_default();
        return PathBuf::from(String::from_utf8_lossy(&printed).trim());
    }
    let folder = env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH"));
    folder
        .as_deref()
        .map_or(Path::new("/usr"), Path::new)
        .join("lib")
}
