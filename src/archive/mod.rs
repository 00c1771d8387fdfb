//! Reading drawings in: zips, folders, PNG files and made-up alphabets.
//!
//! Whatever the input, the result is an [`Archive`] in one canonical order. Only the digits of
//! MNIST, which are grey and no alphabet, stand beside it as [`Digits`].

mod drawing;
mod error;
mod groups;
mod idx;
mod picture;
mod read;
mod runs;
mod scan;
mod source;
mod synthetic;

pub use drawing::{
    AREA, Alphabet, BANDS, Character, Drawing, Drawn, PAGE_BYTES, Page, Picture, SIDE, Shades,
    Split,
};
pub use error::{ArchiveError, Problem};
pub use groups::{Class, GroupOptions, Groups, read_classes, read_groups, read_picture};
pub use idx::{Digits, IdxError, IdxProblem};
pub use picture::{page_from_png, page_to_png, picture_to_png};
pub use read::{Archive, ReadOptions, read};
pub use runs::{Query, Run};
pub use scan::{ScanOptions, Scanned, scan};
pub use synthetic::{SYNTHETIC_NAME, SyntheticOptions, synthesize, synthesize_runs};
