//! Why something cannot be done on a GPU.

use thiserror::Error;

/// Why something cannot be done on a GPU, or a step of an optimizer anywhere.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CudaError {
    /// This program was built without CUDA.
    #[error(
        "this program was built without CUDA: run tools/libtorch --cuda and build again, or set \
         OMNISHOT_CUDA_INCLUDE to the folder of cuda_runtime_api.h if LIBTORCH has CUDA"
    )]
    NotBuilt,
    /// The device's memory, or memory that the system would lock for it, ran out.
    #[error("out of memory: {message}")]
    OutOfMemory {
        /// What libtorch said.
        message: String,
    },
    /// Anything else that libtorch or CUDA refused.
    #[error("libtorch: {message}")]
    Failed {
        /// What it said.
        message: String,
    },
}
