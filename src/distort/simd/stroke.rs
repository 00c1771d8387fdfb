//! AVX2 forms of the changes of stroke, equal to [`super::super::stroke`] bit for bit.
//!
//! Columns are taken in blocks, from the top of the plane to its end, so that what a row gives
//! its three neighbours across is reckoned once and kept for the two rows below it.

use std::arch::x86_64::*;

use crate::distort::plane::{Plane, STRIDE};

/// The narrowest plane for [`thicken`]; [`soften`] takes half.
pub(super) const LEAST_SIDE: usize = 32;

/// [`soften`](crate::distort::stroke::soften), 16 pixels at a time.
///
/// # Panics
/// If the planes differ in side, or are narrower than 32 pixels.
#[target_feature(enable = "avx2")]
pub(super) fn soften(plane: &Plane, result: &mut Plane) {
    let side = checked(plane, result);
    let rows = plane.rows().as_flattened();
    for left in (0..side).step_by(16).map(|left| left.min(side - 16)) {
        let across = |y: usize| {
            let [a, b, c] = [0, 1, 2].map(|k| {
                let pixels = &rows[y * STRIDE + left + k..][..16];
                // SAFETY: the slice holds 16 bytes.
                _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) })
            });
            _mm256_add_epi16(_mm256_add_epi16(a, b), c)
        };
        let (mut above, mut middle) = (across(0), across(1));
        for y in 0..side {
            let below = across(y + 2);
            let sum = _mm256_add_epi16(_mm256_add_epi16(above, middle), below);
            let scaled = _mm256_add_epi16(
                _mm256_mullo_epi16(sum, _mm256_set1_epi16(11)),
                _mm256_set1_epi16(22),
            );
            // x/45 is x · 46,604 / 2^21 rounded down, for x of up to 25,267: the factor is
            // too large by 0.62, and that makes less than 1/45 of it.
            let high = _mm256_mulhi_epu16(scaled, _mm256_set1_epi16(46_604u16 as i16));
            let mean = _mm256_srli_epi16::<5>(high);
            let bytes = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi16(mean, mean));
            let place = &mut result.row_mut(y)[left..][..16];
            // SAFETY: the slice holds 16 bytes.
            unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), _mm256_castsi256_si128(bytes)) }
            (above, middle) = (middle, below);
        }
    }
}

/// [`thicken`](crate::distort::stroke::thicken), 32 pixels at a time.
///
/// # Panics
/// As [`soften`].
#[target_feature(enable = "avx2")]
pub(super) fn thicken(plane: &Plane, result: &mut Plane) {
    let side = checked(plane, result);
    let rows = plane.rows().as_flattened();
    for left in (0..side).step_by(32).map(|left| left.min(side - 32)) {
        let across = |y: usize| {
            let [a, b, c] = [0, 1, 2].map(|k| {
                let pixels = &rows[y * STRIDE + left + k..][..32];
                // SAFETY: the slice holds 32 bytes.
                unsafe { _mm256_loadu_si256(pixels.as_ptr().cast()) }
            });
            _mm256_max_epu8(_mm256_max_epu8(a, b), c)
        };
        let (mut above, mut middle) = (across(0), across(1));
        for y in 0..side {
            let below = across(y + 2);
            let most = _mm256_max_epu8(_mm256_max_epu8(above, middle), below);
            let place = &mut result.row_mut(y)[left..][..32];
            // SAFETY: the slice holds 32 bytes.
            unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), most) }
            (above, middle) = (middle, below);
        }
    }
}

fn checked(plane: &Plane, result: &Plane) -> usize {
    assert_eq!(plane.side(), result.side(), "planes of two sizes");
    assert!(plane.side() >= LEAST_SIDE, "too narrow for vectors");
    plane.side()
}
