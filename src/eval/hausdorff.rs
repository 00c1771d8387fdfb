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
//! fixed order.
//!
//! By the definition two drawings of Omniglot cost |A| |B|, about 800,000 distances. Here each
//! point looks along the rows of the other page, its own height first and then ever further
//! above and below, until a row alone is further than the nearest ink found; along a row only
//! the ink next to it on either side counts, and that stands in a table. A handful of rows is
//! enough where drawings are alike.

use super::judge::{Judge, nearest};
use crate::archive::{Page, SIDE};
use crate::sample::Task;
use crate::store::{PageCache, StoreError};

/// No ink on that side of the row.
const NONE: u8 = u8::MAX;

/// The ink of one page as points around their mean, and what finds the nearest of them.
#[derive(Clone, Debug)]
pub struct PointSet {
    /// Mean column and row of the ink.
    mean: [f64; 2],
    /// Column and row of each point, row by row.
    points: Vec<[u8; 2]>,
    /// The place of each column from the mean; infinite for [`NONE`].
    across: Box<[f64; 256]>,
    /// The column of the nearest ink of the row at this column or left of it.
    left: Box<[[u8; SIDE]; SIDE]>,
    /// The same right of this column; the column itself does not count.
    right: Box<[[u8; SIDE]; SIDE]>,
}

impl PointSet {
    /// The points of a page.
    #[must_use]
    pub fn new(page: &Page) -> PointSet {
        let mut left = Box::new([[NONE; SIDE]; SIDE]);
        let mut right = Box::new([[NONE; SIDE]; SIDE]);
        let (mut points, mut sums) = (Vec::with_capacity(1024), [0u32; 2]);
        let mut row = [0; SIDE];
        for y in 0..SIDE {
            page.expand_row(y, 1, &mut row);
            let mut last = NONE;
            for (x, &ink) in (0u8..).zip(&row) {
                if ink == 1 {
                    last = x;
                    points.push([x, y as u8]); // below 105
                    sums[0] += u32::from(x);
                    sums[1] += y as u32;
                }
                left[y][usize::from(x)] = last;
            }
            let mut next = NONE;
            for x in (0..SIDE).rev() {
                right[y][x] = next;
                if row[x] == 1 {
                    next = x as u8;
                }
            }
        }
        let mean = sums.map(|sum| f64::from(sum) / points.len().max(1) as f64);
        let mut across = Box::new([f64::INFINITY; 256]);
        for (x, place) in across[..SIDE].iter_mut().enumerate() {
            *place = x as f64 - mean[0];
        }
        PointSet {
            mean,
            points,
            across,
            left,
            right,
        }
    }

    /// The distance of two pages in pixels, the same in either order; not a number if either
    /// has no ink.
    #[must_use]
    pub fn distance(&self, other: &PointSet) -> f64 {
        if self.points.is_empty() || other.points.is_empty() {
            return f64::NAN;
        }
        self.directed(other).max(other.directed(self))
    }

    /// The mean distance of its points to the other's nearest.
    fn directed(&self, other: &PointSet) -> f64 {
        let mut sum = 0.0;
        for &[x, y] in &self.points {
            let at = [f64::from(x) - self.mean[0], f64::from(y) - self.mean[1]];
            sum += other.nearest(at).sqrt();
        }
        sum / self.points.len() as f64
    }

    /// The squared distance of a place, from this set's mean, to its nearest point.
    fn nearest(&self, at: [f64; 2]) -> f64 {
        let most = (SIDE - 1) as f64;
        let column = (at[0] + self.mean[0]).clamp(0.0, most) as usize; // rounded down
        let home = (at[1] + self.mean[1]).round().clamp(0.0, most) as usize;
        let mut best = f64::INFINITY;
        // Whether the row can hold anything nearer than the best.
        let mut look = |y: usize| {
            let dy = (y as f64 - self.mean[1]) - at[1];
            let dy = dy * dy;
            let near = dy < best;
            if near {
                for neighbour in [self.left[y][column], self.right[y][column]] {
                    let dx = self.across[usize::from(neighbour)] - at[0];
                    best = best.min(dy + dx * dx);
                }
            }
            near
        };
        look(home);
        for step in 1..SIDE {
            let above = home >= step && look(home - step);
            let below = home + step < SIDE && look(home + step);
            if !above && !below {
                break;
            }
        }
        best
    }
}

/// Judges by the modified Hausdorff distance. Of several shots the nearest counts.
pub struct Hausdorff<'a> {
    pages: &'a PageCache,
}

impl<'a> Hausdorff<'a> {
    /// Judges the drawings of a store.
    #[must_use]
    pub fn new(pages: &'a PageCache) -> Hausdorff<'a> {
        Hausdorff { pages }
    }
}

impl Judge for Hausdorff<'_> {
    type Likeness = f64;

    fn judge(&self, task: &Task, shots: usize) -> Result<Vec<f64>, StoreError> {
        let query = PointSet::new(self.pages.page(task.query)?);
        nearest(task, shots, |id| {
            Ok(-query.distance(&PointSet::new(self.pages.page(id)?)))
        })
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
