//! Batches of distorted drawings by class, ready for the trainer.

use std::sync::Arc;

use super::queue::Produce;
use crate::distort::{Distorter, Distortion, Refusal};
use crate::sample::{BatchItem, BatchSampler, BatchScratch};
use crate::seed::{Purpose, Stream};
use crate::store::{PageCache, StoreError};

/// Drawings by class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassBatch {
    /// Pixels, `[drawings, 1, side, side]` row by row: 0 is ground, 1 is ink.
    pub images: Vec<f32>,
    /// The class of each drawing.
    pub classes: Vec<i64>,
    /// How many drawings, at the front, are of one alphabet.
    pub alphabet_part: usize,
    /// Which drawings they are, in order.
    pub items: Vec<BatchItem>,
}

/// Makes [`ClassBatch`]es: batch `i` is drawn by the sampler's stream, and its drawing `j`
/// distorted by item `i · drawings + j` of the stream [`Purpose::Distort`].
pub struct ClassBatches {
    pages: Arc<PageCache>,
    sampler: BatchSampler,
    /// Made once: each worker gets a copy.
    distorter: Distorter,
    side: usize,
    seed: u64,
}

impl ClassBatches {
    /// Batches of images `side` pixels wide and high, 2 to 105.
    ///
    /// # Errors
    /// If a value of the distortion is out of its range.
    pub fn new(
        pages: Arc<PageCache>,
        sampler: BatchSampler,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<ClassBatches, Refusal> {
        let distorter = Distorter::new(distortion)?;
        Ok(ClassBatches {
            pages,
            sampler,
            distorter,
            side,
            seed,
        })
    }

    /// The sampler that chooses the drawings.
    #[must_use]
    pub fn sampler(&self) -> &BatchSampler {
        &self.sampler
    }

    /// Width and height of the images in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }
}

impl Produce for ClassBatches {
    type Batch = ClassBatch;
    type Scratch = (Distorter, BatchScratch);

    fn batch(&self) -> ClassBatch {
        let drawings = self.sampler.shape().drawings;
        ClassBatch {
            images: vec![0.0; drawings * self.side * self.side],
            classes: vec![0; drawings],
            alphabet_part: 0,
            items: Vec::with_capacity(drawings),
        }
    }

    fn scratch(&self) -> Self::Scratch {
        (self.distorter.clone(), BatchScratch::default())
    }

    fn fill(
        &self,
        index: u64,
        (distorter, scratch): &mut Self::Scratch,
        batch: &mut ClassBatch,
    ) -> Result<(), StoreError> {
        batch.alphabet_part = self.sampler.draw(index, scratch, &mut batch.items);
        let drawings = batch.items.len() as u64;
        let images = batch.images.chunks_exact_mut(self.side * self.side);
        for (place, (item, image)) in (0..).zip(batch.items.iter().zip(images)) {
            let page = self.pages.page(item.drawing)?;
            let mut stream = Stream::new(self.seed, Purpose::Distort, index * drawings + place);
            distorter.draw(page, item.quarter, &mut stream, self.side, image);
            batch.classes[place as usize] = i64::from(item.class);
        }
        Ok(())
    }
}
