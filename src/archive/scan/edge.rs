//! Ink along the picture's edge that is likely none: a scanner's lid along some sides, a shadow, a
//! table. A stroke that runs off the picture is narrower, or goes on inside.

use super::frame::flooded;

/// Percent of a side that are inked if a strip runs along it.
const STRIP: usize = 95;
/// A strip is at most one part of so many of the picture wide.
const NARROW: usize = 7;
/// A patch holds a square of the picture's shorter side by that, and percent of it are inked.
const PATCH: usize = 5;
const FULL: usize = 95;

/// Where a picture has ink.
pub(super) struct Sides<F> {
    width: usize,
    height: usize,
    inked: F,
}

impl<F: Fn(usize) -> bool> Sides<F> {
    pub fn of(width: usize, height: usize, inked: F) -> Sides<F> {
        Sides {
            width,
            height,
            inked,
        }
    }

    fn count(&self, places: impl Iterator<Item = usize>) -> usize {
        places.filter(|&at| (self.inked)(at)).count()
    }

    /// Does ink run along a whole side, near which it stays, and is there more of it elsewhere?
    pub fn strip(&self) -> bool {
        let (width, height) = (self.width, self.height);
        let all = width * height;
        let full = |count: usize, n: usize| count * 100 >= n * STRIP;
        let sides = [
            full(self.count(0..width), width),
            full(self.count(all - width..all), width),
            full(self.count((0..all).step_by(width)), height),
            full(self.count((width - 1..all).step_by(width)), height),
        ];
        if !sides.contains(&true) {
            return false;
        }
        let strip = flooded(width, height, &self.inked);
        let near = |at: usize| {
            let (x, y) = (at % width, at / width);
            let (wide, high) = (width.div_ceil(NARROW), height.div_ceil(NARROW));
            let near = [y < high, height - y <= high, x < wide, width - x <= wide];
            sides.iter().zip(near).any(|(&side, near)| side && near)
        };
        let more = (0..all).any(|at| !strip[at] && (self.inked)(at));
        more && (0..all).all(|at| !strip[at] || near(at))
    }

    /// Does the edge have a square of ink, as no stroke is?
    pub fn patch(&self) -> bool {
        let (width, height) = (self.width, self.height);
        let side = (width.min(height) / PATCH).max(1);
        let is_full = |left: usize, top: usize| {
            let rows = (top..top + side).step_by((side / 16).max(1));
            let columns = || (left..left + side).step_by((side / 16).max(1));
            let n = rows.len() * columns().len();
            let places = rows.flat_map(|y| columns().map(move |x| y * width + x));
            self.count(places) * 100 >= n * FULL
        };
        let step = (side / 4).max(1);
        let (right, low) = (width - side, height - side);
        (0..=right)
            .step_by(step)
            .chain([right])
            .any(|x| is_full(x, 0) || is_full(x, low))
            || (0..=low)
                .step_by(step)
                .chain([low])
                .any(|y| is_full(0, y) || is_full(right, y))
    }
}
