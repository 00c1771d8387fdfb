//! The header of a store, proved against the file's length, and how fields are read.

use super::format::{self, Counts};
use crate::archive::ScanOptions;
use crate::image::SIDE;

/// What the header says.
pub(super) struct Header {
    pub grey: bool,
    pub pictures: Option<ScanOptions>,
    pub counts: Counts,
    pub front_len: usize,
}

/// What is wrong with a front.
#[derive(Debug)]
pub(super) enum FormatError {
    Magic,
    Version(u32),
    Damaged { offset: usize, what: String },
}

pub(super) type Parsed<T> = Result<T, FormatError>;

pub(super) fn damaged<T>(offset: usize, what: impl Into<String>) -> Parsed<T> {
    Err(FormatError::Damaged {
        offset,
        what: what.into(),
    })
}

/// Reads fields one after another; the caller has proved that they are there.
pub(super) struct Fields<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Fields<'a> {
    pub fn take<const N: usize>(&mut self) -> [u8; N] {
        let field = self.bytes[self.at..self.at + N].try_into();
        self.at += N;
        field.expect("the slice has N bytes")
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub fn zeros(&mut self, count: usize) -> Parsed<()> {
        let at = self.at;
        self.at += count;
        if self.bytes[at..self.at].iter().any(|&byte| byte != 0) {
            return damaged(at, "bytes that must be zero are not");
        }
        Ok(())
    }
}

/// Proves the header against the file's length; gives the counts and the front's length.
pub(super) fn header(bytes: &[u8]) -> Parsed<Header> {
    let shortest = format::HEADER_LEN + format::DIGEST_LEN;
    let begins = bytes.len().min(format::MAGIC.len());
    if begins == 0 || bytes[..begins] != format::MAGIC[..begins] {
        return Err(FormatError::Magic);
    }
    if bytes.len() < shortest {
        let got = bytes.len();
        return damaged(
            got,
            format!("the file ends here, inside the header ({shortest} bytes)"),
        );
    }
    let mut fields = Fields {
        bytes,
        at: format::AT_VERSION,
    };
    let version = fields.u32();
    let grey = match version {
        format::FORMAT_VERSION => false,
        format::GREY_VERSION => true,
        _ => return Err(FormatError::Version(version)),
    };
    let (width, height) = (fields.u16(), fields.u16());
    if (usize::from(width), usize::from(height)) != (SIDE, SIDE) {
        return damaged(
            format::AT_WIDTH,
            format!("pages of {width} x {height}, not 105 x 105"),
        );
    }
    let file_len = u64::from_le_bytes(fields.take());
    if file_len != bytes.len() as u64 {
        let got = bytes.len();
        return damaged(
            got,
            format!("the file has {got} bytes, its header says {file_len}"),
        );
    }
    let front_len = fields.u32() as usize;
    let mut counts = [0; 7];
    counts.fill_with(|| fields.u32());
    let counts = Counts::from_array(counts);
    let [byte] = fields.take();
    let pictures = format::pictures_from_byte(byte)
        .filter(|pictures| pictures.is_none_or(|pictures| pictures.grey == grey));
    let Some(pictures) = pictures else {
        return damaged(
            format::AT_PICTURES,
            format!("{byte} does not say how pictures were made into pages"),
        );
    };
    fields.zeros(7)?;
    let least = counts.before_names() + 2 * counts.names();
    if front_len > bytes.len() - format::DIGEST_LEN || least > front_len as u64 {
        return damaged(
            format::AT_FRONT_LEN,
            "the header's counts do not fit the file's length",
        );
    }
    Ok(Header {
        grey,
        pictures,
        counts,
        front_len,
    })
}
