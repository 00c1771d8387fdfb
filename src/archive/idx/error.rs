//! What can be wrong with MNIST's files, and at which byte.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A problem with one file of a set of digits.
#[derive(Debug)]
pub struct IdxError {
    /// The file or the folder.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: IdxProblem,
}

impl IdxError {
    pub(super) fn new(file: &Path, problem: IdxProblem) -> IdxError {
        IdxError {
            file: file.to_owned(),
            problem,
        }
    }
}

impl fmt::Display for IdxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.problem)
    }
}

impl std::error::Error for IdxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.problem)
    }
}

/// What is wrong with a file of digits. Offsets are those of the unpacked bytes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdxProblem {
    /// The system refused; check that the path exists and can be read.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    /// A folder without the test set.
    #[error(
        "holds no {name} (nor that name with .gz, or with a dot for its second hyphen); put MNIST's test set there"
    )]
    Missing {
        /// The first of the names that were looked for.
        name: &'static str,
    },
    /// A pipe, a folder or the like.
    #[error("is not a file; give one with MNIST's test set")]
    NotAFile,
    /// The gzip stream is damaged or cut short.
    #[error("cannot be unpacked after byte {offset}; download it again")]
    Gzip {
        /// Bytes that could be unpacked.
        offset: u64,
        /// What is wrong with the stream.
        source: io::Error,
    },
    /// Not an IDX file of this kind.
    #[error(
        "begins with {got:#010x} at byte 0, and an IDX file of {what} with {expected:#010x}; \
         give MNIST's file of {what} here"
    )]
    Magic {
        /// What the file should hold.
        what: &'static str,
        /// What it should begin with.
        expected: u32,
        /// What it begins with.
        got: u32,
    },
    /// A header that claims more images than are read.
    #[error(
        "says at byte 4 that it holds {claimed} images, and at most {limit} are read; \
         this is not a set of digits, or a part of it must do"
    )]
    TooMany {
        /// The images that it says it holds.
        claimed: u32,
        /// The most that are read.
        limit: u32,
    },
    /// Images that are higher than wide, or wider than high.
    #[error("has images of {rows} x {columns} pixels (bytes 8 to 15); they must be square")]
    NotSquare {
        /// Their height.
        rows: u32,
        /// Their width.
        columns: u32,
    },
    /// Images without pixels, or larger than a page.
    #[error("has images {side} pixels wide (bytes 8 to 15); they must have 1 to 105")]
    Side {
        /// Their width and height.
        side: u32,
    },
    /// A header that claims more than is read of any file.
    #[error(
        "says at byte 4 that it holds {claimed} bytes, and at most {limit} are read; \
         this is not a set of digits"
    )]
    TooLarge {
        /// The bytes that it says it holds.
        claimed: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The file ends before its header says.
    #[error("ends at byte {offset}, and {expected} bytes are due; download it again")]
    Short {
        /// Where it ends.
        offset: u64,
        /// How long it should be.
        expected: u64,
    },
    /// The file goes on where its header says that it ends.
    #[error("goes on at byte {offset}, where its header says that it ends; download it again")]
    Tail {
        /// Where it should end.
        offset: u64,
    },
    /// A label that is no digit.
    #[error("says {label} at byte {offset}; labels are digits, 0 to 9")]
    Label {
        /// Where it stands.
        offset: u64,
        /// The label.
        label: u8,
    },
    /// Images and labels that do not belong together.
    #[error("holds {labels} labels, and {images_file} {images} images; give two files of one set",
        images_file = images_file.display())]
    Counts {
        /// The file of images.
        images_file: PathBuf,
        /// How many images it holds.
        images: usize,
        /// How many labels there are.
        labels: usize,
    },
}
