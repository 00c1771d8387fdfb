//! The batches of a run as tensors on its device, in order. A GPU gets each while it still works
//! on the one before.

use std::ops::Range;
use std::sync::Arc;

use tch::{Device, Kind, Tensor};

use super::device_batch::{DeviceBatch, Labels, Prepared, PreparedBatches, Targets, TrainingBatch};
use super::dropout::Dropout;
use super::error::TrainError;
use crate::cuda::{CudaError, Event, Numbers, Stream, Upload};
use crate::loader::{Loader, LoaderCounts, LoaderOptions, Produce, Ready};
use crate::store::StoreError;

/// Batches on a device.
pub(super) struct Feed<P: Produce<Batch: TrainingBatch>> {
    /// Before the loader, so that uploads are done before its buffers go.
    uploads: Option<Uploads<P::Batch>>,
    loader: Loader<PreparedBatches<P>>,
    producer: Arc<PreparedBatches<P>>,
    side: usize,
    /// Why the next batch cannot be had.
    failed: Option<TrainError>,
}

impl<P: Produce<Batch: TrainingBatch>> Feed<P> {
    /// Starts `workers` threads for the batches of `range`, of images `side` pixels wide.
    ///
    /// # Errors
    /// If a GPU refuses a stream, or has no memory for a batch.
    pub fn start(
        producer: PreparedBatches<P>,
        side: usize,
        range: Range<u64>,
        workers: usize,
    ) -> Result<Feed<P>, CudaError> {
        let producer = Arc::new(producer);
        let options = LoaderOptions {
            workers,
            depth: LoaderOptions::depth_for(workers),
            ..LoaderOptions::default()
        };
        let uploads = match producer.device {
            Device::Cuda(gpu) => Some(Uploads::new(gpu)?),
            _ => None,
        };
        Ok(Feed {
            uploads,
            loader: Loader::start(Arc::clone(&producer), range, options),
            producer,
            side,
            failed: None,
        })
    }

    /// The next batch; none after the last.
    ///
    /// # Errors
    /// If it could not be made, or brought to the device.
    pub fn next_batch(&mut self) -> Result<Option<DeviceBatch>, TrainError> {
        self.prefetch();
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let (side, dropout) = (self.side, self.producer.dropout.as_ref());
        match &mut self.uploads {
            Some(uploads) => Ok(uploads.take()?),
            None => {
                let batch = self.loader.next_batch().transpose()?;
                Ok(batch.map(|batch| DeviceBatch::of(&*batch, side, dropout)))
            }
        }
    }

    /// Says that all work on the last batch has been given to the device, so that its place can
    /// be written over once that is done.
    ///
    /// # Errors
    /// If the device has failed.
    pub fn done(&mut self) -> Result<(), CudaError> {
        self.uploads.as_mut().map_or(Ok(()), Uploads::done)
    }

    /// Sends the next batch on its way, if none is under way. On a CPU there is no way to go. Why
    /// it cannot be had says [`Feed::next_batch`].
    pub fn prefetch(&mut self) {
        self.failed = self.failed.take().or_else(|| self.send().err());
    }

    fn send(&mut self) -> Result<(), TrainError> {
        if let Some(uploads) = &mut self.uploads
            && uploads.under_way.is_none()
            && let Some(batch) = self.loader.next_batch().transpose()?
        {
            uploads.start(batch, self.side, self.producer.dropout.as_ref())?;
        }
        Ok(())
    }

    /// How the loader has fared.
    pub fn counts(&self) -> LoaderCounts {
        self.loader.counts()
    }

    /// Makes a batch again: its images `[n, 1, side, side]`, and what is said of each drawing or
    /// pair, as numbers.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn remake(&self, index: u64) -> Result<[Tensor; 2], StoreError> {
        let mut batch = self.producer.batch();
        let mut scratch = self.producer.scratch();
        self.producer.fill(index, &mut scratch, &mut batch)?;
        let batch = DeviceBatch::of(&batch, self.side, self.producer.dropout.as_ref());
        let labels = match &batch.targets {
            Targets::Classes(labels, _) | Targets::Pairs(labels) => labels.to_kind(Kind::Float),
        };
        Ok([batch.images(batch.drawings()), labels])
    }
}

/// A batch's place on a GPU.
struct Slot {
    batch: DeviceBatch,
    /// What was last read from it.
    read: Event,
}

/// Batches on their way to a GPU, on a stream of their own.
struct Uploads<B: TrainingBatch> {
    gpu: usize,
    stream: Stream,
    /// One that is read, and one that is written; made with the first batches.
    slots: [Option<Slot>; 2],
    /// Which of them is written next.
    next: usize,
    under_way: Option<Upload<Ready<Prepared<B>>>>,
}

impl<B: TrainingBatch> Uploads<B> {
    fn new(gpu: usize) -> Result<Uploads<B>, CudaError> {
        Ok(Uploads {
            gpu,
            stream: Stream::new(gpu)?,
            slots: [None, None],
            next: 0,
            under_way: None,
        })
    }

    fn start(
        &mut self,
        ready: Ready<Prepared<B>>,
        side: usize,
        dropout: Option<&Dropout>,
    ) -> Result<(), CudaError> {
        let slot = &mut self.slots[self.next];
        let slot = match slot {
            Some(slot) => slot,
            None => {
                let like = DeviceBatch::of(&*ready, side, dropout);
                let device = Device::Cuda(self.gpu);
                let batch = like.map(|tensor| tensor.empty_like().to_device(device));
                let read = Event::new()?;
                // The place is there once the stream that makes it says so.
                read.record(&Stream::current(self.gpu)?)?;
                slot.insert(Slot { batch, read })
            }
        };
        if let (Targets::Classes(_, part), Labels::Classes(_, now)) =
            (&mut slot.batch.targets, ready.batch.targets())
        {
            *part = now;
        }
        self.stream.wait(&slot.read)?;
        let (stream, to) = (Some(&self.stream), slot.batch.tensors());
        self.under_way = Some(Upload::start(stream, ready, &to, |ready| slices(ready))?);
        Ok(())
    }

    /// The batch that was sent last. The current stream waits for it; this thread only for the
    /// copy, which began a step ago.
    fn take(&mut self) -> Result<Option<DeviceBatch>, CudaError> {
        let Some(upload) = self.under_way.take() else {
            return Ok(None);
        };
        if let Some(event) = upload.event() {
            Stream::current(self.gpu)?.wait(event)?;
        }
        drop(upload.finish()?);
        let slot = self.slots[self.next].as_ref();
        let slot = slot.expect("an upload was into a slot");
        Ok(Some(slot.batch.map(Tensor::shallow_clone)))
    }

    fn done(&mut self) -> Result<(), CudaError> {
        if let Some(slot) = &self.slots[self.next] {
            slot.read.record(&Stream::current(self.gpu)?)?;
        }
        self.next = 1 - self.next;
        Ok(())
    }
}

/// What is uploaded of a batch, in the order of [`DeviceBatch::tensors`].
fn slices<B: TrainingBatch>(ready: &Ready<Prepared<B>>) -> Vec<Numbers<'_>> {
    let prepared: &Prepared<B> = ready;
    let staged = prepared.staged.as_ref();
    let staged = staged.expect("batches for a GPU are staged where they are made");
    let labels: Numbers = match prepared.batch.targets() {
        Labels::Classes(..) => staged.classes[..].into(),
        Labels::Pairs(_) => staged.same[..].into(),
    };
    let mut slices: Vec<Numbers> = vec![staged.pixels[..].into(), labels];
    if !prepared.mask.is_empty() {
        slices.push(prepared.mask[..].into());
    }
    slices
}
