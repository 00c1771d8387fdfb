//! What can be wrong with a law of distortion.

/// What is wrong with a law of distortion, or with the size of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DistortionError {
    /// A field is outside its range.
    #[error("distortion: {field} is {value}; it must lie from {least} to {most}")]
    Range {
        /// The field's name.
        field: &'static str,
        /// What it holds.
        value: f64,
        /// The least it may hold.
        least: f64,
        /// The most it may hold.
        most: f64,
    },
    /// Rotation, shear, scale and shift are each in range, and too much together.
    #[error(
        "distortion: shear, scale and shift together reach {pixels:.1} pixels from the centre; \
         lower one of them until it is at most 127"
    )]
    Reach {
        /// How far an inverse map may look, in pixels.
        pixels: f64,
    },
    /// The environment names no instructions ([`Instructions`](super::Instructions)).
    #[error(
        "the environment's OMNISHOT_INSTRUCTIONS must be scalar, avx2 or avx512; unset it for the best"
    )]
    Instructions,
}

impl DistortionError {
    /// An error for a value that is not within `least` and `most` (or not a number).
    pub(super) fn check_range(
        field: &'static str,
        value: f64,
        least: f64,
        most: f64,
    ) -> Result<(), DistortionError> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(DistortionError::Range {
            field,
            value,
            least,
            most,
        })
    }
}
