//! Size normalisation: drawings come to one size and place before they are distorted.
//!
//! People draw one character large, small, high or low, and mean the same by it. MNIST's digits were
//! brought to one size, their proportions kept, and centred (LeCun et al. 1998, section III-A); so
//! is the ink of a page here. Nothing is drawn anew for it: the map of the warp looks at the
//! box around the ink instead of the whole page.

use super::plane::SIDE_MAX;
use crate::image::{Drawn, SIDE};

/// By how much a drawing is enlarged at most: a dot stays a dot.
const ENLARGED: f64 = 3.0;

/// The part of a page that is looked at as if it were the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The part's centre, in pixels of the page from the page's own; x to the right, y down.
    pub centre: [f64; 2],
    /// Its width and height, as a share of the page's.
    pub scale: f64,
}

impl Fit {
    /// The page as it is.
    pub const WHOLE: Fit = Fit {
        centre: [0.0; 2],
        scale: 1.0,
    };

    /// The part of a page in which the longer side of the ink's box is `ink_side` pixels of 105, and the
    /// box in the middle; the whole page if it has no ink, or `ink_side` is 0. What would be enlarged
    /// more than threefold is enlarged threefold.
    #[must_use]
    pub fn of(drawn: Drawn<'_>, ink_side: u32) -> Fit {
        if ink_side == 0 {
            return Fit::WHOLE;
        }
        let Some([first, last]) = drawn.page.ink_bounds() else {
            return Fit::WHOLE;
        };
        // Halves of pixels are whole numbers in f64: nothing here is rounded but the quotient.
        let middle = |axis: usize| (first[axis] + last[axis] + 1) as f64 / 2.0;
        let [width, height] = [0, 1].map(|axis| last[axis] + 1 - first[axis]);
        let scale = width.max(height) as f64 / f64::from(ink_side);
        Fit {
            centre: [0, 1].map(|axis| middle(axis) - SIDE as f64 / 2.0),
            scale: scale.max(1.0 / ENLARGED),
        }
    }

    /// By how much the largest drawing is made smaller: what the map of a page reaches for, it
    /// reaches for at most so many times as far.
    pub(super) fn most(ink_side: u32) -> f64 {
        match ink_side {
            0 => 1.0,
            side => SIDE_MAX as f64 / f64::from(side),
        }
    }
}

/// Whether no size is asked for, which is left out where laws are written.
pub(super) fn is_off(ink_side: &u32) -> bool {
    *ink_side == 0
}

#[cfg(test)]
mod tests {
    use super::super::grey::dark_page;
    use super::super::tests::scribble;
    use super::super::{AffineLaw, Distorter, Distortion, DistortionError};
    use super::*;
    use crate::image::Page;
    use crate::seed::{Purpose, Stream};

    fn page(points: &[[usize; 2]]) -> Page {
        let mut page = Page::BLANK;
        for &[x, y] in points {
            page.set(x, y, true);
        }
        page
    }

    #[test]
    fn bounds_are_those_of_the_ink() {
        assert_eq!(Page::BLANK.ink_bounds(), None);
        let corners = page(&[[0, 104], [104, 0]]);
        assert_eq!(corners.ink_bounds(), Some([[0, 0], [104, 104]]));
        for seed in 0..50 {
            let page = scribble(seed);
            let all = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| [x, y]));
            let ink: Vec<_> = all.filter(|&[x, y]| page.ink(x, y)).collect();
            let (x, y) = (ink.iter().map(|p| p[0]), ink.iter().map(|p| p[1]));
            let first = [x.clone().min().unwrap(), y.clone().min().unwrap()];
            let last = [x.max().unwrap(), y.max().unwrap()];
            assert_eq!(page.ink_bounds(), Some([first, last]), "seed {seed}");
            let mut shades = [0; SIDE * SIDE];
            for [x, y] in ink {
                shades[y * SIDE + x] = 200;
            }
            assert_eq!(dark_page(&shades), page, "seed {seed}");
        }
    }

    #[test]
    fn a_fit_has_the_ink_in_its_middle_at_its_size() {
        // 40 columns and 20 rows, from (10, 60).
        let page = page(&[[10, 60], [49, 79]]);
        let fit = Fit::of((&page).into(), 80);
        assert_eq!(fit.scale, 0.5);
        assert_eq!(fit.centre, [30.0 - 52.5, 70.0 - 52.5]);
    }

    /// A drawing anywhere on its page is one picture, distorted or not.
    #[test]
    fn where_a_drawing_lies_does_not_matter() {
        let small = |dx: usize, dy: usize| {
            let mut page = Page::BLANK;
            for (x, y) in (0..40).flat_map(|x| (0..30).map(move |y| (x, y))) {
                page.set(dx + x, dy + y, (x * 7 + y * 5) % 11 < 3);
            }
            page
        };
        let law = Distortion {
            ink_side: 80,
            source_side: 105,
            ..Distortion::COMPACT
        };
        let mut distorter = Distorter::new(law).unwrap().at(48).unwrap();
        let mut pictures = |page: &Page| {
            let mut both = [[0u8; 48 * 48]; 2];
            distorter.plain(page, 0, &mut both[0]);
            distorter.draw(
                page,
                0,
                &mut Stream::new(3, Purpose::Distort, 1),
                &mut both[1],
            );
            both
        };
        let first = pictures(&small(0, 0));
        for (dx, dy) in [(1, 0), (65, 75), (30, 2)] {
            assert!(pictures(&small(dx, dy)) == first, "({dx}, {dy})");
        }
    }

    /// A drawing of the size asked for, in the middle, is shown as it is.
    #[test]
    fn a_drawing_of_that_size_in_the_middle_is_left_alone() {
        // 81 pixels, as the page has an odd number of them.
        let page = page(&[[12, 40], [92, 64], [50, 50]]);
        let shown = |ink_side| {
            let law = Distortion {
                ink_side,
                ..Distortion::COMPACT
            };
            let mut out = [0u8; 48 * 48];
            let mut distorter = Distorter::new(law).unwrap().at(48).unwrap();
            distorter.plain(&page, 0, &mut out);
            out
        };
        assert!(shown(81) == shown(0));
        assert!(shown(60) != shown(0));
    }

    #[test]
    fn maps_that_reach_too_far_from_the_largest_drawings_are_refused() {
        let law = |ink_side, source_side| Distortion {
            ink_side,
            source_side,
            affine: AffineLaw {
                scale: 0.3,
                ..AffineLaw::COMPACT
            },
            ..Distortion::COMPACT
        };
        assert!(law(0, 105).check().is_ok() && law(80, 64).check().is_ok());
        let refused = law(40, 105).check();
        assert!(matches!(refused, Err(DistortionError::Reach { .. })));
        for side in [1, 39, 106] {
            let refused = law(side, 64).check();
            assert!(
                matches!(refused, Err(DistortionError::Range { .. })),
                "{side}"
            );
        }
    }

    #[test]
    fn a_dot_is_enlarged_threefold_and_a_blank_page_left_alone() {
        let dot = page(&[[100, 3]]);
        assert_eq!(Fit::of((&dot).into(), 80).scale, 1.0 / 3.0);
        assert_eq!(Fit::of((&Page::BLANK).into(), 80), Fit::WHOLE);
    }
}
