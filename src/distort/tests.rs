//! What the room promises as a whole: agreement with plain arithmetic, exact
//! special cases, and pinned digests.

use super::*;
use crate::image::Page;
use crate::image::SIDE;
use crate::seed::Purpose;

/// A page of random strokes, about a twelfth of it ink, different for every `seed`.
pub(super) fn scribble(seed: u64) -> Page {
    let mut page = Page::BLANK;
    let mut stream = Stream::new(seed, Purpose::Synthetic, 0);
    for _ in 0..4 {
        let mut at = [stream.unit() * 85.0 + 10.0, stream.unit() * 85.0 + 10.0];
        let mut step = [stream.signed_unit(), stream.signed_unit()];
        for _ in 0..90 {
            for axis in 0..2 {
                step[axis] = (step[axis] + 0.15 * stream.signed_unit()).clamp(-1.0, 1.0);
                at[axis] = (at[axis] + step[axis]).clamp(1.0, 103.0);
            }
            let [x, y] = at.map(|place| place as usize);
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                page.set(x + dx, y + dy, true);
            }
        }
    }
    page
}

/// The page turned clockwise by a quarter.
fn turned(page: &Page) -> Page {
    let mut result = Page::BLANK;
    for y in 0..SIDE {
        for x in 0..SIDE {
            result.set(SIDE - 1 - y, x, page.ink(x, y));
        }
    }
    result
}

fn stream(index: u64) -> Stream {
    Stream::new(42, Purpose::Distort, index)
}

pub(super) fn plane_of(page: &Page) -> Plane {
    let mut plane = Plane::blank(SIDE);
    plane.copy_page(page);
    plane
}

pub(super) fn warped<P: Pixel>(plane: &Plane, map: &Map, field: Option<&Field>) -> Vec<P> {
    let mut out = vec![P::default(); map.side() * map.side()];
    warp::warp(plane, map, field, &mut out);
    out
}

/// The compact recipe on drawings of one size.
const NORMALIZED: Distortion = Distortion {
    ink_side: 80,
    ..Distortion::COMPACT
};

/// Bilinear interpolation in plain `f64`, from the parameters alone.
fn reference(plane: &Plane, affine: &Affine, side: usize) -> Vec<f64> {
    let pixels = plane.side() as f64;
    let grey = |x: f64, y: f64| {
        let inside = |k: f64| (0.0..pixels).contains(&k);
        if inside(x) && inside(y) {
            f64::from(plane.pixel(x as usize, y as usize)) / 255.0
        } else {
            0.0
        }
    };
    let (sin, cos) = affine.degrees.to_radians().sin_cos();
    let [rho_x, rho_y] = affine.shear;
    let mut out = Vec::new();
    for v in 0..side {
        for u in 0..side {
            // Undo shift, turn, shear and scale, in page pixels from the centre.
            let [x, y] = [(u, 0), (v, 1)].map(|(k, axis)| {
                (k as f64 + 0.5) * 105.0 / side as f64 - 52.5 - affine.shift_pixels[axis]
            });
            let (x, y) = (cos * x + sin * y, cos * y - sin * x);
            let d = 1.0 - rho_x * rho_y;
            let (x, y) = ((x - rho_x * y) / d, (y - rho_y * x) / d);
            let [x, y] = [x / affine.scale[0], y / affine.scale[1]]
                .map(|k| (k + 52.5) * pixels / 105.0 - 0.5);
            let (i, j) = (x.floor(), y.floor());
            let (f, g) = (x - i, y - j);
            out.push(
                (1.0 - g) * ((1.0 - f) * grey(i, j) + f * grey(i + 1.0, j))
                    + g * ((1.0 - f) * grey(i, j + 1.0) + f * grey(i + 1.0, j + 1.0)),
            );
        }
    }
    out
}

#[test]
fn the_warp_is_within_its_bound_of_plain_arithmetic() {
    let bound = 1.0 / 127.0;
    for index in 0..40 {
        let page = scribble(index);
        let affine = AffineLaw::COMPACT.draw(&mut stream(index));
        let mut small = Plane::blank(64);
        Reduction::new(64).reduce(&page, &mut small);
        for (plane, side) in [(&plane_of(&page), 105), (&small, 48), (&small, 105)] {
            let map = Map::new(&affine, 0, Fit::WHOLE, plane.side(), side);
            let reals = warped::<f32>(plane, &map, None);
            let bytes = warped::<u8>(plane, &map, None);
            for (k, want) in reference(plane, &affine, side).into_iter().enumerate() {
                assert!((f64::from(reals[k]) - want).abs() < bound, "pixel {k}");
                let byte = f64::from(bytes[k]) / 255.0;
                assert!((byte - want).abs() < bound + 0.5 / 255.0, "pixel {k}");
            }
        }
    }
}

#[test]
fn identity_gives_the_page_back() {
    let page = scribble(1);
    let mut distorter = Distorter::new(Distortion::KOCH).unwrap();
    let mut reals = vec![9f32; SIDE * SIDE];
    let mut bytes = vec![9u8; SIDE * SIDE];
    distorter.plain(&page, 0, &mut reals);
    distorter.plain(&page, 0, &mut bytes);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let ink = page.ink(x, y);
            assert_eq!(reals[y * SIDE + x], f32::from(u8::from(ink)));
            assert_eq!(bytes[y * SIDE + x], 255 * u8::from(ink));
        }
    }
}

#[test]
fn whole_shifts_move_whole_pixels() {
    let page = scribble(2);
    for (dx, dy) in [(1i32, 0i32), (0, -1), (2, 2), (-17, 5), (40, -40)] {
        let affine = Affine {
            shift_pixels: [f64::from(dx), f64::from(dy)],
            ..Affine::IDENTITY
        };
        let map = Map::new(&affine, 0, Fit::WHOLE, SIDE, SIDE);
        let out = warped::<f32>(&plane_of(&page), &map, None);
        for y in 0..SIDE as i32 {
            for x in 0..SIDE as i32 {
                let (from_x, from_y) = (x - dx, y - dy);
                let inside = |k| (0..SIDE as i32).contains(&k);
                let ink =
                    inside(from_x) && inside(from_y) && page.ink(from_x as usize, from_y as usize);
                let want = if ink { 1.0 } else { 0.0 };
                assert_eq!(out[y as usize * SIDE + x as usize], want);
            }
        }
    }
}

#[test]
fn a_quarter_turn_is_a_turned_page_bit_for_bit() {
    for index in 0..20 {
        let mut page = scribble(index);
        let affine = AffineLaw::COMPACT.draw(&mut stream(index));
        let upright = page;
        for quarter in 0..4 {
            let map = |quarter| Map::new(&affine, quarter, Fit::WHOLE, SIDE, SIDE);
            assert_eq!(
                warped::<f32>(&plane_of(&page), &map(0), None),
                warped::<f32>(&plane_of(&upright), &map(quarter), None),
                "{quarter} quarters of page {index}"
            );
            page = turned(&page);
        }
    }
}

#[test]
fn a_mirrored_pose_is_a_mirrored_page_bit_for_bit() {
    for index in 0..20 {
        let page = scribble(index);
        let affine = AffineLaw::COMPACT.draw(&mut stream(index));
        let mut mirrored = Page::BLANK;
        for (x, y) in (0..SIDE).flat_map(|x| (0..SIDE).map(move |y| (x, y))) {
            mirrored.set(SIDE - 1 - x, y, page.ink(x, y));
        }
        for quarter in 0..4 {
            let map = |pose| Map::new(&affine, pose, Fit::WHOLE, SIDE, SIDE);
            assert_eq!(
                warped::<f32>(&plane_of(&mirrored), &map(quarter), None),
                warped::<f32>(&plane_of(&page), &map(4 + quarter), None),
                "{quarter} quarters of the mirror image of page {index}"
            );
        }
    }
}

#[test]
fn plain_quarters_of_the_reduced_plane_agree_too() {
    for law in [Distortion::COMPACT, NORMALIZED] {
        let mut distorter = Distorter::new(law).unwrap().at(48).unwrap();
        let mut page = scribble(8);
        let upright = page;
        for quarter in 0..4 {
            let mut turned_first = vec![0u8; 48 * 48];
            let mut turned_in_warp = vec![0u8; 48 * 48];
            distorter.plain(&page, 0, &mut turned_first);
            distorter.plain(&upright, quarter, &mut turned_in_warp);
            assert_eq!(turned_first, turned_in_warp);
            page = turned(&page);
        }
    }
}

/// A filter reduces the drawing; the warp alone would take every third pixel of it.
#[test]
fn a_filter_lets_no_ink_fall_between_the_pixels_of_a_small_plain_picture() {
    let law = Distortion {
        resize: Resize::Triangle,
        ..Distortion::KOCH
    };
    let mut distorter = Distorter::new(law).unwrap().at(35).unwrap();
    for place in 0..9 {
        let mut page = Page::BLANK;
        page.set(30 + place % 3, 30 + place / 3, true);
        let mut out = vec![0f32; 35 * 35];
        distorter.plain(&page, 0, &mut out);
        let ink: f32 = out.iter().sum();
        assert!((0.09..0.13).contains(&ink), "place {place}: {ink}"); // a ninth
    }
}

#[test]
fn blank_stays_blank_and_nothing_leaves_the_range() {
    for law in [Distortion::KOCH, Distortion::COMPACT, NORMALIZED] {
        let mut distorter = Distorter::new(law).unwrap().at(48).unwrap();
        let mut out = vec![1f32; 48 * 48];
        let mut full = Page::BLANK;
        (0..SIDE * SIDE).for_each(|k| full.set(k % SIDE, k / SIDE, true));
        for index in 0..50 {
            distorter.draw(&Page::BLANK, 0, &mut stream(index), &mut out);
            assert!(out.iter().all(|value| *value == 0.0));
            distorter.draw(&full, 0, &mut stream(index), &mut out);
            assert!(out.iter().all(|value| (0.0..=1.0).contains(value)));
            assert!(out.contains(&1.0));
        }
    }
}

#[test]
fn a_field_is_added_to_the_map() {
    // A grid that moves every pixel by 3 to the right and 2 up is a shift.
    let mut grid = elastic::Grid::default();
    grid[0] = [[-3 << 12; 5]; 5];
    grid[1] = [[2 << 12; 5]; 5];
    let mut field = Field::still(SIDE);
    field.bend(&grid);
    let shift = Affine {
        shift_pixels: [3.0, -2.0],
        ..Affine::IDENTITY
    };
    let plane = plane_of(&scribble(4));
    let bent = warped::<f32>(
        &plane,
        &Map::new(&Affine::IDENTITY, 0, Fit::WHOLE, SIDE, SIDE),
        Some(&field),
    );
    let shifted = warped::<f32>(&plane, &Map::new(&shift, 0, Fit::WHOLE, SIDE, SIDE), None);
    let differing = bent
        .iter()
        .zip(&shifted)
        .filter(|(a, b)| (*a - *b).abs() > 0.02);
    assert_eq!(differing.count(), 0);
}

/// A digest over a batch of pictures, of every side, quarter and pixel type in turn.
fn digest(mut distorter: Distorter) -> String {
    let mut hasher = blake3::Hasher::new();
    for index in 0..64 {
        let side = [105, 48, 64, 31][index as usize % 4];
        distorter = distorter.at(side).unwrap();
        let quarter = (index / 4 % 4) as u8;
        let page = scribble(index);
        let mut reals = vec![0f32; side * side];
        let mut bytes = vec![0u8; side * side];
        distorter.draw(&page, quarter, &mut stream(index), &mut reals);
        distorter.draw(&page, quarter, &mut stream(index), &mut bytes);
        reals.iter().for_each(|value| {
            hasher.update(&value.to_le_bytes());
        });
        hasher.update(&bytes);
    }
    hasher.finalize().to_hex()[..16].to_string()
}

#[test]
fn pictures_are_pinned_and_the_same_without_vectors() {
    for (law, want) in [
        (Distortion::KOCH, "18c4e6cc05dfaca1"),
        (Distortion::COMPACT, "fa1ab64ef9e45be0"),
        (NORMALIZED, "106dfa44616cd7dd"),
    ] {
        assert_eq!(digest(Distorter::scalar(law).unwrap()), want);
        assert_eq!(digest(Distorter::new(law).unwrap()), want);
    }
}

#[test]
fn laws_are_read_from_toml_and_unknown_fields_refused() {
    for law in [Distortion::KOCH, Distortion::COMPACT, NORMALIZED] {
        let text = toml::to_string(&law).unwrap();
        assert_eq!(toml::from_str::<Distortion>(&text).unwrap(), law);
        assert!(toml::from_str::<Distortion>(&format!("blur = 1.0\n{text}")).is_err());
    }
}

#[test]
fn laws_out_of_range_are_refused() {
    let compact = Distortion::COMPACT;
    for law in [
        Distortion {
            soften: 0.9,
            ..compact
        },
        Distortion {
            thicken: -0.1,
            ..compact
        },
        Distortion {
            elastic_sigma: 0.2,
            ..compact
        },
        Distortion {
            source_side: 56,
            ..compact
        },
        Distortion {
            source_side: 106,
            ..compact
        },
    ] {
        assert!(Distorter::new(law).is_err(), "{law:?}");
    }
}

/// The bound of [`AffineLaw`]'s documentation, reckoned by hand.
#[test]
fn a_law_that_reaches_too_far_is_told_how_far() {
    let law = AffineLaw {
        shear: 0.5,
        scale: 0.5,
        shift_pixels: 20.0,
        ..Distortion::COMPACT.affine
    };
    let Err(DistortionError::Reach { pixels }) = law.check(1.0) else {
        panic!("{law:?}");
    };
    // √1.25 / (0.75 · 0.5) · (52.5 + 20 √2)
    assert!((pixels - 240.852_162).abs() < 1e-4, "{pixels}");
}

#[test]
fn what_happens_is_exact() {
    let half = 1 << 31;
    assert!(!happens(0.0, 0) && happens(1.0, u32::MAX));
    assert!(happens(0.5, half - 1) && !happens(0.5, half));
}

#[test]
fn strokes_change_in_the_stated_shares() {
    let law = Distortion::COMPACT;
    let mut counts = [0u32; 2];
    for index in 0..10_000 {
        let word = stream(index).word();
        if happens(law.soften, word) {
            counts[0] += 1;
        } else if happens(law.soften + law.thicken, word) {
            counts[1] += 1;
        }
    }
    assert!(
        counts[0].abs_diff(2500) < 217 && counts[1].abs_diff(1500) < 179,
        "{counts:?}"
    );
}
