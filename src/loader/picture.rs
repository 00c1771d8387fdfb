//! What all batches have in common: pictures, labels, and one form as bytes to compare by.

use std::fmt::Debug;

use super::queue::Ready;
use crate::distort::Pixel;

/// A batch of pictures, whatever its labels.
pub trait Pictures: Debug + PartialEq {
    /// How a pixel is kept.
    type Pixel: Pixel;

    /// All pixels, in the order in which they lie in the batch's tensors.
    fn pixels(&self) -> [&[Self::Pixel]; 2];

    /// [`Pictures::pixels`], to be written over: the next fill overwrites them all.
    fn pixels_mut(&mut self) -> [&mut [Self::Pixel]; 2];

    /// Appends everything that is not a pixel, little-endian; the impl says in which order.
    fn labels(&self, bytes: &mut Vec<u8>);

    /// Appends batch number `index` in the form that digests are made of: the number (`u64`),
    /// the labels, every pixel (`f32` or `u8`), all little-endian and without gaps. The form
    /// hangs on nothing but the batch, so equal digests are equal batches on any machine.
    fn append_to(&self, index: u64, bytes: &mut Vec<u8>) {
        bytes.extend(index.to_le_bytes());
        self.labels(bytes);
        for pixels in self.pixels() {
            for pixel in pixels {
                bytes.extend_from_slice(pixel.le_bytes().as_ref());
            }
        }
    }
}

impl<B: Pictures> Ready<B> {
    /// The batch's pixels, for a consumer that works in place: [`Pictures::pixels_mut`].
    pub fn pixels_mut(&mut self) -> [&mut [B::Pixel]; 2] {
        self.batch_mut().pixels_mut()
    }
}
