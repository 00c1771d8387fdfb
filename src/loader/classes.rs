//! Batches of distorted drawings by class, ready for the trainer.

use std::sync::Arc;

use super::painter::Painter;
use super::picture::Pictures;
use super::queue::Produce;
use super::rank_slice::RankSlice;
use crate::distort::{Distorter, Distortion, DistortionError, Pixel};
use crate::sample::{BatchItem, BatchSampler, BatchScratch};
use crate::seed::Purpose;
use crate::store::{PageCache, StoreError};

/// Drawings by class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassBatch<P = f32> {
    /// Pixels, `[drawings, 1, side, side]` row by row, ground 0 and ink 1.0 (`f32`) or 255 (`u8`).
    pub images: Vec<P>,
    /// The class of each drawing.
    pub classes: Vec<i64>,
    /// How many drawings at the front are of one alphabet: of the whole batch, also where this is
    /// a part of it.
    pub alphabet_part: usize,
    /// Which drawings they are, in order.
    pub items: Vec<BatchItem>,
}

/// In bytes: of each drawing its id (`u32`), pose (`u8`) and class (`i64`); the number
/// of those of one alphabet (`u64`); the pixels.
impl<P: Pixel> Pictures for ClassBatch<P> {
    type Pixel = P;

    fn pixels(&self) -> [&[P]; 2] {
        [&self.images, &[]]
    }

    fn pixels_mut(&mut self) -> [&mut [P]; 2] {
        [&mut self.images, &mut []]
    }

    fn labels(&self, bytes: &mut Vec<u8>) {
        for (item, class) in self.items.iter().zip(&self.classes) {
            bytes.extend(item.drawing.to_le_bytes());
            bytes.push(item.pose);
            bytes.extend(class.to_le_bytes());
        }
        bytes.extend((self.alphabet_part as u64).to_le_bytes());
    }
}

/// Makes [`ClassBatch`]es: batch `i` is drawn by the sampler's stream, and its drawing `j`
/// distorted by item `i · drawings + j` of the stream [`Purpose::Distort`].
pub struct ClassBatches<P = f32> {
    painter: Painter<P>,
    sampler: BatchSampler,
}

impl<P: Pixel> ClassBatches<P> {
    /// Batches of images `side` pixels wide and high, 2 to 105.
    ///
    /// # Errors
    /// If a value of the distortion, or the side, is out of its range.
    pub fn new(
        pages: Arc<PageCache>,
        sampler: BatchSampler,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<ClassBatches<P>, DistortionError> {
        Ok(ClassBatches {
            painter: Painter::new(pages, distortion, side, seed)?,
            sampler,
        })
    }

    /// The same batches, of each the `places` alone.
    #[must_use]
    pub fn sliced(self, places: RankSlice) -> ClassBatches<P> {
        ClassBatches {
            painter: self.painter.sliced(places),
            ..self
        }
    }

    /// The sampler that chooses the drawings.
    #[must_use]
    pub fn sampler(&self) -> &BatchSampler {
        &self.sampler
    }

    /// Width and height of the images in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.painter.side()
    }
}

impl<P: Pixel> Produce for ClassBatches<P> {
    type Batch = ClassBatch<P>;
    type Scratch = (Distorter, BatchScratch);

    fn batch(&self) -> ClassBatch<P> {
        let whole = self.sampler.shape().drawings;
        let drawings = self.painter.places.count(whole);
        ClassBatch {
            images: self.painter.blank(drawings),
            classes: vec![0; drawings],
            alphabet_part: 0,
            items: Vec::with_capacity(whole),
        }
    }

    fn scratch(&self) -> Self::Scratch {
        (self.painter.distorter(), BatchScratch::default())
    }

    fn fill(
        &self,
        index: u64,
        (distorter, scratch): &mut Self::Scratch,
        batch: &mut ClassBatch<P>,
    ) -> Result<(), StoreError> {
        batch.alphabet_part = self.sampler.draw(index, scratch, &mut batch.items);
        let drawings = batch.items.len() as u64;
        self.painter.places.keep(&mut batch.items);
        let images = batch.images.chunks_exact_mut(self.painter.area());
        for (place, (item, image)) in batch.items.iter().zip(images).enumerate() {
            let number = index * drawings + self.painter.places.place(place);
            let stream = &mut self.painter.stream(Purpose::Distort, number);
            (self.painter).paint(distorter, (item.drawing, item.pose), Some(stream), image)?;
            batch.classes[place] = i64::from(item.class);
        }
        Ok(())
    }
}
