//! How near two characters are: a shift-tolerant chamfer distance in whole numbers.
//!
//! Pages are reduced to 35 × 35 cells; each cell knows how far the nearest inked
//! cell is. The distance is the mean of the capped squared distances from one
//! character's ink to the other's, in the direction where it is greater (so that
//! a stroke too many counts), at the shift where it is least. Drawings of one
//! character that merely lie apart are near; a stroke more is far. Each
//! pair costs 50 sums over some 200 cells, and whole numbers leave no doubt on which side
//! of a limit it lies.

use crate::image::{Page, SIDE};

/// Pixels on a side of a cell.
const CELL: usize = 3;
/// Cells on a side.
const CELLS: usize = SIDE / CELL;
/// Cells one character is shifted over the other, at most, in either axis.
const SHIFT: usize = 2;
/// The capped distance, squared: a stroke six cells off is as missing as one farther.
const CAP: u32 = 36;
/// Units of the distance in one squared cell.
pub(super) const UNITS: u32 = 256;

/// A character reduced to what the distance needs.
#[derive(Clone, Debug)]
pub(super) struct Silhouette {
    /// Inked cells, column and row.
    cells: Vec<(usize, usize)>,
    /// Capped squared distance to the nearest inked cell, with a margin for shifts.
    field: Vec<u32>,
}

/// Cells on a side of the field, margins included.
const FIELD: usize = CELLS + 2 * SHIFT;

impl Silhouette {
    /// Reduces a page; it must have ink for distances to it to exist.
    pub(super) fn new(page: &Page) -> Silhouette {
        let mut cells = Vec::new();
        for row in 0..CELLS {
            for column in 0..CELLS {
                let inked = (0..CELL * CELL)
                    .any(|k| page.ink(column * CELL + k % CELL, row * CELL + k / CELL));
                if inked {
                    cells.push((column, row));
                }
            }
        }
        let field = field(&cells);
        Silhouette { cells, field }
    }

    /// The distance to another character, in 1/[`UNITS`] of a squared cell; symmetric, 0 to itself.
    ///
    /// # Panics
    /// If either has no ink.
    pub(super) fn distance(&self, other: &Silhouette) -> u32 {
        let shifts = (0..=2 * SHIFT).flat_map(|y| (0..=2 * SHIFT).map(move |x| (x, y)));
        shifts
            .map(|(x, y)| {
                let there = self.mean_to(other, x, y);
                there.max(other.mean_to(self, 2 * SHIFT - x, 2 * SHIFT - y))
            })
            .min()
            .expect("there are shifts")
    }

    fn mean_to(&self, other: &Silhouette, x: usize, y: usize) -> u32 {
        let sum: u32 = self
            .cells
            .iter()
            .map(|(column, row)| other.field[(row + y) * FIELD + column + x])
            .sum();
        sum * UNITS / self.cells.len() as u32
    }
}

/// Capped squared distances to the nearest cell: each cell reaches no farther than the cap.
fn field(cells: &[(usize, usize)]) -> Vec<u32> {
    const REACH: i32 = 5;
    let mut field = vec![CAP; FIELD * FIELD];
    for &(column, row) in cells {
        for y in -REACH..=REACH {
            for x in -REACH..=REACH {
                let at = |cell: usize, by: i32| (cell + SHIFT).checked_add_signed(by as isize);
                let (Some(column), Some(row)) = (at(column, x), at(row, y)) else {
                    continue;
                };
                if column < FIELD && row < FIELD {
                    let value = &mut field[row * FIELD + column];
                    *value = (*value).min((x * x + y * y) as u32);
                }
            }
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(pixels: &[(usize, usize)]) -> Page {
        let mut page = Page::BLANK;
        for &(x, y) in pixels {
            page.set(x, y, true);
        }
        page
    }

    proptest! {
        #[test]
        fn it_is_symmetric_and_nothing_to_a_shifted_self(
            pixels in prop::collection::vec((10..90usize, 10..90usize), 1..40),
            others in prop::collection::vec((0..SIDE, 0..SIDE), 1..40),
            (x, y) in (0..=2 * SHIFT, 0..=2 * SHIFT),
        ) {
            let first = Silhouette::new(&page(&pixels));
            let moved = |k: usize, by: usize| k + by * CELL - SHIFT * CELL;
            let shifted: Vec<_> = pixels.iter().map(|&(a, b)| (moved(a, x), moved(b, y))).collect();
            prop_assert_eq!(first.distance(&Silhouette::new(&page(&shifted))), 0);
            let other = Silhouette::new(&page(&others));
            prop_assert_eq!(first.distance(&other), other.distance(&first));
            prop_assert!(first.distance(&other) <= CAP * UNITS);
        }
    }

    #[test]
    fn a_stroke_more_is_far() {
        let bar: Vec<_> = (20..80).map(|y| (30, y)).collect();
        let both: Vec<_> = bar
            .iter()
            .copied()
            .chain((20..80).map(|y| (70, y)))
            .collect();
        let (one, two) = (Silhouette::new(&page(&bar)), Silhouette::new(&page(&both)));
        assert!(one.distance(&two) > 10 * UNITS);
    }
}
