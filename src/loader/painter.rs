//! What all producers have in common: drawings of a store become distorted pictures.

use std::marker::PhantomData;
use std::sync::Arc;

use super::compose::Composer;
use super::rank_slice::RankSlice;
use crate::distort::{Distorter, Distortion, DistortionError, Pixel};
use crate::sample::ComposedDrawing;
use crate::seed::{Purpose, Stream};
use crate::store::{DrawingId, PageCache, StoreError};

/// Paints the pictures of batches: from which pages, how distorted, how large, and which places of
/// a batch. Shared by all workers, each of which paints with a distorter of its own.
pub(super) struct Painter<P> {
    pages: Arc<PageCache>,
    /// Made once: each worker gets a copy.
    distorter: Distorter,
    seed: u64,
    /// The places of every batch that are painted.
    pub places: RankSlice,
    pixel: PhantomData<P>,
}

impl<P: Pixel> Painter<P> {
    /// A painter of all places, of pictures `side` pixels wide and high, 2 to 105.
    ///
    /// # Errors
    /// If a value of the distortion, or the side, is out of its range.
    pub fn new(
        pages: Arc<PageCache>,
        distortion: Distortion,
        side: usize,
        seed: u64,
    ) -> Result<Painter<P>, DistortionError> {
        Ok(Painter {
            pages,
            distorter: Distorter::new(distortion)?.at(side)?,
            seed,
            places: RankSlice::WHOLE,
            pixel: PhantomData,
        })
    }

    /// The same painter, for these places of every batch.
    pub fn sliced(self, places: RankSlice) -> Painter<P> {
        Painter { places, ..self }
    }

    /// Width and height of a picture in pixels.
    pub fn side(&self) -> usize {
        self.distorter.side()
    }

    /// Pixels of a picture.
    pub fn area(&self) -> usize {
        self.side() * self.side()
    }

    /// Room for so many pictures.
    pub fn blank(&self, pictures: usize) -> Vec<P> {
        vec![P::default(); pictures * self.area()]
    }

    /// The seed of every batch.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A worker's own distorter.
    pub fn distorter(&self) -> Distorter {
        self.distorter.clone()
    }

    /// Item `item` of a stream of the seed: what one picture is distorted by.
    pub fn stream(&self, purpose: Purpose, item: u64) -> Stream {
        Stream::new(self.seed, purpose, item)
    }

    /// Paints a drawing in a pose into `picture`, distorted by the stream, or plain without one.
    pub fn paint(
        &self,
        distorter: &mut Distorter,
        (drawing, pose): (DrawingId, u8),
        stream: Option<&mut Stream>,
        picture: &mut [P],
    ) -> Result<(), StoreError> {
        let drawn = self.pages.drawn(drawing)?;
        match stream {
            Some(stream) => distorter.draw(drawn, pose, stream, picture),
            None => distorter.plain(drawn, pose, picture),
        }
        Ok(())
    }

    /// Paints a drawing of a composed class into `picture`, distorted by the stream.
    pub fn paint_composed(
        &self,
        (distorter, composer): (&mut Distorter, &mut Composer),
        drawing: &ComposedDrawing,
        stream: &mut Stream,
        picture: &mut [P],
    ) -> Result<(), StoreError> {
        let page = composer.page(&self.pages, drawing)?;
        distorter.draw(&page, 0, stream, picture);
        Ok(())
    }
}
