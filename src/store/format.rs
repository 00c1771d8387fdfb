//! Where each field of the format lies.
#![doc = include_str!("FORMAT.md")]

use sha2::{Digest, Sha256};

use crate::archive::ScanOptions;
use crate::image::{AREA, PAGE_BYTES};

/// First bytes of every store; the line ends show a transfer in text mode.
pub(super) const MAGIC: [u8; 8] = *b"\x89OMNI\r\n\x1a";
/// Version of the format that stores of pages have.
pub const FORMAT_VERSION: u32 = 1;
/// Version of the format that stores of pages in shades have.
pub const GREY_VERSION: u32 = 2;

// Offsets, each from the one before.
pub(super) const AT_VERSION: usize = MAGIC.len();
pub(super) const AT_WIDTH: usize = AT_VERSION + 4;
pub(super) const AT_HEIGHT: usize = AT_WIDTH + 2;
pub(super) const AT_FILE_LEN: usize = AT_HEIGHT + 2;
pub(super) const AT_FRONT_LEN: usize = AT_FILE_LEN + 8;
pub(super) const AT_COUNTS: usize = AT_FRONT_LEN + 4;
pub(super) const AT_PICTURES: usize = AT_COUNTS + 7 * 4;
pub(super) const AT_ZERO: usize = AT_PICTURES + 1;
pub(super) const AT_DIGEST: usize = AT_ZERO + 7;
pub(super) const HEADER_LEN: usize = AT_DIGEST + DIGEST_LEN;
const _: () = assert!(AT_DIGEST == 64 && HEADER_LEN == 96);

/// Bytes of a SHA-256.
pub(super) const DIGEST_LEN: usize = 32;
pub(super) const ALPHABET_LEN: u64 = 8;
pub(super) const CHARACTER_LEN: u64 = 16;
pub(super) const RANGE_LEN: u64 = 4;
pub(super) const RUN_LEN: u64 = 4;
pub(super) const SUPPORT_LEN: u64 = 4;
pub(super) const QUERY_LEN: u64 = 8;

/// The most drawings a character may have: decoding one takes at most 6 MB, in shades 51 MB.
pub const MAX_DRAWINGS: usize = 4096;

/// The seven counts of the header, in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub alphabets: u32,
    pub characters: u32,
    pub drawings: u32,
    pub ranges: u32,
    pub runs: u32,
    pub supports: u32,
    pub queries: u32,
}

impl Counts {
    pub fn to_array(self) -> [u32; 7] {
        [
            self.alphabets,
            self.characters,
            self.drawings,
            self.ranges,
            self.runs,
            self.supports,
            self.queries,
        ]
    }

    pub fn from_array(counts: [u32; 7]) -> Counts {
        let [
            alphabets,
            characters,
            drawings,
            ranges,
            runs,
            supports,
            queries,
        ] = counts;
        Counts {
            alphabets,
            characters,
            drawings,
            ranges,
            runs,
            supports,
            queries,
        }
    }

    /// Names in the table of names.
    pub fn names(self) -> u64 {
        u64::from(self.alphabets) + u64::from(self.characters) + u64::from(self.runs)
    }

    /// Bytes of the header and the tables before the names: below 2^38, so it cannot overflow.
    pub fn before_names(self) -> u64 {
        HEADER_LEN as u64
            + u64::from(self.alphabets) * ALPHABET_LEN
            + u64::from(self.characters) * CHARACTER_LEN
            + u64::from(self.ranges) * RANGE_LEN
            + u64::from(self.runs) * RUN_LEN
            + u64::from(self.supports) * SUPPORT_LEN
            + u64::from(self.queries) * QUERY_LEN
    }
}

/// The header's checksum: over the front without the checksum itself.
pub(super) fn front_digest(front: &[u8]) -> [u8; DIGEST_LEN] {
    let mut sha = Sha256::new();
    sha.update(&front[..AT_DIGEST]);
    sha.update(&front[HEADER_LEN..]);
    sha.finalize().into()
}

/// Bits of the byte that says how pictures were made into pages.
const FROM_PICTURES: u8 = 1;
const CUT: u8 = 2;
const GREY: u8 = 4;

/// The byte that says how pictures were made into pages; 0 where drawings were none.
pub(super) fn pictures_to_byte(pictures: Option<ScanOptions>) -> u8 {
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    pictures.map_or(0, |ScanOptions { cut, grey }| {
        FROM_PICTURES | bit(cut, CUT) | bit(grey, GREY)
    })
}

/// What such a byte stands for; none if it stands for nothing.
pub(super) fn pictures_from_byte(byte: u8) -> Option<Option<ScanOptions>> {
    let options = ScanOptions {
        cut: byte & CUT != 0,
        grey: byte & GREY != 0,
    };
    let pictures = (byte & FROM_PICTURES != 0).then_some(options);
    (pictures_to_byte(pictures) == byte).then_some(pictures)
}

/// Bytes of a drawing in a block.
pub(super) fn drawing_len(grey: bool) -> usize {
    PAGE_BYTES + if grey { AREA } else { 0 }
}

/// A name may be stored if it has 1 to 255 bytes and no control characters.
pub(super) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && !name.chars().any(char::is_control)
}
