//! The warp with AVX-512: sixteen outputs at a time, all in `i32`, as the law has them.
//!
//! A step is one gather, as with AVX2, and about half as many other instructions. The elastic
//! field is bent here, row by row, from what its step down left ([`super::bend`]).

use std::arch::x86_64::*;

use super::bend::{Bender, PAIRS, ROOM};
use super::source::{Bits, Grey, Source};
use super::{LANES, PER_SUM, TILE_ROWS, prefetch, seen};
use crate::distort::map::Map;
use crate::distort::plane::{SIDE_MAX, STRIDE};
use crate::distort::warp::Pixel;

/// What is added to the places of a map.
#[derive(Clone, Copy)]
pub(super) enum Shifts<'a> {
    /// Nothing.
    None,
    /// A field's, of x and of y.
    Field([&'a [i16]; 2]),
    /// A field whose step down is done.
    Rows(&'a Bender),
}

/// A source for sixteen samples at once.
pub(super) trait WideSource: Source {
    /// The law's n (w if [`Source::BINARY`]) at places in 1/256 pixel from the border.
    ///
    /// # Safety
    /// AVX-512, and places of at most (`SIDE_MAX` + 1) · 256, none negative.
    unsafe fn sample_wide(&self, x: __m512i, y: __m512i) -> __m512i;
}

/// The tiles of an output; see the room's header.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) fn warp_tiles<P: Pixel, S: WideSource>(
    source: &S,
    map: &Map,
    shifts: Shifts<'_>,
    out: &mut [P],
) {
    let side = map.side();
    let half = 128 * (map.plane_side() as i16 + 1);
    let parts = map.rows();
    // The rows' parts, from the border.
    let mut rows = [[0; SIDE_MAX]; 2];
    for (rows, parts) in rows.iter_mut().zip(parts) {
        for (row, &part) in rows.iter_mut().zip(parts) {
            *row = i32::from(part) + i32::from(half);
        }
    }
    for top in (0..side).step_by(TILE_ROWS) {
        let bottom = (top + TILE_ROWS).min(side);
        for left in (0..side).step_by(LANES) {
            // The last tile of a row overlaps the one before it rather than be narrow.
            let left = left.min(side - LANES);
            let [x, y] = map.columns();
            let columns = [&x[left..][..LANES], &y[left..][..LANES]];
            if matches!(shifts, Shifts::None) {
                let x = seen(columns[0], &parts[0][top..bottom], half);
                let y = seen(columns[1], &parts[1][top..bottom], half);
                if !source.may_see_ink(x, y) {
                    for v in top..bottom {
                        prefetch(out, (v + TILE_ROWS) * side + left);
                        out[v * side + left..][..LANES].fill(P::default());
                    }
                    continue;
                }
            }
            let columns = [load(columns[0]), load(columns[1])];
            let most = _mm512_set1_epi32(2 * i32::from(half));
            let weights = match shifts {
                Shifts::Rows(bender) => weights_from(left, bender.weights()),
                _ => [_mm512_setzero_si512(); PAIRS],
            };
            for v in top..bottom {
                prefetch(out, (v + TILE_ROWS) * side + left);
                let mut x = _mm512_add_epi32(columns[0], _mm512_set1_epi32(rows[0][v]));
                let mut y = _mm512_add_epi32(columns[1], _mm512_set1_epi32(rows[1][v]));
                match shifts {
                    Shifts::None => {}
                    Shifts::Field([shift_x, shift_y]) => {
                        x = _mm512_add_epi32(x, load(&shift_x[v * side + left..]));
                        y = _mm512_add_epi32(y, load(&shift_y[v * side + left..]));
                    }
                    Shifts::Rows(bender) => {
                        let [rows_x, rows_y] = bender.rows();
                        x = _mm512_add_epi32(x, step_across(weights, rows_x, v));
                        y = _mm512_add_epi32(y, step_across(weights, rows_y, v));
                    }
                }
                let (x, y) = (clamp(x, most), clamp(y, most));
                // SAFETY: these instructions are on in this function, and a clamped place is at
                // most 2 · half = (P + 1) · 256; no plane is larger than SIDE_MAX.
                let sums = unsafe { source.sample_wide(x, y) };
                // SAFETY: these instructions are on in this function.
                unsafe { P::store_wide(sums, S::BINARY, &mut out[v * side + left..]) };
            }
        }
    }
}

/// The law's clamp, of places from the border. What lies before the border is taken for what lies
/// behind the other one, since the ground on both is the same and is all that is seen from there.
#[target_feature(enable = "avx512f")]
#[inline]
fn clamp(place: __m512i, most: __m512i) -> __m512i {
    _mm512_min_epu32(place, most)
}

/// The weights of sixteen pixels from `left` on, by pairs of nodes.
#[target_feature(enable = "avx512f")]
#[inline]
fn weights_from(left: usize, all: &[[i32; ROOM]; PAIRS]) -> [__m512i; PAIRS] {
    let mut weights = [_mm512_setzero_si512(); PAIRS];
    for (weights, all) in weights.iter_mut().zip(all) {
        let of_tile = &all[left..][..LANES];
        // SAFETY: the slice holds 16 numbers, 64 bytes.
        *weights = unsafe { _mm512_loadu_si512(of_tile.as_ptr().cast()) };
    }
    weights
}

/// The step across of a field, for sixteen pixels of row `v`.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn step_across(weights: [__m512i; PAIRS], rows: &[[i32; ROOM]; PAIRS], v: usize) -> __m512i {
    let mut sum = _mm512_setzero_si512();
    for pair in 0..PAIRS {
        sum = _mm512_dpwssd_epi32(sum, weights[pair], _mm512_set1_epi32(rows[pair][v]));
    }
    _mm512_srai_epi32::<16>(sum)
}

/// Sixteen numbers from the front of a slice.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(numbers: &[i16]) -> __m512i {
    let numbers = &numbers[..LANES];
    // SAFETY: the line above holds the slice to 16 numbers, 32 bytes.
    _mm512_cvtepi16_epi32(unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) })
}

/// A place's fraction, in both halves of its lane.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn fraction(place: __m512i) -> __m512i {
    // Of each four bytes the first twice, and the fifth, of which there are none: 0.
    let pattern = _mm512_set4_epi32(
        0x800C_800Cu32 as i32,
        0x8008_8008u32 as i32,
        0x8004_8004u32 as i32,
        0x8000_8000u32 as i32,
    );
    _mm512_shuffle_epi8(place, pattern)
}

/// The weights of columns i and i + 1, one below the other: 256 less the fraction, and it.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn across(x: __m512i) -> __m512i {
    let f = fraction(x);
    _mm512_mask_sub_epi16(f, 0x5555_5555, _mm512_set1_epi16(256), f)
}

/// Entries `row` · [`STRIDE`] + `column`, both in 1/256, and the ones after them.
///
/// # Safety
/// AVX-512, and every such entry and the next lie in the table.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn gather(entries: &[u16], row: __m512i, column: __m512i) -> __m512i {
    // Rows and their products stay below 2^15.
    let row = _mm512_mullo_epi16(row, _mm512_set1_epi32(STRIDE as i32));
    let index = _mm512_add_epi32(row, _mm512_srli_epi32::<8>(column));
    // SAFETY: the caller's promise.
    unsafe { _mm512_i32gather_epi32::<2>(index, entries.as_ptr().cast()) }
}

impl WideSource for Bits<'_> {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
    #[inline]
    unsafe fn sample_wide(&self, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: i, j ≤ SIDE_MAX + 1 by this function's contract, and the constants asserted
        // where the table is declared put the entry and the next inside it.
        let columns = unsafe { gather(self.entries, _mm512_srli_epi32::<11>(y), x) };
        let row = _mm512_and_si512(_mm512_srli_epi32::<8>(y), _mm512_set1_epi32(7));
        let rows = _mm512_srlv_epi32(columns, row);
        let top = _mm512_test_epi16_mask(rows, _mm512_set1_epi16(1));
        let bottom = _mm512_test_epi16_mask(rows, _mm512_set1_epi16(2));
        let g = fraction(y);
        let down = _mm512_maskz_sub_epi16(top, _mm512_set1_epi16(256), g);
        let down = _mm512_mask_add_epi16(down, bottom, down, g);
        _mm512_madd_epi16(down, across(x))
    }
}

impl WideSource for Grey<'_> {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
    #[inline]
    unsafe fn sample_wide(&self, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: i, j ≤ SIDE_MAX + 1 by this function's contract, and the constants asserted
        // where the table is declared put the entry and the next inside it.
        let pixels = unsafe { gather(self.0, _mm512_srli_epi32::<8>(y), x) };
        // 256 times the upper pixel, less 2^15; then the step to the lower one, g/256 of it.
        let top = _mm512_slli_epi16::<8>(pixels);
        let step = _mm512_sub_epi16(_mm512_srai_epi16::<8>(pixels), _mm512_srai_epi16::<8>(top));
        let down = _mm512_add_epi16(top, _mm512_mullo_epi16(step, fraction(y)));
        // 2^15 too little for each, and the two weights sum to 256: 2^23 comes back.
        _mm512_dpwssd_epi32(_mm512_set1_epi32(1 << 23), down, across(x))
    }
}

/// Writes the `f32` pixels of sixteen sums (w if `binary`, else n) to the front of `out`.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn store_f32(sums: __m512i, binary: bool, out: &mut [f32]) {
    let out = &mut out[..LANES];
    let sums = _mm512_cvtepi32_ps(sums);
    let pixels = if binary {
        // A power of two: exact, as the quotient of n by 255 · 65,536 is.
        _mm512_mul_ps(sums, _mm512_set1_ps(1.0 / 65_536.0))
    } else {
        let low = _mm512_mul_ps(sums, _mm512_set1_ps(PER_SUM[1]));
        _mm512_fmadd_ps(sums, _mm512_set1_ps(PER_SUM[0]), low)
    };
    // SAFETY: the first line holds the slice to 16 floats, a register.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), pixels) }
}

/// As [`store_f32`], `u8` pixels.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn store_u8(sums: __m512i, binary: bool, out: &mut [u8]) {
    let out = &mut out[..LANES];
    let n = if binary {
        _mm512_sub_epi32(_mm512_slli_epi32::<8>(sums), sums)
    } else {
        sums
    };
    let grey = _mm512_srli_epi32::<16>(_mm512_add_epi32(n, _mm512_set1_epi32(32_768)));
    // SAFETY: the first line holds the slice to 16 bytes, a quarter of a register.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(grey)) }
}
