//! AVX2 form of [`Field::bend`](crate::distort::elastic::Field::bend), equal to it bit for bit.
//!
//! Two products of 16-bit numbers at a time, where the law takes one of 32 bits. Nodes, and what
//! the step down makes of them, seldom leave 16 bits (8 source pixels); where they do, the law
//! serves. Within them no shift comes near the field's reach, so that none is cut.
//!
//! ```text
//! down:    g[v][k]  = (w0, w1) . (node0, node1) + (w2, w3) . (..) + (w4, 2) . (node4, 2^10)
//! across:  d[v][u]  = (w0, w1) . (g0, g1)       + (w2, w3) . (..) + (w4, 2) . (g4, 2^14)
//! ```
//!
//! The last product is what rounding adds: half of 2^12, then half of 2^16. Pixels of even and
//! of odd places are summed apart, so that the upper halves of both make one register in order.

use std::arch::x86_64::*;

use super::LANES;
use crate::distort::elastic::{BITS, Field, Grid, NODES};
use crate::distort::map::FRACTION_BITS;
use crate::distort::plane::SIDE_MAX;

const _: () = assert!(BITS == 12 && FRACTION_BITS == 8 && NODES == 5);

/// Pairs of nodes: the fifth is beside a constant.
pub(super) const PAIRS: usize = 3;
/// Room for the rows of a field, in whole registers.
pub(super) const ROOM: usize = SIDE_MAX.next_multiple_of(8);

/// The most blocks across.
const BLOCKS: usize = SIDE_MAX.div_ceil(LANES);

/// Two 16-bit numbers in one of 32 bits, the first one below.
fn pair(first: i32, second: i32) -> i32 {
    (first & 0xFFFF) | second << 16
}

/// The weights of a field's pixels by pairs of nodes, and room for the step down.
#[derive(Clone, Debug)]
pub(super) struct Bender {
    /// Pixels along a side of the field that the weights are of; 0 before the first.
    side: usize,
    /// `[pair][u]`.
    weights: [[i32; ROOM]; PAIRS],
    /// First pixel of each block across, and the weights of its even and its odd places.
    blocks: [(usize, [[[i32; 8]; PAIRS]; 2]); BLOCKS],
    /// `[axis][pair][v]`: g of pairs of nodes.
    rows: Box<[[[i32; ROOM]; PAIRS]; 2]>,
}

impl Bender {
    pub(super) fn new() -> Bender {
        Bender {
            side: 0,
            weights: [[0; ROOM]; PAIRS],
            blocks: [(0, [[[0; 8]; PAIRS]; 2]); BLOCKS],
            rows: Box::new([[[0; ROOM]; PAIRS]; 2]),
        }
    }

    /// `[pair][u]`: the weights of pairs of nodes at a pixel, two numbers of 16 bits.
    #[inline(always)]
    pub(super) fn weights(&self) -> &[[i32; ROOM]; PAIRS] {
        &self.weights
    }

    /// `[axis][pair][v]`: g of pairs of nodes, two numbers of 16 bits.
    #[inline(always)]
    pub(super) fn rows(&self) -> &[[[i32; ROOM]; PAIRS]; 2] {
        &self.rows
    }

    /// Bends a field; `false`, with nothing bent, if it is too narrow or a number too large.
    #[target_feature(enable = "avx2")]
    pub(super) fn bend(&mut self, field: &mut Field, grid: &Grid) -> bool {
        if !self.step_down(field, grid) {
            return false;
        }
        let side = field.side();
        for (shifts, rows) in field.shifts_mut().into_iter().zip(&*self.rows) {
            for (left, weights) in &self.blocks[..side.div_ceil(LANES)] {
                let [even, odd] = weights;
                let even = [load(&even[0]), load(&even[1]), load(&even[2])];
                let odd = [load(&odd[0]), load(&odd[1]), load(&odd[2])];
                for v in 0..side {
                    let row = [
                        _mm256_set1_epi32(rows[0][v]),
                        _mm256_set1_epi32(rows[1][v]),
                        _mm256_set1_epi32(rows[2][v]),
                    ];
                    let (even, odd) = (dot(even, row), dot(odd, row));
                    let both =
                        _mm256_blend_epi16::<0b1010_1010>(_mm256_srli_epi32::<16>(even), odd);
                    let place = &mut shifts[v * side + left..][..LANES];
                    // SAFETY: the slice holds 16 numbers, 32 bytes.
                    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), both) };
                }
            }
        }
        true
    }

    /// The step down; `false` if the field is too narrow or a number too large.
    #[target_feature(enable = "avx2")]
    pub(super) fn step_down(&mut self, field: &Field, grid: &Grid) -> bool {
        const MOST: i32 = i16::MAX as i32;
        if field.side() < LANES {
            return false;
        }
        if self.side != field.side() {
            self.set_weights(field);
        }
        let nodes = grid.as_flattened().as_flattened();
        if nodes.iter().any(|node| node.abs() > MOST) {
            return false;
        }
        let mut most = _mm256_setzero_si256();
        for (nodes, rows) in grid.iter().zip(&mut *self.rows) {
            let mut columns = [[_mm256_setzero_si256(); PAIRS]; NODES];
            for (k, column) in columns.iter_mut().enumerate() {
                *column = [
                    _mm256_set1_epi32(pair(nodes[0][k], nodes[1][k])),
                    _mm256_set1_epi32(pair(nodes[2][k], nodes[3][k])),
                    _mm256_set1_epi32(pair(nodes[4][k], 1 << 10)),
                ];
            }
            for v in (0..field.side()).step_by(8) {
                let [a, b, c] = &self.weights;
                let weights = [load(&a[v..]), load(&b[v..]), load(&c[v..])];
                let mut g = [_mm256_setzero_si256(); NODES];
                for (g, column) in g.iter_mut().zip(columns) {
                    *g = _mm256_srai_epi32::<12>(dot(weights, column));
                    most = _mm256_max_epi32(most, _mm256_abs_epi32(*g));
                }
                let beside = |first, second| {
                    _mm256_blend_epi16::<0b1010_1010>(first, _mm256_slli_epi32::<16>(second))
                };
                store(&mut rows[0][v..], beside(g[0], g[1]));
                store(&mut rows[1][v..], beside(g[2], g[3]));
                store(&mut rows[2][v..], beside(g[4], _mm256_set1_epi32(1 << 14)));
            }
        }
        let above = _mm256_cmpgt_epi32(most, _mm256_set1_epi32(MOST));
        _mm256_testz_si256(above, above) == 1
    }

    /// Takes the weights of another field.
    fn set_weights(&mut self, field: &Field) {
        self.side = field.side();
        let [a, b, c, d, e] = field.weights();
        let of_pixel: [&dyn Fn(usize) -> i32; PAIRS] =
            [&|u| pair(a[u], b[u]), &|u| pair(c[u], d[u]), &|u| {
                pair(e[u], 2)
            }];
        self.weights = [[0; ROOM]; PAIRS];
        for (weights, of_pixel) in self.weights.iter_mut().zip(of_pixel) {
            for (u, weight) in weights[..self.side].iter_mut().enumerate() {
                *weight = of_pixel(u);
            }
        }
        let lefts = (0..self.side).step_by(LANES);
        for (block, left) in self.blocks.iter_mut().zip(lefts) {
            // The last block overlaps the one before it rather than be narrow.
            let left = left.min(self.side - LANES);
            let half = |odd: usize| {
                let of_pair = |weights: &[i32; ROOM]| {
                    std::array::from_fn(|place| weights[left + 2 * place + odd])
                };
                self.weights.each_ref().map(of_pair)
            };
            *block = (left, [half(0), half(1)]);
        }
    }
}

/// Sums of six products of 16-bit numbers, in eight lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn dot(a: [__m256i; PAIRS], b: [__m256i; PAIRS]) -> __m256i {
    let first = _mm256_madd_epi16(a[0], b[0]);
    let second = _mm256_madd_epi16(a[1], b[1]);
    let third = _mm256_madd_epi16(a[2], b[2]);
    _mm256_add_epi32(_mm256_add_epi32(first, second), third)
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(numbers: &[i32]) -> __m256i {
    let numbers = &numbers[..8];
    // SAFETY: the slice holds 8 numbers, 32 bytes.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(place: &mut [i32], numbers: __m256i) {
    let place = &mut place[..8];
    // SAFETY: the slice holds 8 numbers, 32 bytes.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), numbers) }
}
