//! What can keep a store from being exported.

use std::path::PathBuf;

use thiserror::Error;

use crate::store::StoreError;

/// Why a store could not be exported; in every case nothing was left half written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store is damaged, or the system refused to write the file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name that cannot be a file's, or would lead out of the folder.
    #[error(
        "{store}: the name {name:?} cannot be a file's name (it leads out of the folder, is \
         hidden, or has a space in a run's name); export to an .npz file instead",
        store = store.display()
    )]
    UnsafeName {
        /// The store that holds the name.
        store: PathBuf,
        /// The name.
        name: String,
    },
    /// The folder holds something already.
    #[error(
        "{folder}: exists and is not empty; name another folder, or replace the exported \
         parts of it with --force", folder = folder.display()
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The system refused to write.
    #[error("{path}: cannot be written", path = path.display())]
    Write {
        /// The file or folder to be.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused to move a part to its place, and then to move the others back.
    #[error(
        "{folder}: could be replaced only in part; what was there before is in {kept}: move it \
         back, then remove that folder", folder = folder.display(), kept = kept.join("old").display()
    )]
    Stuck {
        /// The folder that was to be replaced.
        folder: PathBuf,
        /// The folder that holds the rest.
        kept: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A split or a run that is empty in this store.
    #[error("{store}: holds nothing to export for this split; see omni-pack info", store = store.display())]
    Nothing {
        /// The store.
        store: PathBuf,
    },
}
