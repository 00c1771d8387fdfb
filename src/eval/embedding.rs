//! Every drawing embedded once; tasks are then answered by comparing embeddings.

use std::collections::BTreeMap;
use std::path::Path;

use tch::Tensor;

use crate::distort::Distorter;
use crate::model::{Comparison, Model, ModelError, save_tensors};
use crate::store::{DrawingId, Store, StoreError};

/// The most drawings in one forward pass, and the most pixels, since what a network holds of
/// them grows with both.
const MOST_DRAWINGS: usize = 256;
const MOST_PIXELS: usize = 600_000;

/// Embeddings of some of a store's drawings.
pub struct Embeddings {
    dimensions: usize,
    comparison: Comparison,
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
        let side = model.card.network.side();
        let dimensions = model.card.network.dimensions() as usize;
        let mut values = Vec::with_capacity(ids.len() * dimensions);
        let batch = (MOST_PIXELS / (side * side)).clamp(1, MOST_DRAWINGS);
        for chunk in ids.chunks(batch) {
            let embedded = model.embed(&images(model, store, chunk)?);
            let flat = embedded.to_device(tch::Device::Cpu).flatten(0, -1);
            values.extend(Vec::<f32>::try_from(flat).expect("embeddings are flat and f32"));
        }
        Ok(Embeddings {
            dimensions,
            comparison: model.network.comparison(),
            rows,
            values,
        })
    }

    /// Writes the images that were embedded, `images` `[n, 1, side, side]` with ascending ids,
    /// and `embeddings` `[n, dimensions]`, as a safetensors file whose card is the model's: for
    /// who loads the weights elsewhere and wants to know that they do the same.
    ///
    /// # Errors
    /// If a drawing cannot be read, or the file cannot be written.
    pub fn save(&self, model: &Model, store: &Store, path: &Path) -> Result<(), ModelError> {
        let ids: Vec<DrawingId> = self.rows.keys().copied().collect();
        let shape = [ids.len() as i64, self.dimensions as i64];
        let embeddings = Tensor::from_slice(&self.values).view(shape);
        let tensors = vec![
            ("images".to_owned(), images(model, store, &ids)?),
            ("embeddings".to_owned(), embeddings),
        ];
        let card = serde_json::to_string(&model.card).expect("a card is plain data");
        save_tensors(path, card, tensors, false)
    }

    /// The embedding of a drawing.
    ///
    /// # Panics
    /// If the drawing is not among those that were embedded.
    #[must_use]
    pub fn row(&self, id: DrawingId) -> &[f32] {
        let row = self.rows[&id];
        &self.values[row * self.dimensions..][..self.dimensions]
    }

    /// How alike two drawings are by the network's own measure, the same in either order: the
    /// cosine of embeddings that are unit vectors, the logit of p(a, b) of Koch's.
    ///
    /// # Panics
    /// As [`Embeddings::row`].
    #[must_use]
    pub fn similarity(&self, a: DrawingId, b: DrawingId) -> f64 {
        let (a, b) = (self.row(a), self.row(b));
        match &self.comparison {
            Comparison::Cosine => sum(a, b, |_, x, y| x * y),
            Comparison::Distance { weights, bias } => {
                let weighted = |at: usize, x: f64, y: f64| f64::from(weights[at]) * (x - y).abs();
                f64::from(*bias) + sum(a, b, weighted)
            }
        }
    }
}

/// Drawings undistorted, as a network takes them: `[n, 1, side, side]`.
fn images(model: &Model, store: &Store, ids: &[DrawingId]) -> Result<Tensor, StoreError> {
    let side = model.card.network.side();
    let mut distorter =
        Distorter::new(model.card.distortion).expect("a model's card is checked when it is read");
    let mut decoder = store.decoder();
    let mut pixels = vec![0f32; ids.len() * side * side];
    for (&id, image) in ids.iter().zip(pixels.chunks_exact_mut(side * side)) {
        distorter.plain(decoder.drawing(id)?, 0, side, image);
    }
    Ok(Tensor::from_slice(&pixels).view([ids.len() as i64, 1, side as i64, side as i64]))
}

/// A sum over both in f64, in which products of f32 are exact, in four lanes of fixed order.
fn sum(a: &[f32], b: &[f32], term: impl Fn(usize, f64, f64) -> f64) -> f64 {
    let mut sums = [0f64; 4];
    for (at, (&x, &y)) in a.iter().zip(b).enumerate() {
        sums[at % 4] += term(at, f64::from(x), f64::from(y));
    }
    sums.iter().sum()
}
