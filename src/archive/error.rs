//! What can be wrong with an input, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::Problem;

/// A problem with one input, and with which part of it.
#[derive(Debug)]
pub struct ArchiveError {
    /// The zip or folder that was being read.
    pub archive: PathBuf,
    /// The entry inside it, if the problem lies in one.
    pub entry: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl ArchiveError {
    pub(super) fn whole(archive: &Path, problem: impl Into<Problem>) -> ArchiveError {
        ArchiveError {
            archive: archive.to_owned(),
            entry: None,
            problem: problem.into(),
        }
    }

    pub(super) fn entry(archive: &Path, entry: &str, problem: impl Into<Problem>) -> ArchiveError {
        ArchiveError {
            entry: Some(entry.to_owned()),
            ..ArchiveError::whole(archive, problem)
        }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.archive.display())?;
        if let Some(entry) = &self.entry {
            write!(f, "{}: ", entry.escape_debug())?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.problem)
    }
}
