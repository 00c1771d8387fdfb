//! Why no network has a shape.

use std::fmt::Display;

/// Why no network has a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network's {field} is {value}; it must be {range}")]
pub struct ShapeError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub range: &'static str,
}

impl ShapeError {
    /// Refuses a field unless it is `sound`.
    pub(super) fn unless(
        sound: bool,
        field: &'static str,
        value: impl Display,
        range: &'static str,
    ) -> Result<(), ShapeError> {
        if sound {
            return Ok(());
        }
        Err(ShapeError {
            field,
            value: value.to_string(),
            range,
        })
    }
}
