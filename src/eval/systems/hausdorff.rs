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
//! the ink next to it on either side counts, which the row's bits tell. A handful of rows is
//! enough where drawings are alike.

use std::sync::OnceLock;

use super::scorer::Scorer;
use super::system::{Rules, System};
use crate::eval::error::EvalError;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;
use crate::image::{Page, SIDE};
use crate::sample::Task;
use crate::store::{DrawingId, PageCache, StoreError};

/// Points after which a sum is looked at.
const BETWEEN_LOOKS: usize = 32;
/// One point of so many says roughly how far a page is.
const ROUGH_STEP: usize = 16;

/// The ink of one page as points around their mean, and what finds the nearest of them.
#[derive(Clone, Debug)]
pub struct PointSet {
    /// Mean column and row of the ink.
    mean: [f64; 2],
    /// Column and row of each point, row by row.
    points: Vec<[u8; 2]>,
    /// The ink of each row, column `x` in bit `x`.
    rows: Box<[u128; SIDE]>,
}

impl PointSet {
    /// The points of a page.
    #[must_use]
    pub fn new(page: &Page) -> PointSet {
        let mut rows = Box::new([0u128; SIDE]);
        for (band, rows) in page.bands().chunks_exact(SIDE).zip(rows.chunks_mut(8)) {
            for (x, &column) in band.iter().enumerate().filter(|(_, column)| **column != 0) {
                for (bit, row) in rows.iter_mut().enumerate() {
                    *row |= u128::from(column >> bit & 1) << x;
                }
            }
        }
        let ink: u32 = rows.iter().map(|row| row.count_ones()).sum();
        let (mut points, mut sums) = (Vec::with_capacity(ink as usize), [0u32; 2]);
        for (y, &row) in (0u8..).zip(rows.iter()) {
            let mut left = row;
            while left != 0 {
                let x = left.trailing_zeros();
                left &= left - 1;
                points.push([x as u8, y]); // below 105
                sums[0] += x;
                sums[1] += u32::from(y);
            }
        }
        let mean = sums.map(|sum| f64::from(sum) / points.len().max(1) as f64);
        PointSet { mean, points, rows }
    }

    /// The distance of two pages in pixels, the same in either order; not a number if either
    /// has no ink.
    #[must_use]
    pub fn distance(&self, other: &PointSet) -> f64 {
        if self.points.is_empty() || other.points.is_empty() {
            return f64::NAN;
        }
        self.within(other, f64::INFINITY)
    }

    /// The distance of two pages with ink, if it is at most `most`; else any number above `most`.
    fn within(&self, other: &PointSet, most: f64) -> f64 {
        let there = self.directed(other, most);
        if there > most {
            return there;
        }
        there.max(other.directed(self, most))
    }

    /// The mean distance of its points to the other's nearest, if it is at most `most`; else any
    /// number above `most`.
    fn directed(&self, other: &PointSet, most: f64) -> f64 {
        let count = self.points.len() as f64;
        let mut sum = 0.0;
        for some in self.points.chunks(BETWEEN_LOOKS) {
            for &point in some {
                sum += self.to_nearest(point, other);
            }
            if sum / count > most {
                break; // what is left can only add to it
            }
        }
        sum / count
    }

    /// About the directed mean distance: by some of its points alone.
    fn roughly(&self, other: &PointSet) -> f64 {
        let some = self.points.iter().step_by(ROUGH_STEP);
        let count = some.len() as f64;
        some.map(|&point| self.to_nearest(point, other))
            .sum::<f64>()
            / count
    }

    /// The distance of one of its points to the other's nearest.
    fn to_nearest(&self, [x, y]: [u8; 2], other: &PointSet) -> f64 {
        let at = [f64::from(x) - self.mean[0], f64::from(y) - self.mean[1]];
        other.nearest(at).sqrt()
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
                let row = self.rows[y];
                let left = row & (u128::MAX >> (127 - column)); // the column itself counts
                let right = row >> column >> 1;
                let mut meet = |x: u32| {
                    let dx = (f64::from(x) - self.mean[0]) - at[0];
                    best = best.min(dy + dx * dx);
                };
                if left != 0 {
                    meet(127 - left.leading_zeros());
                }
                if right != 0 {
                    meet(column as u32 + 1 + right.trailing_zeros());
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

/// Scores by the modified Hausdorff distance, on points of ink: shades say nothing here. Of several
/// shots the nearest counts.
///
/// What it has read of a drawing it keeps, some 4 kB.
pub struct Hausdorff<'a> {
    pages: &'a PageCache,
    sets: Vec<OnceLock<PointSet>>,
}

impl<'a> Hausdorff<'a> {
    /// What tables call it.
    pub(in crate::eval) const NAME: &'static str = "modified Hausdorff distance";

    /// Scores the drawings of a store.
    #[must_use]
    pub fn new(pages: &'a PageCache) -> Hausdorff<'a> {
        let sets = (0..pages.store().drawings()).map(|_| OnceLock::new());
        Hausdorff {
            pages,
            sets: sets.collect(),
        }
    }

    fn points(&self, id: DrawingId) -> Result<&PointSet, StoreError> {
        let page = self.pages.page(id)?;
        Ok(self.sets[id as usize].get_or_init(|| PointSet::new(page)))
    }
}

impl Scorer for Hausdorff<'_> {
    type Similarity = f64;

    /// Exact for the ways that share the first place; of any other no more is promised than that
    /// it is less, since what is further than the nearest so far is not measured to its end.
    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<f64>, StoreError> {
        let query = self.points(task.query)?;
        let support = task.support.iter().map(|&id| self.points(id));
        let support: Vec<&PointSet> = support.collect::<Result<_, _>>()?;
        let blank = |set: &&PointSet| set.points.is_empty();
        let similarities = match blank(&query) || support.iter().any(blank) {
            true => support.iter().map(|set| -query.distance(set)).collect(),
            false => first_places(query, &support),
        };
        let greatest = |way: &[f64]| {
            let (first, others) = way.split_first().expect("a way has a drawing");
            others.iter().fold(
                *first,
                |best, &other| if other > best { other } else { best },
            )
        };
        Ok(similarities.chunks_exact(shots).map(greatest).collect())
    }
}

impl System for Hausdorff<'_> {
    fn name(&self) -> &str {
        Hausdorff::NAME
    }

    fn role(&self) -> Role {
        Role::Baseline
    }

    /// To tasks of one shot alone.
    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        let asked = (set.shots == 1).then(|| Answers::dealt(self, set, rules.ties, rules.ranks));
        asked.transpose()
    }
}

/// The similarity of each of `support` to `query`, right where none is greater; all have ink.
fn first_places(query: &PointSet, support: &[&PointSet]) -> Vec<f64> {
    // What seems near comes first, so that most of the others are soon known to be further.
    let mut order: Vec<(f64, usize)> = (support.iter().enumerate())
        .map(|(place, set)| (query.roughly(set), place))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut similarities = vec![f64::NAN; support.len()];
    let mut least = f64::INFINITY;
    for (_, place) in order {
        let distance = query.within(support[place], least);
        least = least.min(distance);
        similarities[place] = -distance;
    }
    similarities
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

    proptest! {
        #[test]
        fn first_places_are_those_of_whole_distances(
            pages in proptest::collection::vec(
                proptest::collection::vec((0..SIDE, 0..SIDE), 1..300), 2..9),
            twice: bool,
        ) {
            let mut sets: Vec<PointSet> = pages.iter().map(|ink| PointSet::new(&page(ink))).collect();
            if twice {
                sets.push(sets[1].clone()); // a tie, perhaps for the first place
            }
            let support: Vec<&PointSet> = sets[1..].iter().collect();
            let whole: Vec<f64> = support.iter().map(|set| -sets[0].distance(set)).collect();
            let got = first_places(&sets[0], &support);
            let greatest = whole.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for (&whole, &got) in whole.iter().zip(&got) {
                match whole == greatest {
                    true => prop_assert_eq!(whole.to_bits(), got.to_bits()),
                    false => prop_assert!(got < greatest, "{} {}", got, greatest),
                }
            }
        }
    }

    #[test]
    fn a_blank_page_is_like_nothing() {
        let (blank, ink) = (PointSet::new(&Page::BLANK), PointSet::new(&page(&[(3, 4)])));
        assert!(blank.distance(&ink).is_nan() && ink.distance(&blank).is_nan());
        assert!(blank.distance(&blank).is_nan());
    }
}
