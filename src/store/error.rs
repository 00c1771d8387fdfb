//! What can be wrong with a store, and where.

use std::path::PathBuf;

use thiserror::Error;

use crate::files::PublishError;

/// Why a store could not be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused to read.
    #[error("{path}: cannot be read", path = path.display())]
    Read {
        /// The store.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It could not be written, or a file of that name is there already.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Another kind of file.
    #[error("{path}: is not an .omni store (it begins with other bytes)", path = path.display())]
    Magic {
        /// The file.
        path: PathBuf,
    },
    /// A store of another version of the format.
    #[error(
        "{path}: is a store of version {got}, and this program reads versions 1 to {expected}; \
         pack it again with omni-pack build", path = path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The last version this code reads.
        expected: u32,
        /// The version of the file.
        got: u32,
    },
    /// The file contradicts itself.
    #[error("{path}: damaged at byte {offset}: {what}; pack it again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the contradiction shows, in bytes from the start.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A character's block is not what was written.
    #[error(
        "{path}: damaged at byte {offset}, in the drawings of {alphabet}/{character}: {what}; \
         pack it again", path = path.display()
    )]
    DamagedCharacter {
        /// The file.
        path: PathBuf,
        /// Where the block begins, in bytes from the start.
        offset: u64,
        /// The alphabet's name.
        alphabet: String,
        /// The character's name.
        character: String,
        /// What is wrong with the block.
        what: String,
    },
    /// The drawings cannot be put into a store.
    #[error("cannot be packed: {0}")]
    Unpackable(String),
}
