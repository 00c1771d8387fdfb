//! Pictures of any size and shade, made into pages.
//!
//! A picture becomes grey, and how far a pixel is from the shade of the picture's border is how
//! much ink it has. It is scaled into the page, the longer side over all of it, and Otsu's
//! threshold parts ink from ground.

use std::io::Cursor;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{ImageFormat, ImageReader, Limits};

use super::drawing::{AREA, Drawn, Page, SIDE, Shades};
use super::error::Problem;

/// The most pixels a side that are decoded.
const MOST_SIDE: u32 = 16_384;
/// The most bytes that decoding may take.
const MOST_BYTES: u64 = 1 << 29;
/// The most that decoding may take for each byte of the file, and for a file of none: twice what
/// deflate makes of its most even data, so that a header's claim alone takes no memory.
const MOST_BYTES_EACH: u64 = 2048;
const LEAST_BYTES: u64 = 1 << 20;
/// Pixels of the longer side of what is drawn, if it is cut out: the median of Omniglot's
/// background drawings.
const CUT_SIDE: u32 = 68;
/// The least contrast of ink and ground, of 255: below it a picture shows noise.
const LEAST_CONTRAST: u8 = 16;

/// How pictures are made into pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// Cut out what is drawn, whose longer side becomes 68 pixels in the middle of the page, as
    /// that of most of Omniglot's drawings is; else the whole picture fills the page.
    pub cut: bool,
    /// Keep the shades as well: how much ink each pixel has, the most of the picture being full.
    pub grey: bool,
}

/// A picture as a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Where it has ink.
    pub page: Page,
    /// How much of it, if that was asked for.
    pub shades: Option<Shades>,
}

impl Scanned {
    /// To look at.
    #[must_use]
    pub fn drawn(&self) -> Drawn<'_> {
        Drawn {
            page: &self.page,
            shades: self.shades.as_ref().map(Shades::bytes),
        }
    }
}

impl From<Page> for Scanned {
    fn from(page: Page) -> Scanned {
        Scanned { page, shades: None }
    }
}

/// Ink, one byte a pixel: 0 for ground.
struct Ink {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// Reads a PNG or JPEG picture of any size and shades as a drawing, the same on every machine.
/// Ink may be dark on light or light on dark; what is transparent is white.
///
/// # Errors
/// If the bytes are no such picture, its sides are not 1 to 16,384 pixels, or it shows nothing:
/// all of it has nearly one shade. No memory is taken for pixels that a header merely claims.
pub fn scan(bytes: &[u8], options: ScanOptions) -> Result<Scanned, Problem> {
    let ink = decode(bytes)?;
    let (ink, longest) = if options.cut {
        (ink.cut(), CUT_SIDE)
    } else {
        (ink, SIDE as u32)
    };
    let ink = ink.scaled(longest).centred();
    let threshold = ink.threshold()?;
    let mut page = Page::BLANK;
    for (at, &value) in ink.pixels.iter().enumerate() {
        page.set(at % SIDE, at / SIDE, value > threshold);
    }
    let most = u32::from(ink.pixels.iter().copied().max().unwrap_or(0).max(1));
    let share = |&value: &u8| ((255 * u32::from(value) + most / 2) / most) as u8;
    let shades = (options.grey).then(|| Shades::new(ink.pixels.iter().map(share).collect()));
    Ok(Scanned { page, shades })
}

fn decode(bytes: &[u8]) -> Result<Ink, Problem> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(Problem::NoPicture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    let fitting = LEAST_BYTES + MOST_BYTES_EACH * bytes.len() as u64;
    limits.max_alloc = Some(fitting.min(MOST_BYTES));
    reader.limits(limits);
    let picture = reader.decode()?.into_luma_alpha8();
    let (width, height) = picture.dimensions();
    let on_white = |&[shade, alpha]: &[u8; 2]| {
        let (shade, alpha) = (u32::from(shade), u32::from(alpha));
        ((shade * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let shades: Vec<u8> = picture.pixels().map(|pixel| on_white(&pixel.0)).collect();
    let ground = border(&shades, width as usize);
    let pixels = shades.iter().map(|&shade| {
        // Ink lies on one side of the ground; what is beyond it on the other is ground too.
        if ground < 128 {
            shade.saturating_sub(ground)
        } else {
            ground.saturating_sub(shade)
        }
    });
    Ok(Ink {
        width,
        height,
        pixels: pixels.collect(),
    })
}

/// The median shade of the outermost pixels.
fn border(shades: &[u8], width: usize) -> u8 {
    let rows = shades.chunks_exact(width);
    let last = rows.len() - 1;
    let mut border: Vec<u8> = Vec::new();
    for (y, row) in rows.enumerate() {
        if y == 0 || y == last {
            border.extend_from_slice(row);
        } else {
            border.extend([row[0], row[width - 1]]);
        }
    }
    let middle = border.len() / 2;
    *border.select_nth_unstable(middle).1
}

impl Ink {
    /// What parts ink, above it, from ground (Otsu 1979): the threshold at which the means of
    /// both lie furthest apart, weighed by how many pixels each has.
    fn threshold(&self) -> Result<u8, Problem> {
        let mut counts = [0u64; 256];
        (self.pixels.iter()).for_each(|&value| counts[usize::from(value)] += 1);
        let least = counts.iter().position(|&count| count > 0).unwrap_or(0);
        let most = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        if most - least < usize::from(LEAST_CONTRAST) {
            return Err(Problem::NothingDrawn);
        }
        let all = self.pixels.len() as f64;
        let values = || (0u32..).zip(counts).map(|(value, n)| (value, n as f64));
        let sum: f64 = values().map(|(value, n)| f64::from(value) * n).sum();
        let (mut below, mut below_sum) = (0.0, 0.0);
        let (mut best, mut threshold) = (-1.0, 0);
        for (value, n) in values().take(most) {
            below += n;
            below_sum += f64::from(value) * n;
            let above = all - below;
            if below > 0.0 && above > 0.0 {
                let apart = below_sum / below - (sum - below_sum) / above;
                let between = below * above * apart * apart;
                if between > best {
                    (best, threshold) = (between, value as u8);
                }
            }
        }
        Ok(threshold)
    }

    /// The smallest part that holds all ink; the whole if nothing is drawn.
    fn cut(self) -> Ink {
        let Ok(threshold) = self.threshold() else {
            return self;
        };
        let width = self.width as usize;
        let inked = |value: &&u8| **value > threshold;
        let rows: Vec<&[u8]> = self.pixels.chunks_exact(width).collect();
        let has_ink = |y: &usize| rows[*y].iter().any(|value| inked(&value));
        let column_has_ink = |x: &usize| rows.iter().any(|row| inked(&&row[*x]));
        let (top, bottom) = ends(rows.len(), has_ink);
        let (left, right) = ends(width, column_has_ink);
        let pixels = (top..=bottom).flat_map(|y| &rows[y][left..=right]);
        Ink {
            width: (right - left + 1) as u32,
            height: (bottom - top + 1) as u32,
            pixels: pixels.copied().collect(),
        }
    }

    /// The same in the middle of a page, whose ground is as much a part of it: what is cut out may
    /// be all ink.
    fn centred(self) -> Ink {
        let side = SIDE as u32;
        let (left, top) = ((side - self.width) / 2, (side - self.height) / 2);
        let mut pixels = vec![0; AREA];
        let rows = self.pixels.chunks_exact(self.width as usize);
        for (row, line) in rows.zip(pixels.chunks_exact_mut(SIDE).skip(top as usize)) {
            line[left as usize..][..row.len()].copy_from_slice(row);
        }
        Ink {
            width: side,
            height: side,
            pixels,
        }
    }

    /// The same with `longest` pixels along its longer side.
    fn scaled(mut self, longest: u32) -> Ink {
        let most = self.width.max(self.height);
        let side = |side: u32| {
            let scaled =
                (u64::from(side) * u64::from(longest) + u64::from(most) / 2) / u64::from(most);
            (scaled as u32).max(1)
        };
        let (width, height) = (side(self.width), side(self.height));
        let from = Image::from_slice_u8(self.width, self.height, &mut self.pixels, PixelType::U8);
        let from = from.expect("there are as many pixels as the sides say");
        let mut to = Image::new(width, height, PixelType::U8);
        let filter = ResizeAlg::Convolution(FilterType::Bilinear);
        (Resizer::new().resize(&from, &mut to, &ResizeOptions::new().resize_alg(filter)))
            .expect("both pictures are of bytes");
        Ink {
            width,
            height,
            pixels: to.into_vec(),
        }
    }
}

/// The first and the last of `n` places that are wanted; all, if none is.
fn ends(n: usize, wanted: impl Fn(&usize) -> bool) -> (usize, usize) {
    let first = (0..n).find(&wanted).unwrap_or(0);
    let last = (0..n).rev().find(&wanted).unwrap_or(n - 1);
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::super::picture::{page_from_png, page_to_png};
    use super::*;
    use image::{DynamicImage, GrayAlphaImage, GrayImage, Luma, LumaA};
    use proptest::prelude::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// A cross of `ink` on `ground`, `width` by `height`, with strokes of an eighth.
    fn cross(width: u32, height: u32, ground: u8, ink: u8) -> GrayImage {
        let near = |at: u32, side: u32| (2 * at + 1).abs_diff(side) <= side / 8;
        GrayImage::from_fn(width, height, |x, y| {
            let inked = near(x, width) || near(y, height);
            let far =
                x > width / 8 && x < width - width / 8 && y > height / 8 && y < height - height / 8;
            Luma([if inked && far { ink } else { ground }])
        })
    }

    const WHOLE: ScanOptions = ScanOptions {
        cut: false,
        grey: false,
    };

    fn page(image: GrayImage, cut: bool) -> Page {
        let options = ScanOptions { cut, ..WHOLE };
        let scanned = scan(&encoded(image, ImageFormat::Png), options).unwrap();
        assert_eq!(scanned.shades, None);
        scanned.page
    }

    fn apart(a: &Page, b: &Page) -> usize {
        let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
        places.filter(|&(x, y)| a.ink(x, y) != b.ink(x, y)).count()
    }

    proptest! {
        #[test]
        fn a_page_is_its_own_picture(ink in proptest::collection::vec((1..SIDE - 1, 1..SIDE - 1), 1..500)) {
            let mut drawn = Page::BLANK;
            for (x, y) in ink {
                drawn.set(x, y, true);
            }
            let bytes = page_to_png(&drawn);
            prop_assert_eq!(scan(&bytes, WHOLE).unwrap().page, page_from_png(&bytes).unwrap());
            let grey = scan(&bytes, ScanOptions { grey: true, ..WHOLE }).unwrap();
            prop_assert_eq!(grey.page, drawn);
            let shades = grey.shades.unwrap();
            for (at, &shade) in shades.bytes().iter().enumerate() {
                prop_assert_eq!(shade, if drawn.ink(at % SIDE, at / SIDE) { 255 } else { 0 });
            }
        }

        #[test]
        fn no_bytes_make_it_panic(flips in proptest::collection::vec((0usize..3000, any::<u8>()), 1..8), jpeg: bool) {
            let format = if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
            let mut bytes = encoded(cross(40, 30, 250, 20), format);
            for (at, with) in flips {
                let at = at % bytes.len();
                bytes[at] ^= with;
            }
            for cut in [false, true] {
                let _ = scan(&bytes, ScanOptions { cut, grey: cut });
            }
        }
    }

    #[test]
    fn size_shades_and_polarity_make_no_difference() {
        let plain = page(cross(210, 210, 255, 0), false);
        assert!(plain.ink(52, 52) && !plain.ink(20, 20));
        for other in [
            cross(420, 420, 255, 0),
            cross(210, 210, 20, 240),
            cross(210, 210, 180, 100),
        ] {
            assert!(apart(&plain, &page(other, false)) < 60);
        }
        let jpeg = encoded(cross(210, 210, 230, 30), ImageFormat::Jpeg);
        let jpeg = scan(&jpeg, WHOLE).unwrap().page;
        assert!(apart(&plain, &jpeg) < 60);
        // Ink on a transparent ground.
        let clear = GrayAlphaImage::from_fn(210, 210, |x, y| {
            LumaA([0, 255 - cross(210, 210, 255, 0).get_pixel(x, y).0[0]])
        });
        let clear = scan(&encoded(clear, ImageFormat::Png), WHOLE);
        assert_eq!(clear.unwrap().page, plain);
    }

    #[test]
    fn shades_are_a_share_of_the_darkest() {
        let mut faint = cross(210, 210, 200, 100);
        image::imageops::replace(
            &mut faint,
            &GrayImage::from_pixel(8, 8, Luma([150])),
            20,
            20,
        );
        let options = ScanOptions {
            grey: true,
            ..WHOLE
        };
        let scanned = scan(&encoded(faint, ImageFormat::Png), options).unwrap();
        let shades = scanned.shades.unwrap();
        let shade = |x: usize, y: usize| shades.bytes()[y * SIDE + x];
        assert_eq!((shade(52, 52), shade(5, 5)), (255, 0));
        assert!(shade(12, 12).abs_diff(128) < 3, "{}", shade(12, 12));
    }

    #[test]
    fn a_picture_keeps_its_proportions() {
        let wide = page(cross(400, 100, 255, 0), false);
        let inked = |y: usize| (0..SIDE).any(|x| wide.ink(x, y));
        assert!(inked(52) && !inked(30) && !inked(75));
    }

    #[test]
    fn what_is_drawn_is_cut_out() {
        let mut corner = GrayImage::from_pixel(300, 300, Luma([255]));
        image::imageops::replace(&mut corner, &cross(80, 80, 255, 0), 5, 210);
        let cut = page(corner, true);
        let columns: Vec<usize> = (0..SIDE)
            .filter(|&x| (0..SIDE).any(|y| cut.ink(x, y)))
            .collect();
        let wide = columns[columns.len() - 1] + 1 - columns[0];
        assert!(wide.abs_diff(CUT_SIDE as usize) <= 1, "{wide}");
        assert!(apart(&cut, &page(cross(600, 600, 255, 0), true)) < 200);
    }

    #[test]
    fn what_is_ink_alone_once_it_is_cut_out_is_still_drawn() {
        let mut bar = GrayImage::from_pixel(40, 90, Luma([240]));
        image::imageops::replace(&mut bar, &GrayImage::from_pixel(6, 60, Luma([20])), 17, 15);
        let cut = page(bar, true);
        let tall = (0..SIDE).filter(|&y| cut.ink(SIDE / 2, y)).count();
        assert_eq!(tall, CUT_SIDE as usize);
        assert!(!cut.ink(SIDE / 2 + 10, SIDE / 2));
    }

    #[test]
    fn what_shows_nothing_or_is_no_picture_is_refused() {
        let scan = |bytes: &[u8]| scan(bytes, WHOLE);
        let blank = encoded(GrayImage::from_pixel(50, 50, Luma([200])), ImageFormat::Png);
        assert!(matches!(scan(&blank), Err(Problem::NothingDrawn)));
        assert!(matches!(scan(b"P5 1 1 255 x"), Err(Problem::NoPicture)));
        assert!(matches!(scan(b""), Err(Problem::NoPicture)));
        let whole = encoded(cross(64, 64, 255, 0), ImageFormat::Png);
        assert!(matches!(
            scan(&whole[..whole.len() / 2]),
            Err(Problem::Picture(_))
        ));
        // The header claims 60,000 x 60,000 pixels.
        let mut giant = whole;
        giant[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let crc = crc32fast::hash(&giant[12..29]);
        giant[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(matches!(scan(&giant), Err(Problem::Picture(_))));
        // 10,000 x 10,000 would be few enough, but for a file this short.
        giant[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
        let crc = crc32fast::hash(&giant[12..29]);
        giant[29..33].copy_from_slice(&crc.to_be_bytes());
        let Err(Problem::Picture(image::ImageError::Limits(_))) = scan(&giant) else {
            panic!("a claim is believed")
        };
    }
}
