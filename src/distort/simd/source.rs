//! The two sources laid out for gathers, and sixteen samples of each at once.
//!
//! Both layouts are 16-bit entries, [`STRIDE`] to a row, of which a 32-bit gather takes
//! two: columns i and i + 1. See [`super`] for what an entry holds.

use std::arch::x86_64::*;

use super::LANES;
use crate::distort::plane::{Plane, ROWS, SIDE_MAX, STRIDE};
use crate::image::{BANDS, PAGE_BYTES, Page, SIDE};

/// Entries of a page laid out for gathers.
pub(super) const PAGE_ENTRIES: usize = BANDS * STRIDE;
/// Entries of a plane laid out for gathers.
pub(super) const PLANE_ENTRIES: usize = (ROWS - 1) * STRIDE;
/// The entry of ground above ground.
pub(super) const GROUND: u16 = 0x8080;

// The largest place is the border behind the last pixel, SIDE_MAX + 1 either way; a
// gather there takes that entry and the next. Indices must also fit `i16`.
const _: () = assert!((SIDE_MAX + 1) / 8 * STRIDE + SIDE_MAX + 2 < PAGE_ENTRIES);
const _: () = assert!((SIDE_MAX + 1) * STRIDE + SIDE_MAX + 2 < PLANE_ENTRIES);
const _: () = assert!(PLANE_ENTRIES <= i16::MAX as usize);

/// Sixteen places at once: whole parts and fractions of x and of y, in `i16`.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) i: __m256i,
    pub(super) f: __m256i,
    pub(super) j: __m256i,
    pub(super) g: __m256i,
}

/// Sixteen interpolated values in `i32`: outputs 0-3 and 8-11, then 4-7 and 12-15.
pub(super) type Sums = [__m256i; 2];

/// Something to sample.
pub(super) trait Source {
    /// Whether every value is a multiple of 255, divided out here: w for n.
    const BINARY: bool;

    /// Whether columns `x.0..=x.1`, rows `y.0..=y.1`, counted from the border, may hold ink.
    fn may_see_ink(&self, x: (usize, usize), y: (usize, usize)) -> bool;

    /// The law's n at the places (w if [`Source::BINARY`]).
    ///
    /// # Safety
    /// AVX2, and i and j at most `SIDE_MAX` + 1.
    unsafe fn sample(&self, places: Places) -> Sums;
}

/// A page laid out for gathers.
pub(super) struct Bits<'a> {
    pub(super) entries: &'a [u16; PAGE_ENTRIES],
    /// Bit i of number k: whether columns 2i and 2i + 1 hold ink in rows 4k to 4k + 3 of the page.
    pub(super) inked: [u64; 2 * BANDS],
}

/// A plane laid out for gathers.
pub(super) struct Grey<'a>(pub(super) &'a [u16; PLANE_ENTRIES]);

/// Lays a page out as nine-row entries, and says where its ink is.
#[target_feature(enable = "avx2")]
pub(super) fn lay_out_page(page: &Page, entries: &mut [u16; PAGE_ENTRIES]) -> [u64; 2 * BANDS] {
    let mut inked = [0; 2 * BANDS];
    let mut above: &[u8; SIDE] = &[0; SIDE];
    let mut padded = [0; 128];
    let bytes: &[u8; PAGE_BYTES] = page.bands();
    let (bands, _) = bytes.as_chunks::<SIDE>();
    for (b, (band, entries)) in bands
        .iter()
        .zip(entries.chunks_exact_mut(STRIDE))
        .enumerate()
    {
        let entries: &mut [u16; SIDE] = entries[1..=SIDE].as_mut_array().expect("105 entries");
        for x in 0..SIDE {
            entries[x] = u16::from(above[x] >> 7) | u16::from(band[x]) << 1;
        }
        above = band;
        padded[..SIDE].copy_from_slice(band);
        for (half, rows) in [0x0F, 0xF0u8].into_iter().enumerate() {
            inked[2 * b + half] = inked_pairs(&padded, rows);
        }
    }
    inked
}

/// Bit k: whether columns 2k and 2k + 1 of a band hold a bit of `rows`.
#[target_feature(enable = "avx2")]
#[inline]
fn inked_pairs(band: &[u8; 128], rows: u8) -> u64 {
    let empty = [0, 32, 64, 96].map(|start| {
        // SAFETY: 32 bytes from `start`, at most 96, are inside 128.
        let columns = unsafe { _mm256_loadu_si256(band.as_ptr().add(start).cast()) };
        let seen = _mm256_and_si256(columns, _mm256_set1_epi8(rows as i8));
        _mm256_cmpeq_epi16(seen, _mm256_setzero_si256())
    });
    let mask = |a, b| {
        // Packing interleaves the halves of its operands: put them in order again.
        let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(a, b));
        u64::from(_mm256_movemask_epi8(bytes) as u32)
    };
    !(mask(empty[0], empty[1]) | mask(empty[2], empty[3]) << 32)
}

/// Lays a plane out as pairs of rows, as far as places reach.
#[target_feature(enable = "avx2")]
pub(super) fn lay_out_plane(plane: &Plane, entries: &mut [u16; PLANE_ENTRIES]) {
    let rows = plane.rows();
    // A gather at the border behind the last pixel takes one column more.
    for left in (0..plane.side() + 3).step_by(LANES) {
        let mut above = load_pixels(&rows[0][left..]);
        for y in 0..plane.side() + 2 {
            let below = load_pixels(&rows[y + 1][left..]);
            store_pair(above, below, &mut entries[y * STRIDE + left..]);
            above = below;
        }
    }
}

/// Sixteen pixels of a plane, in 16-bit lanes.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load_pixels(row: &[u8]) -> __m256i {
    let pixels = &row[..LANES];
    // SAFETY: the slice holds 16 bytes.
    _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) })
}

/// Writes the entries of sixteen pixels and of those below them.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store_pair(above: __m256i, below: __m256i, entries: &mut [u16]) {
    let entries = &mut entries[..LANES];
    let pair = _mm256_or_si256(above, _mm256_slli_epi16::<8>(below));
    let signed = _mm256_xor_si256(pair, _mm256_set1_epi8(i8::MIN));
    // SAFETY: the slice holds 16 numbers, 32 bytes.
    unsafe { _mm256_storeu_si256(entries.as_mut_ptr().cast(), signed) }
}

/// [`store_pair`] of thirty-two pixels.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) fn store_pair_wide(above: __m512i, below: __m512i, entries: &mut [u16]) {
    let entries = &mut entries[..2 * LANES];
    let pair = _mm512_or_si512(above, _mm512_slli_epi16::<8>(below));
    let signed = _mm512_xor_si512(pair, _mm512_set1_epi8(i8::MIN));
    // SAFETY: the slice holds 32 numbers, 64 bytes.
    unsafe { _mm512_storeu_si512(entries.as_mut_ptr().cast(), signed) }
}

/// Both halves of two sets of 16-bit lanes, interleaved within their 128 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn interleave(a: __m256i, b: __m256i) -> [__m256i; 2] {
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

/// 256 less each lane.
#[target_feature(enable = "avx2")]
#[inline]
fn rest(fraction: __m256i) -> __m256i {
    _mm256_sub_epi16(_mm256_set1_epi16(256), fraction)
}

impl Source for Bits<'_> {
    const BINARY: bool = true;

    #[inline(always)]
    fn may_see_ink(&self, x: (usize, usize), y: (usize, usize)) -> bool {
        // Column x of the page is x + 1 from the border, and in bit x / 2 of a mask. The border
        // itself is taken for the first column; the one at the end has bits that are never set.
        let (left, right) = (x.0.saturating_sub(1) / 2, (x.1 - 1) / 2);
        let columns = (2u64 << right) - (1u64 << left);
        let (first, last) = (y.0.saturating_sub(1) / 4, (y.1 - 1).min(SIDE - 1) / 4);
        let seen = (first..=last).fold(0, |seen, k| seen | self.inked[k]);
        seen & columns != 0
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn sample(&self, places: Places) -> Sums {
        let Places { i, f, j, g } = places;
        let zero = _mm256_setzero_si256();
        let band = _mm256_mullo_epi16(_mm256_srli_epi16::<3>(j), _mm256_set1_epi16(STRIDE as i16));
        let index = interleave(_mm256_add_epi16(band, i), zero);
        let shift = interleave(_mm256_and_si256(j, _mm256_set1_epi16(7)), zero);
        let across = interleave(rest(f), f);
        let upper = interleave(rest(g), rest(g));
        let lower = interleave(g, g);
        let one = _mm256_set1_epi16(1);
        let table = self.entries.as_ptr().cast();
        let mut sums = [zero; 2];
        for (k, sum) in sums.iter_mut().enumerate() {
            // SAFETY: i, j ≤ SIDE_MAX + 1 by this function's contract, and the constants
            // asserted at the top of the file put entry index + 1 inside the table.
            let columns = unsafe { _mm256_i32gather_epi32::<2>(table, index[k]) };
            let rows = _mm256_srlv_epi32(columns, shift[k]);
            let top = _mm256_and_si256(rows, one);
            let bottom = _mm256_and_si256(_mm256_srli_epi32::<1>(rows), one);
            let down = _mm256_add_epi16(
                _mm256_mullo_epi16(top, upper[k]),
                _mm256_mullo_epi16(bottom, lower[k]),
            );
            *sum = _mm256_madd_epi16(down, across[k]);
        }
        sums
    }
}

impl Source for Grey<'_> {
    const BINARY: bool = false;

    #[inline(always)]
    fn may_see_ink(&self, _: (usize, usize), _: (usize, usize)) -> bool {
        true
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn sample(&self, places: Places) -> Sums {
        let Places { i, f, j, g } = places;
        let zero = _mm256_setzero_si256();
        let row = _mm256_mullo_epi16(j, _mm256_set1_epi16(STRIDE as i16));
        let index = interleave(_mm256_add_epi16(row, i), zero);
        let across = interleave(rest(f), f);
        let lower = interleave(g, g);
        let table = self.0.as_ptr().cast();
        let mut sums = [zero; 2];
        for (k, sum) in sums.iter_mut().enumerate() {
            // SAFETY: i, j ≤ SIDE_MAX + 1 by this function's contract, and the constants
            // asserted at the top of the file put entry index + 1 inside the table.
            let pixels = unsafe { _mm256_i32gather_epi32::<2>(table, index[k]) };
            // 256 times the upper pixel, less 2^15; then the step to the lower one, g/256 of it.
            let top = _mm256_slli_epi16::<8>(pixels);
            let step =
                _mm256_sub_epi16(_mm256_srai_epi16::<8>(pixels), _mm256_srai_epi16::<8>(top));
            let down = _mm256_add_epi16(top, _mm256_mullo_epi16(step, lower[k]));
            // 2^15 too little for each, and the two weights sum to 256: 2^23 comes back.
            let less = _mm256_madd_epi16(down, across[k]);
            *sum = _mm256_add_epi32(less, _mm256_set1_epi32(1 << 23));
        }
        sums
    }
}
