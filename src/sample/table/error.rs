//! What can be wrong with a table of pairs, and where.

use std::path::PathBuf;

use thiserror::Error;

use super::TABLE_VERSION;
use crate::archive::Split;
use crate::files::PublishError;
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
    /// The pairs cannot be shared out evenly.
    #[error(
        "{pairs} pairs do not part evenly over {alphabets} alphabets, half of each kind: say a \
         multiple of {}", 2 * alphabets
    )]
    Uneven {
        /// Pairs that were asked for.
        pairs: u32,
        /// Alphabets that they come from.
        alphabets: u32,
    },
    /// The store has too few alphabets.
    #[error("it takes {wanted} {split} alphabets, and the store has {got}; pack all of Omniglot")]
    Alphabets {
        /// The split that they come from.
        split: Split,
        /// Alphabets that it takes.
        wanted: usize,
        /// Alphabets that there are.
        got: usize,
    },
    /// An alphabet has too few drawings.
    #[error(
        "{alphabet}: has not two characters of which drawers {first} to {last} drew two or more \
         drawings; pack all drawers"
    )]
    TooFew {
        /// The alphabet's name.
        alphabet: String,
        /// The least drawer.
        first: u16,
        /// The greatest drawer.
        last: u16,
    },
}
