//! Writes the place of libtorch into every binary, so that none needs `LD_LIBRARY_PATH`, and
//! compiles the C face of its c10d for the feature `distributed`.

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
    #[cfg(feature = "distributed")]
    c10d(&lib);
}

/// Compiles `src/ranks/c10d.cpp`: with Gloo, which libtorch has always, and with NCCL where libtorch
/// has CUDA and the headers of CUDA and NCCL are found.
#[cfg(feature = "distributed")]
fn c10d(lib: &std::path::Path) {
    println!("cargo::rerun-if-changed=src/ranks/c10d.cpp");
    println!("cargo::rerun-if-changed=src/ranks/include");
    println!("cargo::rerun-if-env-changed=OMNISHOT_CUDA_INCLUDE");
    let include = lib.join("../include");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++20")
        .warnings(false)
        .include("src/ranks/include")
        .flag("-isystem")
        .flag(&include)
        .flag("-isystem")
        .flag(include.join("torch/csrc/api/include"))
        .file("src/ranks/c10d.cpp");
    if lib.join("libtorch_cuda.so").exists() {
        let all = env::var("OMNISHOT_CUDA_INCLUDE").unwrap_or_default();
        let folders: Vec<PathBuf> = env::split_paths(&all).collect();
        let found = |name: &str| folders.iter().any(|folder| folder.join(name).exists());
        if found("nccl.h") && found("cuda_runtime_api.h") {
            build.define("OMNISHOT_NCCL", None);
            for folder in &folders {
                build.flag("-isystem").flag(folder);
            }
        } else {
            println!(
                "cargo::warning=no NCCL: ranks on GPUs need nccl.h and cuda_runtime_api.h in the \
                 folders of OMNISHOT_CUDA_INCLUDE, parted by colons"
            );
        }
    }
    build.compile("omnishot_c10d");
    println!("cargo::rustc-link-lib=dylib=torch_cpu");
    println!("cargo::rustc-link-lib=dylib=c10");
}
