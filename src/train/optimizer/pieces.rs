//! Updates of large tensors, cut into pieces that stay in a CPU's cache from one pass to the next.

use rayon::prelude::*;
use tch::{Tensor, no_grad};

use crate::cuda::CudaError;

/// Elements of a piece: so few that libtorch keeps each operation on one thread, and that all
/// tensors of a piece stay in the cache.
pub(super) const PIECE: i64 = 1 << 15;

/// Does `work` on flat views of tensors of one size, cut into the same pieces, and on what all pieces
/// share, on all of rayon's threads. Since every element is updated alone, that changes no bit.
/// libtorch's own threads would wait for each other after every operation, which one busy core makes a
/// hundred times slower.
///
/// # Errors
/// One of the work's.
pub(super) fn pieces<const N: usize, const M: usize>(
    tensors: [&Tensor; N],
    shared: [&Tensor; M],
    work: impl Fn([Tensor; N], [Tensor; M]) -> Result<(), CudaError> + Sync,
) -> Result<(), CudaError> {
    let cut: Vec<([Tensor; N], [Tensor; M])> = no_grad(|| {
        let flat = tensors.map(|tensor| tensor.reshape([-1]));
        let len = flat[0].size()[0];
        let starts = (0..len).step_by(PIECE as usize);
        let piece = |start| {
            flat.each_ref()
                .map(|t| t.narrow(0, start, PIECE.min(len - start)))
        };
        starts
            .map(|start| (piece(start), shared.map(Tensor::shallow_clone)))
            .collect()
    });
    // Whether gradients are recorded is each thread's own.
    cut.into_par_iter()
        .try_for_each(|(piece, shared)| no_grad(|| work(piece, shared)))
}
