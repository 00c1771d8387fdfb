//! Every drawing embedded once, and then compared as often as it takes.

use rayon::prelude::*;

use super::batches::{Work, alone};
use super::comparison::Comparison;
use super::dot::inner;
use super::embedder::{Embedder, distorter};
use crate::archive::{Digits, Scanned};
use crate::distort::Distorter;
use crate::image::Drawn;
use crate::seed::{Purpose, Stream};
use crate::store::{DrawingId, Store, StoreError};
use crate::weights::Card;

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
        embedder: &dyn Embedder,
        store: &Store,
        drawings: impl IntoIterator<Item = DrawingId>,
    ) -> Result<Embeddings, StoreError> {
        let fill = |ids: &[DrawingId], pixels: &mut [f32]| {
            draw(embedder.card(), store, ids, pixels, plain)
        };
        Embeddings::through(embedder, store.drawings(), drawings, fill, alone)
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

    /// Embeds images of a set of digits, of which a task names places, as
    /// [`Distorter::plain_grey`] makes them.
    ///
    /// # Panics
    /// If a place is not below the set's number of digits.
    #[must_use]
    pub fn of_digits(
        embedder: &dyn Embedder,
        digits: &Digits,
        places: impl IntoIterator<Item = u32>,
    ) -> Embeddings {
        let side = embedder.card().network.side();
        let fill = |places: &[u32], pixels: &mut [f32]| {
            let mut distorter = distorter(embedder.card());
            for (&at, image) in places.iter().zip(pixels.chunks_exact_mut(side * side)) {
                distorter.plain_grey(digits.image(at as usize), digits.side(), image);
            }
            Ok(())
        };
        let among = digits.len() as u32; // far fewer than 2^32 are read of a file
        Embeddings::through(embedder, among, places, fill, alone).expect("nothing is read")
    }

    /// Embeds pictures that lie in no store, as [`Embeddings::of`] does; an id is a place.
    ///
    /// # Panics
    /// If there are 2^32 pictures or more.
    #[must_use]
    pub fn of_pictures(embedder: &dyn Embedder, pictures: &[Scanned]) -> Embeddings {
        let side = embedder.card().network.side();
        let fill = |places: &[u32], pixels: &mut [f32]| {
            let mut distorter = distorter(embedder.card());
            for (&at, image) in places.iter().zip(pixels.chunks_exact_mut(side * side)) {
                distorter.plain(pictures[at as usize].drawn(), 0, image);
            }
            Ok(())
        };
        let among = u32::try_from(pictures.len()).expect("no one has 2^32 pictures");
        Embeddings::through(embedder, among, 0..among, fill, alone).expect("nothing is read")
    }

    /// Uniform numbers from -1 to 1, by the seed, for drawings 0 to `drawings`, in place of a
    /// network's embeddings: to time what is done with them, or to see what knowing nothing scores.
    #[must_use]
    pub fn made_up(embedder: &dyn Embedder, drawings: u32, seed: u64) -> Embeddings {
        let dimensions = embedder.card().network.dimensions() as usize;
        let mut values = vec![0f32; drawings as usize * dimensions];
        (values.par_chunks_exact_mut(dimensions).enumerate()).for_each(|(id, row)| {
            let mut stream = Stream::new(seed, Purpose::Synthetic, id as u64);
            row.iter_mut()
                .for_each(|value| *value = stream.signed_unit() as f32);
        });
        Embeddings {
            dimensions,
            comparison: embedder.comparison(),
            ids: (0..drawings).collect(),
            rows: (0..drawings).collect(),
            values,
        }
    }

    /// Embeds some of `among` images, which `fill` draws into `[n, side, side]` pixels; `all` does
    /// the work.
    pub(crate) fn through<F, E>(
        embedder: &dyn Embedder,
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
            embedder,
            ids: &ids,
            fill,
        })?;
        Ok(Embeddings {
            dimensions: embedder.card().network.dimensions() as usize,
            comparison: embedder.comparison(),
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

    /// All rows, `[n, dimensions]`, in the order of [`Embeddings::drawings`].
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Adds the rows of other embeddings of the same drawings.
    #[cfg(feature = "torch")]
    pub(crate) fn add(&mut self, other: &Embeddings) {
        let sums = self.values.iter_mut().zip(&other.values);
        sums.for_each(|(sum, value)| *sum += value);
    }

    /// Makes sums of `count` embeddings each what stands for their mean: unit vectors under a
    /// cosine.
    #[cfg(feature = "torch")]
    pub(crate) fn divide(&mut self, count: usize) {
        for row in self.values.chunks_exact_mut(self.dimensions) {
            let length = match self.comparison {
                Comparison::Cosine => inner(row, row).sqrt().max(f64::MIN_POSITIVE) as f32,
                Comparison::Distance { .. } => count as f32,
            };
            row.iter_mut().for_each(|value| *value /= length);
        }
    }

    /// How alike two drawings are by the network's own measure, the same in either order: the
    /// cosine of embeddings that are unit vectors, the logit of p(a, b) of Koch's, whose towers
    /// are not run again.
    ///
    /// # Panics
    /// As [`Embeddings::row`].
    #[must_use]
    pub fn similarity(&self, a: DrawingId, b: DrawingId) -> f64 {
        self.comparison.similarity(self.row(a), self.row(b))
    }

    /// How alike a query is to a class, of which some drawings are known: see
    /// [`Comparison::class_similarity`].
    ///
    /// # Panics
    /// If there are none, and as [`Embeddings::row`].
    #[must_use]
    pub fn class_similarity(&self, query: DrawingId, drawings: &[DrawingId]) -> f64 {
        let known: Vec<&[f32]> = drawings.iter().map(|&id| self.row(id)).collect();
        self.comparison.class_similarity(self.row(query), &known)
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

/// A drawing as it is.
pub(crate) fn plain(distorter: &mut Distorter, drawn: Drawn<'_>, _: DrawingId, image: &mut [f32]) {
    distorter.plain(drawn, 0, image);
}

/// Draws pages by `law` into `[n, side, side]` pixels, on all cores.
pub(crate) fn draw(
    card: &Card,
    store: &Store,
    ids: &[DrawingId],
    pixels: &mut [f32],
    law: impl Fn(&mut Distorter, Drawn<'_>, DrawingId, &mut [f32]) + Sync,
) -> Result<(), StoreError> {
    let side = card.network.side();
    let distorter = distorter(card);
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
