//! What can be wrong with a table of pairs, and where.

use std::path::PathBuf;

use thiserror::Error;

use super::TABLE_VERSION;
use crate::files::PublishError;
use crate::sample::RecipeError;
use crate::store::StoreDigest;

/// Why a table could not be drawn, written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The system refused to read.
    #[error("{path}: cannot be read", path = path.display())]
    Read {
        /// The table.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused to write, or a file is there already.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Another kind of file.
    #[error("{path}: is not a table of pairs (it begins with other bytes)", path = path.display())]
    Magic {
        /// The file.
        path: PathBuf,
    },
    /// A table of another version of the format.
    #[error(
        "{path}: is a table of version {got}, and this program reads version {TABLE_VERSION}; \
         draw it again with omni-pack table", path = path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u32,
    },
    /// The file contradicts itself.
    #[error(
        "{path}: damaged at byte {offset}: {what}; draw it again with omni-pack table",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the contradiction shows, in bytes from the start.
        offset: usize,
        /// What is wrong there.
        what: String,
    },
    /// The table was drawn from another store.
    #[error(
        "{path}: was drawn from store {wanted}, not {got}; open that store, or draw the table \
         again with omni-pack table", path = path.display()
    )]
    OtherStore {
        /// The table.
        path: PathBuf,
        /// The store that it names.
        wanted: StoreDigest,
        /// The store that was to serve.
        got: StoreDigest,
    },
    /// It cannot be drawn.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}
