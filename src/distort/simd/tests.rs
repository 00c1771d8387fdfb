//! The vector forms and the law give the same bits, on any page, map, size and field.

use proptest::prelude::*;

use super::Vectors;
use super::source::{Bits, PAGE_ENTRIES, Source, lay_out_page};
use crate::distort::elastic::{self, Field};
use crate::distort::map::Map;
use crate::distort::plane::{Plane, Reduction, SIDE_MIN};
use crate::distort::size::Fit;
use crate::distort::tests::{plane_of, scribble, warped};
use crate::distort::warp::Pixel;
use crate::distort::{Affine, Instructions, Stroke, stroke};
use crate::image::{Page, SIDE};
use crate::seed::{Purpose, Stream};

/// The forms of each kind that this processor has, for planes of `reduction`.
fn all_forms(reduction: Option<&Reduction>) -> Vec<Vectors> {
    [Instructions::Avx2, Instructions::Avx512]
        .into_iter()
        .filter(|&kind| kind <= Instructions::best())
        .filter_map(|kind| Vectors::new(kind, reduction))
        .collect()
}

/// Pages from blank through scribbles and noise to full.
fn any_page() -> impl Strategy<Value = Page> {
    prop_oneof![
        4 => any::<u64>().prop_map(scribble),
        1 => (any::<u64>(), 0..=256u32).prop_map(|(seed, ink)| {
            let mut stream = Stream::new(seed, Purpose::Synthetic, 1);
            let mut page = Page::BLANK;
            (0..SIDE * SIDE).for_each(|k| page.set(k % SIDE, k / SIDE, stream.chance(ink, 256)));
            page
        }),
        2 => prop::collection::vec((0..SIDE, 0..SIDE), 0..4).prop_map(|points| {
            let mut page = Page::BLANK;
            points.into_iter().for_each(|(x, y)| page.set(x, y, true));
            page
        }),
    ]
}

/// Maps well beyond any preset, up to where tables end.
fn any_affine() -> impl Strategy<Value = Affine> {
    let pair = |range: std::ops::Range<f64>| [range.clone(), range];
    (
        -45.0..45.0,
        pair(-0.35..0.35),
        pair(0.75..2.0),
        pair(-15.0..15.0),
    )
        .prop_map(|(degrees, shear, scale, shift_pixels)| Affine {
            degrees,
            shear,
            scale,
            shift_pixels,
        })
}

/// The whole page, or a part that no such map takes too far.
fn any_fit() -> impl Strategy<Value = Fit> {
    let part = (0.3..0.95f64, [-1.0..1.0f64, -1.0..1.0]).prop_map(|(scale, centre)| Fit {
        centre: centre.map(|unit| unit * (125.0 - 118.0 * scale).min(30.0)),
        scale,
    });
    prop_oneof![Just(Fit::WHOLE), part]
}

/// Warps into the middle of a larger slice, from `before` on: what is around must stay, and all
/// must if the picture is too narrow for vectors.
fn fills_its_slice<P: Pixel>(page: &Page, map: &Map, before: usize, mark: P) {
    let (side, plane) = (map.side(), plane_of(page));
    let area = before..before + side * side;
    let law = warped::<P>(&plane, map, None);
    let forms = all_forms(None).into_iter();
    for (mut vectors, whole) in forms.flat_map(|form| [(form.clone(), true), (form, false)]) {
        let mut out = vec![mark; area.end + 40];
        let done = if whole {
            vectors.warp_page(page, map, &mut out[area.clone()])
        } else {
            vectors.warp_plane(&plane, Stroke::Same, map, None, &mut out[area.clone()])
        };
        assert_eq!(done, side >= 16, "side {side}");
        if done {
            assert_eq!(out[area.clone()], law, "side {side} at {before}");
            out[area.clone()].fill(mark);
        }
        assert!(
            out.iter().all(|&pixel| pixel == mark),
            "side {side} at {before}"
        );
    }
}

/// Pictures of a batch lie one behind the other, so they begin at any byte.
#[test]
fn vectors_write_their_slice_and_nothing_else() {
    let page = scribble(5);
    for side in [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 104, 105] {
        let map = Map::new(&Affine::IDENTITY, 3, Fit::WHOLE, SIDE, side);
        for before in [0, 1, 2, 3, 7, 33] {
            fills_its_slice(&page, &map, before, 9f32);
            fills_its_slice(&page, &map, before, 9u8);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn vectors_agree_with_the_law_on_pages(
        page in any_page(), affine in any_affine(), fit in any_fit(), pose in 0..8u8,
        side in 16..=SIDE,
    ) {
        let map = Map::new(&affine, pose, fit, SIDE, side);
        let plane = plane_of(&page);
        for mut vectors in all_forms(None) {
            let mut reals = vec![9f32; side * side];
            prop_assert!(vectors.warp_page(&page, &map, &mut reals));
            prop_assert_eq!(reals, warped::<f32>(&plane, &map, None));
            let mut bytes = vec![9u8; side * side];
            prop_assert!(vectors.warp_page(&page, &map, &mut bytes));
            prop_assert_eq!(bytes, warped::<u8>(&plane, &map, None));
        }
    }

    #[test]
    fn vectors_agree_with_the_law_on_planes_and_fields(
        page in any_page(), affine in any_affine(), fit in any_fit(), pose in 0..8u8,
        side in 16..=SIDE,
        plane_side in SIDE_MIN..=SIDE, seed in any::<u64>(), sigma in 0.0..8.0,
    ) {
        let mut field = Field::still(side);
        let mut plane = Plane::blank(plane_side);
        let mut reduction = Reduction::new(plane_side);
        let grid = elastic::draw_grid(&mut Stream::new(seed, Purpose::Distort, 0), sigma);
        field.bend(&grid);
        reduction.reduce(&page, &mut plane);
        let map = Map::new(&affine, pose, fit, plane_side, side);
        for mut vectors in all_forms(Some(&reduction)) {
            for field in [None, Some(&field)] {
                let mut reals = vec![9f32; side * side];
                prop_assert!(vectors.warp_plane(&plane, Stroke::Same, &map, field, &mut reals));
                prop_assert_eq!(reals, warped::<f32>(&plane, &map, field));
                let mut bytes = vec![9u8; side * side];
                prop_assert!(vectors.warp_plane(&plane, Stroke::Same, &map, field, &mut bytes));
                prop_assert_eq!(bytes, warped::<u8>(&plane, &map, field));
            }
            let mut again = Field::still(side);
            vectors.bend_whole(&mut again, &grid);
            prop_assert_eq!(&again, &field);
            // With the field bent by halves, and then with no field.
            let mut half = Field::still(side);
            vectors.bend(&mut half, &grid);
            for field in [Some(&field), None] {
                let mut reals = vec![9f32; side * side];
                let half = field.and(Some(&half));
                prop_assert!(vectors.warp_plane(&plane, Stroke::Same, &map, half, &mut reals));
                prop_assert_eq!(reals, warped::<f32>(&plane, &map, field));
            }
            let mut wide = Plane::blank(plane_side);
            vectors.reduce(&page, &mut wide);
            prop_assert_eq!(&wide, &plane);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// One after the other with the same room, in which no plane may leave anything behind.
    #[test]
    fn vectors_agree_with_the_law_on_reduced_pages_and_changed_strokes(
        pages in prop::collection::vec(any_page(), 3), affine in any_affine(), fit in any_fit(), pose in 0..8u8,
        side in 16..=SIDE, plane_side in SIDE_MIN..=SIDE,
    ) {
        let map = Map::new(&affine, pose, fit, plane_side, side);
        let mut reduction = Reduction::new(plane_side);
        for mut vectors in all_forms(Some(&reduction.clone())) {
            for page in &pages {
                let (mut plane, mut changed) = (Plane::blank(plane_side), Plane::blank(plane_side));
                reduction.reduce(page, &mut plane);
                let mut reals = vec![9f32; side * side];
                prop_assert!(vectors.warp_reduced(page, &map, None, &mut reals));
                prop_assert_eq!(&reals, &warped::<f32>(&plane, &map, None));
                prop_assert!(vectors.warp_plane(&plane, Stroke::Soft, &map, None, &mut reals));
                stroke::soften(&plane, &mut changed);
                prop_assert_eq!(&reals, &warped::<f32>(&changed, &map, None));
                prop_assert!(vectors.warp_plane(&plane, Stroke::Thick, &map, None, &mut reals));
                stroke::thicken(&plane, &mut changed);
                prop_assert_eq!(&reals, &warped::<f32>(&changed, &map, None));
            }
        }
    }
}

/// What lets a blank tile be skipped is exact, to two columns and four rows.
#[test]
fn ink_is_seen_where_it_is_and_nowhere_else() {
    if all_forms(None).is_empty() {
        return;
    }
    let mut entries = Box::new([0; PAGE_ENTRIES]);
    for (x, y) in [(0, 0), (1, 3), (31, 4), (63, 52), (64, 53), (104, 104)] {
        let mut page = Page::BLANK;
        page.set(x, y, true);
        // SAFETY: AVX2 was detected.
        let inked = unsafe { lay_out_page(&page, &mut entries) };
        let bits = Bits {
            entries: &entries,
            inked,
        };
        // Places are counted from the border, one before the page's first.
        let spans = (1..=SIDE + 1).flat_map(|last| (0..=last).map(move |first| (first, last)));
        for (first, last) in spans {
            let held = |at: usize, step| {
                (first.max(1) - 1) / step <= at / step && at / step <= (last - 1) / step
            };
            let all = (0, SIDE + 1);
            assert_eq!(
                bits.may_see_ink((first, last), all),
                held(x, 2),
                "{x} {first} {last}"
            );
            assert_eq!(
                bits.may_see_ink(all, (first, last)),
                held(y, 4),
                "{y} {first} {last}"
            );
        }
    }
}
