//! A page as bytes: the grey plane that warps read from.
//!
//! Pixels are 0 (ground) to 255 (ink) and lie inside a border of zeros, one
//! pixel above and left, two below and right, so a bilinear sample anywhere near
//! the page needs no bounds test: all it can see outside is ground.
//!
//! A page becomes a plane of its own 105 pixels, or is reduced by exact area
//! averaging to 57 to 104. A pixel of the reduced plane covers 105/n page
//! pixels a side, at most three columns and three rows of them, in parts that
//! are whole 1/n's of a pixel. So with whole weights that sum to 105,
//!
//! ```text
//! across:  h[y][u] = sum of w[u][k] * ink[y][first[u] + k]      0 to 105
//! down:    a[v][u] = sum of w[v][k] * h[first[v] + k][u]        0 to 11,025
//! grey[v][u] = round(255 * a / 11,025)                          half up; no tie exists
//! ```
//!
//! The step across takes eight rows at once: a byte of a band is eight rows of
//! one column, spread over the bytes of a word, and no sum overflows its byte.

use crate::image::{BANDS, Page, SIDE};

/// The largest side of a plane or an output: a page's.
pub const SIDE_MAX: usize = SIDE;
/// The smallest side a page is reduced to: below it, eight pixels in a row would
/// cover more than sixteen columns (and below 53, one would cover four).
pub const SIDE_MIN: usize = 57;
/// Bytes from one row of a plane to the next, border included.
pub const STRIDE: usize = 112;
/// Rows of a plane, border included.
pub const ROWS: usize = SIDE_MAX + 3;

/// A square grey picture inside a border of zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Pixels along a side, without the border.
    side: usize,
    /// Row y, column x at `[y + 1][x + 1]`.
    rows: Box<[[u8; STRIDE]; ROWS]>,
}

impl Plane {
    /// A plane without ink.
    ///
    /// # Panics
    /// If `side` is 0 or above 105.
    #[must_use]
    pub fn blank(side: usize) -> Plane {
        assert!((1..=SIDE_MAX).contains(&side), "no plane of {side} pixels");
        Plane {
            side,
            rows: Box::new([[0; STRIDE]; ROWS]),
        }
    }

    /// Pixels along a side, without the border.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// The grey of column `x` and row `y`.
    ///
    /// # Panics
    /// If either is not below the side.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> u8 {
        assert!(
            x < self.side && y < self.side,
            "({x}, {y}) is off the plane"
        );
        self.rows[y + 1][x + 1]
    }

    /// All rows with their border: pixel (x, y) is `[y + 1][x + 1]`.
    #[must_use]
    pub fn rows(&self) -> &[[u8; STRIDE]; ROWS] {
        &self.rows
    }

    /// [`Plane::rows`], for whoever keeps the border empty.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // for the vector forms
    pub(super) fn rows_mut(&mut self) -> &mut [[u8; STRIDE]; ROWS] {
        &mut self.rows
    }

    /// The pixels of row `y`, for whoever paints on the plane.
    ///
    /// # Panics
    /// If `y` is not below the side.
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        assert!(y < self.side, "row {y} is off the plane");
        &mut self.rows[y + 1][1..=self.side]
    }

    /// Copies a page onto a plane of 105 pixels: ink becomes 255.
    ///
    /// # Panics
    /// If the plane has another side.
    pub fn copy_page(&mut self, page: &Page) {
        assert_eq!(self.side, SIDE, "a page is copied to its own size only");
        for y in 0..SIDE {
            let row = &mut self.rows[y + 1][1..=SIDE];
            page.expand_row(y, 255, row.try_into().expect("a row is 105 pixels"));
        }
    }

    /// Copies a grey picture of 105 × 105 pixels, row by row, onto a plane of as many.
    ///
    /// # Panics
    /// If the picture or the plane has another size.
    pub fn copy_grey(&mut self, grey: &[u8]) {
        assert_eq!(grey.len(), SIDE * SIDE, "a page has 105 x 105 pixels");
        assert_eq!(self.side, SIDE, "a page is copied to its own size only");
        for (y, row) in grey.chunks_exact(SIDE).enumerate() {
            self.row_mut(y).copy_from_slice(row);
        }
    }
}

/// The weights of an area average from 105 pixels to fewer, and room to work in.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// Pixels along a side after it.
    side: usize,
    /// First page pixel that pixel u covers, and how many 1/n's of it and of the
    /// two after it; the same across and down.
    taps: [Tap; STRIDE],
    /// Sums across: `[page row][u]`, 0 to 105.
    across: Box<[[u8; STRIDE]; 8 * BANDS + 8]>,
}

/// Columns of the page that eight neighbouring reduced pixels can see.
const SEEN_BY_BLOCK: usize = 16;
// From the first's first column to the third of the eighth.
const _: () = assert!((7 * SIDE).div_ceil(SIDE_MIN) + 3 <= SEEN_BY_BLOCK);

/// What one reduced pixel covers along one axis.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tap {
    pub(super) first: u8,
    pub(super) weights: [u8; 3],
}

/// The bits of a byte, bit k alone in byte k.
const SPREAD: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[byte] |= ((byte as u64 >> bit) & 1) << (8 * bit);
            bit += 1;
        }
        byte += 1;
    }
    table
};

impl Reduction {
    /// The reduction to `side` pixels.
    ///
    /// # Panics
    /// If `side` is not 57 to 105.
    #[must_use]
    pub fn new(side: usize) -> Reduction {
        assert!(
            (SIDE_MIN..=SIDE_MAX).contains(&side),
            "pages are not reduced to {side} pixels"
        );
        let mut taps = [Tap::default(); STRIDE];
        for (u, tap) in taps.iter_mut().enumerate().take(side) {
            // In 1/n's of a page pixel, u covers from..from + 105 and pixel x covers n·x..n·(x + 1).
            let from = SIDE * u;
            let first = from / side;
            tap.first = first as u8;
            for (k, weight) in tap.weights.iter_mut().enumerate() {
                let start = (side * (first + k)).max(from);
                let end = (side * (first + k + 1)).min(from + SIDE);
                *weight = end.saturating_sub(start) as u8;
            }
        }
        Reduction {
            side,
            taps,
            across: Box::new([[0; STRIDE]; 8 * BANDS + 8]),
        }
    }

    /// What each reduced pixel covers, the same across and down; of those behind the last, nothing.
    /// And how many there are.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // for the vector forms
    pub(super) fn taps(&self) -> (&[Tap; STRIDE], usize) {
        (&self.taps, self.side)
    }

    /// Reduces a page onto a plane.
    ///
    /// # Panics
    /// If the plane's side is not the reduction's.
    pub fn reduce(&mut self, page: &Page, plane: &mut Plane) {
        assert_eq!(
            plane.side, self.side,
            "the plane must have the reduced size"
        );
        self.sum_across(page);
        let side = self.side;
        for (tap, row) in self.taps[..side].iter().zip(&mut plane.rows[1..]) {
            let first = usize::from(tap.first);
            // Slices of one length, so that the loop needs no bounds tests and goes into vectors.
            let [top, middle, bottom] = [0, 1, 2].map(|k| &self.across[first + k][..side]);
            let [a, b, c] = tap.weights.map(u32::from);
            for (u, grey) in row[1..=side].iter_mut().enumerate() {
                let sum =
                    a * u32::from(top[u]) + b * u32::from(middle[u]) + c * u32::from(bottom[u]);
                *grey = grey_of_sum(sum);
            }
        }
    }

    /// Reduces a grey picture of 105 × 105 pixels, row by row, onto a plane. Of ink (255) and
    /// ground alone it makes, bit for bit, what [`Reduction::reduce`] makes of that page.
    ///
    /// # Panics
    /// If the picture or the plane has another size.
    pub fn reduce_grey(&self, grey: &[u8], plane: &mut Plane) {
        assert_eq!(grey.len(), SIDE * SIDE, "a page has 105 x 105 pixels");
        assert_eq!(
            plane.side, self.side,
            "the plane must have the reduced size"
        );
        // Taps of the last pixels may reach off the page, with weight 0.
        let place = |tap: &Tap, k: usize| (usize::from(tap.first) + k).min(SIDE - 1);
        for (v, down) in self.taps[..self.side].iter().enumerate() {
            for (u, across) in self.taps[..self.side].iter().enumerate() {
                let mut sum = 0;
                for (j, by_row) in down.weights.into_iter().enumerate() {
                    let row = &grey[place(down, j) * SIDE..][..SIDE];
                    for (i, by_column) in across.weights.into_iter().enumerate() {
                        let weight = u32::from(by_row) * u32::from(by_column);
                        sum += weight * u32::from(row[place(across, i)]);
                    }
                }
                // The weights sum to 11,025, which is odd: no tie exists.
                plane.rows[v + 1][u + 1] = ((2 * sum + 11_025) / (2 * 11_025)) as u8;
            }
        }
    }

    /// The step across, eight rows and eight columns at a time.
    #[inline(always)]
    fn sum_across(&mut self, page: &Page) {
        // Taps may start in the last column; what lies behind it has weight 0 or is not seen.
        let mut columns = [0u8; SIDE + SEEN_BY_BLOCK];
        for (band, bytes) in page.bands().chunks_exact(SIDE).enumerate() {
            columns[..SIDE].copy_from_slice(bytes);
            for (block, taps) in self.taps.chunks_exact(8).enumerate() {
                if block * 8 >= self.side {
                    break;
                }
                let rows = &mut self.across[8 * band..][..8];
                let first = usize::from(taps[0].first);
                let (seen, _) = columns[first..]
                    .split_first_chunk::<SEEN_BY_BLOCK>()
                    .expect("columns are padded by as many");
                if u128::from_le_bytes(*seen) == 0 {
                    rows.iter_mut()
                        .for_each(|row| row[8 * block..][..8].fill(0));
                    continue;
                }
                let mut sums = [0u64; 8];
                for (sum, tap) in sums.iter_mut().zip(taps) {
                    let seen = &columns[usize::from(tap.first)..][..3];
                    for (byte, weight) in seen.iter().zip(tap.weights) {
                        *sum += SPREAD[usize::from(*byte)] * u64::from(weight);
                    }
                }
                for (row, sums) in rows.iter_mut().zip(transpose(sums)) {
                    row[8 * block..][..8].copy_from_slice(&sums.to_le_bytes());
                }
            }
        }
    }
}

/// round(255 · sum / 11,025) for sums of 0 to 11,025.
///
/// 255/11,025 is 17/735, so a quotient lies at least 1/1470 from where rounding
/// turns; 194,022/2²³ is off by less than half of that over the whole range
/// (a test goes through all of it).
#[inline(always)]
pub(super) fn grey_of_sum(sum: u32) -> u8 {
    ((sum * 194_022 + (1 << 22)) >> 23) as u8
}

/// Byte k of word j becomes byte j of word k (Hacker's Delight, section 7-3).
#[inline(always)]
fn transpose(mut words: [u64; 8]) -> [u64; 8] {
    const STEPS: [(usize, u64); 3] = [
        (4, 0x0000_0000_FFFF_FFFF),
        (2, 0x0000_FFFF_0000_FFFF),
        (1, 0x00FF_00FF_00FF_00FF),
    ];
    for (distance, low) in STEPS {
        let shift = 8 * distance as u32;
        for j in 0..8 {
            if j & distance == 0 {
                let moved = (words[j] >> shift ^ words[j + distance]) & low;
                words[j] ^= moved << shift;
                words[j + distance] ^= moved;
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scribble(seed: u32) -> Page {
        let mut page = Page::BLANK;
        let mut word = seed;
        for _ in 0..3000 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            page.set(
                (word >> 8) as usize % SIDE,
                (word >> 20) as usize % SIDE,
                true,
            );
        }
        page
    }

    #[test]
    fn grey_is_rounded_exactly() {
        for sum in 0..=11_025u32 {
            let want = (2 * 255 * sum + 11_025) / (2 * 11_025);
            assert_eq!(u32::from(grey_of_sum(sum)), want);
        }
    }

    #[test]
    fn transposing_moves_byte_k_of_word_j() {
        let words = [0u64, 1, 2, 3, 4, 5, 6, 7]
            .map(|j| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|k| (16 * j + k) as u8)));
        for (k, word) in transpose(words).iter().enumerate() {
            for (j, byte) in word.to_le_bytes().into_iter().enumerate() {
                assert_eq!(usize::from(byte), 16 * j + k);
            }
        }
    }

    #[test]
    fn a_page_is_copied_pixel_for_pixel() {
        let page = scribble(1);
        let mut plane = Plane::blank(105);
        plane.copy_page(&page);
        for y in 0..SIDE {
            for x in 0..SIDE {
                assert_eq!(plane.pixel(x, y), if page.ink(x, y) { 255 } else { 0 });
            }
        }
    }

    #[test]
    fn reduction_is_the_area_average() {
        for side in [57, 64, 84, 104, 105] {
            let page = scribble(side as u32);
            let mut plane = Plane::blank(side);
            Reduction::new(side).reduce(&page, &mut plane);
            // Every page pixel is `side` × `side` cells of which a plane's pixel holds 105 × 105.
            for v in 0..side {
                for u in 0..side {
                    let mut cells = 0;
                    for y in 105 * v / side..=((105 * v + 104) / side) {
                        for x in 105 * u / side..=((105 * u + 104) / side) {
                            let part = |k: usize, at: usize| {
                                (side * (k + 1)).min(105 * (at + 1)) - (side * k).max(105 * at)
                            };
                            cells += part(x, u) * part(y, v) * usize::from(page.ink(x, y));
                        }
                    }
                    let want = (2 * 255 * cells + 11_025) / (2 * 11_025);
                    assert_eq!(usize::from(plane.pixel(u, v)), want, "({u}, {v}) of {side}");
                }
            }
        }
    }

    #[test]
    fn reducing_again_leaves_nothing_behind() {
        let mut reduction = Reduction::new(64);
        let mut plane = Plane::blank(64);
        reduction.reduce(&scribble(3), &mut plane);
        reduction.reduce(&Page::BLANK, &mut plane);
        assert_eq!(plane, Plane::blank(64));
    }
}
