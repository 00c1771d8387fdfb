//! What libtorch can do on CUDA and tch does not hand on: streams, page-locked memory, uploads
//! that nobody waits for, CUDA graphs, switches of arithmetic, and optimizers that update all
//! tensors in a few kernels.
//!
//! A step of a small network is hundreds of kernels, each shorter than the time to ask for it.
//! Captured once as a [`Graph`], they are asked for together. What differs from step to step lies
//! in tensors that stay where they are: a batch is copied into them by an [`Upload`] on a
//! [`Stream`] of its own, beside the step before, and numbers such as the learning rate are
//! filled in before each replay. So the optimizers here ([`FusedAdamW`], [`momentum_step`],
//! [`average`](fn@average)) take such numbers as tensors without dimensions.
//!
//! ```text
//! uploads   | batch 1 |e1   | batch 2 |e2   | batch 3 |      e: an Event, recorded
//! training            |w e1, replay|d1  |w e2, replay|d2      w: waits for it on the device
//! ```
//!
//! Batch 2 is written where batch 1 was read only once the upload's stream has waited for d1, or
//! into a second set of tensors.
//!
//! The optimizers work on CPU tensors too. All the rest needs a GPU, and a build against a
//! libtorch with CUDA (cfg `omnishot_cuda`, set by tools/build.rs): without, it is there all the
//! same, and each call fails with [`CudaError::NotBuilt`], if its documentation does not say that
//! it does nothing.

mod arithmetic;
mod error;
mod face;
mod graph;
mod optim;
mod page_locked;
mod stream;
#[cfg(test)]
mod tests;
mod upload;

pub use arithmetic::{Arithmetic, set_arithmetic};
pub use error::CudaError;
pub use graph::Graph;
pub use optim::{FusedAdamW, add_l2, average, momentum_step};
pub use page_locked::{Element, PageLocked};
pub use stream::{Event, Stream, StreamGuard};
pub use upload::{Numbers, Upload};

/// Whether this program was built with CUDA, and there is a GPU.
#[must_use]
pub fn available() -> bool {
    cfg!(omnishot_cuda) && tch::Cuda::is_available()
}

/// Refuses what a build without CUDA cannot do.
fn built() -> Result<(), CudaError> {
    if cfg!(omnishot_cuda) {
        Ok(())
    } else {
        Err(CudaError::NotBuilt)
    }
}
