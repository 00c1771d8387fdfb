//! AVX2 forms of the changes of stroke, equal to [`crate::distort::stroke`] bit for bit.
//!
//! Columns are taken in blocks, from the top of the plane to its end, so that what a row gives
//! its three neighbours across is reckoned once and kept for the two rows below it. What comes
//! of it is laid out for gathers at once: the changed plane itself is needed by nobody.

use std::arch::x86_64::*;

use super::LANES;
use super::source::{PLANE_ENTRIES, load_pixels, store_pair};
use crate::distort::plane::{Plane, STRIDE};

/// Lays out the plane with its strokes softened, or else thickened.
///
/// # Panics
/// If the plane is narrower than 16 pixels.
#[target_feature(enable = "avx2")]
pub(super) fn lay_out_changed<const SOFT: bool>(plane: &Plane, entries: &mut [u16; PLANE_ENTRIES]) {
    let side = plane.side();
    let rows = plane.rows().as_flattened();
    for left in (0..side).step_by(LANES) {
        // The last block overlaps the one before it rather than be narrow.
        let left = left.min(side - LANES);
        let mut sums = [
            across::<SOFT>(rows, left),
            across::<SOFT>(&rows[STRIDE..], left),
        ];
        let mut above = _mm256_setzero_si256();
        for y in 0..side {
            let below = across::<SOFT>(&rows[(y + 2) * STRIDE..], left);
            let all = together::<SOFT>(together::<SOFT>(sums[0], sums[1]), below);
            let grey = if SOFT { softened(all) } else { all };
            store_pair(above, grey, &mut entries[y * STRIDE + 1 + left..]);
            sums = [sums[1], below];
            above = grey;
        }
        store_pair(
            above,
            _mm256_setzero_si256(),
            &mut entries[side * STRIDE + 1 + left..],
        );
    }
}

/// Of each pixel and its neighbours in one row their sum, or else their maximum.
#[target_feature(enable = "avx2")]
#[inline]
fn across<const SOFT: bool>(row: &[u8], left: usize) -> __m256i {
    let before = load_pixels(&row[left..]);
    let after = load_pixels(&row[left + 2..]);
    together::<SOFT>(
        together::<SOFT>(before, load_pixels(&row[left + 1..])),
        after,
    )
}

/// Sum, or else maximum.
#[target_feature(enable = "avx2")]
#[inline]
fn together<const SOFT: bool>(a: __m256i, b: __m256i) -> __m256i {
    if SOFT {
        _mm256_add_epi16(a, b)
    } else {
        _mm256_max_epi16(a, b)
    }
}

/// The softened greys of sums.
#[target_feature(enable = "avx2")]
#[inline]
fn softened(sum: __m256i) -> __m256i {
    let scaled = _mm256_mullo_epi16(sum, _mm256_set1_epi16(11));
    let scaled = _mm256_add_epi16(scaled, _mm256_set1_epi16(22));
    // x/45 is x · 46,604 / 2^21 rounded down, for x of up to 25,267: the factor is too large by
    // 0.62, and that makes less than 1/45 of it.
    let high = _mm256_mulhi_epu16(scaled, _mm256_set1_epi16(46_604u16 as i16));
    _mm256_min_epi16(_mm256_srli_epi16::<5>(high), _mm256_set1_epi16(255))
}
