//! Files of all formats: how they are to be looked at, whether they are whole, and what they claim.

use super::*;
use image::codecs::gif::GifEncoder;
use image::metadata::Orientation;
use image::{Frame, RgbaImage};

const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Bmp,
    ImageFormat::Tiff,
];

/// A letter that no turn or mirror leaves as it is.
fn letter(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (10 * x / width, 10 * y / height);
        let ink = (2..8).contains(&y) && (x == 2 || y == 2 && x < 8 || y == 5 && x < 5);
        Luma([if ink { 20 } else { 240 }])
    })
}

fn as_colour(image: GrayImage) -> DynamicImage {
    DynamicImage::ImageLuma8(image).into_rgb8().into()
}

/// EXIF of one entry, the orientation.
fn exif(orientation: u8, big: bool) -> Vec<u8> {
    if big {
        let entry = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
        [&b"MM\0*\0\0\0\x08\0\x01"[..], &entry].concat()
    } else {
        let entry = [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        [&b"II*\0\x08\0\0\0\x01\0"[..], &entry].concat()
    }
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(body);
    let (len, crc) = (
        (body.len() as u32).to_be_bytes(),
        hasher.finalize().to_be_bytes(),
    );
    [&len[..], name, body, &crc].concat()
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// Says in the file how it is to be looked at.
fn note(bytes: &mut Vec<u8>, format: ImageFormat, orientation: u8, big: bool) {
    let exif = exif(orientation, big);
    match format {
        ImageFormat::Jpeg => {
            let len = (exif.len() as u16 + 8).to_be_bytes();
            insert(
                bytes,
                2,
                &[&[0xFF, 0xE1][..], &len, b"Exif\0\0", &exif[..]].concat(),
            );
        }
        // Behind the header, or behind the pixels.
        ImageFormat::Png if big => insert(bytes, 33, &chunk(b"eXIf", &exif)),
        ImageFormat::Png => insert(bytes, bytes.len() - 12, &chunk(b"eXIf", &exif)),
        ImageFormat::WebP => {
            let pixels = bytes.split_off(12);
            let (width, height) = letter_sides();
            let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
            let head = [vec![8, 0, 0, 0], side(width), side(height)].concat();
            let len = |n: usize| (n as u32).to_le_bytes();
            let named = if big {
                [b"Exif\0\0", &exif[..]].concat()
            } else {
                exif
            };
            bytes.extend(
                [
                    &b"VP8X"[..],
                    &len(10),
                    &head,
                    &pixels,
                    b"EXIF",
                    &len(named.len()),
                    &named,
                ]
                .concat(),
            );
            let all = len(bytes.len() - 8);
            bytes[4..8].copy_from_slice(&all);
        }
        ImageFormat::Tiff => {
            // The directory again, behind everything, with one entry more.
            let at = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
            let n = usize::from(bytes[at]);
            let mut entries: Vec<Vec<u8>> = (0..n)
                .map(|e| bytes[at + 2 + 12 * e..][..12].to_vec())
                .collect();
            entries.push(vec![0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
            entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
            let place = (bytes.len() as u32).to_le_bytes();
            bytes[4..8].copy_from_slice(&place);
            bytes.extend([&[n as u8 + 1, 0][..], &entries.concat(), &[0; 4]].concat());
        }
        _ => unreachable!("it has no such note"),
    }
}

fn letter_sides() -> (u32, u32) {
    (60, 40)
}

#[test]
fn pictures_are_looked_at_as_they_say() {
    let (width, height) = letter_sides();
    let upright = letter(width, height);
    for (orientation, back) in (1..9).zip([1, 2, 3, 4, 5, 8, 7, 6]) {
        let mut stored = DynamicImage::ImageLuma8(upright.clone());
        stored.apply_orientation(Orientation::from_exif(back).unwrap());
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::WebP,
            ImageFormat::Tiff,
        ] {
            // Its header is written for one size.
            if format == ImageFormat::WebP && stored.width() != width {
                continue;
            }
            let plain = scan(&encoded(as_colour(upright.clone()), format), WHOLE).unwrap();
            for big in [false, true] {
                let mut bytes = encoded(as_colour(stored.to_luma8()), format);
                note(&mut bytes, format, orientation, big);
                let found = scan(&bytes, WHOLE).unwrap();
                let apart = apart(&found.page, &plain.page);
                assert!(apart < 40, "{format:?} {orientation} {big}: {apart}");
            }
        }
    }
}

#[test]
fn every_format_is_read_the_same() {
    let plain = page(letter(90, 120), false);
    for format in FORMATS {
        let found = scan(&encoded(as_colour(letter(90, 120)), format), WHOLE).unwrap();
        assert!(apart(&plain, &found.page) < 40, "{format:?}");
    }
}

#[test]
fn what_breaks_off_is_refused_wherever_it_does() {
    for format in FORMATS {
        let bytes = encoded(as_colour(letter(40, 30)), format);
        // The two bytes behind BMP's pixels are no part of them.
        for len in 0..bytes.len() - if format == ImageFormat::Bmp { 2 } else { 0 } {
            let error = scan(&bytes[..len], WHOLE).unwrap_err();
            let text = error.to_string();
            let named =
                text.contains("damaged") || text.contains("no picture") || len == 0 || len < 12;
            assert!(named, "{format:?} {len}: {text}");
        }
        let mut more = bytes.clone();
        more.extend(b"what cameras add");
        assert!(scan(&more, WHOLE).is_ok(), "{format:?}");
    }
}

proptest! {
    #[test]
    fn a_jpeg_that_was_cut_and_closed_again_is_refused(
        sides in (8u32..90, 8u32..90), quality in 30u8..100, colour: bool, cut in 0.0f64..1.0,
    ) {
        let image = letter(sides.0 * 2, sides.1 * 2);
        let image = if colour { as_colour(image) } else { image.into() };
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
        image.write_with_encoder(encoder).unwrap();
        prop_assert!(jpeg::check(&bytes).is_ok());
        let data = bytes.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap() + 2;
        // A last byte may be padding alone.
        let len = data + (cut * (bytes.len() - 4 - data) as f64) as usize;
        let mut closed = bytes[..len].to_vec();
        closed.extend([0xFF, 0xD9]);
        prop_assert!(jpeg::check(&closed).is_err(), "{len} of {}", bytes.len());
        prop_assert!(jpeg::check(&bytes[..len]).is_err());
    }
}

#[test]
fn several_pictures_in_one_file_are_refused() {
    let frame = |shade| {
        Frame::new(RgbaImage::from_pixel(
            20,
            20,
            image::Rgba([shade, 0, 0, 255]),
        ))
    };
    let mut gif = Vec::new();
    (GifEncoder::new(&mut gif).encode_frames([frame(10), frame(200)])).unwrap();
    assert!(matches!(
        scan(&gif, WHOLE),
        Err(Problem::Several { format: "GIF" })
    ));
    let mut png = encoded(letter(40, 30), ImageFormat::Png);
    insert(&mut png, 33, &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
    assert!(matches!(
        scan(&png, WHOLE),
        Err(Problem::Several { format: "PNG" })
    ));
}

#[test]
fn formats_that_are_not_read_are_named() {
    for (bytes, name) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<?xml version=\"1.0\"?><svg xmlns=\"\"/>", "SVG"),
        (b"P4\n8 1\n\xFF", "Netpbm"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\xFF\x0A\xFF", "JPEG XL"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
    ] {
        let text = scan(bytes, WHOLE).unwrap_err().to_string();
        assert!(text.contains(name), "{text}");
    }
}

/// A PNG file of even rows, packed as it says.
fn packed(
    width: u32,
    height: u32,
    colour: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(&[0, 0, 0, 255, 255, 255][..]);
    }
    encoder
        .write_header()
        .unwrap()
        .write_image_data(data)
        .unwrap();
    bytes
}

#[test]
fn a_scan_of_one_bit_a_pixel_is_no_bomb() {
    let (width, height) = (4960, 7016);
    let mut data = vec![255; width / 8 * height];
    for row in data.chunks_exact_mut(width / 8).skip(2000).take(1500) {
        row[250..300].fill(0);
    }
    for colour in [png::ColorType::Grayscale, png::ColorType::Indexed] {
        let bytes = packed(
            width as u32,
            height as u32,
            colour,
            png::BitDepth::One,
            &data,
        );
        let page = scan(&bytes, WHOLE).unwrap().page;
        assert!(
            page.ink(48, 40) && !page.ink(48, 70) && !page.ink(30, 40),
            "{colour:?}"
        );
    }
}

#[test]
fn shades_in_the_low_bits_of_sixteen_are_seen() {
    for bits in [8, 10, 12, 14, 16] {
        let most = (1u32 << bits) - 1;
        let deep = |pixel: &Luma<u8>| (u32::from(pixel.0[0]) * most / 255) as u16;
        let data: Vec<u8> = letter(60, 40)
            .pixels()
            .flat_map(|pixel| deep(pixel).to_be_bytes())
            .collect();
        let bytes = packed(
            60,
            40,
            png::ColorType::Grayscale,
            png::BitDepth::Sixteen,
            &data,
        );
        let found = scan(&bytes, WHOLE).unwrap().page;
        assert!(apart(&found, &page(letter(60, 40), false)) < 10, "{bits}");
    }
}
