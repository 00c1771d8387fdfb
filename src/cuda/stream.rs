//! Streams, which order a GPU's work, and events, by which one waits for another.

use std::marker::PhantomData;

use super::error::CudaError;
use super::{built, face};

/// A queue of work for a GPU: what is given to one stream is done in order, what is given to two
/// beside each other.
///
/// libtorch keeps 32 streams for each device and hands them out in turn; they are never given
/// back, so that a `Stream` is only a name, and can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(pub(super) face::Stream);

impl Stream {
    /// A stream of GPU `device` (from 0). It does not wait for the default stream, on which
    /// libtorch works otherwise: tensors made there are ready only when an [`Event`] of it, or
    /// [`Stream::synchronize`], says so.
    ///
    /// # Errors
    /// [`CudaError::NotBuilt`]; [`CudaError::Failed`] if there is no such GPU.
    pub fn new(device: usize) -> Result<Stream, CudaError> {
        built()?;
        face::stream_new(device).map(Stream)
    }

    /// The stream that the calling thread's work on GPU `device` goes to now.
    ///
    /// # Errors
    /// As [`Stream::new`].
    pub fn current(device: usize) -> Result<Stream, CudaError> {
        built()?;
        face::stream_current(device).map(Stream)
    }

    /// The number of its GPU, from 0.
    #[must_use]
    pub fn device(&self) -> usize {
        self.0.device()
    }

    /// Waits until all that was given to it is done.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if any of it failed.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        face::stream_synchronize(self.0)
    }

    /// Makes this stream, and its GPU, the calling thread's current ones as long as the guard
    /// lives. Guards are dropped in the reverse order of their making, as scopes do.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if CUDA has failed before.
    pub fn enter(&self) -> Result<StreamGuard<'_>, CudaError> {
        Ok(StreamGuard {
            before: face::stream_enter(self.0)?,
            here: PhantomData,
        })
    }

    /// What is given to this stream from now on waits, on the device, for what `event` recorded
    /// last; for nothing if it has recorded nothing.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if CUDA has failed before.
    pub fn wait(&self, event: &Event) -> Result<(), CudaError> {
        event.0.block(self.0)
    }
}

/// Puts back, when dropped, the stream and GPU that were current before [`Stream::enter`].
#[must_use = "the stream is left again when the guard is dropped"]
pub struct StreamGuard<'a> {
    before: face::Before,
    /// Current streams are each thread's own: a guard stays in its thread.
    here: PhantomData<(&'a Stream, *const ())>,
}

impl Drop for StreamGuard<'_> {
    fn drop(&mut self) {
        // Fails only where CUDA has failed for good, as the next call says.
        let _ = face::stream_leave(self.before);
    }
}

/// A place in a stream that others can wait for. It takes no time stamps.
pub struct Event(face::Event);

impl Event {
    /// An event that has recorded nothing. It belongs to the GPU of the stream that it records
    /// first.
    ///
    /// # Errors
    /// [`CudaError::NotBuilt`]; [`CudaError::Failed`] if there is no GPU.
    pub fn new() -> Result<Event, CudaError> {
        built()?;
        face::Event::new().map(Event)
    }

    /// Records what has been given to `stream` up to now, in place of what it recorded before.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if the stream is of another GPU than the first one recorded.
    pub fn record(&self, stream: &Stream) -> Result<(), CudaError> {
        self.0.record(stream.0)
    }

    /// Waits until what it recorded last is done.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if any of it failed.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        self.0.synchronize()
    }

    /// Whether what it recorded last is done; true of nothing.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if any of it failed.
    pub fn is_done(&self) -> Result<bool, CudaError> {
        self.0.query()
    }
}
