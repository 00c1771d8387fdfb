//! Nearest neighbour in pixels: what every learner must beat.
//!
//! Both similarities are functions of three whole numbers, on one-bit pages the ink of either page and
//! the ink they share, in shades the sums of squares and of products, so they are compared exactly
//! and ties are ties.

use std::cmp::Ordering;

use super::scorer::{Scorer, nearest};
use super::system::{Rules, Similarity, System};
use crate::eval::error::EvalError;
use crate::eval::scores::{Answers, Role};
use crate::eval::tasks::TaskSet;
use crate::image::{AREA, Drawn};
use crate::sample::Task;
use crate::store::{PageCache, StoreError};

/// How two pages are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixel {
    /// Euclidean distance: the number of pixels that differ.
    L2,
    /// Cosine of the angle between the pages as vectors.
    Cosine,
}

/// How like a query a support page is; greater is nearer. Exact, and comparable only
/// between pages held against one query.
#[derive(Clone, Copy, Debug)]
pub struct ExactSimilarity {
    numerator: i64,
    denominator: i64,
}

impl ExactSimilarity {
    /// Compares two fractions without rounding.
    fn exact(&self, other: &ExactSimilarity) -> Ordering {
        let cross = |a: &ExactSimilarity, b: &ExactSimilarity| {
            i128::from(a.numerator) * i128::from(b.denominator)
        };
        cross(self, other).cmp(&cross(other, self))
    }
}

impl PartialEq for ExactSimilarity {
    fn eq(&self, other: &ExactSimilarity) -> bool {
        self.exact(other) == Ordering::Equal
    }
}

impl PartialOrd for ExactSimilarity {
    fn partial_cmp(&self, other: &ExactSimilarity) -> Option<Ordering> {
        Some(self.exact(other))
    }
}

/// What two drawings have of themselves, and what they share: sums of squares and of products of
/// their pixels, which on one-bit pages count ink.
struct Sums {
    a: i64,
    b: i64,
    shared: i64,
}

impl Sums {
    /// In shades where both have them, else on one-bit pages.
    fn of(a: Drawn, b: Drawn) -> Sums {
        match (a.shades, b.shades) {
            // At most 105^2 255^2 each, which is below 2^30.
            (Some(a), Some(b)) => Sums {
                a: product(a, a),
                b: product(b, b),
                shared: product(a, b),
            },
            _ => {
                let bands = a.page.bands().iter().zip(b.page.bands());
                let shared: u32 = bands.map(|(a, b)| (a & b).count_ones()).sum();
                Sums {
                    a: i64::from(a.page.ink_count()),
                    b: i64::from(b.page.ink_count()),
                    shared: i64::from(shared),
                }
            }
        }
    }
}

/// The sum of products of two drawings' shades.
fn product(a: &[u8; AREA], b: &[u8; AREA]) -> i64 {
    let pairs = a.iter().zip(b);
    let sum: u32 = pairs.map(|(&a, &b)| u32::from(a) * u32::from(b)).sum();
    i64::from(sum)
}

impl Pixel {
    /// How like the drawing `query` the drawing `support` is: in shades, if both have them.
    #[must_use]
    pub fn exact_similarity<'a>(
        self,
        query: impl Into<Drawn<'a>>,
        support: impl Into<Drawn<'a>>,
    ) -> ExactSimilarity {
        let Sums { b, shared, .. } = Sums::of(query.into(), support.into());
        match self {
            // |a - b|^2 = |a| + |b| - 2 shared, and |a| is the same for all of a query's supports.
            Pixel::L2 => ExactSimilarity {
                numerator: 2 * shared - b,
                denominator: 1,
            },
            // cos^2 = shared^2 / (|a| |b|), likewise; a blank page is like nothing.
            Pixel::Cosine => ExactSimilarity {
                numerator: shared * shared,
                denominator: b.max(1),
            },
        }
    }

    /// How alike two drawings are, the same in either order, and comparable between any of a store:
    /// the distance with its sign turned (in pixels, of which a full one counts 1), or the cosine, 0
    /// if a drawing is blank. In shades, if both have them.
    #[must_use]
    pub fn similarity<'a>(self, a: impl Into<Drawn<'a>>, b: impl Into<Drawn<'a>>) -> f64 {
        let (a, b) = (a.into(), b.into());
        let full = if a.shades.is_some() && b.shades.is_some() {
            255.0
        } else {
            1.0
        };
        let Sums { a, b, shared } = Sums::of(a, b);
        let (shared, a, b) = (shared as f64, a as f64, b as f64);
        match self {
            Pixel::L2 => -((a + b) - 2.0 * shared).sqrt() / full,
            Pixel::Cosine => shared / (a * b).sqrt().max(1.0),
        }
    }
}

/// Nearest neighbour in pixels, in shades where the store has them. Of several shots the nearest counts.
pub struct PixelScorer<'a> {
    pages: &'a PageCache,
    pixel: Pixel,
}

impl<'a> PixelScorer<'a> {
    /// Scores the drawings of a store.
    #[must_use]
    pub fn new(pages: &'a PageCache, pixel: Pixel) -> PixelScorer<'a> {
        PixelScorer { pages, pixel }
    }
}

impl Scorer for PixelScorer<'_> {
    type Similarity = ExactSimilarity;

    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<ExactSimilarity>, StoreError> {
        let query = self.pages.drawn(task.query)?;
        nearest(task, shots, |id| {
            Ok(self.pixel.exact_similarity(query, self.pages.drawn(id)?))
        })
    }
}

impl System for PixelScorer<'_> {
    fn name(&self) -> &str {
        match self.pixel {
            Pixel::L2 => "pixel 1-NN, L2",
            Pixel::Cosine => "pixel 1-NN, cosine",
        }
    }

    fn role(&self) -> Role {
        Role::Baseline
    }

    fn answers(&self, set: &TaskSet, rules: Rules<'_>) -> Result<Option<Answers>, EvalError> {
        Answers::dealt(self, set, rules.ties, rules.ranks).map(Some)
    }

    fn has_curve(&self) -> bool {
        self.pixel == Pixel::L2
    }

    fn similarity(&self) -> Option<Similarity<'_>> {
        let alike = |a, b| {
            let (a, b) = (self.pages.drawn(a)?, self.pages.drawn(b)?);
            Ok(self.pixel.similarity(a, b))
        };
        Some(Box::new(alike))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Page, SIDE};

    /// Ink where a shade is half or more, as a store of shades has it.
    fn page(shades: &[u8; AREA]) -> Page {
        let mut page = Page::BLANK;
        for (place, _) in shades.iter().enumerate().filter(|(_, s)| **s >= 128) {
            page.set(place % SIDE, place / SIDE, true);
        }
        page
    }

    #[test]
    fn shades_are_seen_where_both_have_them() {
        let shaded = |values: [u8; 4]| {
            let mut shades = Box::new([0; AREA]);
            shades[..4].copy_from_slice(&values);
            shades
        };
        let all = [[200, 150, 0, 0], [130, 255, 0, 100], [200, 150, 90, 0]].map(shaded);
        let pages = all.each_ref().map(|shades| page(shades));
        let drawn = |at: usize| Drawn {
            page: &pages[at],
            shades: Some(&all[at]),
        };
        // The pages are equal, and the drawings are not: of the two the third is nearer.
        for pixel in [Pixel::L2, Pixel::Cosine] {
            let bits = |at: usize| pixel.exact_similarity(&pages[0], &pages[at]);
            assert!(bits(1) == bits(2));
            assert!(
                pixel.exact_similarity(drawn(0), drawn(2))
                    > pixel.exact_similarity(drawn(0), drawn(1))
            );
            // One without shades is held against the page.
            assert!(pixel.exact_similarity(&pages[0], drawn(1)) == bits(1));
            let same = pixel.similarity(drawn(1), drawn(1));
            assert!((same - f64::from(u8::from(pixel == Pixel::Cosine))).abs() < 1e-12);
        }
        let (dx, dy, dz) = (70.0f64 / 255.0, 105.0 / 255.0, 100.0 / 255.0);
        let distance = (dx * dx + dy * dy + dz * dz).sqrt();
        let got = Pixel::L2.similarity(drawn(0), drawn(1));
        assert!((got + distance).abs() < 1e-12, "{got}");
        let (full, none) = (Box::new([255; AREA]), Box::new([0; AREA]));
        let (ink, blank) = (page(&full), Page::BLANK);
        let [full, none] = [(&ink, &full), (&blank, &none)].map(|(page, shades)| Drawn {
            page,
            shades: Some(shades),
        });
        assert_eq!(Pixel::L2.similarity(full, none), -105.0);
        assert_eq!(Pixel::L2.similarity(&ink, &blank), -105.0);
        assert_eq!(Pixel::Cosine.similarity(full, full), 1.0);
    }
}
