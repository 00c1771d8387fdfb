//! What people take pictures of: any ground, any light, frames, transparency, thick and thin.

use super::*;
use image::imageops::replace;

/// A letter, its shade from `shade`, by place, 0 to 1, and whether there is ink.
fn letter(side: u32, shade: impl Fn(f32, f32, bool) -> f32) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| {
        let place = |at: u32| (at as f32 + 0.5) / side as f32;
        let (x, y) = (place(x), place(y));
        let stem = (0.25..0.33).contains(&x) && (0.2..0.8).contains(&y);
        let arm = |top: f32, end: f32| (0.25..end).contains(&x) && (top..top + 0.08).contains(&y);
        let ink = stem || arm(0.2, 0.7) || arm(0.46, 0.55);
        Luma([shade(x, y, ink).round().clamp(0.0, 255.0) as u8])
    })
}

fn of_two(ground: f32, ink: f32) -> GrayImage {
    letter(210, |_, _, inked| if inked { ink } else { ground })
}

/// The same noise each time, of about this deviation.
fn noisy(mut image: GrayImage, deviation: f32) -> GrayImage {
    let mut state = 1u64;
    for pixel in image.pixels_mut() {
        let sum: f32 = (0..3)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as f32 / (1 << 24) as f32 * 2.0 - 1.0
            })
            .sum();
        let shade = f32::from(pixel.0[0]) + sum * deviation;
        pixel.0[0] = shade.round().clamp(0.0, 255.0) as u8;
    }
    image
}

fn framed(image: &GrayImage, sides: [u32; 4], shade: u8) -> GrayImage {
    let [left, top, right, bottom] = sides;
    let (width, height) = (image.width() + left + right, image.height() + top + bottom);
    let mut frame = GrayImage::from_pixel(width, height, Luma([shade]));
    replace(&mut frame, image, left.into(), top.into());
    frame
}

fn refused(image: GrayImage) -> Problem {
    scan(&encoded(image, ImageFormat::Png), WHOLE).unwrap_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ink_of_any_shade_on_a_ground_of_any_shade_is_the_same(ground in 0u8..=255, ink in 0u8..=255) {
        prop_assume!(ground.abs_diff(ink) >= 20);
        let (ground, ink) = (f32::from(ground), f32::from(ink));
        let apart = apart(&page(of_two(ground, ink), false), &page(of_two(255.0, 0.0), false));
        prop_assert!(apart < 60, "{apart}");
    }

    #[test]
    fn a_picture_and_its_negative_have_the_same_ink(ground in 60u8..=195, contrast in 40u8..60, darker: bool) {
        let ground = f32::from(ground);
        let ink = if darker { ground - f32::from(contrast) } else { ground + f32::from(contrast) };
        let image = noisy(of_two(ground, ink), 4.0);
        let mut negative = image.clone();
        image::imageops::invert(&mut negative);
        prop_assert_eq!(page(image, false), page(negative, false));
    }

    #[test]
    fn uneven_light_is_no_ink(x in -80.0f32..80.0, y in -80.0f32..80.0, ink in 70.0f32..130.0) {
        let most = (x.abs() + y.abs()) / 2.0;
        let image = letter(210, |u, v, inked| {
            240.0 - most + x * (u - 0.5) + y * (v - 0.5) - if inked { ink } else { 0.0 }
        });
        let apart = apart(&page(image, false), &page(of_two(255.0, 0.0), false));
        prop_assert!(apart < 90, "{apart}");
    }

    #[test]
    fn what_is_transparent_is_ground_whatever_it_hides(hidden: u8, ink: u8) {
        let drawn = of_two(0.0, 255.0);
        let image = GrayAlphaImage::from_fn(210, 210, |x, y| {
            let inked = drawn.get_pixel(x, y).0[0] > 0;
            if inked { LumaA([ink, 255]) } else { LumaA([hidden, 0]) }
        });
        let found = scan(&encoded(image, ImageFormat::Png), WHOLE).unwrap().page;
        prop_assert_eq!(found, page(of_two(255.0, 0.0), false));
    }

    #[test]
    fn a_frame_is_no_ink(sides in prop::array::uniform4(6u32..40), light: bool) {
        let (shade, ground, ink) = if light { (255, 150.0, 50.0) } else { (5, 235.0, 40.0) };
        let image = noisy(framed(&of_two(ground, ink), sides, shade), 2.0);
        let apart = apart(&page(image, false), &page(of_two(255.0, 0.0), false));
        prop_assert!(apart < 60, "{apart}");
    }
}

#[test]
fn noise_is_no_ink() {
    let plain = page(of_two(255.0, 0.0), false);
    for (ground, ink) in [(118.0, 20.0), (132.0, 20.0), (150.0, 250.0)] {
        for deviation in [5.0, 15.0, 30.0] {
            let found = page(noisy(of_two(ground, ink), deviation), false);
            let apart = apart(&found, &plain);
            assert!(apart < 100, "{ground} {ink} {deviation}: {apart}");
        }
    }
    for deviation in [4.0, 8.0, 20.0] {
        let blank = noisy(of_two(150.0, 150.0), deviation);
        assert!(
            matches!(refused(blank), Problem::NothingDrawn),
            "{deviation}"
        );
    }
}

#[test]
fn light_that_bends_and_soft_shadows_are_no_ink() {
    let plain = page(of_two(255.0, 0.0), false);
    let centre = |x: f32, y: f32| (x - 0.5).powi(2) + (y - 0.5).powi(2);
    let vignette = |x, y, inked| (240.0 - 220.0 * centre(x, y)) * if inked { 0.35 } else { 1.0 };
    let shadow = |x: f32, y: f32, inked| {
        (230.0 - 100.0 / (1.0 + (-(x + y - 1.0) * 12.0).exp())) * if inked { 0.3 } else { 1.0 }
    };
    for image in [letter(420, vignette), letter(420, shadow)] {
        let apart = apart(&page(noisy(image, 3.0), false), &plain);
        assert!(apart < 100, "{apart}");
    }
    // A stem where the light is as far from the border's shades as a frame's noise reaches.
    let beside = letter(210, |x, _, inked| {
        200.0 + 80.0 * (x - 0.5) - if inked { 100.0 } else { 0.0 }
    });
    assert!(apart(&page(beside, false), &plain) < 90);
    let blank = letter(210, |x, y, _| vignette(x, y, false));
    assert!(matches!(refused(blank), Problem::NothingDrawn));
}

#[test]
fn a_sheet_with_transparent_edges_is_a_sheet() {
    let sheet = of_two(240.0, 30.0);
    let image = GrayAlphaImage::from_fn(210, 210, |x, y| {
        let (dx, dy) = (x.abs_diff(105), y.abs_diff(105));
        let round = dx * dx + dy * dy < 100 * 100;
        LumaA([sheet.get_pixel(x, y).0[0], if round { 255 } else { 0 }])
    });
    let found = scan(&encoded(image, ImageFormat::Png), WHOLE).unwrap().page;
    assert_eq!(found, page(of_two(255.0, 0.0), false));
}

#[test]
fn a_drawn_frame_is_drawn() {
    let ring = |side: u32, from: u32, to: u32, within: u32| {
        GrayImage::from_fn(side, side, |x, y| {
            let depth = x.min(y).min(side - 1 - x).min(side - 1 - y);
            let ink = (from..to).contains(&depth) || depth >= within;
            Luma([if ink { 0 } else { 255 }])
        })
    };
    // A square with a dot in it, a frame around nothing, and a solid square.
    for (from, to, within) in [(16, 32, 90), (10, 30, 210), (20, 210, 210)] {
        let found = page(ring(210, from, to, within), false);
        let (at, inside) = ((from + 2) as usize / 2, (from.midpoint(to)) as usize / 2);
        assert!(
            found.ink(at, 52) && found.ink(inside.min(52), 52),
            "{from} {to}"
        );
        assert!(!found.ink(2, 2));
    }
}

#[test]
fn what_cannot_be_a_drawing_is_refused_by_its_reason() {
    let shadow = letter(210, |x, y, inked| {
        (if x + y > 1.2 { 140.0 } else { 230.0 }) * if inked { 0.3 } else { 1.0 }
    });
    assert!(matches!(refused(shadow), Problem::AtEdge));
    let both = letter(210, |x, _, inked| match inked {
        true if x < 0.5 => 20.0,
        true => 236.0,
        false => 128.0,
    });
    assert!(matches!(refused(both), Problem::BothSides));
    let mut all = GrayImage::from_pixel(100, 100, Luma([255]));
    replace(
        &mut all,
        &GrayImage::from_fn(94, 94, |x, y| Luma([if x + y < 8 { 255 } else { 0 }])),
        3,
        3,
    );
    assert!(matches!(refused(all), Problem::MostlyInk { percent: 88 }));
}

#[test]
fn thin_strokes_beside_thick_ones_are_kept_whole() {
    let side = 3000;
    for thickness in [2, 6, 10] {
        let mut image = GrayImage::from_pixel(side, side, Luma([255]));
        replace(
            &mut image,
            &GrayImage::from_pixel(400, 400, Luma([0])),
            2300,
            2300,
        );
        replace(
            &mut image,
            &GrayImage::from_pixel(1800, thickness, Luma([0])),
            500,
            800,
        );
        for step in 0..1500 {
            replace(
                &mut image,
                &GrayImage::from_pixel(thickness, 2, Luma([0])),
                (500 + step).into(),
                (1000 + step).into(),
            );
        }
        // Dust.
        for (x, y) in [(200, 200), (2800, 300), (300, 2700)] {
            image.put_pixel(x, y, Luma([0]));
        }
        let found = page(image.clone(), false);
        assert!((20..78).all(|x| found.ink(x, 28)), "{thickness}");
        let falling = |x: usize| (x + 16..x + 20).any(|y| found.ink(x, y));
        assert!((20..68).all(falling), "{thickness}");
        assert!(
            found.ink_count() < 14 * 14 + 62 + 3 * 55,
            "{}",
            found.ink_count()
        );
        let grey = ScanOptions {
            grey: true,
            ..WHOLE
        };
        let shades = scan(&encoded(image, ImageFormat::Png), grey)
            .unwrap()
            .shades
            .unwrap();
        assert!((20..78).all(|x| shades.bytes()[28 * SIDE + x] >= THIN_SHADE));
    }
}
