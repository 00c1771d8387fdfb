//! A batch on its way to a network: as the loader makes it, and as tensors on a device.

use tch::{Device, Kind, Tensor};

use super::dropout::Dropout;
use crate::cuda::{Element, PageLocked};
use crate::distort::Pixel;
use crate::loader::{ClassBatch, PairBatch, Pictures, Produce, TableBatch};
use crate::store::StoreError;

/// What is said of the drawings of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Labels<'a> {
    /// The class of each, and how many at the front are of one alphabet.
    Classes(&'a [i64], usize),
    /// Of each pair 1.0 if it shows one character, else 0.0. All left drawings come first.
    Pairs(&'a [f32]),
}

/// A batch that a network learns from, as the loader makes it.
pub(super) trait TrainingBatch:
    Pictures<Pixel: Element + tch::kind::Element> + Send + 'static
{
    /// What is said of its drawings.
    fn targets(&self) -> Labels<'_>;
}

impl<P: Pixel + Element + tch::kind::Element> TrainingBatch for ClassBatch<P> {
    fn targets(&self) -> Labels<'_> {
        Labels::Classes(&self.classes, self.alphabet_part)
    }
}

impl<P: Pixel + Element + tch::kind::Element> TrainingBatch for PairBatch<P> {
    fn targets(&self) -> Labels<'_> {
        Labels::Pairs(&self.same)
    }
}

impl<P: Pixel + Element + tch::kind::Element> TrainingBatch for TableBatch<P> {
    fn targets(&self) -> Labels<'_> {
        Labels::Pairs(&self.pairs.same)
    }
}

/// A batch with its dropout mask, and a copy that a GPU fetches by itself.
pub(super) struct Prepared<B: TrainingBatch> {
    pub batch: B,
    /// `[n, features]`, as [`Dropout::mask`]; empty where nothing is silenced.
    pub mask: PageLocked<u8>,
    /// None for a network on the CPU.
    pub staged: Option<Staged<B::Pixel>>,
}

/// Pixels and labels in page-locked memory.
pub(super) struct Staged<P: Element> {
    pub pixels: PageLocked<P>,
    pub classes: PageLocked<i64>,
    pub same: PageLocked<f32>,
}

impl<P: Element> Staged<P> {
    fn of<B: TrainingBatch<Pixel = P>>(batch: &B) -> Staged<P> {
        let (classes, pairs) = match batch.targets() {
            Labels::Classes(classes, _) => (classes.len(), 0),
            Labels::Pairs(same) => (0, same.len()),
        };
        let [pixels, _] = Pictures::pixels(batch);
        Staged {
            pixels: locked(pixels.len()),
            classes: locked(classes),
            same: locked(pairs),
        }
    }

    fn copy<B: TrainingBatch<Pixel = P>>(&mut self, batch: &B) {
        let [pixels, _] = Pictures::pixels(batch);
        self.pixels.copy_from_slice(pixels);
        match batch.targets() {
            Labels::Classes(classes, _) => self.classes.copy_from_slice(classes),
            Labels::Pairs(same) => self.same.copy_from_slice(same),
        }
    }
}

/// Page-locked memory, or, where the system locks no more, any: uploads from it are slower.
fn locked<T: Element>(len: usize) -> PageLocked<T> {
    PageLocked::locked(len).unwrap_or_else(|_| PageLocked::heap(len))
}

/// Prepares batches in the threads of a loader: batch `i` with its mask is what step `i` learns
/// from.
pub(super) struct PreparedBatches<P> {
    pub batches: P,
    pub dropout: Option<Dropout>,
    pub device: Device,
}

impl<P: Produce<Batch: TrainingBatch>> Produce for PreparedBatches<P> {
    type Batch = Prepared<P::Batch>;
    type Scratch = P::Scratch;

    fn batch(&self) -> Prepared<P::Batch> {
        let batch = self.batches.batch();
        let cuda = self.device.is_cuda();
        let features = self.dropout.map_or(0, |dropout| dropout.len());
        Prepared {
            staged: cuda.then(|| Staged::of(&batch)),
            mask: match cuda {
                true => locked(features),
                false => PageLocked::heap(features),
            },
            batch,
        }
    }

    fn scratch(&self) -> P::Scratch {
        self.batches.scratch()
    }

    fn fill(
        &self,
        index: u64,
        scratch: &mut P::Scratch,
        prepared: &mut Prepared<P::Batch>,
    ) -> Result<(), StoreError> {
        if let Some(dropout) = &self.dropout {
            dropout.mask(index, &mut prepared.mask);
        }
        self.batches.fill(index, scratch, &mut prepared.batch)?;
        if let Some(staged) = &mut prepared.staged {
            staged.copy(&prepared.batch);
        }
        Ok(())
    }
}

/// The labels of a batch as a tensor.
#[derive(Debug)]
pub(super) enum Targets {
    /// `[n]` of int64, and how many drawings at the front are of one alphabet.
    Classes(Tensor, usize),
    /// `[pairs]` of f32.
    Pairs(Tensor),
}

/// A batch as tensors on a device.
#[derive(Debug)]
pub(super) struct DeviceBatch {
    /// `[n, 1, side, side]`: f32 from 0 to 1, or bytes from 0 to 255.
    pub pixels: Tensor,
    pub targets: Targets,
    /// `[n, features]` of bytes; none where nothing is silenced.
    pub mask: Option<Tensor>,
    /// What stays is multiplied by it.
    pub mask_scale: f64,
}

/// A byte's ink as a share of 1: multiplied, since devices divide each in their own way.
const BYTE: f64 = (1.0f32 / 255.0) as f64;

impl DeviceBatch {
    /// Copies a batch into tensors of the CPU. The batch can be used again at once.
    pub fn of<B: TrainingBatch>(
        prepared: &Prepared<B>,
        side: usize,
        dropout: Option<&Dropout>,
    ) -> DeviceBatch {
        let side = side as i64;
        let [pixels, _] = prepared.batch.pixels();
        let rows = |dropout: &Dropout| {
            Tensor::from_slice(&prepared.mask).view([-1, dropout.features() as i64])
        };
        DeviceBatch {
            pixels: Tensor::from_slice(pixels).view([-1, 1, side, side]),
            targets: match prepared.batch.targets() {
                Labels::Classes(all, part) => Targets::Classes(Tensor::from_slice(all), part),
                Labels::Pairs(same) => Targets::Pairs(Tensor::from_slice(same)),
            },
            mask: dropout.map(rows),
            mask_scale: dropout.map_or(1.0, Dropout::scale),
        }
    }

    /// The same batch with other tensors.
    pub fn map(&self, mut change: impl FnMut(&Tensor) -> Tensor) -> DeviceBatch {
        DeviceBatch {
            pixels: change(&self.pixels),
            targets: match &self.targets {
                Targets::Classes(classes, part) => Targets::Classes(change(classes), *part),
                Targets::Pairs(same) => Targets::Pairs(change(same)),
            },
            mask: self.mask.as_ref().map(&mut change),
            mask_scale: self.mask_scale,
        }
    }

    /// Its tensors: pixels, labels, and the mask if there is one.
    pub fn tensors(&self) -> Vec<Tensor> {
        let targets = match &self.targets {
            Targets::Classes(tensor, _) | Targets::Pairs(tensor) => tensor,
        };
        let all = [&self.pixels, targets].into_iter().chain(&self.mask);
        all.map(Tensor::shallow_clone).collect()
    }

    /// What tells batches apart that a network has to be asked of in different ways: drawings,
    /// and those of one alphabet.
    pub fn shape(&self) -> (usize, usize) {
        match self.targets {
            Targets::Classes(_, part) => (self.drawings(), part),
            Targets::Pairs(_) => (self.drawings(), 0),
        }
    }

    /// The class of each drawing, `[n]`, and how many at the front are of one alphabet; `None` of
    /// pairs.
    pub fn classes(&self) -> Option<(&Tensor, usize)> {
        match &self.targets {
            Targets::Classes(classes, part) => Some((classes, *part)),
            Targets::Pairs(_) => None,
        }
    }

    /// Of each pair 1.0 if it shows one character, else 0.0, `[pairs]`; `None` of classes.
    pub fn same(&self) -> Option<&Tensor> {
        match &self.targets {
            Targets::Classes(..) => None,
            Targets::Pairs(same) => Some(same),
        }
    }

    /// Drawings in it.
    pub fn drawings(&self) -> usize {
        self.pixels.size()[0] as usize
    }

    /// The images `[n, 1, side, side]` of the first `n` drawings, from 0 to 1.
    pub fn images(&self, n: usize) -> Tensor {
        let pixels = self.pixels.narrow(0, 0, n as i64);
        match pixels.kind() {
            Kind::Float => pixels,
            _ => pixels.to_kind(Kind::Float) * BYTE,
        }
    }

    /// What the features of the first `n` drawings are multiplied by, `[n, features]`; none
    /// where nothing is silenced.
    pub fn mask(&self, n: usize) -> Option<Tensor> {
        let mask = self.mask.as_ref()?.narrow(0, 0, n as i64);
        Some(mask.to_kind(Kind::Float) * self.mask_scale)
    }
}
