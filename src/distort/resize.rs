//! Resizing after the warp, by a filter of `fast_image_resize`.
//!
//! The warp draws at any size by itself, looking between four pixels of its plane: quick, and
//! right where the plane is about as large as the picture. Where it is far larger, as 105 to 28
//! is, strokes fall between the places looked at. Then the page is warped at its own size, in
//! whole steps of 1/255, and resized by a filter as wide as the step from picture to picture.
//!
//! The library's filters for bytes are of whole numbers, so they give the same bytes with any
//! vector instructions. It allocates its weights anew for each picture.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::warp::Pixel;
use crate::image::SIDE;

/// How a picture smaller than the page comes to its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Resize {
    /// Drawn at its size by the warp.
    #[default]
    Warp,
    /// Warped at 105 pixels, then resized by a triangle: "bilinear with antialiasing".
    Triangle,
    /// Warped at 105 pixels, then resized by Lanczos's filter of three lobes.
    Lanczos,
}

impl Resize {
    /// Whether this is the warp, which settings need not mention.
    #[must_use]
    pub fn is_warp(&self) -> bool {
        *self == Resize::Warp
    }
}

/// A resizer with room for the picture before it; for each worker its own.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    resizer: Resizer,
    options: ResizeOptions,
    full: Vec<u8>,
    small: Vec<u8>,
}

impl Filter {
    /// `None` if the warp does it all.
    pub fn new(resize: Resize) -> Option<Filter> {
        let filter = match resize {
            Resize::Warp => return None,
            Resize::Triangle => FilterType::Bilinear,
            Resize::Lanczos => FilterType::Lanczos3,
        };
        Some(Filter {
            resizer: Resizer::new(),
            options: ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)),
            full: vec![0; SIDE * SIDE],
            small: Vec::with_capacity(SIDE * SIDE),
        })
    }

    /// Lets `paint` draw a picture of 105 pixels, and resizes it into `out`, `side`² pixels.
    pub fn draw<P: Pixel>(&mut self, side: usize, out: &mut [P], paint: impl FnOnce(&mut [u8])) {
        paint(&mut self.full);
        self.shrink(side);
        for (pixel, &grey) in out.iter_mut().zip(&self.small) {
            *pixel = P::from_sum(u32::from(grey) << 16);
        }
    }

    /// Resizes `full` into `small`: apart, so that the library is compiled once for all pixels.
    fn shrink(&mut self, side: usize) {
        self.small.resize(side * side, 0);
        let (page, size) = (SIDE as u32, side as u32);
        let full = ImageRef::new(page, page, &self.full, PixelType::U8);
        let small = Image::from_slice_u8(size, size, &mut self.small, PixelType::U8);
        let (full, mut small) = full
            .ok()
            .zip(small.ok())
            .expect("both buffers have their picture's size");
        self.resizer
            .resize(&full, &mut small, &self.options)
            .expect("both pictures are of bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scribble;
    use super::*;
    use crate::distort::{Distorter, Distortion};
    use crate::seed::{Purpose, Stream};

    fn drawn<P: Pixel>(resize: Resize, side: usize, seed: u64) -> Vec<P> {
        let law = Distortion {
            resize,
            ..Distortion::KOCH
        };
        let mut out = vec![P::default(); side * side];
        let mut stream = Stream::new(seed, Purpose::Distort, 0);
        let mut distorter = Distorter::new(law).unwrap().at(side).unwrap();
        distorter.draw(&scribble(seed), 1, &mut stream, &mut out);
        out
    }

    /// The weights of the triangle over the page for place `at` of `side`, summing to 1.
    fn triangle(at: usize, side: usize) -> Vec<f64> {
        let step = SIDE as f64 / side as f64;
        let centre = (at as f64 + 0.5) * step;
        let weight = |x: usize| (1.0 - ((x as f64 + 0.5 - centre) / step).abs()).max(0.0);
        let weights: Vec<f64> = (0..SIDE).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    #[test]
    fn the_triangle_is_the_plain_sum() {
        for (seed, side) in [(1, 28), (2, 35), (3, 48), (4, 64), (5, 104)] {
            let full = drawn::<u8>(Resize::Warp, SIDE, seed);
            let got = drawn::<u8>(Resize::Triangle, side, seed);
            let weights: Vec<_> = (0..side).map(|at| triangle(at, side)).collect();
            for (place, &got) in got.iter().enumerate() {
                let (down, across) = (&weights[place / side], &weights[place % side]);
                let row = |y: usize| -> f64 {
                    let row = &full[y * SIDE..][..SIDE];
                    row.iter().zip(across).map(|(&p, w)| f64::from(p) * w).sum()
                };
                let want: f64 = (0..SIDE).map(|y| row(y) * down[y]).sum();
                // Rounded once across and once down.
                assert!((want - f64::from(got)).abs() < 1.6, "{side}: {want} {got}");
            }
        }
    }

    #[test]
    fn filters_are_pinned_and_leave_the_page_size_alone() {
        for (resize, want) in [
            (Resize::Triangle, "29a202c0be5b705c"),
            (Resize::Lanczos, "064f1590c42b1c5a"),
        ] {
            let mut hasher = blake3::Hasher::new();
            for (seed, side) in [(1, 28), (2, 48), (3, 2), (4, 104)] {
                let bytes = drawn::<u8>(resize, side, seed);
                let reals = drawn::<f32>(resize, side, seed);
                let same = |(&byte, &real): (&u8, &f32)| f32::from(byte) / 255.0 == real;
                assert!(bytes.iter().zip(&reals).all(same));
                hasher.update(&bytes);
            }
            assert_eq!(hasher.finalize().to_hex()[..16], *want);
            assert_eq!(
                drawn::<f32>(resize, SIDE, 1),
                drawn::<f32>(Resize::Warp, SIDE, 1)
            );
        }
    }

    #[test]
    fn filters_take_the_page_itself() {
        let law = Distortion {
            resize: Resize::Lanczos,
            ..Distortion::COMPACT
        };
        assert!(law.check().is_err());
        let text = toml::to_string(&Distortion {
            source_side: 105,
            ..law
        });
        let text = text.unwrap();
        assert!(text.contains("resize = \"lanczos\""), "{text}");
        let read: Distortion = toml::from_str(&text).unwrap();
        assert!(read.check().is_ok() && read.resize == Resize::Lanczos);
    }
}
