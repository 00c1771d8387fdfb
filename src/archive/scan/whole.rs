//! Is the file whole, and is it one picture? Asked before decoding, since decoders are lenient.

use super::bits::{CUT, Flaw};
use super::format::Format;
use super::jpeg;
use crate::archive::problem::Problem;

const LOOP: Flaw = "its list of pictures leads nowhere";
/// The most pictures of a TIFF file that are looked at.
const MOST_DIRECTORIES: usize = 64;

/// What a file says of itself beside its pixels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// Of a PNG file, which may have it behind the pixels.
    pub exif: Option<Vec<u8>>,
}

/// Walks the file's own structure to its end.
///
/// # Errors
/// If the file breaks off, or holds several pictures.
pub(super) fn check(format: Format, bytes: &[u8]) -> Result<Notes, Problem> {
    let mut notes = Notes::default();
    let pictures = match format {
        Format::Png => png(bytes, &mut notes),
        Format::Jpeg => jpeg::check(bytes).map(|()| 1),
        Format::WebP => webp(bytes),
        Format::Gif => gif(bytes).ok_or(CUT),
        Format::Bmp => Ok(1),
        Format::Tiff => return tiff(bytes).map(|()| notes),
    };
    let format = format.name();
    match pictures {
        Ok(1) => Ok(notes),
        Ok(_) => Err(Problem::Several { format }),
        Err(what) => Err(Problem::NotWhole { format, what }),
    }
}

/// How many pictures there are: PNG's chunks, each with length, name and checksum, to the last.
fn png(bytes: &[u8], notes: &mut Notes) -> Result<usize, Flaw> {
    let (mut at, mut pictures) = (8, 1);
    loop {
        let head = bytes.get(at..at + 8).ok_or(CUT)?;
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let body = bytes.get(at + 8..at + 12 + len).ok_or(CUT)?;
        match &head[4..] {
            b"IEND" => return Ok(pictures),
            b"eXIf" => notes.exif = Some(body[..len].to_vec()),
            b"acTL" => {
                pictures =
                    u32::from_be_bytes(body[..4].try_into().unwrap_or([1; 4])).max(1) as usize
            }
            _ => {}
        }
        at += 12 + len;
    }
}

/// RIFF says its length; the extended header says whether there is an animation.
fn webp(bytes: &[u8]) -> Result<usize, Flaw> {
    let len = bytes.get(4..8).ok_or(CUT)?;
    let len = u32::from_le_bytes([len[0], len[1], len[2], len[3]]);
    if (bytes.len() as u64) < u64::from(len) + 8 {
        return Err(CUT);
    }
    let animated = bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|f| f & 2 != 0);
    Ok(1 + usize::from(animated))
}

/// GIF's blocks up to its trailer; `None` if they break off.
fn gif(bytes: &[u8]) -> Option<usize> {
    let colours = |packed: u8| {
        if packed & 0x80 == 0 {
            0
        } else {
            6 << (packed & 7)
        }
    };
    let blocks = |mut at: usize| loop {
        let len = usize::from(*bytes.get(at)?);
        at += 1 + len;
        if len == 0 {
            return Some(at);
        }
    };
    let mut at = 13 + colours(*bytes.get(10)?);
    let mut pictures = 0;
    loop {
        match bytes.get(at)? {
            0x3B => return Some(pictures),
            0x21 => at = blocks(at + 2)?,
            0x2C => {
                pictures += 1;
                at = blocks(at + 11 + colours(*bytes.get(at + 9)?))?;
            }
            _ => return None,
        }
    }
}

/// TIFF's directories: a second picture that is not a small copy of the first would be lost, and
/// a raw camera file shows a small copy first.
fn tiff(bytes: &[u8]) -> Result<(), Problem> {
    let broken = |what| Problem::NotWhole {
        format: Format::Tiff.name(),
        what,
    };
    let raw = || Problem::Unread {
        format: "camera raw",
    };
    let little = bytes[0] == b'I';
    let number = |at: usize, len: usize| {
        let field = bytes.get(at..at + len)?;
        let (mut up, mut down) = (0u32, 0u32);
        for (place, &byte) in field.iter().enumerate() {
            up = up << 8 | u32::from(byte);
            down |= u32::from(byte) << (8 * place);
        }
        Some(if little { down } else { up } as usize)
    };
    if bytes.get(8..10) == Some(b"CR") {
        return Err(raw());
    }
    let mut at = number(4, 4).ok_or_else(|| broken(CUT))?;
    for directory in 0..MOST_DIRECTORIES {
        let entries = number(at, 2).ok_or_else(|| broken(CUT))?;
        let mut small = false;
        for entry in (0..entries).map(|entry| at + 2 + 12 * entry) {
            let tag = number(entry, 2).ok_or_else(|| broken(CUT))?;
            let value = number(entry + 8, 4).ok_or_else(|| broken(CUT))?;
            match tag {
                0xFE => small = value & 1 == 1,
                0xC612 => return Err(raw()),
                _ => {}
            }
        }
        match (directory, small) {
            (0, true) => return Err(raw()),
            (0, false) | (_, true) => {}
            (_, false) => {
                return Err(Problem::Several {
                    format: Format::Tiff.name(),
                });
            }
        }
        at = number(at + 2 + 12 * entries, 4).ok_or_else(|| broken(CUT))?;
        if at == 0 {
            return Ok(());
        }
    }
    Err(broken(LOOP))
}
