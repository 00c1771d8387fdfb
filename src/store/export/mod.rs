//! A store's drawings for other programs: PNG files in Omniglot's layout, or NumPy arrays.

mod error;
mod folder;
mod npz;
mod staging;

pub use error::ExportError;
pub use folder::{is_file_name, to_folder};
pub use npz::{pages_to_npz, rows_to_npz, to_npz};
pub use staging::{make_folder, write_folder, write_new, write_new_with};

use crate::archive::Split;
use crate::store::{RunEntry, Store};

/// What is exported, and whether over something that is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportOptions {
    /// One split alone, with the runs that draw on nothing else; all of the store if `None`.
    pub split: Option<Split>,
    /// Replace what an export of this kind wrote there before.
    pub overwrite: bool,
}

impl ExportOptions {
    fn takes(self, split: Split) -> bool {
        self.split.is_none_or(|only| only == split)
    }

    fn takes_run(self, store: &Store, run: &RunEntry) -> bool {
        let queries = run.queries.iter().map(|&(id, _)| id);
        run.support.iter().copied().chain(queries).all(|id| {
            let character = store.character(store.character_of(id));
            self.takes(store.alphabet(character.alphabet).split)
        })
    }
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Drawings, those of the runs left out.
    pub drawings: usize,
    /// One-shot runs.
    pub runs: usize,
}
