//! A file's bytes made into shades, upright.
//!
//! No memory is taken for what a header merely claims: a claim beyond [`MOST_BYTES`] is refused,
//! and so is one that the file is too short for.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits};

use super::format::{Format, MOST_SIDE};
use super::whole;
use crate::archive::problem::Problem;

/// The most bytes that the decoded samples may take.
const MOST_BYTES: u64 = 1 << 29;
/// The most bytes of samples, packed as the file packs them, for each byte of a PNG or JPEG file,
/// and for a file of none: twice what deflate makes of its most even data.
const MOST_BYTES_EACH: u64 = 2048;
const LEAST_BYTES: u64 = 1 << 20;
/// The other formats can say that all pixels are alike in a few bytes: up to here they are believed.
const LEAST_BYTES_OTHERS: u64 = 1 << 26;
/// A sample of 16 bits has at least so many that count.
const FEWEST_BITS: u32 = 8;

/// Shades of grey, one byte a pixel, as the picture is to be looked at.
pub(super) struct Picture {
    pub width: usize,
    pub height: usize,
    pub shades: Vec<u8>,
    /// How opaque each pixel is, if some are not wholly so.
    pub opacity: Option<Vec<u8>>,
}

/// # Errors
/// If the bytes are no picture of a format that is read, are not whole, or claim too much.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Problem> {
    let format = Format::of(bytes)?;
    let notes = whole::check(format, bytes)?;
    let broken = |source| Problem::Picture {
        format: format.name(),
        source: Box::new(source),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.decoder());
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    believable(format, bytes, &decoder)?;
    let exif = match notes.exif {
        Some(exif) => Some(exif),
        None => decoder.exif_metadata().unwrap_or(None),
    };
    // A TIFF file's own orientation stands where EXIF has it.
    let turned = match exif {
        Some(exif) => {
            let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
            Orientation::from_exif_chunk(exif)
        }
        None => decoder.orientation().ok(),
    };
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let (shades, opacity) = grey(image);
    Ok(upright(
        shades,
        opacity,
        turned.unwrap_or(Orientation::NoTransforms),
    ))
}

/// Refuses what is too large to be read, or too large for the file to hold.
fn believable(format: Format, bytes: &[u8], decoder: &impl ImageDecoder) -> Result<(), Problem> {
    let (width, height) = decoder.dimensions();
    let format_name = format.name();
    if width.min(height) == 0 || width.max(height) > MOST_SIDE {
        return Err(Problem::Sides {
            format: format_name,
            width,
            height,
            limit: MOST_SIDE,
        });
    }
    let claimed = decoder.total_bytes();
    if claimed > MOST_BYTES {
        return Err(Problem::ManyBytes {
            format: format_name,
            width,
            height,
            bytes: claimed,
            limit: MOST_BYTES,
        });
    }
    let (packed, least) = match format {
        Format::Png => {
            let bits = u64::from(width) * bits_of_png(bytes);
            (bits.div_ceil(8) * u64::from(height), LEAST_BYTES)
        }
        Format::Jpeg => (claimed, LEAST_BYTES),
        _ => (claimed, LEAST_BYTES_OTHERS),
    };
    if packed > least + MOST_BYTES_EACH * bytes.len() as u64 {
        return Err(Problem::Claimed {
            format: format_name,
            width,
            height,
            len: bytes.len(),
        });
    }
    Ok(())
}

/// Bits of a pixel, from the header's depth and colour type.
fn bits_of_png(bytes: &[u8]) -> u64 {
    let samples = match bytes[25] {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    samples * u64::from(bytes[24])
}

/// Grey by luminance, and opacity if some pixel is not wholly opaque.
fn grey(image: DynamicImage) -> (GrayImage, Option<GrayImage>) {
    let deep = matches!(
        image,
        DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_)
    );
    let alpha = image.color().has_alpha();
    let (width, height) = (image.width(), image.height());
    let plane = |samples| GrayImage::from_raw(width, height, samples).expect("a sample a pixel");
    let opacity = |alphas: Vec<u8>| {
        let opaque = alphas.iter().all(|&alpha| alpha == 255);
        (!opaque).then(|| plane(alphas))
    };
    match (deep, alpha) {
        (false, false) => (image.into_luma8(), None),
        (false, true) => {
            let both = image.into_luma_alpha8();
            let alphas = both.pixels().map(|pixel| pixel.0[1]).collect();
            let shades = both.pixels().map(|pixel| pixel.0[0]).collect();
            (plane(shades), opacity(alphas))
        }
        (true, _) => {
            let both = image.into_luma_alpha16();
            let alphas = both
                .pixels()
                .map(|pixel| ((u32::from(pixel.0[1]) + 128) / 257) as u8)
                .collect();
            let shown = || both.pixels().filter(|pixel| pixel.0[1] > 0);
            let most = shown().map(|pixel| pixel.0[0]).max().unwrap_or(0);
            // Ten to fourteen bits are often stored as they are in the low bits of sixteen.
            let bits = (u16::BITS - most.leading_zeros()).max(FEWEST_BITS);
            let full = (1u32 << bits) - 1;
            let shade = |shade: u16| ((u32::from(shade) * 255 + full / 2) / full).min(255) as u8;
            let shades = both.pixels().map(|pixel| shade(pixel.0[0])).collect();
            (plane(shades), opacity(alphas))
        }
    }
}

fn upright(shades: GrayImage, opacity: Option<GrayImage>, turned: Orientation) -> Picture {
    let turn = |image: GrayImage| {
        let mut image = DynamicImage::ImageLuma8(image);
        image.apply_orientation(turned);
        image.into_luma8()
    };
    let shades = turn(shades);
    Picture {
        width: shades.width() as usize,
        height: shades.height() as usize,
        shades: shades.into_raw(),
        opacity: opacity.map(|opacity| turn(opacity).into_raw()),
    }
}
