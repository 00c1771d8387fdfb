//! Pictures of all sizes, shades and polarities, and what is no picture.

mod files;
mod situations;

use super::*;
use crate::archive::picture::{page_from_png, page_to_png};
use image::ImageFormat;
use image::{DynamicImage, GrayAlphaImage, GrayImage, Luma, LumaA};
use proptest::prelude::*;
use std::io::Cursor;

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
    assert!(matches!(scan(b"a picture"), Err(Problem::NoPicture)));
    assert!(matches!(scan(b""), Err(Problem::NoBytes)));
    let whole = encoded(cross(64, 64, 255, 0), ImageFormat::Png);
    assert!(matches!(
        scan(&whole[..whole.len() / 2]),
        Err(Problem::NotWhole { format: "PNG", .. })
    ));
    // The header claims 60,000 x 60,000 pixels.
    let mut giant = whole;
    giant[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let crc = crc32fast::hash(&giant[12..29]);
    giant[29..33].copy_from_slice(&crc.to_be_bytes());
    assert!(matches!(
        scan(&giant),
        Err(Problem::Sides { width: 60_000, .. })
    ));
    // 10,000 x 10,000 would be few enough, but for a file this short.
    giant[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let crc = crc32fast::hash(&giant[12..29]);
    giant[29..33].copy_from_slice(&crc.to_be_bytes());
    assert!(matches!(
        scan(&giant),
        Err(Problem::Claimed { width: 10_000, .. })
    ));
}
