//! Reading drawings in: zips, folders, PNG files and made-up alphabets.

mod drawing;

pub use drawing::{Alphabet, BANDS, Character, Drawing, PAGE_BYTES, Page, SIDE, Split};
