//! Images embedded a batch at a time, by one process or several.

use tch::{Device, Tensor};

use crate::eval::error::EvalError;
use crate::model::Model;
use crate::ranks::Ranks;
use crate::store::{DrawingId, StoreError};

/// The most drawings in one forward pass, and the most pixels, since what a network holds of
/// them grows with both: on a CPU, whose caches they should fit, and on a GPU, which fewer would
/// leave idle.
const MOST_ON_CPU: (usize, usize) = (256, 600_000);
const MOST_ON_GPU: (usize, usize) = (2048, 12_000_000);

/// Images to be embedded, a batch at a time.
pub(super) struct Work<'a, F> {
    pub model: &'a Model,
    /// The images, ascending.
    pub ids: &'a [DrawingId],
    /// Draws some of them into `[n, side, side]` pixels.
    pub fill: F,
}

impl<F: Fn(&[DrawingId], &mut [f32]) -> Result<(), StoreError>> Work<'_, F> {
    /// Images in a batch, but the last.
    fn size(&self) -> usize {
        let side = self.model.card.network.side();
        let (drawings, pixels) = match self.model.weights().device() {
            Device::Cpu => MOST_ON_CPU,
            _ => MOST_ON_GPU,
        };
        (pixels / (side * side)).clamp(1, drawings)
    }

    pub fn batches(&self) -> usize {
        self.ids.len().div_ceil(self.size())
    }

    /// How many images lie in a batch and those before it.
    pub fn done_with(&self, batch: usize) -> usize {
        ((batch + 1) * self.size()).min(self.ids.len())
    }

    /// The embeddings of a batch's images, one after the other.
    pub fn batch(&self, batch: usize) -> Result<Vec<f32>, StoreError> {
        let ids = &self.ids[batch * self.size()..self.done_with(batch)];
        let side = self.model.card.network.side();
        let mut pixels = vec![0f32; ids.len() * side * side];
        (self.fill)(ids, &mut pixels)?;
        let embedded = self.model.embed(&images(&pixels, side));
        let flat = embedded.to_device(Device::Cpu).flatten(0, -1);
        Ok(Vec::<f32>::try_from(flat).expect("embeddings are flat and f32"))
    }
}

/// Does all of it on this process.
pub(super) fn alone<F>(work: &Work<'_, F>) -> Result<Vec<f32>, StoreError>
where
    F: Fn(&[DrawingId], &mut [f32]) -> Result<(), StoreError>,
{
    let mut values = Vec::new();
    for batch in 0..work.batches() {
        values.extend(work.batch(batch)?);
    }
    Ok(values)
}

/// Does all of it together with other ranks; `watch` hears of how many images of how many are done.
pub(super) fn dealt<F>(
    work: &Work<'_, F>,
    ranks: &Ranks,
    mut watch: impl FnMut(usize, usize),
) -> Result<Vec<f32>, EvalError>
where
    F: Fn(&[DrawingId], &mut [f32]) -> Result<(), StoreError>,
{
    ranks.partition(work.batches(), |batch| {
        let rows = work.batch(batch)?;
        watch(work.done_with(batch), work.ids.len());
        Ok(rows)
    })
}

/// Pixels as a network takes them: `[n, 1, side, side]`.
pub(super) fn images(pixels: &[f32], side: usize) -> Tensor {
    Tensor::from_slice(pixels).view([-1, 1, side as i64, side as i64])
}
