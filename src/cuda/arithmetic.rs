//! How exactly a GPU reckons, and whether it does so the same way each time.

use super::error::CudaError;
use super::face;

/// Process-wide arithmetic of CUDA. libtorch's own is TF32 in cuDNN but not in matrix products,
/// and neither determinism nor a search for fast convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// f32 convolutions and matrix products round their factors to 10 bits after the point
    /// (TF32), which tensor cores multiply several times as fast.
    pub tf32: bool,
    /// cuDNN uses only algorithms that give the same bits each time, the same one for each
    /// shape. Otherwise it tries all algorithms when it meets a shape, and takes the fastest.
    ///
    /// What it does not cover are operations of libtorch itself that add from many threads into
    /// one place, in any order: the gradients of indexing with repeated indices, and of
    /// resampling (`grid_sampler`, `upsample_bilinear2d`, `upsample_bicubic2d`).
    pub deterministic: bool,
}

/// Switches the arithmetic of all that follows in this process. Does nothing in a build without
/// CUDA. Call it first of all: algorithms that cuDNN has chosen stay, and only as long as the
/// process has one thread is `CUBLAS_WORKSPACE_CONFIG=:4096:8` added to its environment, if
/// that is not set, for `deterministic` (cuBLAS asks for it where streams share a workspace;
/// libtorch gives each stream its own).
///
/// # Errors
/// [`CudaError::Failed`] if libtorch refuses.
pub fn set_arithmetic(arithmetic: Arithmetic) -> Result<(), CudaError> {
    if !cfg!(omnishot_cuda) {
        return Ok(());
    }
    if arithmetic.deterministic {
        face::fix_workspaces();
    }
    face::switch(arithmetic.tf32, arithmetic.deterministic)
}
