//! Why a study cannot be begun or gone on with.

use std::io;
use std::path::{Path, PathBuf};

use super::journal::JournalError;
use super::space::SpaceError;
use crate::train::{PresetError, TrainError};

/// Why a study cannot be begun or gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// The space is none.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The preset is none, or has no such settings as the space names.
    #[error("the preset with the space's settings")]
    Preset(#[from] PresetError),
    /// No values of the space were found that the preset takes.
    #[error(
        "{tries} draws from the space gave nothing that the preset takes; the last was refused, \
         for the reason below; narrow the space"
    )]
    NothingFits {
        /// How often it was drawn from.
        tries: u32,
        /// Why the last was refused.
        source: PresetError,
    },
    /// The preset holds no alphabets out, so that no trial could be judged.
    #[error("the preset holds no alphabets out; use --validation-alphabets 3, or another number")]
    NothingHeldOut,
    /// The store does not have what the preset holds out.
    #[error(transparent)]
    HeldOut(TrainError),
    /// The space searches what scores are taken of.
    #[error(
        "the space searches {0}: trials would be scored on other tasks, and could not be held side \
         by side; take it out, and set it with --set"
    )]
    Searched(String),
    /// The journal is damaged, or another version's.
    #[error("{path}", path = path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        source: JournalError,
    },
    /// The folder holds another study.
    #[error(
        "{path}: another study is in this folder: {what}; use the same, or another folder",
        path = path.display()
    )]
    Other {
        /// The folder.
        path: PathBuf,
        /// What is not the same.
        what: String,
    },
    /// The journal is empty, though a study was begun.
    #[error("{path}: the journal has gone; was it removed?", path = .0.display())]
    Empty(PathBuf),
    /// A trial that has not begun is being worked on.
    #[error("{path}: is locked, though its trial has not begun; was the journal changed?", path = .0.display())]
    Held(PathBuf),
    /// The system refused to read or write.
    #[error("{path}: cannot be read or written", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A trial's training failed, for another reason than its settings.
    #[error("trial {trial}")]
    Train {
        /// The trial.
        trial: u64,
        /// What failed.
        source: TrainError,
    },
}

impl TuneError {
    /// The system's refusal, with the file.
    pub(super) fn write(path: &Path, source: io::Error) -> TuneError {
        TuneError::Write {
            path: path.to_owned(),
            source,
        }
    }
}
