//! The image of one drawing: a page of 105 × 105 pixels, in one bit each or in shades.
//!
//! A page is kept in *bands*: band `b` holds rows `8b..8b+8`, one byte per
//! column, row `8b + k` in bit `k`. The same 1,470 bytes lie in memory and (compressed) in the store.
//! Strokes are a few pixels wide, so neighbouring bytes of a band repeat more
//! often than neighbouring bytes of a packed row: the whole set compresses to
//! 2.97 MB instead of 3.46 MB, and a row expands to bytes with one shift and
//! mask per column, which compilers vectorise.

use std::fmt;

/// Width and height of a page in pixels.
pub const SIDE: usize = 105;
/// Bands of eight rows on a page; the last one holds a single row.
pub const BANDS: usize = SIDE.div_ceil(8);
/// Bytes of a page: one for each column of each band.
pub const PAGE_BYTES: usize = BANDS * SIDE;

/// Bits of the last band that lie on the page.
const LAST_BAND_MASK: u8 = (1 << (SIDE - 8 * (BANDS - 1))) - 1;

/// A 105 × 105 page, one bit a pixel; a set bit is ink.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Page([u8; PAGE_BYTES]);

impl Page {
    /// A page without ink.
    pub const BLANK: Page = Page([0; PAGE_BYTES]);

    /// Takes bytes in band order.
    ///
    /// Returns `None` if a bit below the last row is set: such bits are not
    /// pixels, and two equal drawings must be equal bytes.
    #[must_use]
    pub fn from_bands(bytes: [u8; PAGE_BYTES]) -> Option<Page> {
        let last = &bytes[(BANDS - 1) * SIDE..];
        last.iter()
            .all(|byte| byte & !LAST_BAND_MASK == 0)
            .then_some(Page(bytes))
    }

    /// The page's bytes in band order.
    #[must_use]
    pub fn bands(&self) -> &[u8; PAGE_BYTES] {
        &self.0
    }

    /// Whether the pixel in column `x` and row `y` (0 at the top) is ink.
    ///
    /// # Panics
    /// If `x` or `y` is 105 or more.
    #[must_use]
    pub fn ink(&self, x: usize, y: usize) -> bool {
        assert!(x < SIDE && y < SIDE, "pixel ({x}, {y}) is off the page");
        self.0[y / 8 * SIDE + x] >> (y % 8) & 1 == 1
    }

    /// Puts ink on the pixel in column `x` and row `y`, or takes it away.
    ///
    /// # Panics
    /// If `x` or `y` is 105 or more.
    pub fn set(&mut self, x: usize, y: usize, ink: bool) {
        assert!(x < SIDE && y < SIDE, "pixel ({x}, {y}) is off the page");
        let byte = &mut self.0[y / 8 * SIDE + x];
        *byte = *byte & !(1 << (y % 8)) | u8::from(ink) << (y % 8);
    }

    /// Writes row `y` (0 at the top) as one byte a pixel: `on` for ink, 0 for ground.
    ///
    /// # Panics
    /// If `y` is 105 or more.
    #[inline]
    pub fn expand_row(&self, y: usize, on: u8, out: &mut [u8; SIDE]) {
        let band = &self.0[y / 8 * SIDE..][..SIDE];
        let shift = y % 8;
        for (out, byte) in out.iter_mut().zip(band) {
            *out = (byte >> shift & 1).wrapping_neg() & on;
        }
    }

    /// The first and the last column and row that have ink; nothing of a blank page.
    #[must_use]
    pub fn ink_bounds(&self) -> Option<[[usize; 2]; 2]> {
        let mut columns = [0u8; SIDE];
        let (mut top, mut bottom) = (None, 0);
        for (band, bytes) in self.bands().chunks_exact(SIDE).enumerate() {
            let mut rows = 0u8;
            for (column, byte) in columns.iter_mut().zip(bytes) {
                *column |= byte;
                rows |= byte;
            }
            if rows != 0 {
                top = top.or(Some(8 * band + rows.trailing_zeros() as usize));
                bottom = 8 * band + 7 - rows.leading_zeros() as usize;
            }
        }
        let inked = |column: &u8| *column != 0;
        let left = columns.iter().position(inked)?;
        let right = columns.iter().rposition(inked)?;
        Some([[left, top?], [right, bottom]])
    }

    /// Number of ink pixels, 0 to 11,025.
    #[must_use]
    pub fn ink_count(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for y in 0..SIDE {
            let row: String = (0..SIDE)
                .map(|x| if self.ink(x, y) { '#' } else { '.' })
                .collect();
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

/// Pixels of a page.
pub const AREA: usize = SIDE * SIDE;

/// A page in shades: one byte a pixel, row by row from the top, 0 for ground to 255 for full ink.
#[derive(Clone, PartialEq, Eq)]
pub struct Shades(Box<[u8; AREA]>);

impl Shades {
    /// Shades of these bytes.
    ///
    /// # Panics
    /// If there are not 11,025 of them.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Shades {
        let length = bytes.len();
        let bytes = bytes.into_boxed_slice().try_into();
        Shades(bytes.unwrap_or_else(|_| panic!("a page has {AREA} pixels, not {length}")))
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; AREA] {
        &self.0
    }
}

impl fmt::Debug for Shades {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum: u64 = self.0.iter().map(|&shade| u64::from(shade)).sum();
        write!(f, "Shades of mean {}", sum / AREA as u64)
    }
}

/// A drawing to look at: its page and, if it was kept in shades, these.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// Where there is ink.
    pub page: &'a Page,
    /// How much of it, one byte a pixel as in [`Shades`].
    pub shades: Option<&'a [u8; AREA]>,
}

impl<'a> From<&'a Page> for Drawn<'a> {
    fn from(page: &'a Page) -> Drawn<'a> {
        Drawn { page, shades: None }
    }
}

/// A drawing to keep and look at: what [`Drawn`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Where there is ink.
    pub page: Page,
    /// How much of it, if it was kept in shades.
    pub shades: Option<Shades>,
}

impl From<Page> for Picture {
    fn from(page: Page) -> Picture {
        Picture { page, shades: None }
    }
}

impl From<Drawn<'_>> for Picture {
    fn from(drawn: Drawn) -> Picture {
        Picture {
            page: *drawn.page,
            shades: drawn.shades.map(|shades| Shades(Box::new(*shades))),
        }
    }
}
