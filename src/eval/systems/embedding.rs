//! Drawings embedded by several ranks, and by the mean of distorted copies.

use std::path::Path;

use tch::Tensor;

use super::batches::dealt;
use super::scorer::Scorer;
use crate::distort::Distorter;
use crate::embed::{Embedder, Embeddings, draw, plain};
use crate::eval::error::EvalError;
use crate::image::Drawn;
use crate::model::{Model, save_tensors};
use crate::ranks::Ranks;
use crate::sample::Task;
use crate::seed::{Purpose, Stream};
use crate::store::{DrawingId, Store, StoreError};

impl Embeddings {
    /// [`Embeddings::of`], dealt out among ranks, with news of how many drawings of how many are
    /// done.
    ///
    /// # Errors
    /// As [`Embeddings::of`], and if another rank is gone.
    ///
    /// # Panics
    /// As [`Embeddings::of`].
    pub fn watched(
        embedder: &dyn Embedder,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
        ranks: &Ranks,
        watch: impl FnMut(usize, usize),
    ) -> Result<Embeddings, EvalError> {
        let fill = |ids: &[DrawingId], pixels: &mut [f32]| {
            draw(embedder.card(), store, ids, pixels, plain)
        };
        Embeddings::through(embedder, store.drawings(), drawings, fill, |work| {
            dealt(work, ranks, watch)
        })
    }

    /// Embeds each drawing as the mean over itself and `copies` distorted copies, by the law that
    /// the network was trained with; the means of unit vectors are unit vectors again. Copy `c`
    /// of drawing `d` is item `d * 2^8 + c` of the stream [`Purpose::TestDistort`].
    ///
    /// # Errors
    /// As [`Embeddings::watched`].
    ///
    /// # Panics
    /// As [`Embeddings::of`], and if there are more than 255 copies.
    pub fn averaged(
        embedder: &dyn Embedder,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
        copies: usize,
        seed: u64,
        ranks: &Ranks,
    ) -> Result<Embeddings, EvalError> {
        assert!(copies < 256, "{copies} copies");
        let mut mean = Embeddings::watched(embedder, store, drawings, ranks, |_, _| ())?;
        for copy in 0..copies as u64 {
            let ids = mean.drawings().to_vec();
            let distorted = |distorter: &mut Distorter, drawn: Drawn<'_>, id, image: &mut [f32]| {
                let item = (u64::from(id) << 8) + copy;
                let mut stream = Stream::new(seed, Purpose::TestDistort, item);
                distorter.draw(drawn, 0, &mut stream, image);
            };
            let fill = |ids: &[DrawingId], pixels: &mut [f32]| {
                draw(embedder.card(), store, ids, pixels, distorted)
            };
            let other = Embeddings::through(embedder, store.drawings(), ids, fill, |work| {
                dealt(work, ranks, |_, _| ())
            })?;
            mean.add(&other);
        }
        mean.divide(1 + copies);
        Ok(mean)
    }

    /// Writes the images that were embedded, `images` `[n, 1, side, side]` with ascending ids,
    /// and `embeddings` `[n, dimensions]`, as a safetensors file whose card is the model's: for
    /// who loads the weights elsewhere and wants to know that they do the same.
    ///
    /// # Errors
    /// If a drawing cannot be read, or the file cannot be written.
    pub fn save(&self, model: &Model, store: &Store, path: &Path) -> Result<(), EvalError> {
        let side = model.card.network.side();
        let mut pixels = vec![0f32; self.drawings().len() * side * side];
        draw(&model.card, store, self.drawings(), &mut pixels, plain)?;
        let shape = [self.drawings().len() as i64, self.dimensions() as i64];
        let embeddings = Tensor::from_slice(self.values()).view(shape);
        let tensors = vec![
            (
                "images".to_owned(),
                Tensor::from_slice(&pixels).view([-1, 1, side as i64, side as i64]),
            ),
            ("embeddings".to_owned(), embeddings),
        ];
        let card = serde_json::to_string(&model.card).expect("a card is plain data");
        Ok(save_tensors(path, card, tensors, false)?)
    }
}

impl Scorer for Embeddings {
    type Similarity = f64;

    /// The [`Embeddings::class_similarity`] of the query to each way.
    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<f64>, StoreError> {
        let ways = task.support.chunks_exact(shots);
        Ok(ways
            .map(|way| self.class_similarity(task.query, way))
            .collect())
    }
}
