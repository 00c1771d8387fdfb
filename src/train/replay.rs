//! Steps on a GPU: the first ones kernel by kernel, the others as a CUDA graph.
//!
//! A step of a small network is hundreds of kernels, most of them shorter than it takes to ask
//! for them. Asked for once and captured, they are replayed together. A graph reads its batch
//! where the first one lay, so that each batch is copied there; and it does the same as the
//! kernels one by one, so that the weights do not depend on it.

use tch::Tensor;

use super::device_batch::DeviceBatch;
use crate::cuda::{CudaError, Graph, Stream};

/// Steps of all shapes together before one is captured: libraries find their ways in them.
const WARM_UP: u64 = 3;
/// The most shapes of batches that are captured; others are asked for kernel by kernel.
const MOST_GRAPHS: usize = 64;

/// A step that was captured.
struct Captured {
    shape: (usize, usize),
    /// Where the graph reads its batch.
    batch: DeviceBatch,
    /// Where it leaves the loss.
    loss: Tensor,
    graph: Graph,
}

/// Takes steps on a GPU.
pub(super) struct Replay {
    stream: Stream,
    /// Whether steps are captured.
    graphs: bool,
    captured: Vec<Captured>,
    /// Shapes of batches that were seen.
    seen: Vec<(usize, usize)>,
    steps: u64,
}

impl Replay {
    /// Steps on GPU `gpu`, on the stream that is current now; captured if `graphs` says so.
    pub fn new(gpu: usize, graphs: bool) -> Result<Replay, CudaError> {
        Ok(Replay {
            stream: Stream::current(gpu)?,
            graphs,
            captured: Vec::new(),
            seen: Vec::new(),
            steps: 0,
        })
    }

    /// Takes a step by `work`, which gives the device all of it and waits for nothing, and
    /// changes nothing but on the device. The loss is good until the next step.
    ///
    /// # Errors
    /// If the GPU refuses, for one because its memory is used up.
    pub fn step(
        &mut self,
        batch: &DeviceBatch,
        work: &mut impl FnMut(&DeviceBatch) -> Result<Tensor, CudaError>,
    ) -> Result<Tensor, CudaError> {
        self.steps += 1;
        let shape = batch.shape();
        if let Some(captured) = self.captured.iter().find(|known| known.shape == shape) {
            return captured.replay(batch);
        }
        let warm = self.seen.contains(&shape) && self.steps > WARM_UP;
        if !self.graphs || !warm || self.captured.len() == MOST_GRAPHS {
            if !self.seen.contains(&shape) {
                self.seen.push(shape);
            }
            return work(batch);
        }
        let own = batch.map(Tensor::copy);
        let pool = self.captured.first().map(|first| &first.graph);
        let (graph, loss) = Graph::capture(&self.stream, pool, || work(&own))?;
        self.captured.push(Captured {
            shape,
            batch: own,
            loss,
            graph,
        });
        self.captured[self.captured.len() - 1].replay(batch)
    }
}

impl Captured {
    fn replay(&self, batch: &DeviceBatch) -> Result<Tensor, CudaError> {
        for (mut to, from) in self.batch.tensors().into_iter().zip(batch.tensors()) {
            to.copy_(&from); // on one device, so that nothing waits
        }
        self.graph.replay()?;
        Ok(self.loss.shallow_clone())
    }
}
