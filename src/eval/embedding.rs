//! Every drawing embedded once; tasks are then answered by dot products.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::distort::Distorter;
use crate::model::Model;
use crate::store::{DrawingId, Store, StoreError};

/// Drawings in one forward pass.
const BATCH: usize = 256;

/// Embeddings of some of a store's drawings.
pub struct Embeddings {
    dimensions: usize,
    rows: BTreeMap<DrawingId, usize>,
    values: Vec<f32>,
}

impl Embeddings {
    /// Embeds drawings, undistorted, each alone whatever else is asked for.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    ///
    /// # Panics
    /// If an id is not below the store's number of drawings.
    pub fn of(
        model: &Model,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
    ) -> Result<Embeddings, StoreError> {
        let mut rows: BTreeMap<DrawingId, usize> = drawings.into_iter().map(|id| (id, 0)).collect();
        rows.values_mut()
            .enumerate()
            .for_each(|(row, place)| *place = row);
        let ids: Vec<DrawingId> = rows.keys().copied().collect();
        let side = model.card.network.side;
        let dimensions = model.card.network.dimensions as usize;
        let mut distorter = Distorter::new(model.card.distortion)
            .expect("a model's card is checked when it is read");
        let mut decoder = store.decoder();
        let mut values = Vec::with_capacity(ids.len() * dimensions);
        let mut images = vec![0f32; BATCH * side * side];
        for chunk in ids.chunks(BATCH) {
            for (&id, image) in chunk.iter().zip(images.chunks_exact_mut(side * side)) {
                distorter.plain(decoder.drawing(id)?, 0, side, image);
            }
            let pixels = &images[..chunk.len() * side * side];
            let shape = [chunk.len() as i64, 1, side as i64, side as i64];
            let embedded = model.embed(&Tensor::from_slice(pixels).view(shape));
            let flat = embedded.to_device(tch::Device::Cpu).flatten(0, -1);
            values.extend(Vec::<f32>::try_from(flat).expect("embeddings are flat and f32"));
        }
        Ok(Embeddings {
            dimensions,
            rows,
            values,
        })
    }

    /// The embedding of a drawing, a unit vector.
    ///
    /// # Panics
    /// If the drawing is not among those that were embedded.
    #[must_use]
    pub fn row(&self, id: DrawingId) -> &[f32] {
        let row = self.rows[&id];
        &self.values[row * self.dimensions..][..self.dimensions]
    }

    /// Cosine of two drawings' embeddings, the same in either order.
    ///
    /// # Panics
    /// As [`Embeddings::row`].
    #[must_use]
    pub fn cosine(&self, a: DrawingId, b: DrawingId) -> f64 {
        dot(self.row(a), self.row(b))
    }
}

/// A dot product in f64: products of f32 are exact in it, and the order of the sum is fixed.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a
        .remainder()
        .iter()
        .zip(b.remainder())
        .map(|(&x, &y)| f64::from(x) * f64::from(y))
        .sum();
    let mut sums = [0f64; 4];
    for (a, b) in a.zip(b) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(x) * f64::from(y);
        }
    }
    rest + sums.iter().sum::<f64>()
}
