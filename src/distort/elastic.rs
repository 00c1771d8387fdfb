//! Elastic distortion: a smooth random displacement of every pixel.
//!
//! A 5 × 5 grid, its outer nodes on the centres of the corner pixels, holds normal
//! displacements of x and of y; between the nodes they follow Keys' cubic (1981,
//! a = -1/2, which passes through the nodes), the edge nodes repeated outwards.
//! Elastic deformation as training data goes back to Simard, Steinkraus & Platt (2003).
//!
//! ```text
//! down:    g[v][k]  = sum over 4 or 5 nodes j of w[v][j] * node[j][k]
//! across:  d[v][u]  = sum over 5 nodes k of w[u][k] * g[v][k]
//! ```
//!
//! Departures: weights are zero but for four nodes; all five are summed, since
//! five multiplications in a straight line are quicker than four with a lookup.
//! Whole numbers throughout: weights and nodes have 12 bits behind the point, the
//! result [`FRACTION_BITS`]. A field of 48 × 48 costs about 46,000 multiplications;
//! the vector forms take two and more at once while the numbers fit 16 bits.

use super::map::FRACTION_BITS;
use super::plane::SIDE_MAX;
use crate::seed::Stream;

/// Nodes along a side of the grid.
pub const NODES: usize = 5;
/// The farthest a field moves a pixel, in source pixels (either way, each axis).
pub const REACH_PIXELS: i32 = 31;

/// Bits behind the point of weights and nodes.
pub(super) const BITS: u32 = 12;

/// A displacement for every pixel of a square output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Pixels along a side of the output.
    side: usize,
    /// `[node][u]`: how much of node k there is at pixel u; sums to 2^12 over k within 2.
    weights: [[i32; SIDE_MAX]; NODES],
    /// Displacements of x and of y in 1/256 source pixel: `[axis][v * side + u]`.
    shifts: [Box<[i16]>; 2],
}

/// Normal displacements at the nodes, `[axis][row][column]`, in 2^-12 source pixel.
pub type Grid = [[[i32; NODES]; NODES]; 2];

/// Draws the displacements at the nodes: 150 words, three a number.
///
/// A normal number is the sum of twelve uniform bytes less its mean, 1530: its
/// standard deviation is √65,535 = 255.998, taken as 256, and it ends at six of
/// them. `sigma_pixels` (0 to 8) is the standard deviation in source pixels.
///
/// # Panics
/// If `sigma_pixels` is not 0 to 8.
pub fn draw_grid(stream: &mut Stream, sigma_pixels: f64) -> Grid {
    assert!(
        (0.0..=8.0).contains(&sigma_pixels),
        "elastic sigma of {sigma_pixels} pixels"
    );
    let unit = f64::from(1u32 << BITS);
    let scale = (sigma_pixels * unit + 0.5).floor() as i32;
    let reach = REACH_PIXELS << BITS;
    let mut words = [[[0; 4]; 3]; 2 * NODES * NODES];
    stream.fill(words.as_flattened_mut().as_flattened_mut());
    let mut grid = Grid::default();
    let nodes = grid.as_flattened_mut().as_flattened_mut();
    for (node, words) in nodes.iter_mut().zip(words) {
        // Two sums at once, of the bytes of odd and of even places; neither is above 6 · 255.
        let mut sums = 0;
        for word in words.map(u32::from_le_bytes) {
            sums += (word & 0x00FF_00FF) + ((word >> 8) & 0x00FF_00FF);
        }
        let sum = (sums & 0xFFFF) as i32 + (sums >> 16) as i32 - 1530;
        // At most 1530 · 2^15.
        *node = ((sum * scale + 128) >> 8).clamp(-reach, reach);
    }
    grid
}

impl Field {
    /// A field that moves nothing, for an output of `side` pixels.
    ///
    /// # Panics
    /// If `side` is not 2 to 105.
    #[must_use]
    pub fn still(side: usize) -> Field {
        let room = || vec![0; SIDE_MAX * SIDE_MAX].into_boxed_slice();
        let mut field = Field {
            side: 0,
            weights: [[0; SIDE_MAX]; NODES],
            shifts: [room(), room()],
        };
        field.resize(side);
        field
    }

    /// Makes the field one for outputs of `side` pixels; what it held is lost
    /// unless that is its side already.
    ///
    /// # Panics
    /// If `side` is not 2 to 105.
    pub fn resize(&mut self, side: usize) {
        assert!((2..=SIDE_MAX).contains(&side), "no field of {side} pixels");
        if self.side == side {
            return;
        }
        self.side = side;
        self.weights = [[0; SIDE_MAX]; NODES];
        for shifts in &mut self.shifts {
            shifts.fill(0);
        }
        for u in 0..side {
            // Pixel u lies at u·4/(side-1) nodes: `before` of them and a fraction.
            let (before, rest) = (u * (NODES - 1) / (side - 1), u * (NODES - 1) % (side - 1));
            for (k, weight) in keys(rest as f64 / (side - 1) as f64)
                .into_iter()
                .enumerate()
            {
                // Node before - 1 + k, or the edge's where there is none.
                let node = (before + k).saturating_sub(1).min(NODES - 1);
                self.weights[node][u] += (weight * f64::from(1u32 << BITS) + 0.5).floor() as i32;
            }
        }
    }

    /// Pixels along a side of the output.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Displacements of x and of y, row by row, `side`² of each, in 1/256 source pixel.
    #[must_use]
    pub fn shifts(&self) -> [&[i16]; 2] {
        self.shifts
            .each_ref()
            .map(|all| &all[..self.side * self.side])
    }

    /// `[node][u]`: how much of node k there is at pixel u, in 1/4096.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // for the vector forms
    pub(super) fn weights(&self) -> &[[i32; SIDE_MAX]; NODES] {
        &self.weights
    }

    /// [`Field::shifts`], for whoever bends the field by other means.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // for the vector forms
    pub(super) fn shifts_mut(&mut self) -> [&mut [i16]; 2] {
        let area = self.side * self.side;
        self.shifts.each_mut().map(|all| &mut all[..area])
    }

    /// Bends the field to `grid`.
    #[inline(always)]
    pub fn bend(&mut self, grid: &Grid) {
        let side = self.side;
        let weights = self.weights.each_ref().map(|all| &all[..side]);
        for (nodes, shifts) in grid.iter().zip(&mut self.shifts) {
            for (v, row) in shifts.chunks_exact_mut(side).take(side).enumerate() {
                let mut g = [0i32; NODES];
                for (k, g) in g.iter_mut().enumerate() {
                    let sum: i32 = (0..NODES).map(|j| weights[j][v] * nodes[j][k]).sum();
                    *g = (sum + (1 << (BITS - 1))) >> BITS;
                }
                bend_row(&weights, &g, row);
            }
        }
    }
}

/// The step across, for one row.
#[inline(always)]
fn bend_row(weights: &[&[i32]; NODES], g: &[i32; NODES], row: &mut [i16]) {
    const DROP: u32 = 2 * BITS - FRACTION_BITS;
    const REACH: i32 = REACH_PIXELS << FRACTION_BITS;
    let [w0, w1, w2, w3, w4] = weights.map(|all| &all[..row.len()]);
    for (u, shift) in row.iter_mut().enumerate() {
        // |g| is at most 31 · 1.25 pixels and the weights' sizes add to at most 1.25: 2^30 holds it.
        let sum = w0[u] * g[0] + w1[u] * g[1] + w2[u] * g[2] + w3[u] * g[3] + w4[u] * g[4];
        *shift = ((sum + (1 << (DROP - 1))) >> DROP).clamp(-REACH, REACH) as i16;
    }
}

/// Keys' cubic at fraction `t` between the second and third of four nodes.
fn keys(t: f64) -> [f64; 4] {
    [
        0.5 * (t * (t * (2.0 - t) - 1.0)),
        0.5 * (t * t * (3.0 * t - 5.0) + 2.0),
        0.5 * (t * (t * (4.0 - 3.0 * t) + 1.0)),
        0.5 * (t * t * (t - 1.0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Purpose;

    #[test]
    fn nodes_are_normal() {
        let (mut sum, mut squares, mut fourth, mut count) = (0f64, 0f64, 0f64, 0f64);
        for index in 0..2000 {
            let grid = draw_grid(&mut Stream::new(2, Purpose::Distort, index), 1.0);
            for node in grid.as_flattened().as_flattened() {
                let value = f64::from(*node) / 4096.0;
                sum += value;
                squares += value.powi(2);
                fourth += value.powi(4);
                count += 1.0;
            }
        }
        assert_eq!(count, 100_000.0);
        assert!((sum / count).abs() < 0.015, "mean {}", sum / count);
        assert!(
            (squares / count - 1.0).abs() < 0.02,
            "variance {}",
            squares / count
        );
        // Twelve uniforms have a fourth moment of 2.9; a normal one of 3.
        assert!(
            (fourth / count - 2.9).abs() < 0.1,
            "fourth {}",
            fourth / count
        );
    }

    #[test]
    fn the_field_passes_through_its_nodes() {
        let grid = draw_grid(&mut Stream::new(2, Purpose::Distort, 0), 2.0);
        for side in [5, 49, 105] {
            let mut field = Field::still(side);
            field.bend(&grid);
            let step = (side - 1) / 4;
            for (shifts, nodes) in field.shifts().into_iter().zip(&grid) {
                for (k, node) in nodes.as_flattened().iter().enumerate() {
                    let got = shifts[k / NODES * step * side + k % NODES * step];
                    assert_eq!(i32::from(got), (node + 8) >> 4);
                }
            }
        }
    }

    #[test]
    fn the_field_is_keys_cubic() {
        let grid = draw_grid(&mut Stream::new(2, Purpose::Distort, 7), 2.0);
        let side = 48;
        let mut field = Field::still(side);
        field.bend(&grid);
        let node = |axis: usize, j: i32, k: i32| {
            f64::from(grid[axis][j.clamp(0, 4) as usize][k.clamp(0, 4) as usize]) / 4096.0
        };
        // Keys' kernel in its usual form, by distance, independent of `keys`.
        let kernel = |x: f64| match x.abs() {
            x if x < 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
            x if x < 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
            _ => 0.0,
        };
        for axis in 0..2 {
            for v in 0..side {
                for u in 0..side {
                    let [x, y] = [u, v].map(|k| k as f64 * 4.0 / 47.0);
                    let mut want = 0.0;
                    for j in -1..=5 {
                        for k in -1..=5 {
                            let weight = kernel(x - f64::from(k)) * kernel(y - f64::from(j));
                            want += weight * node(axis, j, k);
                        }
                    }
                    let got = f64::from(field.shifts()[axis][v * side + u]) / 256.0;
                    assert!((got - want).abs() < 0.01, "({u}, {v}): {got} not {want}");
                }
            }
        }
    }

    #[test]
    fn fields_never_reach_beyond_the_bound() {
        let mut field = Field::still(48);
        let most = REACH_PIXELS << BITS;
        for sign in [1, -1] {
            let mut grid = Grid::default();
            for (k, node) in grid
                .as_flattened_mut()
                .as_flattened_mut()
                .iter_mut()
                .enumerate()
            {
                *node = if k % 5 == 1 || k % 5 == 4 {
                    -sign * most
                } else {
                    sign * most
                };
            }
            field.bend(&grid);
            let reach = (REACH_PIXELS << FRACTION_BITS) as u16;
            assert!(field.shifts()[0].iter().all(|s| s.unsigned_abs() <= reach));
        }
    }

    #[test]
    fn nothing_drawn_moves_nothing() {
        let mut field = Field::still(48);
        field.bend(&draw_grid(&mut Stream::new(2, Purpose::Distort, 0), 0.0));
        assert_eq!(field, Field::still(48));
    }
}
