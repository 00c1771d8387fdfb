//! How much ink each pixel has: what parts it from the ground, where it lies, and its scaling.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::archive::problem::Problem;
use crate::image::{AREA, SIDE};

/// The least contrast of ink and ground, of 255: below it a picture shows noise.
pub(super) const LEAST_CONTRAST: u8 = 16;

/// Ink, one byte a pixel: 0 for ground.
#[derive(Clone)]
pub(super) struct Ink {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

/// Rows and columns, the first and the last of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub rows: (usize, usize),
    pub columns: (usize, usize),
}

/// How many pixels there are of each shade.
pub(super) type Counts = [u64; 256];

pub(super) fn counts(pixels: &[u8]) -> Counts {
    let mut counts = [0; 256];
    (pixels.iter()).for_each(|&value| counts[usize::from(value)] += 1);
    counts
}

/// Otsu's threshold of a picture, and the mean of each side of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parting {
    /// What is above it is ink.
    pub threshold: u8,
    pub ground: f64,
    pub ink: f64,
}

/// What parts ink, above it, from ground (Otsu 1979): the threshold at which the means of both lie
/// furthest apart, weighed by how many pixels each has. `None` if all values are one.
pub(super) fn part(counts: &Counts) -> Option<Parting> {
    let most = counts.iter().rposition(|&count| count > 0)?;
    let all = counts.iter().sum::<u64>() as f64;
    let values = || (0u32..).zip(counts).map(|(value, &n)| (value, n as f64));
    let sum: f64 = values().map(|(value, n)| f64::from(value) * n).sum();
    let (mut below, mut below_sum) = (0.0, 0.0);
    let (mut best, mut parting) = (-1.0, None);
    for (value, n) in values().take(most) {
        below += n;
        below_sum += f64::from(value) * n;
        let above = all - below;
        if below > 0.0 && above > 0.0 {
            let (ground, ink) = (below_sum / below, (sum - below_sum) / above);
            let apart = ground - ink;
            let between = below * above * apart * apart;
            if between > best {
                best = between;
                parting = Some(Parting {
                    threshold: value as u8,
                    ground,
                    ink,
                });
            }
        }
    }
    parting
}

/// The same, each pixel the mean of itself and the eight around it; those of the edge are as they
/// were.
pub(super) fn smoothed(pixels: &[u8], width: usize) -> Vec<u8> {
    let mut smooth = pixels.to_vec();
    for y in 1..(pixels.len() / width).saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let rows = (y - 1..=y + 1).map(|y| &pixels[y * width + x - 1..][..3]);
            let sum: u32 = rows.flatten().map(|&value| u32::from(value)).sum();
            smooth[y * width + x] = ((sum + 4) / 9) as u8;
        }
    }
    smooth
}

impl Ink {
    /// What parts ink from ground.
    ///
    /// # Errors
    /// If there is less contrast than noise has.
    pub fn parting(&self) -> Result<Parting, Problem> {
        let counts = counts(&self.pixels);
        let least = counts.iter().position(|&count| count > 0).unwrap_or(0);
        let most = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        if most - least < usize::from(LEAST_CONTRAST) {
            return Err(Problem::NothingDrawn);
        }
        part(&counts).ok_or(Problem::NothingDrawn)
    }

    /// The smallest part that holds all ink; the whole if there is none.
    pub fn extent(&self) -> Part {
        let width = self.width as usize;
        let mut columns = vec![false; width];
        let mut rows = Vec::new();
        for row in self.pixels.chunks_exact(width) {
            rows.push(row.iter().any(|&value| value > 0));
            (columns.iter_mut().zip(row)).for_each(|(column, &value)| *column |= value > 0);
        }
        Part {
            rows: ends(&rows),
            columns: ends(&columns),
        }
    }

    /// Full where there is more ink than `threshold`, else nothing.
    pub fn above(&self, threshold: u8) -> Ink {
        let full = |&value: &u8| if value > threshold { 255 } else { 0 };
        let pixels = self.pixels.iter().map(full).collect();
        Ink { pixels, ..*self }
    }

    /// The same, smoothed.
    pub fn smoothed(&self) -> Ink {
        let pixels = smoothed(&self.pixels, self.width as usize);
        Ink { pixels, ..*self }
    }

    pub fn cut(&self, part: Part) -> Ink {
        let ((top, bottom), (left, right)) = (part.rows, part.columns);
        let rows = self.pixels.chunks_exact(self.width as usize);
        let rows = rows.skip(top).take(bottom + 1 - top);
        Ink {
            width: (right - left + 1) as u32,
            height: (bottom - top + 1) as u32,
            pixels: rows.flat_map(|row| &row[left..=right]).copied().collect(),
        }
    }

    /// The same in the middle of a page, whose ground is as much a part of it: what is cut out may
    /// be all ink.
    pub fn centred(self) -> Ink {
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
    pub fn scaled(mut self, longest: u32) -> Ink {
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

/// The first and the last that is wanted; all, if none is.
pub(super) fn ends(wanted: &[bool]) -> (usize, usize) {
    let first = wanted.iter().position(|&wanted| wanted).unwrap_or(0);
    let last = wanted.iter().rposition(|&wanted| wanted);
    (first, last.unwrap_or(wanted.len() - 1))
}
