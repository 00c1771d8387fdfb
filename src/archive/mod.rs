//! Reading drawings in: zips, folders, PNG files and made-up alphabets.
//!
//! Whatever the input, the result is an [`Archive`] in one canonical order. Only the digits of
//! MNIST, which are grey and no alphabet, stand beside it as [`Digits`].
#![doc = include_str!("README.md")]

mod drawing;
mod error;
mod gather;
mod groups;
mod idx;
mod layout;
mod listing;
mod magic;
mod names;
mod parts;
mod picture;
mod pictures;
mod problem;
mod read;
mod runs;
mod scan;
mod source;

pub use drawing::{Alphabet, Character, Drawing, Split};
pub use error::ArchiveError;
pub use groups::{Class, GroupOptions, Groups, read_classes, read_groups, read_picture};
pub use idx::{Digits, IdxError, IdxProblem};
pub(crate) use names::is_left_behind;
pub use picture::{drawn_to_png, page_from_png, page_to_png, picture_to_png};
pub use pictures::PictureFiles;
pub use problem::Problem;
pub use read::{Archive, ReadOptions, Reading, read, read_inputs};
pub use runs::{Query, Run};
pub use scan::{ScanOptions, Scanned, scan};
