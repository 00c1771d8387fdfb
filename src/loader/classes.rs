//! Batches of distorted drawings by class, ready for the trainer.

use std::sync::Arc;

use super::compose::Composer;
use super::painter::Painter;
use super::picture::Pictures;
use super::queue::Produce;
use super::rank_slice::RankSlice;
use crate::distort::{Distorter, Distortion, DistortionError, Pixel};
use crate::sample::{BatchItem, BatchSampler, BatchScratch, ComposedDrawing, ComposedSampler};
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
    /// Which drawings of composed classes come after those; none, if none are wanted.
    pub composed: Vec<ComposedDrawing>,
}

/// In bytes: of each drawing its id (`u32`), pose (`u8`) and class (`i64`); of each composed one
/// the ids of the two it is made of (`u32` each) and its class (`i64`); the number of those of one
/// alphabet (`u64`); the pixels.
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
        let classes = &self.classes[self.items.len()..];
        for (drawing, class) in self.composed.iter().zip(classes) {
            bytes.extend(drawing.drawings.into_iter().flat_map(u32::to_le_bytes));
            bytes.extend(class.to_le_bytes());
        }
        bytes.extend((self.alphabet_part as u64).to_le_bytes());
    }
}

/// Makes [`ClassBatch`]es: batch `i` is drawn by the sampler's stream, and its drawing `j`
/// distorted by item `i · drawings + j` of the stream [`Purpose::Distort`].
///
/// Drawings of composed classes, if they are wanted, come after the sampler's, and their classes
/// after its classes: all else stays as it is.
pub struct ClassBatches<P = f32> {
    painter: Painter<P>,
    sampler: BatchSampler,
    composed: Option<ComposedSampler>,
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
            composed: None,
        })
    }

    /// The same batches, and after each one's drawings those that `composed` draws.
    #[must_use]
    pub fn with_composed(self, composed: ComposedSampler) -> ClassBatches<P> {
        ClassBatches {
            composed: Some(composed),
            ..self
        }
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

    /// Number of classes, the composed ones included: they are the last.
    #[must_use]
    pub fn classes(&self) -> u32 {
        let composed = self.composed.as_ref();
        self.sampler.classes() + composed.map_or(0, |composed| composed.shape().classes)
    }

    /// Width and height of the images in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.painter.side()
    }
}

impl<P: Pixel> Produce for ClassBatches<P> {
    type Batch = ClassBatch<P>;
    type Scratch = ClassScratch;

    fn batch(&self) -> ClassBatch<P> {
        let whole = self.sampler.shape().drawings;
        let composed = self.composed.as_ref();
        let composed = composed.map_or(0, |composed| composed.shape().drawings);
        let drawings = self.painter.places.count(whole + composed);
        ClassBatch {
            images: self.painter.blank(drawings),
            classes: vec![0; drawings],
            alphabet_part: 0,
            items: Vec::with_capacity(whole),
            composed: Vec::with_capacity(composed),
        }
    }

    fn scratch(&self) -> ClassScratch {
        ClassScratch {
            distorter: self.painter.distorter(),
            items: BatchScratch::default(),
            composer: Composer::default(),
        }
    }

    fn fill(
        &self,
        index: u64,
        scratch: &mut ClassScratch,
        batch: &mut ClassBatch<P>,
    ) -> Result<(), StoreError> {
        let ClassScratch {
            distorter,
            items,
            composer,
        } = scratch;
        batch.alphabet_part = self.sampler.draw(index, items, &mut batch.items);
        if let Some(composed) = &self.composed {
            composed.draw(index, &mut batch.composed);
        }
        let real = batch.items.len();
        let drawings = (real + batch.composed.len()) as u64;
        self.painter.places.keep(&mut batch.items);
        self.painter.places.keep_from(real, &mut batch.composed);
        let stream = |place: usize| {
            let number = index * drawings + self.painter.places.place(place);
            self.painter.stream(Purpose::Distort, number)
        };
        let mut images = batch.images.chunks_exact_mut(self.painter.area());
        let own = batch.items.iter().zip(images.by_ref()).enumerate();
        for (place, (item, image)) in own {
            let stream = &mut stream(place);
            (self.painter).paint(distorter, (item.drawing, item.pose), Some(stream), image)?;
            batch.classes[place] = i64::from(item.class);
        }
        for (place, (drawing, image)) in
            (batch.items.len()..).zip(batch.composed.iter().zip(images))
        {
            let (both, stream) = ((&mut *distorter, &mut *composer), &mut stream(place));
            self.painter.paint_composed(both, drawing, stream, image)?;
            batch.classes[place] = i64::from(self.sampler.classes() + drawing.class);
        }
        Ok(())
    }
}

/// What a worker needs to make [`ClassBatch`]es.
pub struct ClassScratch {
    distorter: Distorter,
    items: BatchScratch,
    composer: Composer,
}
