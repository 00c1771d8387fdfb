//! Batches on their way to a GPU while the CPU goes on.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::marker::PhantomData;

use tch::{Device, Kind, Tensor};

use super::error::CudaError;
use super::face;
use super::page_locked::Element;
use super::stream::{Event, Stream};

/// A slice of numbers to upload, made from `&[u8]`, `&[f32]` or `&[i64]`.
pub struct Numbers<'a> {
    start: *const c_void,
    len: usize,
    kind: Kind,
    slice: PhantomData<&'a ()>,
}

impl<'a, T: Element> From<&'a [T]> for Numbers<'a> {
    fn from(slice: &'a [T]) -> Numbers<'a> {
        Numbers {
            start: slice.as_ptr().cast(),
            len: slice.len(),
            kind: T::KIND,
            slice: PhantomData,
        }
    }
}

/// A batch, kept until the device has read it: [`Upload::finish`] gives it back, and dropping the
/// upload waits as well.
pub struct Upload<B: 'static> {
    /// In a box, so that its numbers stay where they are, those inside it too.
    batch: Option<Box<B>>,
    /// None where the copy was done at once.
    event: Option<Event>,
    /// What is written.
    to: Vec<Tensor>,
}

impl<B: 'static> Upload<B> {
    /// Copies slices of `batch`, which `from` names, into the tensors `to`, one for each, of the
    /// same kind and number of elements, in order and without gaps in memory.
    ///
    /// On a GPU this is given to `stream` and not waited for, if the slices are page-locked
    /// (else the driver copies them aside first). Whoever reads the tensors on another stream
    /// lets it [wait](Stream::wait) for [`Upload::event`]; and whoever read them before has
    /// `stream` wait for that. Tensors on the CPU need no stream and are written at once.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if slices and tensors do not match, or a tensor is on another
    /// device than the stream (the CPU, if there is none). `batch` is dropped.
    pub fn start(
        stream: Option<&Stream>,
        batch: B,
        to: &[Tensor],
        from: impl for<'a> FnOnce(&'a B) -> Vec<Numbers<'a>>,
    ) -> Result<Upload<B>, CudaError> {
        let event = stream.map(|_| Event::new()).transpose()?;
        let mut upload = Upload {
            batch: None,
            event,
            to: to.iter().map(Tensor::shallow_clone).collect(),
        };
        let batch = upload.batch.insert(Box::new(batch));
        let slices = from(batch);
        check(stream, &slices, to)?;
        let result = copy(stream, &slices, to);
        drop(slices);
        if let (Some(stream), Some(event)) = (stream, &upload.event) {
            // Even after an error: copies before it may be under way.
            if let Err(error) = event.record(stream) {
                upload.leak_unless(stream.synchronize().is_ok());
                return Err(result.err().unwrap_or(error));
            }
        }
        result.map(|()| upload)
    }

    /// What other streams wait for before they read; none if the tensors are on the CPU.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// Whether the device has read all of it.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if the copy failed.
    pub fn is_done(&self) -> Result<bool, CudaError> {
        self.event.as_ref().map_or(Ok(true), Event::is_done)
    }

    /// Waits until the device has read all of it, and gives the batch back.
    ///
    /// # Errors
    /// [`CudaError::Failed`] if the copy failed. The batch is then lost, since no one can say
    /// whether it is still read.
    pub fn finish(mut self) -> Result<B, CudaError> {
        if let Some(event) = &self.event
            && let Err(error) = event.synchronize()
        {
            self.leak_unless(false);
            return Err(error);
        }
        self.event = None;
        let batch = self.batch.take();
        Ok(*batch.expect("the batch is taken out only at the end"))
    }

    /// Gives up the batch, and its memory too if a device may still read it.
    fn leak_unless(&mut self, read: bool) {
        self.event = None;
        if let Some(batch) = self.batch.take()
            && !read
        {
            Box::leak(batch);
            for tensor in self.to.drain(..) {
                std::mem::forget(tensor);
            }
        }
    }
}

impl<B: 'static> Drop for Upload<B> {
    fn drop(&mut self) {
        if let Some(event) = &self.event {
            let read = event.synchronize().is_ok();
            self.leak_unless(read);
        }
    }
}

fn check(stream: Option<&Stream>, slices: &[Numbers], to: &[Tensor]) -> Result<(), CudaError> {
    let failed = |message: String| Err(CudaError::Failed { message });
    if slices.len() != to.len() {
        return failed(format!("{} slices for {} tensors", slices.len(), to.len()));
    }
    let device = stream.map_or(Device::Cpu, |stream| Device::Cuda(stream.device()));
    for tensor in to {
        if tensor.device() != device {
            let other = tensor.device();
            return failed(format!(
                "a tensor on {other:?} cannot be written by way of {device:?}"
            ));
        }
    }
    Ok(())
}

fn copy(stream: Option<&Stream>, slices: &[Numbers], to: &[Tensor]) -> Result<(), CudaError> {
    let _current = stream.map(Stream::enter).transpose()?;
    for (numbers, tensor) in slices.iter().zip(to) {
        // SAFETY: `start` is of a slice of `len` numbers of that kind, borrowed from the batch.
        // `Upload` keeps the batch unmoved until the stream, which is current and of the
        // tensor's device, has come past the copy, and leaks it if that cannot be known. No one
        // changes it meanwhile: nothing reaches it but through the upload, and it borrows from
        // nobody, since it is 'static.
        unsafe { face::copy(tensor, numbers.start, numbers.len, numbers.kind)? };
    }
    Ok(())
}
