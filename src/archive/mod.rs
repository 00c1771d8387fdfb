//! Reading drawings in: zips, folders, PNG files and made-up alphabets.
//!
//! Whatever the input, the result is an [`Archive`] in one canonical order.

mod drawing;
mod error;
mod picture;
mod read;
mod runs;
mod source;
mod synthetic;

pub use drawing::{Alphabet, BANDS, Character, Drawing, PAGE_BYTES, Page, SIDE, Split};
pub use error::{ArchiveError, Problem};
pub use picture::{page_from_png, page_to_png};
pub use read::{Archive, ReadOptions, read};
pub use runs::{Query, Run};
pub use synthetic::{SyntheticOptions, synthesize, synthesize_runs};
