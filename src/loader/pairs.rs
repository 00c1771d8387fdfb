//! Batches of distorted pairs, ready for a network of two towers.

use std::sync::Arc;

use super::painter::Painter;
use super::picture::Pictures;
use super::queue::Produce;
use super::rank_slice::RankSlice;
use crate::distort::{Distorter, Distortion, DistortionError, Pixel};
use crate::sample::{PairItem, PairSampler, PairScratch};
use crate::seed::Purpose;
use crate::store::{DrawingId, PageCache, StoreError};

/// Pairs of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct PairBatch<P> {
    /// Pixels, `[2, pairs, 1, side, side]` row by row, ground 0 and ink 1.0 (`f32`) or 255
    /// (`u8`): all left pictures, then all right ones. So one copy takes the batch to the
    /// device, and as `[2 · pairs, 1, side, side]` one pass serves both towers.
    pub images: Vec<P>,
    /// For each pair 1.0 if it shows one character, 0.0 if two: the target of a loss.
    pub same: Vec<f32>,
    /// Which drawings they are, in order.
    pub items: Vec<PairItem>,
}

impl<P> PairBatch<P> {
    /// The left and the right picture of pair `place`, `side`² pixels each.
    ///
    /// # Panics
    /// If `place` is not below the number of pairs.
    #[must_use]
    pub fn pictures(&self, place: usize) -> [&[P]; 2] {
        let pairs = self.items.len();
        assert!(place < pairs, "pair {place} of {pairs}");
        let pixels = self.images.len() / (2 * pairs);
        [place, pairs + place].map(|place| &self.images[place * pixels..][..pixels])
    }
}

impl<P: Pixel> PairBatch<P> {
    /// A batch with room for `pairs` pairs of the painter's pictures.
    pub(super) fn empty(pairs: usize, painter: &Painter<P>) -> PairBatch<P> {
        PairBatch {
            images: painter.blank(2 * pairs),
            same: vec![0.0; pairs],
            items: Vec::with_capacity(pairs),
        }
    }

    /// Fills pictures, of `pixels` pixels each, and labels from the items: `draw` gets the place
    /// of a pair, its tower (0 is left, 1 is right), the drawing and where its picture goes.
    pub(super) fn paint(
        &mut self,
        pixels: usize,
        mut draw: impl FnMut(usize, u64, DrawingId, &mut [P]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (left, right) = self.images.split_at_mut(self.items.len() * pixels);
        let pictures = left
            .chunks_exact_mut(pixels)
            .zip(right.chunks_exact_mut(pixels));
        for (place, (item, (left, right))) in self.items.iter().zip(pictures).enumerate() {
            draw(place, 0, item.left, left)?;
            draw(place, 1, item.right, right)?;
            self.same[place] = f32::from(u8::from(item.same));
        }
        Ok(())
    }
}

/// In bytes: of each pair its left and right drawing (`u32` each) and 1 if it shows one
/// character, else 0 (`u8`); the pixels.
impl<P: Pixel> Pictures for PairBatch<P> {
    type Pixel = P;

    fn pixels(&self) -> [&[P]; 2] {
        [&self.images, &[]]
    }

    fn pixels_mut(&mut self) -> [&mut [P]; 2] {
        [&mut self.images, &mut []]
    }

    fn labels(&self, bytes: &mut Vec<u8>) {
        for item in &self.items {
            item.append_to(bytes);
        }
    }
}

/// Makes [`PairBatch`]es: batch `i` is drawn by the sampler's stream, and the left and the
/// right drawing of its pair `j` are distorted by items `2 (i · pairs + j)` and the one after
/// it of the stream [`Purpose::PairDistort`].
pub struct PairBatches<P> {
    painter: Painter<P>,
    sampler: PairSampler,
}

impl<P: Pixel> PairBatches<P> {
    /// Batches of pictures `side` pixels wide and high, 2 to 105.
    ///
    /// # Errors
    /// If a value of the distortion, or the side, is out of its range.
    pub fn new(
        pages: Arc<PageCache>,
        sampler: PairSampler,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<PairBatches<P>, DistortionError> {
        Ok(PairBatches {
            painter: Painter::new(pages, distortion, side, seed)?,
            sampler,
        })
    }

    /// The same batches, of each the `places` alone.
    #[must_use]
    pub fn sliced(self, places: RankSlice) -> PairBatches<P> {
        PairBatches {
            painter: self.painter.sliced(places),
            ..self
        }
    }

    /// The sampler that chooses the pairs.
    #[must_use]
    pub fn sampler(&self) -> &PairSampler {
        &self.sampler
    }

    /// Width and height of the pictures in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.painter.side()
    }
}

impl<P: Pixel> Produce for PairBatches<P> {
    type Batch = PairBatch<P>;
    type Scratch = (Distorter, PairScratch);

    fn batch(&self) -> PairBatch<P> {
        let pairs = self.painter.places.count(self.sampler.shape().pairs);
        PairBatch::empty(pairs, &self.painter)
    }

    fn scratch(&self) -> Self::Scratch {
        (self.painter.distorter(), PairScratch::default())
    }

    fn fill(
        &self,
        index: u64,
        (distorter, scratch): &mut Self::Scratch,
        batch: &mut PairBatch<P>,
    ) -> Result<(), StoreError> {
        self.sampler.draw(index, scratch, &mut batch.items);
        let first = index * batch.items.len() as u64;
        self.painter.places.keep(&mut batch.items);
        batch.paint(self.painter.area(), |place, tower, drawing, picture| {
            let item = 2 * (first + self.painter.places.place(place)) + tower;
            let stream = &mut self.painter.stream(Purpose::PairDistort, item);
            (self.painter).paint(distorter, (drawing, 0), Some(stream), picture)
        })
    }
}
