//! The inverse of an affine map in fixed point: where each output pixel looks.
//!
//! A place in the source is a sum of a column's part and a row's part, so a map
//! is four short tables and costs O(side) to make, not O(side²):
//!
//! ```text
//! x(u, v) = x_of_column[u] + x_of_row[v]        (and y alike)
//! ```
//!
//! in source pixels from the centre of the plane, as `i16` with
//! [`FRACTION_BITS`] = 8 bits behind the point. The matrix is rounded once to
//! 2⁻²⁰, each part once to 2⁻⁸ (half up), so a place is off by at most
//! 2⁻⁸ + 2⁻¹⁴ pixels from the exact one in either direction.
//!
//! Pixel centres are at (k + ½), and output and plane cover the same square, so
//! an output of S pixels sees a plane of P pixels at P/S of its own pitch.
//!
//! Of a page whose drawing is brought to a size ([`super::size`]), the output sees a part instead: places
//! are that much closer together, and all are moved to the part's centre, by whole 2⁻⁸ pixels.
//!
//! Poses are taken after rounding, by exchanging and negating tables: warping in
//! `pose` k below 4 is, bit for bit, warping a page that has been turned k times
//! clockwise first, and in pose 4 + k one that has been mirrored, left for right, and
//! then turned k times.

use super::affine::Affine;
use super::plane::SIDE_MAX;
use super::size::Fit;

/// Bits behind the point of a place; 256 steps to a pixel.
pub const FRACTION_BITS: u32 = 8;

/// Bits behind the point of the matrix while the tables are made.
const MATRIX_BITS: u32 = 20;

/// Where each pixel of a square output looks in a square plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Pixels along a side of the output.
    side: usize,
    /// Pixels along a side of the plane looked at.
    plane_side: usize,
    /// Column u's part of x, then of y: `[axis][u]`.
    columns: [[i16; SIDE_MAX]; 2],
    /// Row v's part of x, then of y: `[axis][v]`.
    rows: [[i16; SIDE_MAX]; 2],
}

impl Map {
    /// The inverse of `affine` after `pose`, from an output of `side` pixels to the part `fit` of a
    /// plane of `plane_side` pixels.
    ///
    /// # Panics
    /// If a side is 0 or above 105, if `pose` is above 7, or if the map reaches 128
    /// source pixels from the centre (no map drawn from a checked law does).
    #[must_use]
    pub fn new(affine: &Affine, pose: u8, fit: Fit, plane_side: usize, side: usize) -> Map {
        let mut map = Map {
            side,
            plane_side,
            columns: [[0; SIDE_MAX]; 2],
            rows: [[0; SIDE_MAX]; 2],
        };
        map.set(affine, pose, fit, plane_side, side);
        map
    }

    /// Makes this the map [`Map::new`] would give.
    ///
    /// # Panics
    /// As [`Map::new`].
    pub fn set(&mut self, affine: &Affine, pose: u8, fit: Fit, plane_side: usize, side: usize) {
        assert!(
            (1..=SIDE_MAX).contains(&side) && (1..=SIDE_MAX).contains(&plane_side),
            "no map from {side} to {plane_side} pixels"
        );
        assert!(pose < 8, "pose {pose}: a square has 8, from 0");
        self.side = side;
        self.plane_side = plane_side;

        let matrix = affine.inverse_matrix();
        let pitch = fit.scale * plane_side as f64 / side as f64;
        // The shift is told in pixels of a 105-pixel page, whatever the plane and the part.
        let page_pitch = plane_side as f64 / SIDE_MAX as f64;
        let shift_pitch = fit.scale * page_pitch;
        let [shift_x, shift_y] = affine.shift_pixels;
        for (axis, [by_u, by_v]) in matrix.into_iter().enumerate() {
            let shift = -(by_u * shift_x + by_v * shift_y) * shift_pitch;
            fill(&mut self.columns[axis][..side], by_u * pitch, 0.0);
            fill(&mut self.rows[axis][..side], by_v * pitch, shift);
        }
        for _ in 0..pose % 4 {
            self.turn();
        }
        if pose >= 4 {
            self.mirror();
        }
        // The part lies where it lies whatever the pose: it is the page that is turned.
        for (axis, centre) in fit.centre.into_iter().enumerate() {
            let steps = centre * page_pitch * f64::from(1u32 << FRACTION_BITS);
            let steps = steps.round() as i32; // away from 0, so that mirrors agree
            if steps != 0 {
                move_by(&mut self.rows[axis][..side], steps);
            }
        }
    }

    /// One more clockwise quarter turn of the page before everything else:
    /// Q⁻¹ takes (x, y) to (y, -x).
    fn turn(&mut self) {
        for tables in [&mut self.columns, &mut self.rows] {
            tables.swap(0, 1);
            for part in &mut tables[1] {
                *part = -*part;
            }
        }
    }

    /// The page mirrored, left for right, before everything else: (x, y) to (-x, y).
    fn mirror(&mut self) {
        for tables in [&mut self.columns, &mut self.rows] {
            for part in &mut tables[0] {
                *part = -*part;
            }
        }
    }

    /// Pixels along a side of the output.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Pixels along a side of the plane looked at.
    #[must_use]
    pub fn plane_side(&self) -> usize {
        self.plane_side
    }

    /// The columns' parts of x and of y, `side` of each, in 1/256 source pixel.
    #[must_use]
    pub fn columns(&self) -> [&[i16]; 2] {
        self.columns.each_ref().map(|parts| &parts[..self.side])
    }

    /// The rows' parts of x and of y, `side` of each, in 1/256 source pixel.
    #[must_use]
    pub fn rows(&self) -> [&[i16]; 2] {
        self.rows.each_ref().map(|parts| &parts[..self.side])
    }
}

/// Fills `parts[k]` with slope · (k - (n-1)/2) + shift, rounded half up.
fn fill(parts: &mut [i16], slope: f64, shift: f64) {
    // Everything is doubled once, so that half pixels are whole numbers.
    let unit = f64::from(1u32 << MATRIX_BITS);
    let slope = (slope * unit + 0.5).floor() as i64;
    let shift = (shift * 2.0 * unit + 0.5).floor() as i64;
    let drop = MATRIX_BITS + 1 - FRACTION_BITS;
    let half = 1i64 << (drop - 1);
    let first = 1 - parts.len() as i64;
    let at = |k: i64| (slope * (first + 2 * k) + shift + half) >> drop;
    check_ends([at(0), at(parts.len() as i64 - 1)]);
    let mut next = slope * first + shift + half;
    for part in parts {
        *part = (next >> drop) as i16;
        next += 2 * slope;
    }
}

/// Moves `parts`, of which there is one at least, by so many 1/256 source pixels.
fn move_by(parts: &mut [i16], steps: i32) {
    check_ends([parts[0], parts[parts.len() - 1]].map(|end| i64::from(end) + i64::from(steps)));
    for part in parts {
        *part = (i32::from(*part) + steps) as i16;
    }
}

/// Parts are monotonous: if both ends fit, all do. -32768 is left out, for its negative.
fn check_ends(ends: [i64; 2]) {
    for end in ends {
        assert!(
            end.abs() < 1 << 15,
            "map reaches {} pixels",
            end >> FRACTION_BITS
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distort::affine::AffineLaw;
    use crate::seed::{Purpose, Stream};

    #[test]
    fn places_are_within_the_stated_bound() {
        let bound = 1.0 / 256.0 + 1.0 / 16384.0;
        for index in 0..100 {
            let affine = AffineLaw::COMPACT.draw(&mut Stream::new(1, Purpose::Distort, index));
            for (plane_side, side) in [(105, 105), (64, 48), (64, 105), (105, 20)] {
                let map = Map::new(&affine, 0, Fit::WHOLE, plane_side, side);
                let matrix = affine.inverse_matrix();
                for (u, v) in [(0, 0), (side - 1, 0), (0, side - 1), (side / 2, side / 3)] {
                    let to_page = 105.0 / side as f64;
                    let from_centre = [
                        (u as f64 + 0.5) * to_page - 52.5 - affine.shift_pixels[0],
                        (v as f64 + 0.5) * to_page - 52.5 - affine.shift_pixels[1],
                    ];
                    for (axis, row) in matrix.into_iter().enumerate() {
                        let page = row[0] * from_centre[0] + row[1] * from_centre[1];
                        let want = page * plane_side as f64 / 105.0;
                        let got = f64::from(map.columns[axis][u]) + f64::from(map.rows[axis][v]);
                        assert!((got / 256.0 - want).abs() <= bound);
                    }
                }
            }
        }
    }

    #[test]
    fn four_quarter_turns_are_none() {
        let affine = AffineLaw::KOCH.draw(&mut Stream::new(1, Purpose::Distort, 3));
        let mut map = Map::new(&affine, 3, Fit::WHOLE, 105, 105);
        map.turn();
        assert_eq!(map, Map::new(&affine, 0, Fit::WHOLE, 105, 105));
    }

    /// The one pixel of the output looks at the centre, however far apart two would.
    #[test]
    fn what_is_no_pixel_may_lie_anywhere() {
        let small = Affine {
            scale: [0.5, 0.5],
            ..Affine::IDENTITY
        };
        let map = Map::new(&small, 0, Fit::WHOLE, 105, 1);
        assert_eq!((map.columns(), map.rows()), ([&[0][..]; 2], [&[0][..]; 2]));
    }

    #[test]
    #[should_panic(expected = "map reaches")]
    fn maps_that_reach_too_far_are_refused() {
        let far = Affine {
            scale: [0.3, 1.0],
            ..Affine::IDENTITY
        };
        let _ = Map::new(&far, 0, Fit::WHOLE, 105, 105);
    }
}
