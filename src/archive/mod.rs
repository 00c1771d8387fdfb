//! Reading drawings in: zips, folders, PNG files and made-up alphabets.
//!
//! Whatever the input, the result is an [`Archive`] in one canonical order. Only the digits of
//! MNIST, which are grey and no alphabet, stand beside it as [`Digits`].

mod drawing;
mod error;
mod idx;
mod picture;
mod read;
mod runs;
mod source;
mod synthetic;

pub use drawing::{Alphabet, BANDS, Character, Drawing, PAGE_BYTES, Page, SIDE, Split};
pub use error::{ArchiveError, Problem};
pub use idx::{Digits, IdxError, IdxProblem};
pub use picture::{page_from_png, page_to_png};
pub use read::{Archive, ReadOptions, read};
pub use runs::{Query, Run};
pub use synthetic::{SYNTHETIC_NAME, SyntheticOptions, synthesize, synthesize_runs};
