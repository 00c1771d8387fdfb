//! Vector forms of [`Reduction::reduce`](crate::distort::plane::Reduction::reduce), equal to it bit for bit.
//!
//! The law sums across, then down. Here it is down, then across: the sums are whole numbers, so
//! that the order cannot be seen in the result.
//!
//! ```text
//! down:    bits of three rows of the page -> a table of 8 weighted sums    c[v][x]  0 to 105
//! across:  three bytes of c -> multiplied and added                       a[v][u]  0 to 11,025
//! grey:    about 255 * a / 11,025, then one less where that is too much
//! ```
//!
//! Bytes of a band are eight rows of one column, so that a shift brings the three rows that a
//! row of the plane sees to the lowest bits of all columns at once.

use std::arch::x86_64::*;

use super::registers::{
    broadcast, load, load_half, load_signed, load_wide, load_wide_signed, store,
};
use super::source::{PLANE_ENTRIES, store_pair, store_pair_wide};
use crate::distort::plane::{ROWS, SIDE_MAX, STRIDE, Tap};
use crate::image::{Page, SIDE};

/// Bytes of a row of `c`: its 105, and what the last block's load takes behind them.
const ROOM: usize = SIDE + 64;
/// Pixels of a block across: of 16-bit lanes in 256 bits, and in 512.
const BLOCK: usize = 16;
const WIDE_BLOCK: usize = 32;

/// What one row of the plane takes from the page.
#[derive(Clone, Copy, Debug, Default)]
struct Down {
    /// Where the first band that it sees begins among the page's bytes.
    band: usize,
    /// Rows of that band above the first that it sees, and the columns of that shift left.
    shift: i64,
    /// Which of the three rows are in that band, and which in the one below it.
    upper: u8,
    lower: u8,
    /// The weighted sum of each choice of three rows, twice.
    sums: [u8; 16],
}

/// What a block of neighbouring pixels of the plane takes from a row of `c`.
#[derive(Clone, Copy, Debug)]
struct Across<const BYTES: usize> {
    /// First column that each part of the block sees; parts are of eight pixels or the whole.
    first: [usize; 2],
    /// Where the first two columns of each pixel are behind that, and the third.
    places: [[u8; BYTES]; 2],
    /// Their weights: of the first two, and of the third and nothing.
    weights: [[i8; BYTES]; 2],
}

/// The tables of a reduction, and room for the step between.
#[derive(Clone, Debug)]
pub(super) struct Reducer {
    down: Vec<Down>,
    across: Vec<Across<32>>,
    wide: Vec<Across<64>>,
    /// `c`: row v of the plane, column x of the page.
    sums: Box<[[u8; ROOM]; SIDE_MAX]>,
    /// Whether a row of `c` has anything in it.
    inked: [bool; SIDE_MAX],
}

impl Reducer {
    /// Tables for these taps, `side` of which are pixels and all behind them 0.
    pub(super) fn new((taps, side): (&[Tap; STRIDE], usize)) -> Reducer {
        Reducer {
            down: taps[..side].iter().map(down).collect(),
            across: blocks(taps, side, BLOCK, 8),
            wide: blocks(taps, side, WIDE_BLOCK, WIDE_BLOCK),
            sums: Box::new([[0; ROOM]; SIDE_MAX]),
            inked: [false; SIDE_MAX],
        }
    }

    /// Pixels along a side of the planes.
    pub(super) fn side(&self) -> usize {
        self.down.len()
    }

    /// Reduces a page onto a plane's rows.
    #[target_feature(enable = "avx2")]
    pub(super) fn reduce(&mut self, page: &Page, rows: &mut [[u8; STRIDE]; ROWS]) {
        self.sum_down(page);
        self.write_rows(rows);
    }

    /// [`Reducer::reduce`] with AVX-512, for the step down alone.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    pub(super) fn reduce_wide(&mut self, page: &Page, rows: &mut [[u8; STRIDE]; ROWS]) {
        self.sum_down_wide(page);
        self.write_rows(rows);
    }

    /// The step across, onto a plane's rows.
    #[target_feature(enable = "avx2")]
    fn write_rows(&self, rows: &mut [[u8; STRIDE]; ROWS]) {
        let pixels = rows.as_flattened_mut();
        for v in 0..self.down.len() {
            for (block, across) in self.across.iter().enumerate() {
                let grey = self.greys(v, across);
                let bytes = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi16(grey, grey));
                // Pixels behind the plane's last have no weights: a row's border stays 0, and so
                // does what the last block of a large plane writes of the next row's.
                let place = &mut pixels[(v + 1) * STRIDE + 1 + block * BLOCK..][..BLOCK];
                // SAFETY: the slice holds 16 bytes.
                unsafe {
                    _mm_storeu_si128(place.as_mut_ptr().cast(), _mm256_castsi256_si128(bytes));
                }
            }
        }
    }

    /// Reduces a page, laid out for gathers at once. The border's entries are there already.
    #[target_feature(enable = "avx2")]
    pub(super) fn lay_out(&mut self, page: &Page, entries: &mut [u16; PLANE_ENTRIES]) {
        self.sum_down(page);
        let side = self.down.len();
        let mut above = [_mm256_setzero_si256(); SIDE_MAX.div_ceil(BLOCK)];
        for v in 0..=side {
            for (block, (across, above)) in self.across.iter().zip(&mut above).enumerate() {
                let grey = if v < side {
                    self.greys(v, across)
                } else {
                    _mm256_setzero_si256()
                };
                // What lies behind a row's end is border here, and there.
                let place = v * STRIDE + 1 + block * BLOCK;
                store_pair(*above, grey, &mut entries[place..]);
                *above = grey;
            }
        }
    }

    /// The greys of a block of row `v`.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn greys(&self, v: usize, across: &Across<32>) -> __m256i {
        if self.inked[v] {
            grey_of(sum_across(&self.sums[v], across))
        } else {
            _mm256_setzero_si256()
        }
    }

    /// The step down.
    #[target_feature(enable = "avx2")]
    fn sum_down(&mut self, page: &Page) {
        const COLUMNS: [usize; 4] = [0, 32, 64, SIDE - 32];
        let bands = page.bands();
        for (v, down) in self.down.iter().enumerate() {
            let count = _mm_cvtsi64_si128(down.shift);
            let rest = _mm_cvtsi64_si128(8 - down.shift);
            let table = broadcast(&down.sums);
            let mut any = _mm256_setzero_si256();
            for at in COLUMNS {
                let columns = load(&bands[down.band + at..]);
                let mut seen = _mm256_and_si256(
                    _mm256_srl_epi16(columns, count),
                    _mm256_set1_epi8(down.upper as i8),
                );
                if down.lower != 0 {
                    let below = load(&bands[down.band + SIDE + at..]);
                    let below = _mm256_and_si256(
                        _mm256_sll_epi16(below, rest),
                        _mm256_set1_epi8(down.lower as i8),
                    );
                    seen = _mm256_or_si256(seen, below);
                }
                any = _mm256_or_si256(any, seen);
                store(&mut self.sums[v][at..], _mm256_shuffle_epi8(table, seen));
            }
            self.inked[v] = _mm256_testz_si256(any, any) == 0;
        }
    }

    /// [`Reducer::lay_out`] with AVX-512: twice as many columns and pixels in a step.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    pub(super) fn lay_out_wide(&mut self, page: &Page, entries: &mut [u16; PLANE_ENTRIES]) {
        self.sum_down_wide(page);
        let side = self.down.len();
        let mut above = [_mm512_setzero_si512(); SIDE_MAX.div_ceil(WIDE_BLOCK)];
        for v in 0..=side {
            for (block, (across, above)) in self.wide.iter().zip(&mut above).enumerate() {
                let grey = if v < side && self.inked[v] {
                    grey_of_wide(sum_across_wide(&self.sums[v], across))
                } else {
                    _mm512_setzero_si512()
                };
                // What lies behind a row's end is border here, and the next row comes later.
                let place = v * STRIDE + 1 + block * WIDE_BLOCK;
                store_pair_wide(*above, grey, &mut entries[place..]);
                *above = grey;
            }
        }
    }

    /// The step down with AVX-512.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    fn sum_down_wide(&mut self, page: &Page) {
        const COLUMNS: [usize; 2] = [0, SIDE - 64];
        let bands = page.bands();
        for (v, down) in self.down.iter().enumerate() {
            let count = _mm_cvtsi64_si128(down.shift);
            let rest = _mm_cvtsi64_si128(8 - down.shift);
            let table = _mm512_broadcast_i32x4(_mm256_castsi256_si128(broadcast(&down.sums)));
            let mut any = _mm512_setzero_si512();
            for at in COLUMNS {
                let columns = load_wide(&bands[down.band + at..]);
                let mut seen = _mm512_and_si512(
                    _mm512_srl_epi16(columns, count),
                    _mm512_set1_epi8(down.upper as i8),
                );
                if down.lower != 0 {
                    let below = load_wide(&bands[down.band + SIDE + at..]);
                    let below = _mm512_and_si512(
                        _mm512_sll_epi16(below, rest),
                        _mm512_set1_epi8(down.lower as i8),
                    );
                    seen = _mm512_or_si512(seen, below);
                }
                any = _mm512_or_si512(any, seen);
                let place = &mut self.sums[v][at..][..64];
                // SAFETY: the slice holds 64 bytes.
                unsafe {
                    _mm512_storeu_si512(
                        place.as_mut_ptr().cast(),
                        _mm512_shuffle_epi8(table, seen),
                    );
                }
            }
            self.inked[v] = _mm512_test_epi8_mask(any, any) != 0;
        }
    }
}

/// How a row of the plane finds its three rows of the page.
fn down(tap: &Tap) -> Down {
    let first = usize::from(tap.first);
    let shift = first % 8;
    let upper = (0xFFu8 >> shift) & 7;
    let mut sums = [0; 16];
    for (rows, sum) in sums.iter_mut().enumerate() {
        *sum = (0..3).map(|k| (rows as u8 >> k & 1) * tap.weights[k]).sum();
    }
    Down {
        band: first / 8 * SIDE,
        shift: shift as i64,
        upper,
        // Taps that begin in the last band see nothing below it.
        lower: 7 & !upper,
        sums,
    }
}

/// How blocks of `block` pixels, in parts that load for themselves, find their columns.
fn blocks<const BYTES: usize>(
    taps: &[Tap; STRIDE],
    side: usize,
    block: usize,
    part: usize,
) -> Vec<Across<BYTES>> {
    let starts = (0..side).step_by(block);
    starts
        .map(|start| {
            let first_of = |u: usize| usize::from(taps[u.min(side - 1)].first);
            let mut across = Across {
                first: [first_of(start), first_of(start + block - part)],
                places: [[0; BYTES]; 2],
                weights: [[0; BYTES]; 2],
            };
            for (k, tap) in taps[start..side].iter().take(block).enumerate() {
                let behind = tap.first - first_of(start + k / part * part) as u8;
                let weights = tap.weights.map(|weight| weight as i8);
                for (half, [at, next]) in [[0, 1], [2, 2]].into_iter().enumerate() {
                    across.places[half][2 * k..][..2]
                        .copy_from_slice(&[behind + at, behind + next]);
                }
                across.weights[0][2 * k..][..2].copy_from_slice(&weights[..2]);
                across.weights[1][2 * k] = weights[2];
            }
            across
        })
        .collect()
}

/// The sums of a block, in 16-bit lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn sum_across(sums: &[u8; ROOM], across: &Across<32>) -> __m256i {
    let low = load_half(&sums[across.first[0]..]);
    let high = load_half(&sums[across.first[1]..]);
    let seen = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high);
    // Sums of at most 105, weights of at most 105: 11,025 together, since they sum to 105.
    let two = _mm256_shuffle_epi8(seen, load(&across.places[0]));
    let two = _mm256_maddubs_epi16(two, load_signed(&across.weights[0]));
    let third = _mm256_shuffle_epi8(seen, load(&across.places[1]));
    let third = _mm256_maddubs_epi16(third, load_signed(&across.weights[1]));
    _mm256_add_epi16(two, third)
}

/// The sums of a wide block.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn sum_across_wide(sums: &[u8; ROOM], across: &Across<64>) -> __m512i {
    let seen = load_wide(&sums[across.first[0]..]);
    let two = _mm512_permutexvar_epi8(load_wide(&across.places[0]), seen);
    let two = _mm512_maddubs_epi16(two, load_wide_signed(&across.weights[0]));
    let third = _mm512_permutexvar_epi8(load_wide(&across.places[1]), seen);
    let third = _mm512_maddubs_epi16(third, load_wide_signed(&across.weights[1]));
    _mm512_add_epi16(two, third)
}

// 758/2^15 is 255/11,025 and 1.4 ten-thousandths of that: rounded, the product is the grey or, just below a
// half, one more. Then 17 sum - 735 grey is below -367 (255/11,025 is 17/735; no sum lies on a half).
const FACTOR: i16 = 758;

/// Greys of sums, in 16-bit lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn grey_of(sum: __m256i) -> __m256i {
    let about = _mm256_mulhrs_epi16(sum, _mm256_set1_epi16(FACTOR));
    // Both products leave 16 bits, and their difference does not.
    let left = _mm256_sub_epi16(
        _mm256_mullo_epi16(sum, _mm256_set1_epi16(17)),
        _mm256_mullo_epi16(about, _mm256_set1_epi16(735)),
    );
    _mm256_add_epi16(about, _mm256_cmpgt_epi16(_mm256_set1_epi16(-367), left))
}

/// [`grey_of`] of 32 sums.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn grey_of_wide(sum: __m512i) -> __m512i {
    let about = _mm512_mulhrs_epi16(sum, _mm512_set1_epi16(FACTOR));
    let left = _mm512_sub_epi16(
        _mm512_mullo_epi16(sum, _mm512_set1_epi16(17)),
        _mm512_mullo_epi16(about, _mm512_set1_epi16(735)),
    );
    let more = _mm512_cmplt_epi16_mask(left, _mm512_set1_epi16(-367));
    _mm512_mask_sub_epi16(about, more, about, _mm512_set1_epi16(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distort::plane::grey_of_sum;

    /// Sixteen sums, then 32, each into the greys that [`grey_of_sum`] makes of them.
    #[test]
    fn every_sum_has_its_grey() {
        for first in (0..=11_025u32).step_by(32) {
            let sums: [i16; 32] = std::array::from_fn(|k| (first as i16 + k as i16).min(11_025));
            let want = sums.map(|sum| i16::from(grey_of_sum(sum as u32)));
            let mut greys = [0i16; 32];
            if is_x86_feature_detected!("avx2") {
                for k in [0, 16] {
                    // SAFETY: AVX2 was detected, and each half holds 16 numbers.
                    unsafe {
                        let sums = _mm256_loadu_si256(sums[k..].as_ptr().cast());
                        _mm256_storeu_si256(greys[k..].as_mut_ptr().cast(), grey_of(sums));
                    }
                }
                assert_eq!(greys, want);
            }
            if is_x86_feature_detected!("avx512bw") {
                // SAFETY: AVX-512 was detected, and the arrays hold 32 numbers.
                unsafe {
                    let sums = _mm512_loadu_si512(sums.as_ptr().cast());
                    _mm512_storeu_si512(greys.as_mut_ptr().cast(), grey_of_wide(sums));
                }
                assert_eq!(greys, want);
            }
        }
    }
}
