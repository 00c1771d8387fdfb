//! Reading drawings in: zips, folders, PNG files and made-up alphabets.

mod drawing;
mod runs;
mod synthetic;

pub use drawing::{Alphabet, BANDS, Character, Drawing, PAGE_BYTES, Page, SIDE, Split};
pub use runs::{Query, Run};
pub use synthetic::{SyntheticOptions, synthesize, synthesize_runs};
