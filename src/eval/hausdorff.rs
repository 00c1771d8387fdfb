//! Modified Hausdorff distance between drawings as sets of points: the baseline that comes with
//! Omniglot.
//!
//! ```text
//! points(page) = places of its ink, less their mean
//! h(A, B) = mean over a in A of min over b in B of |a - b|
//! d(A, B) = max(h(A, B), h(B, A))
//! ```
//!
//! (Dubuisson & Jain 1994, measure 22; centred as in Lake's demonstration of one-shot
//! classification, whose answers on the 20 official runs this reproduces.) All in f64, in a
//! fixed order. It costs |A| |B| distances, about 600,000 for two drawings of Omniglot; they are
//! taken row by row of ink, nearest rows first, so that most of them need not be.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::archive::{Page, SIDE};
use crate::store::{DrawingId, PageCache, StoreError};

/// The ink of one page as points around their mean.
#[derive(Clone, Debug, PartialEq)]
pub struct PointSet {
    /// Mean column and row of the ink.
    mean: [f64; 2],
    /// Columns of the ink, ascending in each row.
    columns: Vec<f64>,
    /// Where each row's columns begin, and the last row's end.
    starts: [u32; SIDE + 1],
}

impl PointSet {
    /// The points of a page.
    #[must_use]
    pub fn new(page: &Page) -> PointSet {
        let (mut columns, mut starts) = (Vec::new(), [0; SIDE + 1]);
        let mut row_sum = 0;
        for y in 0..SIDE {
            columns.extend((0..SIDE).filter(|&x| page.ink(x, y)).map(|x| x as f64));
            starts[y + 1] = columns.len() as u32;
            row_sum += y * (starts[y + 1] - starts[y]) as usize;
        }
        let count = columns.len().max(1) as f64;
        PointSet {
            mean: [columns.iter().sum::<f64>() / count, row_sum as f64 / count],
            columns,
            starts,
        }
    }

    fn row(&self, y: usize) -> &[f64] {
        &self.columns[self.starts[y] as usize..self.starts[y + 1] as usize]
    }

    /// The distance of two pages in pixels, the same in either order; not a number if either
    /// has no ink.
    #[must_use]
    pub fn distance(&self, other: &PointSet) -> f64 {
        let (there, back) = (self.directed(other), other.directed(self));
        if there.is_nan() || back.is_nan() {
            return f64::NAN;
        }
        there.max(back)
    }

    /// The mean distance of its points to the other's nearest.
    fn directed(&self, other: &PointSet) -> f64 {
        if self.columns.is_empty() || other.columns.is_empty() {
            return f64::NAN;
        }
        let mut sum = 0.0;
        for y in 0..SIDE {
            for &x in self.row(y) {
                let at = [x - self.mean[0], y as f64 - self.mean[1]];
                sum += other.nearest(at).sqrt();
            }
        }
        sum / self.columns.len() as f64
    }

    /// The squared distance of a place, from this set's mean, to its nearest point: rows ever
    /// further above and below, until a row alone is further than what was found.
    fn nearest(&self, at: [f64; 2]) -> f64 {
        let height = |y: usize| (y as f64 - self.mean[1]) - at[1];
        let home = (at[1] + self.mean[1]).round().clamp(0.0, (SIDE - 1) as f64) as usize;
        let mut best = f64::INFINITY;
        for step in 0..SIDE {
            let above = home.checked_sub(step);
            let below = (home + step < SIDE && step > 0).then_some(home + step);
            let mut open = false;
            for y in [above, below].into_iter().flatten() {
                let dy = height(y) * height(y);
                if dy < best {
                    open = true;
                    best = best.min(dy + self.across(y, at[0]));
                }
            }
            if !open {
                break;
            }
        }
        best
    }

    /// The least squared distance along a row from a column, from this set's mean.
    fn across(&self, y: usize, x: f64) -> f64 {
        let square = |column: f64| {
            let dx = (column - self.mean[0]) - x;
            dx * dx
        };
        let row = self.row(y);
        // Columns ascend, so the nearest is beside the first that is not left of the place; one
        // more to either side, should rounding have put the place on the wrong side of one.
        let right = row.partition_point(|&column| column - self.mean[0] < x);
        let near = row[right.saturating_sub(2)..(right + 2).min(row.len())].iter();
        near.fold(f64::INFINITY, |best, &column| best.min(square(column)))
    }
}

/// Drawings as point sets.
pub struct Hausdorff {
    sets: BTreeMap<DrawingId, PointSet>,
}

impl Hausdorff {
    /// The point sets of some drawings.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn of(
        pages: &PageCache,
        drawings: impl IntoIterator<Item = DrawingId>,
    ) -> Result<Hausdorff, StoreError> {
        let mut ids: Vec<DrawingId> = drawings.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let set = |id: DrawingId| Ok((id, PointSet::new(pages.page(id)?)));
        let sets: Vec<_> = ids
            .into_par_iter()
            .map(set)
            .collect::<Result<_, StoreError>>()?;
        Ok(Hausdorff {
            sets: sets.into_iter().collect(),
        })
    }

    /// The points of a drawing.
    ///
    /// # Panics
    /// If the drawing is not among those it was made of.
    #[must_use]
    pub fn points(&self, id: DrawingId) -> &PointSet {
        &self.sets[&id]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the definition says, every distance taken.
    fn plain(a: &Page, b: &Page) -> f64 {
        let points = |page: &Page| {
            let ink = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
            let ink: Vec<[f64; 2]> = (ink.filter(|&(x, y)| page.ink(x, y)))
                .map(|(x, y)| [x as f64, y as f64])
                .collect();
            let mean = [0, 1].map(|k| ink.iter().map(|p| p[k]).sum::<f64>() / ink.len() as f64);
            let centred = ink.iter().map(|p| [p[0] - mean[0], p[1] - mean[1]]);
            centred.collect::<Vec<_>>()
        };
        let (a, b) = (points(a), points(b));
        let directed = |a: &[[f64; 2]], b: &[[f64; 2]]| {
            let nearest = a.iter().map(|p| {
                let squares = b
                    .iter()
                    .map(|q| (q[0] - p[0]).powi(2) + (q[1] - p[1]).powi(2));
                squares.fold(f64::INFINITY, f64::min).sqrt()
            });
            nearest.sum::<f64>() / a.len() as f64
        };
        directed(&a, &b).max(directed(&b, &a))
    }

    fn page(ink: &[(usize, usize)]) -> Page {
        let mut page = Page::BLANK;
        ink.iter().for_each(|&(x, y)| page.set(x, y, true));
        page
    }

    proptest! {
        #[test]
        fn equals_the_definition_and_is_symmetric(
            a in proptest::collection::vec((0..SIDE, 0..SIDE), 1..60),
            b in proptest::collection::vec((0..SIDE, 0..SIDE), 1..60),
        ) {
            let (a, b) = (page(&a), page(&b));
            let (first, second) = (PointSet::new(&a), PointSet::new(&b));
            let distance = first.distance(&second);
            prop_assert!((distance - plain(&a, &b)).abs() < 1e-9);
            prop_assert_eq!(distance.to_bits(), second.distance(&first).to_bits());
            prop_assert_eq!(first.distance(&first), 0.0);
        }

        #[test]
        fn a_page_moved_is_the_same_page(
            ink in proptest::collection::vec((0..90usize, 0..90usize), 1..40),
            by in (0..15usize, 0..15usize),
        ) {
            let moved: Vec<_> = ink.iter().map(|(x, y)| (x + by.0, y + by.1)).collect();
            let distance = PointSet::new(&page(&ink)).distance(&PointSet::new(&page(&moved)));
            prop_assert!(distance < 1e-9, "{distance}");
        }
    }

    #[test]
    fn a_blank_page_is_like_nothing() {
        let (blank, ink) = (PointSet::new(&Page::BLANK), PointSet::new(&page(&[(3, 4)])));
        assert!(blank.distance(&ink).is_nan() && ink.distance(&blank).is_nan());
        assert!(blank.distance(&blank).is_nan());
    }
}
