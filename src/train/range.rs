//! Settings that are out of their range.

use std::fmt::Display;

/// A setting that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings' {field} is {value}; it must be {range}")]
pub struct RangeError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub range: &'static str,
}

impl RangeError {
    /// Refuses a setting unless it is `sound`.
    pub(super) fn unless(
        sound: bool,
        field: &'static str,
        value: impl Display,
        range: &'static str,
    ) -> Result<(), RangeError> {
        if sound {
            return Ok(());
        }
        Err(RangeError {
            field,
            value: value.to_string(),
            range,
        })
    }

    /// Refuses a share that is not from 0 to below 1.
    pub(super) fn unless_share(field: &'static str, value: f64) -> Result<(), RangeError> {
        let sound = (0.0..1.0).contains(&value);
        RangeError::unless(sound, field, value, "from 0 to below 1")
    }
}
