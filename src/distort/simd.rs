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
//! Tiles are skipped by masks of the inked pairs of columns in every four rows of the page:
//! ink covers about 8 % of a page, and about half of the tiles see none.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::elastic::{Field, Grid};
use super::map::Map;
use super::plane::{Plane, ROWS, Reduction, SIDE_MAX, STRIDE};
use super::stroke;
use super::warp::{Pixel, check_sizes};
use crate::archive::{BANDS, PAGE_BYTES, Page, SIDE};

/// Outputs of one step, and the smallest side warped here.
const LANES: usize = 16;
/// Rows of a tile.
const TILE_ROWS: usize = 8;
/// Entries of a page laid out for gathers.
const PAGE_ENTRIES: usize = BANDS * STRIDE;
/// Entries of a plane laid out for gathers.
const PLANE_ENTRIES: usize = (ROWS - 1) * STRIDE;

// The largest place is the border behind the last pixel, SIDE_MAX + 1 either way; a
// gather there takes that entry and the next. Indices must also fit `i16`.
const _: () = assert!((SIDE_MAX + 1) / 8 * STRIDE + SIDE_MAX + 2 < PAGE_ENTRIES);
const _: () = assert!((SIDE_MAX + 1) * STRIDE + SIDE_MAX + 2 < PLANE_ENTRIES);
const _: () = assert!(PLANE_ENTRIES <= i16::MAX as usize);

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

/// Sixteen places at once: whole parts and fractions of x and of y, in `i16`.
#[derive(Clone, Copy)]
struct Places {
    i: __m256i,
    f: __m256i,
    j: __m256i,
    g: __m256i,
}

/// Sixteen interpolated values in `i32`: outputs 0-3 and 8-11, then 4-7 and 12-15.
type Sums = [__m256i; 2];

/// Something to sample.
trait Source {
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
struct Bits<'a> {
    entries: &'a [u16; PAGE_ENTRIES],
    /// Bit i of number k: whether columns 2i and 2i + 1 hold ink in rows 4k to 4k + 3 of the page.
    inked: [u64; 2 * BANDS],
}

/// A plane laid out for gathers.
struct Grey<'a>(&'a [u16; PLANE_ENTRIES]);

/// Lays a page out as nine-row entries, and says where its ink is.
#[target_feature(enable = "avx2")]
fn lay_out_page(page: &Page, entries: &mut [u16; PAGE_ENTRIES]) -> [u64; 2 * BANDS] {
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

/// Lays a plane out as pairs of rows.
#[target_feature(enable = "avx2")]
fn lay_out_plane(plane: &Plane, entries: &mut [u16; PLANE_ENTRIES]) {
    let rows = plane.rows().windows(2).take(plane.side() + 2);
    for (pair, entries) in rows.zip(entries.chunks_exact_mut(STRIDE)) {
        for (x, entry) in entries.iter_mut().enumerate() {
            *entry = u16::from_le_bytes([pair[0][x], pair[1][x]]);
        }
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
                    out[v * side + left..][..LANES].fill(P::default());
                }
                continue;
            }
            let columns = [load(&column_x[left..]), load(&column_y[left..])];
            for v in top..bottom {
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
        let upper = interleave(rest(g), rest(g));
        let lower = interleave(g, g);
        let table = self.0.as_ptr().cast();
        let mut sums = [zero; 2];
        for (k, sum) in sums.iter_mut().enumerate() {
            // SAFETY: i, j ≤ SIDE_MAX + 1 by this function's contract, and the constants
            // asserted at the top of the file put entry index + 1 inside the table.
            let pixels = unsafe { _mm256_i32gather_epi32::<2>(table, index[k]) };
            let top = _mm256_and_si256(pixels, _mm256_set1_epi16(255));
            let bottom = _mm256_srli_epi16::<8>(pixels);
            let down = _mm256_add_epi16(
                _mm256_mullo_epi16(top, upper[k]),
                _mm256_mullo_epi16(bottom, lower[k]),
            );
            // Up to 255 · 256, too much for the signed factors of madd: less 2^15 for each, and
            // since the two weights sum to 256, 2^23 comes back.
            let down = _mm256_xor_si256(down, _mm256_set1_epi16(i16::MIN));
            let less = _mm256_madd_epi16(down, across[k]);
            *sum = _mm256_add_epi32(less, _mm256_set1_epi32(1 << 23));
        }
        sums
    }
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
