//! Batches of distorted pairs, ready for a network of two towers.

use std::marker::PhantomData;
use std::sync::Arc;

use super::picture::Pictures;
use super::queue::Produce;
use crate::distort::{Distorter, Distortion, Pixel, Refusal};
use crate::sample::{PairItem, PairSampler, PairScratch};
use crate::seed::{Purpose, Stream};
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

/// In bytes: of each pair its left and right drawing (`u32` each) and 1 if it shows one
/// character, else 0 (`u8`); the pixels.
impl<P: Pixel> Pictures for PairBatch<P> {
    type Pixel = P;

    fn pixels(&self) -> [&[P]; 2] {
        [&self.images, &[]]
    }

    fn labels(&self, bytes: &mut Vec<u8>) {
        for item in &self.items {
            item.append_to(bytes);
        }
    }
}

/// Makes [`PairBatch`]es: batch `i` is drawn by the sampler's stream, and the left and the
/// right drawing of its pair `j` are distorted by items `2 (i · pairs + j)` and the one after
/// it of the stream [`Purpose::Distort`].
pub struct PairBatches<P> {
    pages: Arc<PageCache>,
    sampler: PairSampler,
    /// Made once: each worker gets a copy.
    distorter: Distorter,
    side: usize,
    seed: u64,
    pixel: PhantomData<P>,
}

impl<P: Pixel> PairBatches<P> {
    /// Batches of pictures `side` pixels wide and high, 2 to 105.
    ///
    /// # Errors
    /// If a value of the distortion is out of its range.
    pub fn new(
        pages: Arc<PageCache>,
        sampler: PairSampler,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<PairBatches<P>, Refusal> {
        Ok(PairBatches {
            pages,
            sampler,
            distorter: Distorter::new(distortion)?,
            side,
            seed,
            pixel: PhantomData,
        })
    }

    /// The sampler that chooses the pairs.
    #[must_use]
    pub fn sampler(&self) -> &PairSampler {
        &self.sampler
    }

    /// Width and height of the pictures in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }
}

impl<P: Pixel> Produce for PairBatches<P> {
    type Batch = PairBatch<P>;
    type Scratch = (Distorter, PairScratch);

    fn batch(&self) -> PairBatch<P> {
        let pairs = self.sampler.shape().pairs;
        PairBatch {
            images: vec![P::default(); 2 * pairs * self.side * self.side],
            same: vec![0.0; pairs],
            items: Vec::with_capacity(pairs),
        }
    }

    fn scratch(&self) -> Self::Scratch {
        (self.distorter.clone(), PairScratch::default())
    }

    fn fill(
        &self,
        index: u64,
        (distorter, scratch): &mut Self::Scratch,
        batch: &mut PairBatch<P>,
    ) -> Result<(), StoreError> {
        let PairBatch {
            images,
            same,
            items,
        } = batch;
        self.sampler.draw(index, scratch, items);
        let first = index * items.len() as u64;
        let mut draw = |item: u64, drawing: DrawingId, image: &mut [P]| {
            let page = self.pages.page(drawing)?;
            let mut stream = Stream::new(self.seed, Purpose::Distort, item);
            distorter.draw(page, 0, &mut stream, self.side, image);
            Ok(())
        };
        let pixels = self.side * self.side;
        let (left, right) = images.split_at_mut(items.len() * pixels);
        let pictures = left
            .chunks_exact_mut(pixels)
            .zip(right.chunks_exact_mut(pixels));
        for (number, (item, (left, right))) in (first..).zip(items.iter().zip(pictures)) {
            draw(2 * number, item.left, left)?;
            draw(2 * number + 1, item.right, right)?;
        }
        for (same, item) in same.iter_mut().zip(items.iter()) {
            *same = f32::from(u8::from(item.same));
        }
        Ok(())
    }
}
