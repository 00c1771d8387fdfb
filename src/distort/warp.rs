//! The bilinear warp: a plane, looked at through a map, into the caller's slice.
//!
//! This file is the law; the vector forms (in `simd/`) must agree with it
//! to the last bit (tests hold them to it). For every pixel of the output,
//!
//! ```text
//! x = clamp(column's part + row's part + field's, -(P+1)/2, (P+1)/2)     1/256 pixel, from the centre
//! x += (P+1)/2                               now 0 is the border before the first pixel
//! i, f = x / 256, x mod 256                  y alike: j, g
//! n = (256-g) * ((256-f)*p[j][i]   + f*p[j][i+1])
//!   +      g  * ((256-f)*p[j+1][i] + f*p[j+1][i+1])                      0 to 255 * 65,536
//! ```
//!
//! A place outside the page is clamped onto the border of zeros, whence the
//! ground outside costs no branch. `n` is exact, below 2^24 and so exact as an `f32`;
//! the outputs are
//!
//! ```text
//! f32:  n / (255 * 65,536), correctly rounded         0.0 to 1.0
//! u8:   (n + 32,768) / 65,536, half up                0 to 255
//! ```
//!
//! On a page of ink and ground, n = 255·w and the `f32` is w/65,536 exactly.
//!
//! Bound: places are off by at most 2⁻⁸ + 2⁻¹⁴ pixel an axis ([`super::map`]),
//! weights are exact at the place, and between two pixels grey changes by at most
//! one per pixel: an `f32` is within 2·(2⁻⁸ + 2⁻¹⁴) + 2⁻²⁴ < 1/127 of exact
//! bilinear interpolation of the plane.

use std::fmt::Debug;

use super::elastic::Field;
use super::map::Map;
use super::plane::Plane;
use super::simd::Lanes;

/// An output pixel: `f32` from 0 to 1, or `u8` from 0 to 255; ink is high.
pub trait Pixel:
    Copy + Default + PartialEq + Debug + Into<f64> + Lanes + Send + Sync + 'static
{
    /// The pixel of full ink; that of the ground is the default, 0.
    const INK: Self;

    /// The pixel of the interpolated grey `n`, 0 to 255 · 65,536.
    fn from_sum(n: u32) -> Self;

    /// The pixel as bytes, little-endian.
    fn le_bytes(self) -> impl AsRef<[u8]>;
}

impl Pixel for f32 {
    const INK: f32 = 1.0;

    #[inline(always)]
    fn from_sum(n: u32) -> f32 {
        n as f32 / 16_711_680.0
    }

    fn le_bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Pixel for u8 {
    const INK: u8 = 255;

    #[inline(always)]
    fn from_sum(n: u32) -> u8 {
        ((n + 32_768) >> 16) as u8
    }

    fn le_bytes(self) -> impl AsRef<[u8]> {
        [self]
    }
}

/// Refuses slices and fields that do not belong to the map.
///
/// # Panics
/// If `plane_side`, the field or the slice does not have the map's size.
pub(super) fn check_sizes(map: &Map, plane_side: usize, field: Option<&Field>, pixels: usize) {
    assert_eq!(
        map.plane_side(),
        plane_side,
        "the map looks at another size of plane"
    );
    assert_eq!(
        map.side() * map.side(),
        pixels,
        "the slice is not side × side"
    );
    if let Some(field) = field {
        assert_eq!(map.side(), field.side(), "the field is for another size");
    }
}

/// Warps a plane into `out`, `side`² pixels row by row.
///
/// # Panics
/// If the plane, the field or the slice does not have the map's size.
pub fn warp<P: Pixel>(plane: &Plane, map: &Map, field: Option<&Field>, out: &mut [P]) {
    check_sizes(map, plane.side(), field, out.len());
    let side = map.side();
    // Half the plane and its border, in 1/256 pixel: (P+1)/2 · 256.
    let half = 128 * (plane.side() as i32 + 1);
    let [column_x, column_y] = map.columns();
    let [row_x, row_y] = map.rows();
    for (v, out) in out.chunks_exact_mut(side).enumerate() {
        let (row_x, row_y) = (i32::from(row_x[v]), i32::from(row_y[v]));
        for (u, pixel) in out.iter_mut().enumerate() {
            let mut x = i32::from(column_x[u]) + row_x;
            let mut y = i32::from(column_y[u]) + row_y;
            if let Some(field) = field {
                let [shift_x, shift_y] = field.shifts();
                x += i32::from(shift_x[v * side + u]);
                y += i32::from(shift_y[v * side + u]);
            }
            let x = (x.clamp(-half, half) + half) as usize;
            let y = (y.clamp(-half, half) + half) as usize;
            *pixel = P::from_sum(sample(plane, x, y));
        }
    }
}

/// The grey at a place in 1/256 pixel from the plane's border, times 65,536.
#[inline(always)]
fn sample(plane: &Plane, x: usize, y: usize) -> u32 {
    let (i, f) = (x >> 8, (x & 255) as u32);
    let (j, g) = (y >> 8, (y & 255) as u32);
    let across = |row: &[u8]| (256 - f) * u32::from(row[i]) + f * u32::from(row[i + 1]);
    (256 - g) * across(&plane.rows()[j]) + g * across(&plane.rows()[j + 1])
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::distort::Affine;
    use crate::distort::size::Fit;

    /// What reads without looking, in the vector form, leans on it.
    #[test]
    fn what_is_of_another_size_is_refused() {
        let map = Map::new(&Affine::IDENTITY, 0, Fit::WHOLE, 105, 48);
        let refused = |plane_side, field: Option<usize>, pixels| {
            let field = field.map(Field::still);
            catch_unwind(|| check_sizes(&map, plane_side, field.as_ref(), pixels)).is_err()
        };
        assert!(!refused(105, None, 48 * 48) && !refused(105, Some(48), 48 * 48));
        assert!(refused(104, None, 48 * 48));
        assert!(refused(105, None, 48 * 48 - 1) && refused(105, None, 48 * 48 + 1));
        assert!(refused(105, Some(47), 48 * 48) && refused(105, Some(49), 48 * 48));
    }
}
