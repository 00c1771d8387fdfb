//! PNG files to pages and back.

use std::io::Cursor;

use super::problem::Problem;
use crate::image::{Drawn, Page, Picture, SIDE};

/// Reads a 105 × 105 black-and-white PNG; black is ink, as in Omniglot's files.
///
/// Grey, colour and palette files are taken if each pixel is pure black or white
/// and opaque.
///
/// # Errors
/// If the bytes are not a PNG, of another size, or have other shades. The size is
/// checked before any memory for pixels is taken.
pub fn page_from_png(bytes: &[u8]) -> Result<Page, Problem> {
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 1 << 20 });
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info()?;
    let (width, height) = reader.info().size();
    if (width, height) != (SIDE as u32, SIDE as u32) {
        return Err(Problem::WrongSize { width, height });
    }
    let mut pixels = [0; SIDE * SIDE * 4];
    let frame = reader.next_frame(&mut pixels)?;
    let (shades, alpha) = match frame.color_type {
        png::ColorType::Grayscale => (1, false),
        png::ColorType::GrayscaleAlpha => (1, true),
        png::ColorType::Rgb => (3, false),
        png::ColorType::Rgba => (3, true),
        png::ColorType::Indexed => return Err(Problem::NotBlackAndWhite),
    };
    let samples = shades + usize::from(alpha);
    let mut page = Page::BLANK;
    for (index, pixel) in pixels[..frame.buffer_size()]
        .chunks_exact(samples)
        .enumerate()
    {
        let ink = pixel[0] == 0;
        let expected = if ink { 0 } else { 255 };
        if pixel[..shades].iter().any(|&shade| shade != expected) || alpha && pixel[shades] != 255 {
            return Err(Problem::NotBlackAndWhite);
        }
        if ink {
            page.set(index % SIDE, index / SIDE, true);
        }
    }
    Ok(page)
}

/// Writes a drawing as a PNG, dark on white: in shades one byte a pixel, 255 less its ink; else
/// as [`page_to_png`] does.
#[must_use]
pub fn drawn_to_png(drawn: Drawn<'_>) -> Vec<u8> {
    let Some(ink) = drawn.shades else {
        return page_to_png(drawn.page);
    };
    let pixels: Vec<u8> = ink.iter().map(|&ink| 255 - ink).collect();
    grey_png(png::BitDepth::Eight, &pixels)
}

/// Writes a page as a one-bit PNG, black on white.
#[must_use]
pub fn page_to_png(page: &Page) -> Vec<u8> {
    const ROW_BYTES: usize = SIDE.div_ceil(8);
    let mut rows = [0u8; ROW_BYTES * SIDE];
    for y in 0..SIDE {
        for x in 0..SIDE {
            if !page.ink(x, y) {
                rows[y * ROW_BYTES + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
    grey_png(png::BitDepth::One, &rows)
}

/// Writes a drawing as a PNG to look at: in sixteen shades if it has any, else as
/// [`page_to_png`] does.
#[must_use]
pub fn picture_to_png(picture: &Picture) -> Vec<u8> {
    const ROW_BYTES: usize = SIDE.div_ceil(2);
    let Some(shades) = &picture.shades else {
        return page_to_png(&picture.page);
    };
    let mut rows = [0u8; ROW_BYTES * SIDE];
    for (at, &ink) in shades.bytes().iter().enumerate() {
        let (x, y) = (at % SIDE, at / SIDE);
        let light = (u32::from(255 - ink) * 15 + 127) / 255; // to the nearest, at most 15
        rows[y * ROW_BYTES + x / 2] |= (light as u8) << (4 * (1 - x % 2));
    }
    grey_png(png::BitDepth::Four, &rows)
}

/// A grey PNG of a page's size, of rows in whole bytes.
fn grey_png(depth: png::BitDepth, rows: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(depth);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(rows))
        .expect("a Vec takes every byte, and the rows fit the header");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Shades;
    use proptest::prelude::*;

    #[test]
    fn a_picture_in_shades_shows_them() {
        let shades: Vec<u8> = (0..SIDE * SIDE).map(|at| (at % 256) as u8).collect();
        let picture = Picture {
            page: Page::BLANK,
            shades: Some(Shades::new(shades.clone())),
        };
        let png = picture_to_png(&picture);
        let mut decoder = png::Decoder::new(Cursor::new(&png[..]));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; SIDE * SIDE];
        reader.next_frame(&mut pixels).unwrap();
        for (light, ink) in pixels.iter().zip(&shades) {
            assert!(light.abs_diff(255 - ink) <= 8, "{light} for {ink}");
        }
        let bits = Picture::from(Page::BLANK);
        assert_eq!(picture_to_png(&bits), page_to_png(&Page::BLANK));
    }

    fn encode(width: u32, height: u32, color: png::ColorType, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        drop(writer);
        bytes
    }

    proptest! {
        #[test]
        fn pages_survive_png(ink in proptest::collection::vec((0..SIDE, 0..SIDE), 0..500)) {
            let mut page = Page::BLANK;
            for (x, y) in ink {
                page.set(x, y, true);
            }
            prop_assert_eq!(page_from_png(&page_to_png(&page)).unwrap(), page);
        }

        #[test]
        fn no_bytes_make_it_panic(flips in proptest::collection::vec((0usize..200, any::<u8>()), 1..8)) {
            let mut bytes = page_to_png(&Page::BLANK);
            for (at, with) in flips {
                let at = at % bytes.len();
                bytes[at] ^= with;
            }
            let _ = page_from_png(&bytes);
        }
    }

    #[test]
    fn colour_files_of_black_and_white_are_taken() {
        let mut data = vec![255; SIDE * SIDE * 3];
        data[3 * (2 * SIDE + 7)..][..3].fill(0);
        let page = page_from_png(&encode(105, 105, png::ColorType::Rgb, &data)).unwrap();
        assert_eq!(page.ink_count(), 1);
        assert!(page.ink(7, 2));
    }

    #[test]
    fn other_sizes_and_shades_are_refused() {
        let small = encode(104, 105, png::ColorType::Grayscale, &[255; 104 * 105]);
        assert!(matches!(
            page_from_png(&small),
            Err(Problem::WrongSize {
                width: 104,
                height: 105
            })
        ));
        let mut grey = [255; SIDE * SIDE];
        grey[99] = 128;
        let grey = encode(105, 105, png::ColorType::Grayscale, &grey);
        assert!(matches!(
            page_from_png(&grey),
            Err(Problem::NotBlackAndWhite)
        ));
        assert!(matches!(page_from_png(b"GIF89a"), Err(Problem::Png(_))));
        let whole = page_to_png(&Page::BLANK);
        assert!(matches!(
            page_from_png(&whole[..whole.len() / 2]),
            Err(Problem::Png(_))
        ));
    }

    #[test]
    fn a_giant_picture_costs_nothing() {
        // The header claims 60,000 x 60,000 pixels: refused by size, nothing is allocated.
        let mut bytes = page_to_png(&Page::BLANK);
        bytes[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let crc = crc32fast::hash(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(matches!(
            page_from_png(&bytes),
            Err(Problem::WrongSize { width: 60_000, .. })
        ));
    }
}
