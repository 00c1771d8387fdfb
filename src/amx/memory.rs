//! Memory that is freed stays with the process.
#![allow(unsafe_code)]

/// Asks the C library to keep what is freed, for the next step to take again.
///
/// A step takes and frees tens of megabytes. By default the larger pieces go back to the system at once,
/// which then has to clear each page anew: a tenth of a step's time. This counts for the whole process, and
/// elsewhere than with the GNU C library on Linux it does nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;

        // <malloc.h>
        const M_TRIM_THRESHOLD: c_int = -1;
        const M_MMAP_THRESHOLD: c_int = -3;
        /// The most that the C library takes for it.
        const MOST: c_int = 32 << 20;
        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // SAFETY: both are parameters of the allocator that may be set at any time; what it refuses, it
        // says, and goes on as before.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, MOST);
            mallopt(M_TRIM_THRESHOLD, c_int::MAX);
        }
    }
}
