//! What a file is by its first bytes, whatever its name says.

use image::ImageFormat;

use crate::archive::problem::Problem;

/// The most pixels a side that are decoded.
pub(super) const MOST_SIDE: u32 = 16_384;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Tiff,
}

/// Formats that are known and not read: bytes, where they stand, and the name.
const UNREAD: [(&[u8], usize, &str); 24] = [
    (b"ftypavif", 4, "AVIF"),
    (b"ftypavis", 4, "AVIF"),
    (b"ftyphei", 4, "HEIC"),
    (b"ftyphev", 4, "HEIC"),
    (b"ftypmif1", 4, "HEIC"),
    (b"ftypmsf1", 4, "HEIC"),
    (b"ftypcrx", 4, "camera raw"),
    (b"ftyp", 4, "video"),
    (b"%PDF", 0, "PDF"),
    (b"%!PS", 0, "PostScript"),
    (b"8BPS", 0, "Photoshop"),
    (b"gimp xcf", 0, "GIMP"),
    (b"\0\0\0\x0CjP  ", 0, "JPEG 2000"),
    (b"\xFF\x4F\xFF\x51", 0, "JPEG 2000"),
    (b"\0\0\0\x0CJXL ", 0, "JPEG XL"),
    (b"\xFF\x0A", 0, "JPEG XL"),
    (b"\0\0\x01\0", 0, "icon"),
    (b"AT&TFORM", 0, "DjVu"),
    (b"#?RADIANCE", 0, "Radiance"),
    (b"v/1\x01", 0, "OpenEXR"),
    (b"DDS ", 0, "DDS"),
    (b"qoif", 0, "QOI"),
    (b"II+\0", 0, "BigTIFF"),
    (b"MM\0+", 0, "BigTIFF"),
];

impl Format {
    /// # Errors
    /// With the format's name if it is known but not read, else without.
    pub fn of(bytes: &[u8]) -> Result<Format, Problem> {
        let begins = |with: &[u8]| bytes.starts_with(with);
        let known = match () {
            () if bytes.is_empty() => return Err(Problem::NoBytes),
            () if begins(b"\x89PNG\r\n\x1A\n") => Format::Png,
            () if begins(b"\xFF\xD8\xFF") => Format::Jpeg,
            () if begins(b"GIF87a") || begins(b"GIF89a") => Format::Gif,
            () if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Format::WebP,
            () if begins(b"II*\0") || begins(b"MM\0*") => Format::Tiff,
            () if begins(b"BM") => Format::Bmp,
            () => return Err(unread(bytes)),
        };
        Ok(known)
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::WebP => "WebP",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
            Format::Tiff => "TIFF",
        }
    }

    /// As the decoders name it.
    pub fn decoder(self) -> ImageFormat {
        match self {
            Format::Png => ImageFormat::Png,
            Format::Jpeg => ImageFormat::Jpeg,
            Format::WebP => ImageFormat::WebP,
            Format::Gif => ImageFormat::Gif,
            Format::Bmp => ImageFormat::Bmp,
            Format::Tiff => ImageFormat::Tiff,
        }
    }
}

fn unread(bytes: &[u8]) -> Problem {
    let stands = |&&(with, at, _): &&(&[u8], usize, &str)| {
        bytes.get(at..).is_some_and(|rest| rest.starts_with(with))
    };
    if let Some(&(_, _, format)) = UNREAD.iter().find(stands) {
        return Problem::Unread { format };
    }
    if let [b'P', b'1'..=b'7', space, ..] = bytes
        && space.is_ascii_whitespace()
    {
        return Problem::Unread { format: "Netpbm" };
    }
    let head = &bytes[..bytes.len().min(4096)];
    if head.windows(4).any(|four| four == b"<svg") {
        return Problem::Unread { format: "SVG" };
    }
    Problem::NoPicture
}
