//! Stores of a few made-up drawings, for the unit tests of this room and of others.

use std::path::Path;

use super::{Store, StoreError, WriteOptions, write};
use crate::archive::Archive;
use crate::synthetic::{SyntheticOptions, synthesize, synthesize_runs};

/// One background alphabet and, if `evaluation`, one more, of so many characters by so many drawers; no runs.
pub(super) fn made_up(seed: u64, evaluation: bool, characters: u16, drawers: u16) -> Archive {
    let options = SyntheticOptions {
        seed,
        background: 1,
        evaluation: evaluation.into(),
        characters_per_alphabet: characters..=characters,
        drawers,
    };
    Archive {
        alphabets: synthesize(&options),
        runs: Vec::new(),
    }
}

/// Twenty characters in each half by two drawers, and runs.
pub fn small() -> Archive {
    let archive = made_up(3, true, 20, 2);
    let runs = synthesize_runs(&archive.alphabets, 3);
    Archive { runs, ..archive }
}

/// A store of one background alphabet, for the tests of other rooms.
pub fn one_alphabet(characters: u16, drawers: u16) -> Store {
    packed(&made_up(1, false, characters, drawers))
}

/// Packs an archive as `s.omni` of a folder, over what is there.
pub(super) fn pack_all(folder: &Path, archive: &Archive) -> Result<(), StoreError> {
    let options = WriteOptions {
        level: 1,
        overwrite: true,
        ..WriteOptions::default()
    };
    write(&folder.join("s.omni"), archive, options, |_| ()).map(drop)
}

/// A store in memory.
pub fn packed(archive: &Archive) -> Store {
    let folder = tempfile::tempdir().unwrap();
    pack_all(folder.path(), archive).unwrap();
    Store::read(&folder.path().join("s.omni")).unwrap()
}
