//! Every drawing embedded once; tasks are then answered by comparing embeddings.

use std::path::Path;

use rayon::prelude::*;
use tch::Tensor;

use super::batches::{Work, alone, dealt, images};
use super::dot::{inner, weighted_distance};
use super::scorer::Scorer;
use crate::archive::{Digits, Scanned};
use crate::distort::Distorter;
use crate::eval::error::EvalError;
use crate::image::Drawn;
use crate::model::{Comparison, Model, save_tensors};
use crate::ranks::Ranks;
use crate::sample::Task;
use crate::seed::{Purpose, Stream};
use crate::store::{DrawingId, Store, StoreError};

/// Embeddings of some of a store's drawings.
pub struct Embeddings {
    dimensions: usize,
    comparison: Comparison,
    /// The drawings, ascending.
    ids: Vec<DrawingId>,
    /// The row of each drawing of the store, [`NO_ROW`] of those that were not asked for.
    rows: Vec<u32>,
    values: Vec<f32>,
}

/// The row of a drawing that was not embedded.
const NO_ROW: u32 = u32::MAX;

impl Embeddings {
    /// Embeds drawings, undistorted, each alone whatever else is asked for, and once however
    /// often it is asked for.
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
        let fill = |ids: &[DrawingId], pixels: &mut [f32]| draw(model, store, ids, pixels, plain);
        Embeddings::through(model, store.drawings(), drawings, fill, alone)
    }

    /// [`Embeddings::of`], dealt out among ranks, with news of how many drawings of how many are
    /// done.
    ///
    /// # Errors
    /// As [`Embeddings::of`], and if another rank is gone.
    ///
    /// # Panics
    /// As [`Embeddings::of`].
    pub fn watched(
        model: &Model,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
        ranks: &Ranks,
        watch: impl FnMut(usize, usize),
    ) -> Result<Embeddings, EvalError> {
        let fill = |ids: &[DrawingId], pixels: &mut [f32]| draw(model, store, ids, pixels, plain);
        Embeddings::through(model, store.drawings(), drawings, fill, |work| {
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
        model: &Model,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
        copies: usize,
        seed: u64,
        ranks: &Ranks,
    ) -> Result<Embeddings, EvalError> {
        assert!(copies < 256, "{copies} copies");
        let mut mean = Embeddings::watched(model, store, drawings, ranks, |_, _| ())?;
        for copy in 0..copies as u64 {
            let ids = mean.ids.clone();
            let distorted = |distorter: &mut Distorter, drawn: Drawn<'_>, id, image: &mut [f32]| {
                let item = (u64::from(id) << 8) + copy;
                let mut stream = Stream::new(seed, Purpose::TestDistort, item);
                distorter.draw(drawn, 0, &mut stream, image);
            };
            let fill =
                |ids: &[DrawingId], pixels: &mut [f32]| draw(model, store, ids, pixels, distorted);
            let other = Embeddings::through(model, store.drawings(), ids, fill, |work| {
                dealt(work, ranks, |_, _| ())
            })?;
            let sums = mean.values.iter_mut().zip(&other.values);
            sums.for_each(|(sum, value)| *sum += value);
        }
        let dimensions = mean.dimensions;
        for row in mean.values.chunks_exact_mut(dimensions) {
            let length = match mean.comparison {
                Comparison::Cosine => inner(row, row).sqrt().max(f64::MIN_POSITIVE) as f32,
                Comparison::Distance { .. } => 1.0 + copies as f32,
            };
            row.iter_mut().for_each(|value| *value /= length);
        }
        Ok(mean)
    }

    /// The embeddings of several networks side by side: the cosine of two drawings is the mean of
    /// the networks' cosines.
    ///
    /// # Panics
    /// If there are none, they are not all of the same drawings, or one is not compared by the
    /// cosine of unit vectors.
    #[must_use]
    pub fn ensemble(each: &[Embeddings]) -> Embeddings {
        let first = &each[0];
        let alike =
            |other: &Embeddings| other.ids == first.ids && other.comparison == Comparison::Cosine;
        assert!(each.iter().all(alike), "other drawings, or no cosine");
        let scale = (each.len() as f32).sqrt().recip();
        let row = |&id: &DrawingId| {
            let parts = each.iter().flat_map(move |part| part.row(id));
            parts.map(|value| scale * value)
        };
        Embeddings {
            dimensions: each.iter().map(|part| part.dimensions).sum(),
            comparison: Comparison::Cosine,
            values: first.ids.iter().flat_map(row).collect(),
            ids: first.ids.clone(),
            rows: first.rows.clone(),
        }
    }

    /// Embeds images of a set of digits, of which a [`Task`] names places, as
    /// [`Distorter::plain_grey`] makes them.
    ///
    /// # Panics
    /// If a place is not below the set's number of digits.
    #[must_use]
    pub fn of_digits(
        model: &Model,
        digits: &Digits,
        places: impl IntoIterator<Item = u32>,
    ) -> Embeddings {
        let side = model.card.network.side();
        let fill = |places: &[u32], pixels: &mut [f32]| {
            let mut distorter = distorter(model);
            for (&at, image) in places.iter().zip(pixels.chunks_exact_mut(side * side)) {
                distorter.plain_grey(digits.image(at as usize), digits.side(), image);
            }
            Ok(())
        };
        let among = digits.len() as u32; // far fewer than 2^32 are read of a file
        Embeddings::through(model, among, places, fill, alone).expect("nothing is read")
    }

    /// Embeds pictures that lie in no store, as [`Embeddings::of`] does; an id is a place.
    ///
    /// # Panics
    /// If there are 2^32 pictures or more.
    #[must_use]
    pub fn of_pictures(model: &Model, pictures: &[Scanned]) -> Embeddings {
        let side = model.card.network.side();
        let fill = |places: &[u32], pixels: &mut [f32]| {
            let mut distorter = distorter(model);
            for (&at, image) in places.iter().zip(pixels.chunks_exact_mut(side * side)) {
                distorter.plain(pictures[at as usize].drawn(), 0, image);
            }
            Ok(())
        };
        let among = u32::try_from(pictures.len()).expect("no one has 2^32 pictures");
        Embeddings::through(model, among, 0..among, fill, alone).expect("nothing is read")
    }

    /// Uniform numbers from -1 to 1, by the seed, for drawings 0 to `drawings`, in place of a
    /// network's embeddings: to time what is done with them, or to see what knowing nothing scores.
    #[must_use]
    pub fn made_up(model: &Model, drawings: u32, seed: u64) -> Embeddings {
        let dimensions = model.card.network.dimensions() as usize;
        let mut values = vec![0f32; drawings as usize * dimensions];
        (values.par_chunks_exact_mut(dimensions).enumerate()).for_each(|(id, row)| {
            let mut stream = Stream::new(seed, Purpose::Synthetic, id as u64);
            row.iter_mut()
                .for_each(|value| *value = stream.signed_unit() as f32);
        });
        Embeddings {
            dimensions,
            comparison: model.network.comparison(),
            ids: (0..drawings).collect(),
            rows: (0..drawings).collect(),
            values,
        }
    }

    /// Embeds some of `among` images, which `fill` draws into `[n, side, side]` pixels; `all` does
    /// the work.
    pub(super) fn through<F, E>(
        model: &Model,
        among: u32,
        drawings: impl IntoIterator<Item = DrawingId>,
        fill: F,
        all: impl FnOnce(&Work<'_, F>) -> Result<Vec<f32>, E>,
    ) -> Result<Embeddings, E> {
        let mut rows = vec![NO_ROW; among as usize];
        drawings.into_iter().for_each(|id| rows[id as usize] = 0);
        let mut ids = Vec::new();
        for (id, row) in (0..).zip(&mut rows).filter(|(_, row)| **row != NO_ROW) {
            *row = ids.len() as u32;
            ids.push(id);
        }
        let values = all(&Work {
            model,
            ids: &ids,
            fill,
        })?;
        Ok(Embeddings {
            dimensions: model.card.network.dimensions() as usize,
            comparison: model.network.comparison(),
            ids,
            rows,
            values,
        })
    }

    /// The drawings that were embedded, ascending.
    #[must_use]
    pub fn drawings(&self) -> &[DrawingId] {
        &self.ids
    }

    /// Length of an embedding.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Writes the images that were embedded, `images` `[n, 1, side, side]` with ascending ids,
    /// and `embeddings` `[n, dimensions]`, as a safetensors file whose card is the model's: for
    /// who loads the weights elsewhere and wants to know that they do the same.
    ///
    /// # Errors
    /// If a drawing cannot be read, or the file cannot be written.
    pub fn save(&self, model: &Model, store: &Store, path: &Path) -> Result<(), EvalError> {
        let side = model.card.network.side();
        let mut pixels = vec![0f32; self.ids.len() * side * side];
        draw(model, store, &self.ids, &mut pixels, plain)?;
        let shape = [self.ids.len() as i64, self.dimensions as i64];
        let embeddings = Tensor::from_slice(&self.values).view(shape);
        let tensors = vec![
            ("images".to_owned(), images(&pixels, side)),
            ("embeddings".to_owned(), embeddings),
        ];
        let card = serde_json::to_string(&model.card).expect("a card is plain data");
        Ok(save_tensors(path, card, tensors, false)?)
    }

    /// The embedding of a drawing.
    ///
    /// # Panics
    /// If the drawing is not among those that were embedded.
    #[must_use]
    pub fn row(&self, id: DrawingId) -> &[f32] {
        let row = self.rows[id as usize];
        assert!(row != NO_ROW, "drawing {id} was not embedded");
        &self.values[row as usize * self.dimensions..][..self.dimensions]
    }

    /// How alike two drawings are by the network's own measure, the same in either order: the
    /// cosine of embeddings that are unit vectors, the logit of p(a, b) of Koch's, whose towers
    /// are not run again.
    ///
    /// # Panics
    /// As [`Embeddings::row`].
    #[must_use]
    pub fn similarity(&self, a: DrawingId, b: DrawingId) -> f64 {
        let (a, b) = (self.row(a), self.row(b));
        match &self.comparison {
            Comparison::Cosine => inner(a, b),
            Comparison::Distance { weights, bias } => {
                f64::from(*bias) + weighted_distance(a, b, weights)
            }
        }
    }

    /// How alike a query is to a class, of which some drawings are known: to the one there is
    /// ([`Embeddings::similarity`]), or to all of them, the cosine with the mean of their
    /// embeddings (a prototype, Snell et al. 2017), or the mean logit.
    ///
    /// # Panics
    /// If there are none, and as [`Embeddings::row`].
    #[must_use]
    pub fn class_similarity(&self, query: DrawingId, drawings: &[DrawingId]) -> f64 {
        assert!(!drawings.is_empty(), "a class of no drawings");
        match (drawings, &self.comparison) {
            (&[only], _) => self.similarity(query, only),
            (_, Comparison::Cosine) => self.prototype_cosine(query, drawings),
            (_, Comparison::Distance { .. }) => {
                let logits = drawings.iter().map(|&id| self.similarity(query, id));
                logits.sum::<f64>() / drawings.len() as f64
            }
        }
    }

    /// The cosine of a query with the mean of some drawings' embeddings.
    fn prototype_cosine(&self, query: DrawingId, drawings: &[DrawingId]) -> f64 {
        let mut sum = vec![0f32; self.dimensions];
        for &id in drawings {
            let terms = sum.iter_mut().zip(self.row(id));
            terms.for_each(|(sum, value)| *sum += value);
        }
        let length = inner(&sum, &sum).sqrt().max(f64::MIN_POSITIVE);
        inner(self.row(query), &sum) / length
    }

    /// The inner product of two drawings' embeddings.
    ///
    /// # Panics
    /// As [`Embeddings::row`].
    #[must_use]
    pub fn inner(&self, a: DrawingId, b: DrawingId) -> f64 {
        inner(self.row(a), self.row(b))
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

/// A drawing as it is.
pub(super) fn plain(distorter: &mut Distorter, drawn: Drawn<'_>, _: DrawingId, image: &mut [f32]) {
    distorter.plain(drawn, 0, image);
}

fn distorter(model: &Model) -> Distorter {
    Distorter::new(model.card.distortion)
        .and_then(|distorter| distorter.at(model.card.network.side()))
        .expect("a model's card is checked when it is read")
}

/// Draws pages by `law` into `[n, side, side]` pixels, on all cores.
pub(super) fn draw(
    model: &Model,
    store: &Store,
    ids: &[DrawingId],
    pixels: &mut [f32],
    law: impl Fn(&mut Distorter, Drawn<'_>, DrawingId, &mut [f32]) + Sync,
) -> Result<(), StoreError> {
    let side = model.card.network.side();
    let distorter = distorter(model);
    let each = ids.len().div_ceil(rayon::current_num_threads()).max(1);
    (ids.par_chunks(each))
        .zip(pixels.par_chunks_mut(each * side * side))
        .try_for_each_init(
            || (distorter.clone(), store.decoder()),
            |(distorter, decoder), (ids, pixels)| {
                for (&id, image) in ids.iter().zip(pixels.chunks_exact_mut(side * side)) {
                    law(distorter, decoder.drawn(id)?, id, image);
                }
                Ok(())
            },
        )
}
