//! Grey pictures of any side, shown to a network as it is shown pages.
//!
//! ```text
//! grey -> [35 pixels ->] 105 pixels -> plane (copied, or reduced by area) -> warp [-> resize] -> out
//! ```
//!
//! Koch (2015, section 4.4) enlarges MNIST's digits from 28 to 35 pixels, for a network that
//! sees pages at 35. Ours may see them at any side, so the 35 pixels are enlarged once more, to
//! the page's own 105; from there on a picture goes the way of a page that is not distorted.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Distorter;
use super::plane::SIDE_MAX;
use super::warp::Pixel;
use crate::image::{AREA, Drawn, Page};

/// Pixels along a side to which Koch enlarges MNIST's digits (2015, section 4.4).
pub const KOCH_SIDE: usize = 35;

/// Enlarges a picture of `from` × `from` pixels to `to` × `to`, by bilinear interpolation
/// between the centres of pixels, rounded to whole steps of 1/255 across and then down.
///
/// # Panics
/// If `from` is 0 or above `to`, `to` is above 105, or `grey` does not hold `from`² pixels.
#[must_use]
pub fn enlarge(grey: &[u8], from: usize, to: usize) -> Vec<u8> {
    assert!(
        (1..=to).contains(&from) && to <= SIDE_MAX,
        "{from} pixels are not enlarged to {to}"
    );
    assert_eq!(grey.len(), from * from, "a picture has side x side pixels");
    let mut large = vec![0; to * to];
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let source = ImageRef::new(from as u32, from as u32, grey, PixelType::U8);
    let target = Image::from_slice_u8(to as u32, to as u32, &mut large, PixelType::U8);
    let (source, mut target) =
        (source.ok().zip(target.ok())).expect("both buffers have their picture's size");
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("both pictures are of bytes");
    large
}

/// A picture at the page's 105 pixels: itself, or enlarged, by way of Koch's 35 if it is smaller.
fn at_page_size(grey: &[u8], side: usize) -> Cow<'_, [u8]> {
    if side == SIDE_MAX {
        return Cow::Borrowed(grey);
    }
    if side < KOCH_SIDE {
        let between = enlarge(grey, side, KOCH_SIDE);
        return Cow::Owned(enlarge(&between, KOCH_SIDE, SIDE_MAX));
    }
    Cow::Owned(enlarge(grey, side, SIDE_MAX))
}

/// The page of a picture that never was one: ink where it is nearer to ink than to ground.
pub(super) fn dark_page(grey: &[u8; AREA]) -> Page {
    let mut page = Page::BLANK;
    for (at, _) in grey.iter().enumerate().filter(|(_, shade)| **shade >= 128) {
        page.set(at % SIDE_MAX, at / SIDE_MAX, true);
    }
    page
}

impl Distorter {
    /// Draws a grey picture of `grey_side` × `grey_side` pixels, ink 255 on ground 0, into `out`
    /// as [`Distorter::plain`] draws a page: `side`² pixels row by row, ground 0 and ink 1.0
    /// (`f32`) or 255 (`u8`). A picture of 105 pixels that are all 0 or 255 gives the page's own
    /// result bit for bit.
    ///
    /// # Panics
    /// If `grey_side` is not 1 to 105, or a slice does not hold as many pixels as its side says.
    pub fn plain_grey<P: Pixel>(&mut self, grey: &[u8], grey_side: usize, out: &mut [P]) {
        assert_eq!(
            grey.len(),
            grey_side * grey_side,
            "a picture has side x side pixels"
        );
        let grey = at_page_size(grey, grey_side);
        let shades = grey[..].try_into().expect("it has a page's size now");
        let drawn = Drawn {
            page: &dark_page(shades),
            shades: Some(shades),
        };
        self.plain(drawn, 0, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Distortion;
    use super::super::plane::{Plane, Reduction};
    use super::super::resize::Resize;
    use super::super::tests::scribble;
    use super::*;
    use crate::image::SIDE;
    use crate::seed::{Purpose, Stream};

    fn grey_of(page: &Page) -> Vec<u8> {
        let ink = |at: usize| page.ink(at % SIDE, at / SIDE);
        (0..SIDE * SIDE).map(|at| 255 * u8::from(ink(at))).collect()
    }

    /// Noise of every grey.
    fn noise(seed: u64, side: usize) -> Vec<u8> {
        let mut stream = Stream::new(seed, Purpose::Synthetic, 1);
        (0..side * side).map(|_| stream.below(256) as u8).collect()
    }

    fn laws() -> Vec<Distortion> {
        let filtered = |resize| Distortion {
            resize,
            ..Distortion::KOCH
        };
        vec![
            Distortion::KOCH,
            Distortion::COMPACT,
            filtered(Resize::Triangle),
            filtered(Resize::Lanczos),
            Distortion {
                source_side: 57,
                ..Distortion::COMPACT
            },
            Distortion {
                ink_side: 80,
                ..Distortion::COMPACT
            },
        ]
    }

    fn same_as_page<P: Pixel>(distorter: Distorter, page: &Page, side: usize) {
        let mut distorter = distorter.at(side).unwrap();
        let (mut of_page, mut of_grey) = (vec![P::INK; side * side], vec![P::INK; side * side]);
        // In either order, so that neither leaves something for the other.
        distorter.plain_grey(&noise(9, 31), 31, &mut of_grey);
        distorter.plain_grey(&grey_of(page), SIDE, &mut of_grey);
        distorter.plain(page, 0, &mut of_page);
        assert!(of_page == of_grey, "{:?} at {side}", distorter.distortion());
        distorter.plain_grey(&grey_of(page), SIDE, &mut of_grey);
        assert!(of_page == of_grey, "{:?} at {side}", distorter.distortion());
    }

    #[test]
    fn the_grey_of_a_page_is_the_page() {
        for law in laws() {
            for (seed, side) in [
                (1, 105),
                (2, 104),
                (3, 48),
                (4, 35),
                (5, 28),
                (6, 15),
                (7, 2),
            ] {
                let page = scribble(seed);
                same_as_page::<f32>(Distorter::new(law).unwrap(), &page, side);
                same_as_page::<u8>(Distorter::new(law).unwrap(), &page, side);
                same_as_page::<f32>(Distorter::scalar(law).unwrap(), &page, side);
            }
        }
    }

    #[test]
    fn greys_are_the_same_without_vectors() {
        for law in laws() {
            for (seed, from, side) in [(1, 28, 105), (2, 8, 48), (3, 35, 64), (4, 105, 35)] {
                let mut out = [vec![0f32; side * side], vec![0f32; side * side]];
                let distorters = [Distorter::new(law), Distorter::scalar(law)];
                for (distorter, out) in distorters.into_iter().zip(&mut out) {
                    let mut distorter = distorter.unwrap().at(side).unwrap();
                    distorter.plain_grey(&noise(seed, from), from, out);
                }
                assert!(out[0] == out[1] && out[0].iter().any(|&pixel| pixel > 0.0));
            }
        }
    }

    /// Bilinear interpolation in plain `f64`; what lies outside is the edge's own pixel.
    fn interpolated(grey: &[u8], from: usize, to: usize, at: usize) -> f64 {
        let place = |k: usize| {
            let x = (k as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let edge = (from - 1) as f64;
            let (low, high) = (x.floor().clamp(0.0, edge), x.ceil().clamp(0.0, edge));
            (low as usize, high as usize, x - x.floor())
        };
        let ((x0, x1, f), (y0, y1, g)) = (place(at % to), place(at / to));
        let pixel = |x: usize, y: usize| f64::from(grey[y * from + x]);
        let across = |y: usize| (1.0 - f) * pixel(x0, y) + f * pixel(x1, y);
        (1.0 - g) * across(y0) + g * across(y1)
    }

    #[test]
    fn enlarging_is_bilinear_interpolation() {
        for (seed, from, to) in [
            (1, 28, 35),
            (2, 35, 105),
            (3, 8, 35),
            (4, 1, 35),
            (5, 40, 105),
        ] {
            let grey = noise(seed, from);
            for (at, &got) in enlarge(&grey, from, to).iter().enumerate() {
                let want = interpolated(&grey, from, to, at);
                // Rounded once across and once down.
                let off = (want - f64::from(got)).abs();
                assert!(off < 1.1, "{from} to {to}, pixel {at}: {want} {got}");
            }
        }
        let grey = noise(6, 28);
        assert_eq!(enlarge(&grey, 28, 28), grey);
        assert_eq!(enlarge(&[255; 28 * 28], 28, 35), [255; 35 * 35]);
        assert_eq!(enlarge(&[0; 28 * 28], 28, 35), [0; 35 * 35]);
    }

    #[test]
    fn a_network_that_sees_pages_at_35_sees_kochs_picture() {
        // The warp looks at the middle of every third pixel, and that is where enlarging by
        // three leaves the pixels as they were.
        let grey = noise(1, 28);
        let mut out = vec![0u8; KOCH_SIDE * KOCH_SIDE];
        let mut distorter = (Distorter::new(Distortion::KOCH).unwrap())
            .at(KOCH_SIDE)
            .unwrap();
        distorter.plain_grey(&grey, 28, &mut out);
        assert_eq!(out, enlarge(&grey, 28, KOCH_SIDE));
    }

    #[test]
    fn what_is_below_35_goes_by_way_of_it_and_nothing_else_does() {
        for side in [8, 34, 35, 36, 104, 105] {
            let grey = noise(2, side);
            let direct = enlarge(&grey, side, SIDE_MAX);
            let at = at_page_size(&grey, side);
            if side < KOCH_SIDE {
                let by_way = enlarge(&enlarge(&grey, side, KOCH_SIDE), KOCH_SIDE, SIDE_MAX);
                assert!(at[..] == by_way && by_way != direct, "{side}");
            } else {
                assert!(at[..] == direct, "{side}");
            }
        }
    }

    #[test]
    fn greys_are_reduced_by_area() {
        for side in [57, 64, 84, 104, 105] {
            let grey = noise(side as u64, SIDE);
            let mut plane = Plane::blank(side);
            Reduction::new(side).reduce_grey(&grey, &mut plane);
            let step = SIDE as f64 / side as f64;
            // How much of page pixel `k` lies in pixel `at` of the plane.
            let part = |k: usize, at: usize| {
                let (start, end) = (at as f64 * step, (at + 1) as f64 * step);
                (end.min(k as f64 + 1.0) - start.max(k as f64)).max(0.0)
            };
            for at in 0..side * side {
                let (u, v) = (at % side, at / side);
                let near = |at: usize| (at * SIDE / side)..(at * SIDE / side + 4).min(SIDE);
                let mut sum = 0.0;
                for y in near(v) {
                    for x in near(u) {
                        sum += part(x, u) * part(y, v) * f64::from(grey[y * SIDE + x]);
                    }
                }
                let off = (sum / (step * step) - f64::from(plane.pixel(u, v))).abs();
                assert!(off < 0.5 + 1e-9, "({u}, {v}) of {side}: {off}");
            }
        }
    }
}
