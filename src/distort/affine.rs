//! Random affine maps: how they are drawn, and what they mean.
//!
//! Koch (2015), section 3.3, distorts a drawing by
//! T = (θ, ρx, ρy, sx, sy, tx, ty), each component applied with probability
//! 0.5. The paper leaves the order of composition open; here it is
//!
//! ```text
//! p' = R(θ) · H(ρx, ρy) · D(sx, sy) · p + t      R = [cos θ  -sin θ]   H = [1   ρx]
//!                                                    [sin θ   cos θ]       [ρy   1]
//! ```
//!
//! scale first, then shear, turn, and shift, about the centre of the page; x
//! runs to the right, y down, so a positive θ turns clockwise as one looks at it.
//!
//! Parameters are exact functions of integers from the stream, and everything
//! after them uses `+ - * /` and square root on `f64`, which IEEE 754 rounds the same everywhere;
//! sine and cosine are polynomials of our own, since libm's differ between
//! machines in the last place.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::DistortionError;
use crate::seed::Stream;

/// How affine maps are drawn: every component uniform in its range, and
/// replaced by "no effect" unless a coin of its own says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffineLaw {
    /// Probability that a component is applied, 0 to 1, for each of the seven.
    pub probability: f64,
    /// θ lies within ± this many degrees, 0 to 45.
    pub rotation_degrees: f64,
    /// ρx and ρy lie within ± this, 0 to below 1.
    pub shear: f64,
    /// sx and sy lie within 1 ± this, 0 to below 1.
    pub scale: f64,
    /// tx and ty lie within ± this many pixels of a 105-pixel page.
    pub shift_pixels: f64,
}

impl AffineLaw {
    /// Koch (2015), section 3.3.
    pub const KOCH: AffineLaw = AffineLaw {
        probability: 0.5,
        rotation_degrees: 10.0,
        shear: 0.3,
        scale: 0.2,
        shift_pixels: 2.0,
    };

    /// The wider law of the compact recipe: every component always applied, and
    /// shifts of up to 0.08 of the half-width (52.5 pixels).
    pub const COMPACT: AffineLaw = AffineLaw {
        probability: 1.0,
        rotation_degrees: 15.0,
        shear: 0.3,
        scale: 0.2,
        shift_pixels: 4.2,
    };

    /// The law that leaves every drawing as it is.
    pub const NONE: AffineLaw = AffineLaw {
        probability: 0.0,
        rotation_degrees: 0.0,
        shear: 0.0,
        scale: 0.0,
        shift_pixels: 0.0,
    };

    /// [`AffineLaw::NONE`], where settings name no law.
    pub(super) fn none() -> AffineLaw {
        AffineLaw::NONE
    }

    /// Refuses ranges that no map should be drawn from. A pixel of the page is `pitch` pixels of the
    /// plane that is looked at.
    ///
    /// # Errors
    /// Names the first field out of its range, or says that the ranges together
    /// reach too far: no map may send a page's corner row or column more than
    /// 127 source pixels from the centre, which is where [`super::map::Map`] ends.
    pub fn check(&self, pitch: f64) -> Result<(), DistortionError> {
        let ranges = [
            ("probability", self.probability, 0.0, 1.0),
            ("rotation_degrees", self.rotation_degrees, 0.0, 45.0),
            ("shear", self.shear, 0.0, 0.9),
            ("scale", self.scale, 0.0, 0.9),
            ("shift_pixels", self.shift_pixels, 0.0, 52.5),
        ];
        for (field, value, least, most) in ranges {
            DistortionError::check_range(field, value, least, most)?;
        }
        let reach = pitch * self.reach_pixels();
        if reach > 127.0 {
            return Err(DistortionError::Reach { pixels: reach });
        }
        Ok(())
    }

    /// The largest distance from the centre, in source pixels, that one row's or
    /// column's part of an inverse map can reach.
    ///
    /// A row of D⁻¹H⁻¹R⁻¹ is no longer than √(1+ρ²) / ((1-ρ²)(1-s)).
    fn reach_pixels(&self) -> f64 {
        let squared = self.shear * self.shear;
        let stretch = (1.0 + squared).sqrt() / ((1.0 - squared) * (1.0 - self.scale));
        stretch * (52.5 + self.shift_pixels * std::f64::consts::SQRT_2)
    }

    /// Draws a map: always 14 words, two for each of θ, ρx, ρy, sx, sy, tx, ty
    /// (the coin, then the value), so what follows in the stream does not
    /// depend on the outcome.
    pub fn draw(&self, stream: &mut Stream) -> Affine {
        let mut component = |range: f64| {
            let applied = super::happens(self.probability, stream.word());
            let value = range * stream.signed_unit();
            if applied { value } else { 0.0 }
        };
        let degrees = component(self.rotation_degrees);
        let shear = [component(self.shear), component(self.shear)];
        let scale = [1.0 + component(self.scale), 1.0 + component(self.scale)];
        let shift_pixels = [component(self.shift_pixels), component(self.shift_pixels)];
        Affine {
            degrees,
            shear,
            scale,
            shift_pixels,
        }
    }
}

/// One affine map of the page about its centre; see the file's header for the
/// order in which its parts act.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// θ in degrees, -45 to 45; positive turns clockwise.
    pub degrees: f64,
    /// ρx and ρy.
    pub shear: [f64; 2],
    /// sx and sy, above 0.
    pub scale: [f64; 2],
    /// tx (to the right) and ty (down) in pixels of a 105-pixel page.
    pub shift_pixels: [f64; 2],
}

impl Affine {
    /// The map that moves nothing.
    pub const IDENTITY: Affine = Affine {
        degrees: 0.0,
        shear: [0.0, 0.0],
        scale: [1.0, 1.0],
        shift_pixels: [0.0, 0.0],
    };

    /// The matrix of the inverse, D⁻¹ H⁻¹ R⁻¹, in rows: where the ink of a
    /// distorted pixel comes from, both measured from the centre, after the
    /// shift has been taken off.
    ///
    /// # Panics
    /// If the map has no inverse (ρx·ρy = 1 or a scale of 0), or turns by more than 45°.
    #[must_use]
    pub fn inverse_matrix(&self) -> [[f64; 2]; 2] {
        let (sin, cos) = sin_cos(self.degrees);
        let [rho_x, rho_y] = self.shear;
        let determinant = 1.0 - rho_x * rho_y;
        let unscale = [
            1.0 / (determinant * self.scale[0]),
            1.0 / (determinant * self.scale[1]),
        ];
        assert!(
            unscale[0].is_finite() && unscale[1].is_finite(),
            "{self:?} has no inverse"
        );
        [
            [
                unscale[0] * (cos + rho_x * sin),
                unscale[0] * (sin - rho_x * cos),
            ],
            [
                unscale[1] * (-rho_y * cos - sin),
                unscale[1] * (cos - rho_y * sin),
            ],
        ]
    }
}

/// Sine and cosine of an angle of at most 45°, to within 1e-15.
///
/// Taylor's series to x¹⁵ and x¹⁶ by Horner's rule: at π/4 the first terms left
/// out are 5e-17 and 2e-18. No fused multiply-add, no libm: the same bits everywhere.
///
/// # Panics
/// If the angle is larger.
#[must_use]
pub fn sin_cos(degrees: f64) -> (f64, f64) {
    assert!(degrees.abs() <= 45.0, "{degrees} degrees is beyond 45");
    let x = degrees * (PI / 180.0);
    let z = x * x;
    // 1/(2k·(2k+1)) and 1/((2k-1)·2k): each bracket is one more pair of factorial factors.
    let mut sin = 1.0;
    let mut cos = 1.0;
    for k in (1..=8u32).rev() {
        let twice = f64::from(2 * k);
        if k < 8 {
            sin = 1.0 - z * sin / (twice * (twice + 1.0));
        }
        cos = 1.0 - z * cos / ((twice - 1.0) * twice);
    }
    (x * sin, cos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Purpose;

    #[test]
    fn sine_and_cosine_are_those_of_the_library() {
        for step in -4500..=4500 {
            let degrees = f64::from(step) / 100.0;
            let (sin, cos) = sin_cos(degrees);
            let (want_sin, want_cos) = degrees.to_radians().sin_cos();
            assert!((sin - want_sin).abs() < 1e-15, "sin {degrees}");
            assert!((cos - want_cos).abs() < 1e-15, "cos {degrees}");
        }
    }

    fn components(affine: &Affine) -> [f64; 7] {
        [
            affine.degrees,
            affine.shear[0],
            affine.shear[1],
            affine.scale[0] - 1.0,
            affine.scale[1] - 1.0,
            affine.shift_pixels[0],
            affine.shift_pixels[1],
        ]
    }

    #[test]
    fn koch_applies_each_component_half_the_time_and_in_its_range() {
        let most = [10.0, 0.3, 0.3, 0.2 + 1e-15, 0.2 + 1e-15, 2.0, 2.0];
        let mut applied = [0u32; 7];
        let mut extreme = [0f64; 7];
        for index in 0..20_000 {
            let affine = AffineLaw::KOCH.draw(&mut Stream::new(5, Purpose::Distort, index));
            for (k, value) in components(&affine).into_iter().enumerate() {
                applied[k] += u32::from(value != 0.0);
                extreme[k] = extreme[k].max(value.abs());
            }
        }
        for k in 0..7 {
            // Five standard deviations of a fair coin are 354.
            assert!(
                applied[k].abs_diff(10_000) < 354,
                "component {k}: {applied:?}"
            );
            assert!(
                extreme[k] <= most[k] && extreme[k] > 0.99 * most[k],
                "component {k}"
            );
        }
    }

    #[test]
    fn compact_applies_all_and_none_applies_nothing() {
        for index in 0..500 {
            let stream = &mut Stream::new(5, Purpose::Distort, index);
            let affine = AffineLaw::COMPACT.draw(stream);
            assert!(components(&affine).iter().all(|value| *value != 0.0));
            assert_eq!(AffineLaw::NONE.draw(stream), Affine::IDENTITY);
        }
    }

    #[test]
    fn draws_take_fourteen_words_whatever_they_say() {
        for law in [AffineLaw::KOCH, AffineLaw::COMPACT, AffineLaw::NONE] {
            let mut stream = Stream::new(9, Purpose::Distort, 4);
            let mut words = stream.clone();
            law.draw(&mut stream);
            for _ in 0..14 {
                words.word();
            }
            assert_eq!(stream.word(), words.word());
        }
    }

    #[test]
    fn the_inverse_undoes_the_map() {
        for index in 0..200 {
            let affine = AffineLaw::COMPACT.draw(&mut Stream::new(6, Purpose::Distort, index));
            let (sin, cos) = affine.degrees.to_radians().sin_cos();
            let inverse = affine.inverse_matrix();
            for point in [[1.0, 0.0], [0.0, 1.0]] {
                let scaled = [point[0] * affine.scale[0], point[1] * affine.scale[1]];
                let sheared = [
                    scaled[0] + affine.shear[0] * scaled[1],
                    scaled[1] + affine.shear[1] * scaled[0],
                ];
                let turned = [
                    cos * sheared[0] - sin * sheared[1],
                    sin * sheared[0] + cos * sheared[1],
                ];
                for (row, want) in inverse.iter().zip(point) {
                    let got = row[0] * turned[0] + row[1] * turned[1];
                    assert!((got - want).abs() < 1e-14);
                }
            }
        }
    }

    #[test]
    fn laws_out_of_range_are_refused() {
        assert_eq!(AffineLaw::KOCH.check(1.0), Ok(()));
        assert_eq!(AffineLaw::COMPACT.check(1.0), Ok(()));
        assert_eq!(AffineLaw::NONE.check(1.0), Ok(()));
        let koch = AffineLaw::KOCH;
        for law in [
            AffineLaw {
                probability: 1.1,
                ..koch
            },
            AffineLaw {
                rotation_degrees: -1.0,
                ..koch
            },
            AffineLaw {
                shear: f64::NAN,
                ..koch
            },
            AffineLaw {
                scale: 0.95,
                ..koch
            },
            AffineLaw {
                shift_pixels: 60.0,
                ..koch
            },
            AffineLaw { scale: 0.6, ..koch },
        ] {
            assert!(law.check(1.0).is_err(), "{law:?}");
        }
    }
}
