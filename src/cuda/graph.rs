//! Work that is captured once, and asked for again as a whole.

use super::error::CudaError;
use super::stream::Stream;
use super::{built, face};

/// A CUDA graph: kernels with their order and the places that they read and write.
///
/// Its memory is its own until it is dropped: tensors made inside keep their places, and hold new
/// values after each replay. Random numbers of the device's generator are new each time.
pub struct Graph(face::Graph);

impl Graph {
    /// Captures what `work` gives to `stream`, which is the calling thread's current one
    /// meanwhile. Nothing of it is done yet: [`Graph::replay`] does it. `pool` is a graph to
    /// share memory with; then neither may rely on what it left there before the other's replay.
    ///
    /// `work` does the same on the device whenever it is called. It does not wait for the
    /// device, read a number back (`double_value`, `print`), copy from memory that is not
    /// page-locked, or drop a graph; and it has been done a few times on `stream` before, since
    /// cuDNN's search and libtorch's workspaces cannot be captured. Other threads may use CUDA
    /// meanwhile.
    ///
    /// # Errors
    /// What `work` returns; [`CudaError::NotBuilt`]; [`CudaError::OutOfMemory`] and
    /// [`CudaError::Failed`] if the capture could not begin or end. Then, and if `work` panics,
    /// the capture is ended and thrown away, and the stream can be used as before.
    pub fn capture<R, E: From<CudaError>>(
        stream: &Stream,
        pool: Option<&Graph>,
        work: impl FnOnce() -> Result<R, E>,
    ) -> Result<(Graph, R), E> {
        built()?;
        let _current = stream.enter()?;
        let capture = face::Capture::begin(stream.0, pool.map(|graph| &graph.0))?;
        let made = work()?;
        Ok((Graph(capture.end()?), made))
    }

    /// Gives all of it to the stream of its capture, and does not wait.
    ///
    /// # Errors
    /// [`CudaError::OutOfMemory`] and [`CudaError::Failed`], as CUDA says.
    pub fn replay(&self) -> Result<(), CudaError> {
        self.0.replay()
    }
}
