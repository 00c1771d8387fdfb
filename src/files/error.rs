//! Why a file could not be written.

use std::path::PathBuf;

use thiserror::Error;

/// Why a file was not published, or may not last.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The system refused to write; nothing was published, an old file is as it was.
    #[error("{path}: cannot be written; nothing was changed", path = path.display())]
    Write {
        /// The file to be.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there, whole; whether it outlasts a power cut, the system would not say.
    #[error(
        "{path}: was written, but its folder could not be synced: after a power cut the old \
         file may be there", path = path.display()
    )]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of that name is there already.
    #[error("{path}: exists already; remove it or use --force", path = path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
}
