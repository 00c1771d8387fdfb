//! Pictures of any size and shade, made into pages.
//!
//! A picture becomes grey, and how far a pixel is from the shade of the picture's border is how
//! much ink it has. It is scaled into the page, the longer side over all of it, and Otsu's
//! threshold parts ink from ground.

use std::io::Cursor;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{ImageFormat, ImageReader, Limits};

use super::drawing::{AREA, Drawn, Page, SIDE, Shades};
use super::error::Problem;

/// The most pixels a side that are decoded.
const MOST_SIDE: u32 = 16_384;
/// The most bytes that decoding may take.
const MOST_BYTES: u64 = 1 << 29;
/// The most that decoding may take for each byte of the file, and for a file of none: twice what
/// deflate makes of its most even data, so that a header's claim alone takes no memory.
const MOST_BYTES_EACH: u64 = 2048;
const LEAST_BYTES: u64 = 1 << 20;
/// Pixels of the longer side of what is drawn, if it is cut out: the median of Omniglot's
/// background drawings.
const CUT_SIDE: u32 = 68;
/// The least contrast of ink and ground, of 255: below it a picture shows noise.
const LEAST_CONTRAST: u8 = 16;

/// How pictures are made into pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// Cut out what is drawn, whose longer side becomes 68 pixels in the middle of the page, as
    /// that of most of Omniglot's drawings is; else the whole picture fills the page.
    pub cut: bool,
    /// Keep the shades as well: how much ink each pixel has, the most of the picture being full.
    pub grey: bool,
}

/// A picture as a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Where it has ink.
    pub page: Page,
    /// How much of it, if that was asked for.
    pub shades: Option<Shades>,
}

impl Scanned {
    /// To look at.
    #[must_use]
    pub fn drawn(&self) -> Drawn<'_> {
        Drawn {
            page: &self.page,
            shades: self.shades.as_ref().map(Shades::bytes),
        }
    }
}

impl From<Page> for Scanned {
    fn from(page: Page) -> Scanned {
        Scanned { page, shades: None }
    }
}

/// Ink, one byte a pixel: 0 for ground.
struct Ink {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// Reads a PNG or JPEG picture of any size and shades as a drawing, the same on every machine.
/// Ink may be dark on light or light on dark; what is transparent is white.
///
/// # Errors
/// If the bytes are no such picture, its sides are not 1 to 16,384 pixels, or it shows nothing:
/// all of it has nearly one shade. No memory is taken for pixels that a header merely claims.
pub fn scan(bytes: &[u8], options: ScanOptions) -> Result<Scanned, Problem> {
    let ink = decode(bytes)?;
    let (ink, longest) = if options.cut {
        (ink.cut(), CUT_SIDE)
    } else {
        (ink, SIDE as u32)
    };
    let ink = ink.scaled(longest).centred();
    let threshold = ink.threshold()?;
    let mut page = Page::BLANK;
    for (at, &value) in ink.pixels.iter().enumerate() {
        page.set(at % SIDE, at / SIDE, value > threshold);
    }
    let most = u32::from(ink.pixels.iter().copied().max().unwrap_or(0).max(1));
    let share = |&value: &u8| ((255 * u32::from(value) + most / 2) / most) as u8;
    let shades = (options.grey).then(|| Shades::new(ink.pixels.iter().map(share).collect()));
    Ok(Scanned { page, shades })
}

fn decode(bytes: &[u8]) -> Result<Ink, Problem> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(Problem::NoPicture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    let fitting = LEAST_BYTES + MOST_BYTES_EACH * bytes.len() as u64;
    limits.max_alloc = Some(fitting.min(MOST_BYTES));
    reader.limits(limits);
    let picture = reader.decode()?.into_luma_alpha8();
    let (width, height) = picture.dimensions();
    let on_white = |&[shade, alpha]: &[u8; 2]| {
        let (shade, alpha) = (u32::from(shade), u32::from(alpha));
        ((shade * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let shades: Vec<u8> = picture.pixels().map(|pixel| on_white(&pixel.0)).collect();
    let ground = border(&shades, width as usize);
    let pixels = shades.iter().map(|&shade| {
        // Ink lies on one side of the ground; what is beyond it on the other is ground too.
        if ground < 128 {
            shade.saturating_sub(ground)
        } else {
            ground.saturating_sub(shade)
        }
    });
    Ok(Ink {
        width,
        height,
        pixels: pixels.collect(),
    })
}

/// The median shade of the outermost pixels.
fn border(shades: &[u8], width: usize) -> u8 {
    let rows = shades.chunks_exact(width);
    let last = rows.len() - 1;
    let mut border: Vec<u8> = Vec::new();
    for (y, row) in rows.enumerate() {
        if y == 0 || y == last {
            border.extend_from_slice(row);
        } else {
            border.extend([row[0], row[width - 1]]);
        }
    }
    let middle = border.len() / 2;
    *border.select_nth_unstable(middle).1
}

impl Ink {
    /// What parts ink, above it, from ground (Otsu 1979): the threshold at which the means of
    /// both lie furthest apart, weighed by how many pixels each has.
    fn threshold(&self) -> Result<u8, Problem> {
        let mut counts = [0u64; 256];
        (self.pixels.iter()).for_each(|&value| counts[usize::from(value)] += 1);
        let least = counts.iter().position(|&count| count > 0).unwrap_or(0);
        let most = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        if most - least < usize::from(LEAST_CONTRAST) {
            return Err(Problem::NothingDrawn);
        }
        let all = self.pixels.len() as f64;
        let values = || (0u32..).zip(counts).map(|(value, n)| (value, n as f64));
        let sum: f64 = values().map(|(value, n)| f64::from(value) * n).sum();
        let (mut below, mut below_sum) = (0.0, 0.0);
        let (mut best, mut threshold) = (-1.0, 0);
        for (value, n) in values().take(most) {
            below += n;
            below_sum += f64::from(value) * n;
            let above = all - below;
            if below > 0.0 && above > 0.0 {
                let apart = below_sum / below - (sum - below_sum) / above;
                let between = below * above * apart * apart;
                if between > best {
                    (best, threshold) = (between, value as u8);
                }
            }
        }
        Ok(threshold)
    }

    /// The smallest part that holds all ink; the whole if nothing is drawn.
    fn cut(self) -> Ink {
        let Ok(threshold) = self.threshold() else {
            return self;
        };
        let width = self.width as usize;
        let inked = |value: &&u8| **value > threshold;
        let rows: Vec<&[u8]> = self.pixels.chunks_exact(width).collect();
        let has_ink = |y: &usize| rows[*y].iter().any(|value| inked(&value));
        let column_has_ink = |x: &usize| rows.iter().any(|row| inked(&&row[*x]));
        let (top, bottom) = ends(rows.len(), has_ink);
        let (left, right) = ends(width, column_has_ink);
        let pixels = (top..=bottom).flat_map(|y| &rows[y][left..=right]);
        Ink {
            width: (right - left + 1) as u32,
            height: (bottom - top + 1) as u32,
            pixels: pixels.copied().collect(),
        }
    }

    /// The same in the middle of a page, whose ground is as much a part of it: what is cut out may
    /// be all ink.
    fn centred(self) -> Ink {
        let side = SIDE as u32;
        let (left, top) = ((side - self.width) / 2, (side - self.height) / 2);
        let mut pixels = vec![0; AREA];
        let rows = self.pixels.chunks_exact(self.width as usize);
        for (row, line) in rows.zip(pixels.chunks_exact_mut(SIDE).skip(top as usize)) {
            line[left as usize..][..row.len()].copy_from_slice(row);
        }
        Ink {
            width: side,
            height: side,
            pixels,
        }
    }

    /// The same with `longest` pixels along its longer side.
    fn scaled(mut self, longest: u32) -> Ink {
        let most = self.width.max(self.height);
        let side = |side: u32| {
            let scaled =
                (u64::from(side) * u64::from(longest) + u64::from(most) / 2) / u64::from(most);
            (scaled as u32).max(1)
        };
        let (width, height) = (side(self.width), side(self.height));
        let from = Image::from_slice_u8(self.width, self.height, &mut self.pixels, PixelType::U8);
        let from = from.expect("there are as many pixels as the sides say");
        let mut to = Image::new(width, height, PixelType::U8);
        let filter = ResizeAlg::Convolution(FilterType::Bilinear);
        (Resizer::new().resize(&from, &mut to, &ResizeOptions::new().resize_alg(filter)))
            .expect("both pictures are of bytes");
        Ink {
            width,
            height,
            pixels: to.into_vec(),
        }
    }
}

/// The first and the last of `n` places that are wanted; all, if none is.
fn ends(n: usize, wanted: impl Fn(&usize) -> bool) -> (usize, usize) {
    let first = (0..n).find(&wanted).unwrap_or(0);
    let last = (0..n).rev().find(&wanted).unwrap_or(n - 1);
    (first, last)
}

#[cfg(test)]
mod tests;
