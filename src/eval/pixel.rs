//! Nearest neighbour in pixels: what every learner must beat.
//!
//! On one-bit pages both likenesses are functions of three whole numbers, the ink of
//! either page and the ink they share, so they are compared exactly and ties are ties.

use std::cmp::Ordering;

use crate::archive::Page;

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
pub struct Likeness {
    numerator: i64,
    denominator: i64,
}

impl Likeness {
    /// Compares two fractions without rounding.
    fn exact(&self, other: &Likeness) -> Ordering {
        let cross =
            |a: &Likeness, b: &Likeness| i128::from(a.numerator) * i128::from(b.denominator);
        cross(self, other).cmp(&cross(other, self))
    }
}

impl PartialEq for Likeness {
    fn eq(&self, other: &Likeness) -> bool {
        self.exact(other) == Ordering::Equal
    }
}

impl PartialOrd for Likeness {
    fn partial_cmp(&self, other: &Likeness) -> Option<Ordering> {
        Some(self.exact(other))
    }
}

impl Pixel {
    /// How like `query` the page `support` is.
    #[must_use]
    pub fn likeness(self, query: &Page, support: &Page) -> Likeness {
        let bands = query.bands().iter().zip(support.bands());
        let shared: u32 = bands.map(|(a, b)| (a & b).count_ones()).sum();
        let (shared, ink) = (i64::from(shared), i64::from(support.ink_count()));
        match self {
            // |a - b|^2 = |a| + |b| - 2 shared, and |a| is the same for all of a query's supports.
            Pixel::L2 => Likeness {
                numerator: 2 * shared - ink,
                denominator: 1,
            },
            // cos^2 = shared^2 / (|a| |b|), likewise; a blank page is like nothing.
            Pixel::Cosine => Likeness {
                numerator: shared * shared,
                denominator: ink.max(1),
            },
        }
    }

    /// How alike two pages are, the same in either order, and comparable between any: the
    /// distance with its sign turned, or the cosine, 0 if a page has no ink.
    #[must_use]
    pub fn similarity(self, a: &Page, b: &Page) -> f64 {
        let bands = a.bands().iter().zip(b.bands());
        let shared: u32 = bands.map(|(a, b)| (a & b).count_ones()).sum();
        let (shared, a, b) = (f64::from(shared), a.ink_count(), b.ink_count());
        match self {
            Pixel::L2 => -(f64::from(a + b) - 2.0 * shared).sqrt(),
            Pixel::Cosine => shared / (f64::from(a) * f64::from(b)).sqrt().max(1.0),
        }
    }
}
