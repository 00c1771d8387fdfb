//! Strokes as geometry, and the pen that puts them on a page.
//!
//! A stroke is a control polygon whose corners are rounded by quadratic Bézier
//! arcs: one number, the roundness, takes the same polygon from a chiselled
//! letter to a cursive one, and moving a control point bends the stroke without
//! breaking it. A pixel is ink if its centre lies within the pen's radius of the
//! flattened stroke; only a segment's own surroundings are looked at, so that a page
//! costs tens of microseconds.
//!
//! Everything is `+ - * /` and `sqrt`, which IEEE 754 rounds the same way on every
//! machine. Turns take the half angle's tangent in place of the angle, since sines
//! and cosines differ in the last bit from one mathematics library to the next.

use std::ops::{Add, Mul, Sub};

use crate::image::{Page, SIDE};

/// Steps a rounded corner is flattened into.
const CORNER_STEPS: u32 = 8;
/// The thinnest pen: any disc wider than half a pixel's diagonal covers a pixel's centre.
pub(super) const THINNEST_RADIUS: f64 = 0.75;

/// A point or a displacement; `y` grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Point {
    pub(super) const fn new(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    pub(super) fn dot(self, other: Point) -> f64 {
        self.x * other.x + self.y * other.y
    }

    pub(super) fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// The point `part` of the way to `other`.
    pub(super) fn towards(self, other: Point, part: f64) -> Point {
        self + (other - self) * part
    }
}

impl Add for Point {
    type Output = Point;
    fn add(self, other: Point) -> Point {
        Point::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Point;
    fn sub(self, other: Point) -> Point {
        Point::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Point {
    type Output = Point;
    fn mul(self, factor: f64) -> Point {
        Point::new(self.x * factor, self.y * factor)
    }
}

/// A linear map of the plane, by rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Linear([f64; 4]);

impl Linear {
    /// A turn by the angle whose half has the tangent `half_tangent`.
    pub(super) fn turn(half_tangent: f64) -> Linear {
        let square = half_tangent * half_tangent;
        let cosine = (1.0 - square) / (1.0 + square);
        let sine = 2.0 * half_tangent / (1.0 + square);
        Linear([cosine, -sine, sine, cosine])
    }

    /// A slant: what lies above the origin moves right by `slope` of its height.
    pub(super) fn slant(slope: f64) -> Linear {
        Linear([1.0, -slope, 0.0, 1.0])
    }

    /// A stretch along both axes.
    pub(super) fn stretch(x: f64, y: f64) -> Linear {
        Linear([x, 0.0, 0.0, y])
    }

    /// This map after `first`.
    pub(super) fn after(self, first: Linear) -> Linear {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, first.0);
        Linear([a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h])
    }

    pub(super) fn apply(self, point: Point) -> Point {
        let [a, b, c, d] = self.0;
        Point::new(a * point.x + b * point.y, c * point.x + d * point.y)
    }
}

/// The polyline of a control polygon whose corners are rounded.
///
/// `roundness` 0 keeps the corners, 1 lets every arc run from the middle of one
/// side to the middle of the next. The polyline starts and ends where the
/// polygon does.
pub(super) fn flatten(controls: &[Point], roundness: f64) -> Vec<Point> {
    let mut line = Vec::with_capacity(controls.len() * (CORNER_STEPS as usize + 1));
    line.extend(controls.first());
    for corner in controls.windows(3) {
        let from = corner[1].towards(corner[0], roundness / 2.0);
        let to = corner[1].towards(corner[2], roundness / 2.0);
        for step in 0..=CORNER_STEPS {
            let part = f64::from(step) / f64::from(CORNER_STEPS);
            let inward = from.towards(corner[1], part);
            let outward = corner[1].towards(to, part);
            line.push(inward.towards(outward, part));
        }
    }
    if controls.len() > 1 {
        line.extend(controls.last());
    }
    line
}

/// Length of a polyline.
pub(super) fn length(line: &[Point]) -> f64 {
    line.windows(2)
        .map(|pair| (pair[1] - pair[0]).length())
        .sum()
}

/// Lowest and highest coordinates of all points.
///
/// # Panics
/// If there is no point.
pub(super) fn bounds<'a>(points: impl IntoIterator<Item = &'a Point>) -> (Point, Point) {
    let mut points = points.into_iter();
    let first = *points
        .next()
        .expect("a character has strokes and they have points");
    points.fold((first, first), |(low, high), point| {
        (
            Point::new(low.x.min(point.x), low.y.min(point.y)),
            Point::new(high.x.max(point.x), high.y.max(point.y)),
        )
    })
}

/// Moves lines so that a pen of this radius stays on the page, shrinking them if they must be.
pub(super) fn keep_on_page(lines: &mut [Vec<Point>], radius: f64) {
    let (low, high) = bounds(lines.iter().flatten());
    let room = (SIDE - 1) as f64 - 2.0 * radius;
    let factor = (room / (high.x - low.x).max(high.y - low.y).max(room)).min(1.0);
    let place = |low: f64, high: f64| {
        let half = (high - low) * factor / 2.0;
        ((low + high) / 2.0).clamp(radius + half, (radius + room - half).max(radius + half))
    };
    let centre = low.towards(high, 0.5);
    let target = Point::new(place(low.x, high.x), place(low.y, high.y));
    for point in lines.iter_mut().flatten() {
        *point = target + (*point - centre) * factor;
    }
}

/// Draws polylines (in pixels, pixel centres at whole numbers) with a round pen.
///
/// What lies off the page is left out.
pub(super) fn ink(lines: &[Vec<Point>], radius: f64) -> Page {
    let mut page = Page::BLANK;
    for line in lines {
        if let [only] = line[..] {
            ink_segment(&mut page, only, only, radius);
        }
        for ends in line.windows(2) {
            ink_segment(&mut page, ends[0], ends[1], radius);
        }
    }
    page
}

fn ink_segment(page: &mut Page, from: Point, to: Point, radius: f64) {
    // Casts from floats saturate, so a negative bound becomes column or row 0.
    let span = |a: f64, b: f64| {
        let first = (a.min(b) - radius).ceil() as usize;
        let end = (a.max(b) + radius + 1.0).floor() as usize;
        first..end.min(SIDE)
    };
    let along = to - from;
    let square = along.dot(along);
    for y in span(from.y, to.y) {
        for x in span(from.x, to.x) {
            let pixel = Point::new(x as f64, y as f64) - from;
            let part = if square > 0.0 {
                (pixel.dot(along) / square).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let away = pixel - along * part;
            if away.dot(away) <= radius * radius {
                page.set(x, y, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(limit: f64) -> impl Strategy<Value = Point> {
        (-limit..limit, -limit..limit).prop_map(|(x, y)| Point::new(x, y))
    }

    proptest! {
        #[test]
        fn turns_keep_lengths(tangent in -3.0..3.0, point in point(10.0)) {
            let turned = Linear::turn(tangent).apply(point);
            prop_assert!((turned.length() - point.length()).abs() < 1e-12 * (1.0 + point.length()));
        }

        #[test]
        fn maps_compose(t in -1.0..1.0, s in -1.0..1.0, point in point(10.0)) {
            let (turn, slant) = (Linear::turn(t), Linear::slant(s));
            let apart = turn.apply(slant.apply(point)) - turn.after(slant).apply(point);
            prop_assert!(apart.length() < 1e-12);
        }

        #[test]
        fn a_flattened_stroke_keeps_its_ends_and_is_no_longer_than_its_polygon(
            controls in prop::collection::vec(point(1.0), 1..7), roundness in 0.0..1.0
        ) {
            let line = flatten(&controls, roundness);
            prop_assert_eq!(line.first(), controls.first());
            prop_assert_eq!(line.last(), controls.last());
            prop_assert!(length(&line) <= length(&controls) + 1e-9);
        }

        #[test]
        fn lines_kept_on_the_page_lose_no_ink(
            line in prop::collection::vec(point(300.0), 1..5), radius in THINNEST_RADIUS..3.0
        ) {
            let mut lines = vec![line];
            keep_on_page(&mut lines, radius);
            let (low, high) = bounds(&lines[0]);
            let limit = (SIDE - 1) as f64 - radius + 1e-9;
            prop_assert!(low.x.min(low.y) >= radius - 1e-9 && high.x.max(high.y) <= limit);
            let page = ink(&lines, radius);
            for point in &lines[0] {
                prop_assert!(page.ink((point.x + 0.5) as usize, (point.y + 0.5) as usize));
            }
        }
    }

    #[test]
    fn a_pen_of_radius_one_inks_a_plus() {
        let page = ink(&[vec![Point::new(10.0, 20.0)]], 1.0);
        assert_eq!(page.ink_count(), 5);
        assert!(page.ink(10, 20) && page.ink(9, 20) && page.ink(10, 21));
        assert!(!page.ink(9, 19));
    }

    #[test]
    fn ink_off_the_page_is_left_out() {
        let far = vec![Point::new(-50.0, -50.0), Point::new(-20.0, 300.0)];
        assert_eq!(ink(&[far], 2.0), Page::BLANK);
        let across = vec![Point::new(-50.0, 52.0), Point::new(300.0, 52.0)];
        assert_eq!(ink(&[across], 0.75).ink_count(), SIDE as u32);
    }
}
