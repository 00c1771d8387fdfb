//! AVX2 forms of the warp, equal to [`super::warp`] bit for bit.
//!
//! Sixteen outputs at a time, places in `i16` and sums in `i32`:
//!
//! ```text
//! for each tile of 8 rows by 16 columns of the output:
//!     if no ink lies where the tile looks: fill it with zeros         (pages only)
//!     for each row: places -> one gather of all 4 neighbours -> weigh -> store
//! ```
//!
//! One gather fetches four neighbours, since the source is laid out for it as 16-bit
//! entries of which a 32-bit load takes two, columns i and i + 1:
//!
//! - *page*: an entry is nine rows of a column as bits, rows 8b to 8b + 8 counted from
//!   the border, so the pixels at row j and j + 1 are bits j mod 8 and the next.
//!   A band of the page is one shift away from it, and all is 3 KB;
//! - *plane*: an entry is the bytes of rows j and j + 1.
//!
//! Departures from the law, none of which can be seen in the result: additions
//! saturate, since what leaves `i16` (128 pixels) is clamped to the border
//! either way (a field moves less than 32 pixels, so it cannot bring it back); on a page
//! w = n/255 is computed, and n/(255·65,536) is w/65,536.
//!
//! Tiles are skipped by masks of the inked pairs of columns in every four rows of the
//! page: ink covers about 8 % of a page, and a tile that sees none costs its stores.
//! Asking again for every row of a tile costs more than it saves (measured: a
//! tenth more time), as do tiles of 4 or 16 rows (a few per cent).

#![allow(unsafe_code)]

mod source;

use std::arch::x86_64::*;

use super::elastic::{Field, Grid};
use super::map::Map;
use super::plane::{Plane, Reduction};
use super::stroke;
use super::warp::{Pixel, check_sizes};
use crate::image::{Page, SIDE};
use source::{
    Bits, Grey, PAGE_ENTRIES, PLANE_ENTRIES, Places, Source, lay_out_page, lay_out_plane,
};

/// Outputs of one step, and the smallest side warped here.
const LANES: usize = 16;
/// Rows of a tile.
const TILE_ROWS: usize = 8;
/// Proof that this processor has AVX2, with room for the sources' layouts.
#[derive(Clone, Debug)]
pub struct Avx2 {
    page: Box<[u16; PAGE_ENTRIES]>,
    plane: Box<[u16; PLANE_ENTRIES]>,
}

impl Avx2 {
    /// `None` where the processor lacks AVX2.
    #[must_use]
    pub fn detect() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then(|| Avx2 {
            page: Box::new([0; PAGE_ENTRIES]),
            plane: Box::new([0; PLANE_ENTRIES]),
        })
    }

    /// [`super::warp::warp`] of the plane that holds `page` at 105 pixels.
    ///
    /// Returns `false`, and writes nothing, if the output is narrower than 16 pixels.
    ///
    /// # Panics
    /// If the map does not look at 105 pixels or `out` does not have its size.
    pub fn warp_page<P: Pixel>(&mut self, page: &Page, map: &Map, out: &mut [P]) -> bool {
        check_sizes(map, SIDE, None, out.len());
        if map.side() < LANES {
            return false;
        }
        // SAFETY: AVX2 was detected when `self` was made; there is no other constructor.
        unsafe {
            let inked = lay_out_page(page, &mut self.page);
            warp_tiles(
                &Bits {
                    entries: &self.page,
                    inked,
                },
                map,
                None,
                out,
            );
        }
        true
    }

    /// [`super::warp::warp`] of a plane.
    ///
    /// Returns `false`, and writes nothing, if the output is narrower than 16 pixels.
    ///
    /// # Panics
    /// If the plane, the field or `out` does not have the map's size.
    pub fn warp_plane<P: Pixel>(
        &mut self,
        plane: &Plane,
        map: &Map,
        field: Option<&Field>,
        out: &mut [P],
    ) -> bool {
        check_sizes(map, plane.side(), field, out.len());
        if map.side() < LANES {
            return false;
        }
        // SAFETY: AVX2 was detected when `self` was made; there is no other constructor.
        unsafe {
            lay_out_plane(plane, &mut self.plane);
            warp_tiles(&Grey(&self.plane), map, field, out);
        }
        true
    }

    /// [`Reduction::reduce`], compiled for AVX2; so are the three below it.
    pub fn reduce(&self, reduction: &mut Reduction, page: &Page, plane: &mut Plane) {
        #[target_feature(enable = "avx2")]
        fn wide(reduction: &mut Reduction, page: &Page, plane: &mut Plane) {
            reduction.reduce(page, plane);
        }
        // SAFETY: AVX2 was detected when `self` was made.
        unsafe { wide(reduction, page, plane) }
    }

    /// [`stroke::soften`].
    pub fn soften(&self, plane: &Plane, result: &mut Plane) {
        #[target_feature(enable = "avx2")]
        fn wide(plane: &Plane, result: &mut Plane) {
            stroke::soften(plane, result);
        }
        // SAFETY: AVX2 was detected when `self` was made.
        unsafe { wide(plane, result) }
    }

    /// [`stroke::thicken`].
    pub fn thicken(&self, plane: &Plane, result: &mut Plane) {
        #[target_feature(enable = "avx2")]
        fn wide(plane: &Plane, result: &mut Plane) {
            stroke::thicken(plane, result);
        }
        // SAFETY: AVX2 was detected when `self` was made.
        unsafe { wide(plane, result) }
    }

    /// [`Field::bend`].
    pub fn bend(&self, field: &mut Field, grid: &Grid) {
        #[target_feature(enable = "avx2")]
        fn wide(field: &mut Field, grid: &Grid) {
            field.bend(grid);
        }
        // SAFETY: AVX2 was detected when `self` was made.
        unsafe { wide(field, grid) }
    }
}

/// The tiles of an output; see the file's header.
#[target_feature(enable = "avx2")]
fn warp_tiles<P: Pixel, S: Source>(source: &S, map: &Map, field: Option<&Field>, out: &mut [P]) {
    let side = map.side();
    let half = 128 * (map.plane_side() as i16 + 1);
    let [column_x, column_y] = map.columns();
    let [row_x, row_y] = map.rows();
    for top in (0..side).step_by(TILE_ROWS) {
        let bottom = (top + TILE_ROWS).min(side);
        for left in (0..side).step_by(LANES) {
            // The last tile of a row overlaps the one before it rather than be narrow.
            let left = left.min(side - LANES);
            let tile_x = seen(&column_x[left..][..LANES], &row_x[top..bottom], half);
            let tile_y = seen(&column_y[left..][..LANES], &row_y[top..bottom], half);
            if field.is_none() && !source.may_see_ink(tile_x, tile_y) {
                for v in top..bottom {
                    prefetch(out, (v + TILE_ROWS) * side + left);
                    out[v * side + left..][..LANES].fill(P::default());
                }
                continue;
            }
            let columns = [load(&column_x[left..]), load(&column_y[left..])];
            for v in top..bottom {
                prefetch(out, (v + TILE_ROWS) * side + left);
                let mut x = _mm256_adds_epi16(columns[0], _mm256_set1_epi16(row_x[v]));
                let mut y = _mm256_adds_epi16(columns[1], _mm256_set1_epi16(row_y[v]));
                let at = v * side + left;
                if let Some(field) = field {
                    let [shift_x, shift_y] = field.shifts();
                    x = _mm256_adds_epi16(x, load(&shift_x[at..]));
                    y = _mm256_adds_epi16(y, load(&shift_y[at..]));
                }
                let (i, f) = clamp_and_split(x, half);
                let (j, g) = clamp_and_split(y, half);
                // SAFETY: AVX2 is on in this function; a clamped place is at most
                // 2 · half = (P + 1) · 256, and no plane is larger than SIDE_MAX.
                let sums = unsafe { source.sample(Places { i, f, j, g }) };
                // SAFETY: AVX2 is on in this function.
                unsafe { P::store(sums, S::BINARY, &mut out[at..]) };
            }
        }
    }
}

/// Asks for the line of the cache that `out[at]` lies on, to be written a tile later. A store
/// to a line that is not there has to fetch it first, and the strides of a tile hide from the
/// processor which lines come next (measured, eight batches of 5.6 MB: a quarter more pairs).
/// `at` may lie behind the end, where the batch's next image begins.
#[inline(always)]
fn prefetch<P>(out: &[P], at: usize) {
    let place = out.as_ptr().wrapping_add(at);
    // SAFETY: a prefetch changes no memory and no flag, and faults at no address; processors
    // without it take it for a no-op. (The intrinsic asks for reading, not for writing.)
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly));
    }
}

/// First and last whole place, from the border, that a tile looks at on one axis.
#[inline(always)]
fn seen(columns: &[i16], rows: &[i16], half: i16) -> (usize, usize) {
    // Parts are monotonous, so the ends of the tile are the ends of what it sees.
    let ends = |parts: &[i16]| {
        let (a, b) = (parts[0], parts[parts.len() - 1]);
        (i32::from(a.min(b)), i32::from(a.max(b)))
    };
    let half = i32::from(half);
    let place = |sum: i32| ((sum.clamp(-half, half) + half) >> 8) as usize;
    let (columns, rows) = (ends(columns), ends(rows));
    (place(columns.0 + rows.0), place(columns.1 + rows.1) + 1)
}

/// Sixteen numbers from the front of a slice.
#[target_feature(enable = "avx2")]
#[inline]
fn load(numbers: &[i16]) -> __m256i {
    let numbers = &numbers[..LANES];
    // SAFETY: the line above holds the slice to 16 numbers, 32 bytes.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

/// The law's clamp and shift of the origin, then whole part and fraction.
#[target_feature(enable = "avx2")]
#[inline]
fn clamp_and_split(place: __m256i, half: i16) -> (__m256i, __m256i) {
    let most = _mm256_set1_epi16(half);
    let least = _mm256_set1_epi16(-half);
    let place = _mm256_min_epi16(_mm256_max_epi16(place, least), most);
    let place = _mm256_add_epi16(place, most);
    let fraction = _mm256_and_si256(place, _mm256_set1_epi16(255));
    (_mm256_srli_epi16::<8>(place), fraction)
}

/// A pixel with a vector form; lives in a private module, which seals [`super::Pixel`].
pub trait Lanes: Sized {
    /// Writes the pixels of sixteen sums (w if `binary`, else n) to the front of `out`.
    ///
    /// # Safety
    /// AVX2.
    unsafe fn store(sums: [__m256i; 2], binary: bool, out: &mut [Self]);
}

impl Lanes for f32 {
    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn store(sums: [__m256i; 2], binary: bool, out: &mut [f32]) {
        let out = &mut out[..LANES];
        let [a, b] = sums.map(|sums| {
            let sums = _mm256_cvtepi32_ps(sums);
            if binary {
                // A power of two: exact, as the quotient of n by 255 · 65,536 is.
                _mm256_mul_ps(sums, _mm256_set1_ps(1.0 / 65_536.0))
            } else {
                _mm256_div_ps(sums, _mm256_set1_ps(16_711_680.0))
            }
        });
        let first = _mm256_permute2f128_ps::<0x20>(a, b);
        let second = _mm256_permute2f128_ps::<0x31>(a, b);
        // SAFETY: the first line holds the slice to 16 floats, two registers.
        unsafe {
            _mm256_storeu_ps(out.as_mut_ptr(), first);
            _mm256_storeu_ps(out.as_mut_ptr().add(8), second);
        }
    }
}

impl Lanes for u8 {
    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn store(sums: [__m256i; 2], binary: bool, out: &mut [u8]) {
        let out = &mut out[..LANES];
        let [a, b] = sums.map(|sums| {
            let n = if binary {
                _mm256_sub_epi32(_mm256_slli_epi32::<8>(sums), sums)
            } else {
                sums
            };
            _mm256_srli_epi32::<16>(_mm256_add_epi32(n, _mm256_set1_epi32(32_768)))
        });
        // Packing works within 128 bits, as the interleaving did: it undoes it.
        let words = _mm256_packus_epi32(a, b);
        let bytes = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi16(words, words));
        // SAFETY: the first line holds the slice to 16 bytes, half a register.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm256_castsi256_si128(bytes)) }
    }
}

#[cfg(test)]
mod tests;
