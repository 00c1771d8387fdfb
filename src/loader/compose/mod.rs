//! Drawings of composed classes: skeletons of two drawings, arranged anew, under one pen.
//!
//! A drawing that is shrunk as a picture has thin strokes, which no drawer's mark has. So each of
//! the two is thinned to a skeleton, the skeleton is cut if the class wants parts of it, its box
//! is brought to its place, and both are drawn over with a pen of Omniglot's five pixels, small
//! marks with one of three. Everything is in whole numbers and in one bit a pixel, before all
//! distortion; shades, where a store has them, are not looked at.

mod bits;
mod strokes;

use bits::Bits;
use strokes::Strokes;

use crate::image::{Page, SIDE};
use crate::sample::{ComposedDrawing, Placement};
use crate::store::{PageCache, StoreError};

/// How many times larger than drawn a skeleton may become: under either pen it stays in one piece.
const MOST_GROWTH: i32 = 3;
/// From this side of its box on, a character is drawn with the wider pen.
const WIDE_FROM: i32 = 34;
/// Pixels of the wider pen beside its middle.
const PEN: i32 = 2;

/// Composes pages; one for each worker. It allocates nothing once it is made.
#[derive(Clone, Debug, Default)]
pub struct Composer {
    strokes: Strokes,
}

impl Composer {
    /// A composer.
    #[must_use]
    pub fn new() -> Composer {
        Composer::default()
    }

    /// The page of a drawing of a composed class: a pure function of it and the store.
    ///
    /// # Errors
    /// If one of its two drawings cannot be read.
    ///
    /// # Panics
    /// If a drawing is not one of the store's.
    pub fn page(
        &mut self,
        pages: &PageCache,
        drawing: &ComposedDrawing,
    ) -> Result<Page, StoreError> {
        let [base, other] = drawing.drawings;
        Ok(self.compose([pages.page(base)?, pages.page(other)?], drawing.places))
    }

    /// Two pages on one, each at its place.
    #[must_use]
    pub fn compose(&mut self, pages: [&Page; 2], places: [Placement; 2]) -> Page {
        let mut composed = Bits::BLANK;
        for (page, place) in pages.into_iter().zip(places) {
            let mut skeleton = Bits::of(page);
            skeleton.thin();
            let Some(bounds) = skeleton.bounds() else {
                continue; // a drawing without ink
            };
            if let Some(way) = place.half {
                skeleton = self.strokes.half(&skeleton, way);
            }
            let thin = put(&skeleton, bounds, place).grown();
            let wide = place.side >= WIDE_FROM;
            composed = composed | if wide { thin.widened() } else { thin };
        }
        composed.page()
    }
}

/// A skeleton's pixels at a place, each at the nearest one of the page that has room for the pen:
/// `first` and `last` are the corners of the whole character's box. A half of it is brought to
/// the place by the middle of that half of the box, so that it lies alike whatever a hand left out.
fn put(skeleton: &Bits, [first, last]: [[usize; 2]; 2], place: Placement) -> Bits {
    let longer = (last[0] - first[0]).max(last[1] - first[1]) as i32;
    let least = (place.side + MOST_GROWTH - 1).div_euclid(MOST_GROWTH);
    let longer = longer.max(least).max(1);
    let away = place
        .half
        .unwrap_or_default()
        .map(|way| way * place.side / 16);
    let mut put = Bits::BLANK;
    for point in skeleton.points() {
        put.set([0, 1].map(|axis| {
            let from_middle = 2 * point[axis] as i32 - (first[axis] + last[axis]) as i32;
            let step = (from_middle * place.side + longer).div_euclid(2 * longer);
            let at = place.centre[axis] - away[axis] + step;
            at.clamp(PEN, SIDE as i32 - 1 - PEN) as usize
        }));
    }
    put
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from: [usize; 2], length: usize, axis: usize) -> Page {
        let mut bits = Bits::BLANK;
        for step in 0..length {
            let mut point = from;
            point[axis] += step;
            bits.set(point);
        }
        bits.grown().page()
    }

    fn place(centre: [i32; 2], side: i32) -> Placement {
        Placement {
            centre,
            side,
            half: None,
        }
    }

    #[test]
    fn each_character_is_brought_to_its_place_under_one_pen() {
        let pages = [bar([3, 3], 90, 0), bar([80, 30], 31, 1)];
        let places = [place([40, 20], 40), place([70, 60], 45)];
        let composed = Composer::default().compose([&pages[0], &pages[1]], places);
        let ink = Bits::of(&composed);
        let half = |of: Bits, from: usize, to: usize| {
            Bits(std::array::from_fn(|y| {
                if (from..to).contains(&y) { of.0[y] } else { 0 }
            }))
        };
        // The pen adds two pixels all around; thinning takes one or two from the ends of a bar.
        let [first, last] = half(ink, 0, 30).bounds().unwrap();
        assert_eq!([first, last], [[18, 18], [62, 22]]);
        let [first, last] = half(ink, 30, 105).bounds().unwrap();
        assert_eq!(([first[0], last[0]]), [68, 72]);
        assert!(
            first[1].abs_diff(36) <= 1 && last[1].abs_diff(84) <= 1,
            "{first:?} {last:?}"
        );
        // A bar that is enlarged is still in one piece.
        assert!((first[1]..=last[1]).all(|y| ink.has([70, y])));
    }

    #[test]
    fn nothing_leaves_the_page_and_blank_drawings_are_nothing() {
        let pages = [bar([20, 20], 60, 0), Page::BLANK];
        let places = [place([2, 103], 80), place([50, 50], 30)];
        let composed = Composer::default().compose([&pages[0], &pages[1]], places);
        let [first, last] = Bits::of(&composed).bounds().unwrap();
        assert_eq!((first[0], last[1]), (0, 104));
        assert_eq!(
            composed,
            Composer::default().compose([&pages[0]; 2], [places[0]; 2])
        );
    }

    #[test]
    fn a_dot_does_not_become_a_block() {
        let dot = bar([50, 50], 2, 0);
        let composed = Composer::default().compose([&dot; 2], [place([30, 30], 60); 2]);
        assert!((1..=60).contains(&composed.ink_count()), "{composed:?}");
    }
}
