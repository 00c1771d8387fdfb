//! Kernels in the order of products, and back.

use super::back::lay_columns;
use super::norm::{interleave, lanes, round};
use super::tile::{BLOCK, Block, DEPTH, TILE};
use super::wide::{LANES, Wide, wide};

/// Places of most kernels.
const NINE: usize = 9;

wide! {
    /// Rounds a kernel `[to, from, place]` into `[place, to, from]`.
    pub(super) fn by_place(kernel: &[f32], places: usize, out: &mut [u16]) {
        assert_eq!(kernel.len(), out.len());
        let each = kernel.len() / places;
        if places == NINE {
            for (at, values) in kernel.chunks_exact(NINE * LANES).enumerate() {
                let values: &[f32; NINE * LANES] = values.try_into().expect("16 of each place");
                for place in 0..NINE {
                    let out = &mut out[place * each + at * LANES..][..LANES];
                    for i in 0..LANES {
                        out[i] = round(values[i * NINE + place]);
                    }
                }
            }
            return;
        }
        for (at, values) in kernel.chunks_exact(places).enumerate() {
            for (place, value) in values.iter().enumerate() {
                out[place * each + at] = round(*value);
            }
        }
    }
}

wide! {
    /// Takes a row of each block, of one place each, as `[column, place]`.
    pub(super) fn from_places(blocks: &[Block], row: usize, out: &mut [f32]) {
        let rows = blocks.iter().map(|block| &block[row * BLOCK..][..BLOCK]);
        for (place, values) in rows.enumerate() {
            for (out, value) in out.chunks_exact_mut(blocks.len()).zip(values) {
                out[place] = *value;
            }
        }
    }
}

wide! {
    /// Lays `[k, columns]` out as right operands: for each 32 rows and each 32 columns two tiles, in
    /// whose rows pairs of values of a column lie side by side.
    pub(super) fn pack_rows(matrix: &[u16], columns: usize, out: &mut [u16]) {
        let strips = matrix.chunks_exact(DEPTH * columns);
        for (strip, out) in strips.zip(out.chunks_exact_mut(DEPTH * columns)) {
            for (pair, rows) in strip.chunks_exact(2 * columns).enumerate() {
                let (even, odd) = rows.split_at(columns);
                let halves = even.chunks_exact(LANES).zip(odd.chunks_exact(LANES));
                for ((even, odd), tile) in halves.zip(out.chunks_exact_mut(TILE)) {
                    interleave(lanes(even, 0), lanes(odd, 0), &mut tile[pair * DEPTH..][..DEPTH]);
                }
            }
        }
    }
}

wide! {
    /// The same of a matrix that is given as its transpose, `[columns, k]`.
    pub(super) fn pack_columns(matrix: &[u16], depth: usize, out: &mut [u16]) {
        let columns = matrix.len() / depth;
        for (strip, out) in out.chunks_exact_mut(DEPTH * columns).enumerate() {
            for (column, tile) in out.chunks_exact_mut(TILE).enumerate() {
                let lines = matrix[column * LANES * depth..].chunks_exact(depth);
                let mut pairs = [[0u32; LANES]; LANES];
                for (line, pairs) in lines.zip(&mut pairs) {
                    let line = &line[strip * DEPTH..][..DEPTH];
                    for i in 0..LANES {
                        pairs[i] = u32::from(line[2 * i]) | u32::from(line[2 * i + 1]) << 16;
                    }
                }
                lay_columns::<WIDE>(&pairs, DEPTH, tile);
            }
        }
    }
}
