//! Writes the place of libtorch into every binary, so that none needs `LD_LIBRARY_PATH`, and
//! compiles the C++ that stands on it: `src/cuda`, and for the feature `distributed` the C face
//! of its c10d. Where libtorch has CUDA and the headers of CUDA are found, `omnishot_cuda` is set.

use std::path::PathBuf;
use std::process::exit;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=tools/build.rs");
    println!("cargo::rustc-check-cfg=cfg(omnishot_cuda)");
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
        // Its operations register themselves: the linker must keep it whether it is named or not.
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
    #[cfg(feature = "torch")]
    cpp::compile(&lib);
}

#[cfg(feature = "torch")]
mod cpp {
    use super::{PathBuf, env};
    use std::path::Path;

    /// Compiles all C++ of ours.
    pub(super) fn compile(lib: &Path) {
        println!("cargo::rerun-if-env-changed=OMNISHOT_CUDA_INCLUDE");
        let all = env::var("OMNISHOT_CUDA_INCLUDE").unwrap_or_default();
        let mut folders: Vec<PathBuf> = env::split_paths(&all).collect();
        // Where NVIDIA's wheels have them, beside torch's.
        folders.push(lib.join("../../nvidia/cu13/include"));
        folders.retain(|folder| folder.is_dir());
        let has_cuda = lib.join("libtorch_cuda.so").exists();
        cuda(lib, has_cuda, &folders);
        #[cfg(feature = "distributed")]
        c10d(lib, has_cuda, &folders);
        println!("cargo::rustc-link-lib=dylib=torch_cpu");
        println!("cargo::rustc-link-lib=dylib=c10");
    }

    /// A compilation against libtorch.
    fn build(lib: &Path) -> cc::Build {
        let include = lib.join("../include");
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .std("c++20")
            .warnings(false)
            .flag("-isystem")
            .flag(&include)
            .flag("-isystem")
            .flag(include.join("torch/csrc/api/include"));
        build
    }

    fn add(build: &mut cc::Build, folders: &[PathBuf]) {
        for folder in folders {
            build.flag("-isystem").flag(folder);
        }
    }

    fn lacks(folders: &[PathBuf], names: &[&'static str]) -> Vec<&'static str> {
        let there = |name: &str| folders.iter().any(|folder| folder.join(name).exists());
        (names.iter().copied())
            .filter(|name| !there(name))
            .collect()
    }

    /// Compiles `src/cuda`: steps of optimizers, which need no CUDA, and what does.
    fn cuda(lib: &Path, has_cuda: bool, folders: &[PathBuf]) {
        for file in ["told.hpp", "optim.cpp", "shim.cpp"] {
            println!("cargo::rerun-if-changed=src/cuda/{file}");
        }
        let mut build = build(lib);
        build.file("src/cuda/optim.cpp").file("src/cuda/shim.cpp");
        if has_cuda {
            let missing = lacks(folders, &["cuda_runtime_api.h", "crt/host_defines.h"]);
            if missing.is_empty() {
                println!("cargo::rustc-cfg=omnishot_cuda");
                build.define("OMNISHOT_CUDA", None);
                add(&mut build, folders);
                println!("cargo::rustc-link-lib=dylib=torch_cuda");
                println!("cargo::rustc-link-lib=dylib=c10_cuda");
            } else {
                println!(
                    "cargo::warning=no CUDA graphs, streams or uploads, though libtorch has CUDA: \
                     {} is not in the folders of OMNISHOT_CUDA_INCLUDE, parted by colons, nor in \
                     {}. Run tools/libtorch --cuda, or install nvidia-cuda-runtime and \
                     nvidia-cuda-crt of libtorch's version of CUDA beside it",
                    missing.join(" and "),
                    lib.join("../../nvidia/cu13/include").display()
                );
            }
        }
        build.compile("omnishot_cuda");
    }

    /// Compiles `src/ranks/c10d.cpp`: with Gloo, which libtorch has always, and with NCCL where
    /// libtorch has CUDA and the headers of CUDA and NCCL are found.
    #[cfg(feature = "distributed")]
    fn c10d(lib: &Path, has_cuda: bool, folders: &[PathBuf]) {
        println!("cargo::rerun-if-changed=src/ranks/c10d.cpp");
        println!("cargo::rerun-if-changed=src/ranks/include");
        let mut build = build(lib);
        build
            .include("src/ranks/include")
            .file("src/ranks/c10d.cpp");
        if has_cuda {
            if env::var_os("OMNISHOT_CUDA_INCLUDE").is_some()
                && lacks(folders, &["nccl.h", "cuda_runtime_api.h"]).is_empty()
            {
                build.define("OMNISHOT_NCCL", None);
                add(&mut build, folders);
            } else {
                println!(
                    "cargo::warning=no NCCL: ranks on GPUs need nccl.h and cuda_runtime_api.h in \
                     the folders of OMNISHOT_CUDA_INCLUDE, parted by colons"
                );
            }
        }
        build.compile("omnishot_c10d");
    }
}
