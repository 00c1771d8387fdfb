//! The warp with AVX2: sixteen outputs at a time, places in `i16` and sums in `i32`.

use std::arch::x86_64::*;

use super::source::{Places, Source};
use super::{LANES, TILE_ROWS, prefetch, seen};
use crate::distort::elastic::Field;
use crate::distort::map::Map;
use crate::distort::warp::Pixel;

/// The tiles of an output; see the room's header.
#[target_feature(enable = "avx2,fma")]
pub(super) fn warp_tiles<P: Pixel, S: Source>(
    source: &S,
    map: &Map,
    field: Option<&Field>,
    out: &mut [P],
) {
    let side = map.side();
    let half = 128 * (map.plane_side() as i16 + 1);
    let [column_x, column_y] = map.columns();
    let [row_x, row_y] = map.rows();
    let shifts = field.map(Field::shifts);
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
                if let Some([shift_x, shift_y]) = shifts {
                    x = _mm256_adds_epi16(x, load(&shift_x[at..]));
                    y = _mm256_adds_epi16(y, load(&shift_y[at..]));
                }
                let (i, f) = clamp_and_split(x, half);
                let (j, g) = clamp_and_split(y, half);
                // SAFETY: AVX2 is on in this function; a clamped place is at most
                // 2 · half = (P + 1) · 256, and no plane is larger than SIDE_MAX.
                let sums = unsafe { source.sample(Places { i, f, j, g }) };
                // SAFETY: AVX2 and FMA are on in this function.
                unsafe { P::store(sums, S::BINARY, &mut out[at..]) };
            }
        }
    }
}

/// Sixteen numbers from the front of a slice.
#[target_feature(enable = "avx2")]
#[inline]
fn load(numbers: &[i16]) -> __m256i {
    let numbers = &numbers[..LANES];
    // SAFETY: the line above holds the slice to 16 numbers, 32 bytes.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

/// The law's clamp and shift of the origin, then whole part and fraction. What lies before the
/// border is taken for what lies behind the other one, since the ground on both is the same and
/// is all that is seen from there.
#[target_feature(enable = "avx2")]
#[inline]
fn clamp_and_split(place: __m256i, half: i16) -> (__m256i, __m256i) {
    let place = _mm256_add_epi16(place, _mm256_set1_epi16(half));
    let place = _mm256_min_epu16(place, _mm256_set1_epi16(2 * half));
    let fraction = _mm256_and_si256(place, _mm256_set1_epi16(255));
    (_mm256_srli_epi16::<8>(place), fraction)
}

/// Writes the `f32` pixels of sixteen sums (w if `binary`, else n) to the front of `out`.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn store_f32(sums: [__m256i; 2], binary: bool, out: &mut [f32]) {
    let out = &mut out[..LANES];
    let (a, b) = (quotients(sums[0], binary), quotients(sums[1], binary));
    let first = _mm256_permute2f128_ps::<0x20>(a, b);
    let second = _mm256_permute2f128_ps::<0x31>(a, b);
    // SAFETY: the first line holds the slice to 16 floats, two registers.
    unsafe {
        _mm256_storeu_ps(out.as_mut_ptr(), first);
        _mm256_storeu_ps(out.as_mut_ptr().add(8), second);
    }
}

/// The quotients of eight sums.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn quotients(sums: __m256i, binary: bool) -> __m256 {
    let sums = _mm256_cvtepi32_ps(sums);
    if binary {
        // A power of two: exact, as the quotient of n by 255 · 65,536 is.
        return _mm256_mul_ps(sums, _mm256_set1_ps(1.0 / 65_536.0));
    }
    let low = _mm256_mul_ps(sums, _mm256_set1_ps(super::PER_SUM[1]));
    _mm256_fmadd_ps(sums, _mm256_set1_ps(super::PER_SUM[0]), low)
}

/// As [`store_f32`], `u8` pixels.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store_u8(sums: [__m256i; 2], binary: bool, out: &mut [u8]) {
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
