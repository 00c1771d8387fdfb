//! Gives each input that libFuzzer makes up to the reader that `OMNISHOT_FUZZ` names. A panic,
//! or one allocation above [`LIMIT`], ends the process, and libFuzzer keeps the input.
#![no_main]
#![allow(unsafe_code)]

#[path = "../../../tests/common/targets.rs"]
mod targets;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// The most bytes that a reader may ask for at once: far above what an input of a few KB is
/// worth, far below what its counts can claim.
const LIMIT: usize = 64 << 20;

/// libFuzzer's own limit needs a sanitizer's allocator, which stable Rust does not have.
struct Limited;

// SAFETY: every call goes to `System` unchanged, or ends the process.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LIMIT {
            refuse();
        }
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LIMIT {
            refuse();
        }
        // SAFETY: the caller keeps `alloc_zeroed`'s contract, which is `System`'s.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > LIMIT {
            refuse();
        }
        // SAFETY: the caller keeps `realloc`'s contract, which is `System`'s.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract, and `alloc` asked `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[cold]
fn refuse() -> ! {
    eprintln!("omnishot-fuzz: one allocation above {LIMIT} bytes");
    std::process::abort()
}

#[global_allocator]
static LIMITED: Limited = Limited;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("OMNISHOT_FUZZ").unwrap_or_default();
    let known = targets::ALL.iter().find(|(known, _)| *known == name);
    let Some((_, target)) = known else {
        let names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("OMNISHOT_FUZZ is {name:?}; there are {}", names.join(", "));
        std::process::exit(2);
    };
    *target
});

fuzz_target!(|data: &[u8]| (*TARGET)(data));
