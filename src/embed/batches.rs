//! Images embedded a batch at a time.

use super::embedder::Embedder;
use crate::store::{DrawingId, StoreError};

/// Images to be embedded, a batch at a time.
pub(crate) struct Work<'a, F> {
    pub(super) embedder: &'a dyn Embedder,
    /// The images, ascending.
    pub(crate) ids: &'a [DrawingId],
    /// Draws some of them into `[n, side, side]` pixels.
    pub(super) fill: F,
}

impl<F: Fn(&[DrawingId], &mut [f32]) -> Result<(), StoreError>> Work<'_, F> {
    /// Images in a batch, but the last.
    fn size(&self) -> usize {
        batch_size(self.embedder)
    }

    pub(crate) fn batches(&self) -> usize {
        self.ids.len().div_ceil(self.size())
    }

    /// How many images lie in a batch and those before it.
    pub(crate) fn done_with(&self, batch: usize) -> usize {
        ((batch + 1) * self.size()).min(self.ids.len())
    }

    /// The embeddings of a batch's images, one after the other.
    pub(crate) fn batch(&self, batch: usize) -> Result<Vec<f32>, StoreError> {
        let ids = &self.ids[batch * self.size()..self.done_with(batch)];
        let side = self.embedder.card().network.side();
        let mut pixels = vec![0f32; ids.len() * side * side];
        (self.fill)(ids, &mut pixels)?;
        Ok(self.embedder.embed_images(&pixels))
    }
}

/// How many images are best embedded at once: 1 or more.
pub(crate) fn batch_size(embedder: &dyn Embedder) -> usize {
    let side = embedder.card().network.side();
    let (drawings, pixels) = embedder.at_once();
    (pixels / (side * side)).clamp(1, drawings.max(1))
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
