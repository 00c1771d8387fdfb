//! What comes from outside, in the order of products.

use super::norm::round;
use super::tile::DEPTH;

/// Width of the stem's kernel.
pub(super) const STEM: usize = 5;

/// Rounds `[drawing, channel, pixel]` into rows.
pub(super) fn by_pixel(mask: &[f32], drawings: usize, pixels: usize) -> Vec<u16> {
    let channels = mask.len() / drawings / pixels;
    let mut rows = vec![0; mask.len()];
    for (at, values) in mask.chunks_exact(pixels).enumerate() {
        for (pixel, value) in values.iter().enumerate() {
            rows[pixel * drawings * channels + at] = round(*value);
        }
    }
    rows
}

/// What every pixel of the stem's output sees of `images`: 25 values, and zeros up to 32; as rows.
pub(super) fn look_through(images: &[f32], side: usize, drawings: usize, rows: &mut [u16]) {
    /// A line of five is written as eight, the next over its end.
    const LINE: usize = 8;
    let (half, padded) = (side / 2, side + STEM - 1);
    let size = padded * padded + LINE;
    let mut framed = vec![0u16; size * drawings];
    for (framed, image) in framed
        .chunks_exact_mut(size)
        .zip(images.chunks_exact(side * side))
    {
        for (y, line) in image.chunks_exact(side).enumerate() {
            let out = &mut framed[(y + STEM / 2) * padded + STEM / 2..][..side];
            for (out, value) in out.iter_mut().zip(line) {
                *out = round(*value);
            }
        }
    }
    for (pixel, rows) in rows.chunks_exact_mut(drawings * DEPTH).enumerate() {
        let corner = pixel / half * 2 * padded + pixel % half * 2;
        for (out, framed) in rows.chunks_exact_mut(DEPTH).zip(framed.chunks_exact(size)) {
            for y in 0..STEM {
                let line = &framed[corner + y * padded..][..LINE];
                out[y * STEM..][..LINE].copy_from_slice(line);
            }
            out[STEM * STEM..].fill(0);
        }
    }
}
