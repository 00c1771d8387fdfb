//! Changes of stroke width, on the plane, before the warp.
//!
//! Both look at the 3 × 3 neighbourhood of a pixel (ground outside the page):
//! *soften* takes its mean times 2.2, at most 255, which blurs the edge of a
//! stroke and keeps its core; *thicken* takes its maximum, which makes a stroke
//! two pixels wider. Integers only; about 3 byte operations a pixel and direction.

use super::plane::{Plane, STRIDE};

/// Replaces each pixel by min(255, 2.2 · mean of its 3 × 3 neighbours), rounded half up.
///
/// `result` becomes the softened plane.
///
/// # Panics
/// If the planes differ in side.
#[inline(always)]
pub fn soften(plane: &Plane, result: &mut Plane) {
    filter(plane, result, |rows, out| {
        let mut down = [0u16; STRIDE];
        for (x, sum) in down.iter_mut().enumerate() {
            *sum = u16::from(rows[0][x]) + u16::from(rows[1][x]) + u16::from(rows[2][x]);
        }
        let [left, middle, right] = [0, 1, 2].map(|k| &down[k..][..out.len()]);
        for (x, out) in out.iter_mut().enumerate() {
            // 2.2/9 = 11/45, an odd divisor: half of it, 22, rounds and never ties.
            let sum = left[x] + middle[x] + right[x];
            *out = ((11 * sum + 22) / 45).min(255) as u8;
        }
    });
}

/// Replaces each pixel by the maximum of its 3 × 3 neighbours.
///
/// `result` becomes the thickened plane.
///
/// # Panics
/// If the planes differ in side.
#[inline(always)]
pub fn thicken(plane: &Plane, result: &mut Plane) {
    filter(plane, result, |rows, out| {
        let mut down = [0u8; STRIDE];
        for (x, most) in down.iter_mut().enumerate() {
            *most = rows[0][x].max(rows[1][x]).max(rows[2][x]);
        }
        let [left, middle, right] = [0, 1, 2].map(|k| &down[k..][..out.len()]);
        for (x, out) in out.iter_mut().enumerate() {
            *out = left[x].max(middle[x]).max(right[x]);
        }
    });
}

/// Gives `one_row` three rows with their border, and the `side` pixels to make of the middle one.
#[inline(always)]
fn filter(plane: &Plane, result: &mut Plane, one_row: impl Fn([&[u8; STRIDE]; 3], &mut [u8])) {
    assert_eq!(plane.side(), result.side(), "planes of two sizes");
    for y in 0..plane.side() {
        // Row y of the picture is row y + 1 of the plane, so its neighbours are y to y + 2.
        let rows = [0, 1, 2].map(|k| &plane.rows()[y + k]);
        one_row(rows, result.row_mut(y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane_with(side: usize, ink: &[(usize, usize, u8)]) -> Plane {
        let mut plane = Plane::blank(side);
        for &(x, y, grey) in ink {
            plane.row_mut(y)[x] = grey;
        }
        plane
    }

    #[test]
    fn each_pixel_is_what_its_neighbours_say() {
        let side = 64;
        let mut plane = Plane::blank(side);
        let mut word = 1u32;
        for y in 0..side {
            for grey in plane.row_mut(y) {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *grey = if word >> 30 == 0 {
                    (word >> 16) as u8
                } else {
                    0
                };
            }
        }
        let mut soft = Plane::blank(side);
        let mut thick = Plane::blank(side);
        soften(&plane, &mut soft);
        thicken(&plane, &mut thick);
        for y in 0..side {
            for x in 0..side {
                let mut sum = 0f64;
                let mut most = 0;
                for (i, j) in (0..9).map(|k| (x + k % 3, y + k / 3)) {
                    if (1..=side).contains(&i) && (1..=side).contains(&j) {
                        let grey = plane.pixel(i - 1, j - 1);
                        sum += f64::from(grey);
                        most = most.max(grey);
                    }
                }
                let mean = (sum / 9.0 * 2.2).min(255.0);
                assert_eq!(soft.pixel(x, y), (mean + 0.5).floor() as u8, "({x}, {y})");
                assert_eq!(thick.pixel(x, y), most, "({x}, {y})");
            }
        }
    }

    #[test]
    fn borders_stay_empty() {
        let plane = plane_with(64, &[(0, 0, 255), (63, 63, 255)]);
        let mut thick = Plane::blank(64);
        thicken(&plane, &mut thick);
        let want = plane_with(
            64,
            &[
                (0, 0, 255),
                (1, 0, 255),
                (0, 1, 255),
                (1, 1, 255),
                (62, 62, 255),
                (63, 62, 255),
                (62, 63, 255),
                (63, 63, 255),
            ],
        );
        assert_eq!(thick, want);
    }

    #[test]
    fn blank_stays_blank() {
        let blank = Plane::blank(105);
        let mut result = Plane::blank(105);
        soften(&blank, &mut result);
        assert_eq!(result, blank);
        thicken(&blank, &mut result);
        assert_eq!(result, blank);
    }
}
