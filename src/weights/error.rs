//! Why no network has a shape, and why its file cannot be read or written.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use safetensors::SafeTensorError;
use thiserror::Error;

use crate::files::PublishError;

/// Why no network has a shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
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

/// Why a file of tensors cannot be loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The system refused to read it.
    #[error("{path}: cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not a safetensors file, or a damaged one.
    #[error("{path}: is not a sound safetensors file", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SafeTensorError,
    },
    /// Not one of ours, or of another shape than it says.
    #[error("{path}: is not a model of this program: {what}", path = path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        what: String,
    },
    /// It could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
}
