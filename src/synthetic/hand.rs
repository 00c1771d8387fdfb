//! A drawer's hand: how one person's drawings of a character differ from another's.
//!
//! A drawer keeps a slant, a size, a width, a place on the page, a pen and a
//! measure of care through an alphabet; each drawing adds a little of each of
//! its own, and each stroke is moved, turned and stretched by itself, its
//! control points miss their places and its ends stop short or run over.

use super::pen::{Linear, Point, THINNEST_RADIUS, flatten, ink, keep_on_page};
use super::style::{Prototype, Style, bell, scatter};
use crate::image::{Page, SIDE};
use crate::seed::Stream;

/// What one drawer's drawings in an alphabet share.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    shape: Linear,
    place: Point,
    /// Added to the alphabet's roundness.
    rounder: f64,
    /// How far strokes go astray, 0.6 for a careful drawer to 1.3 for a careless one.
    astray: f64,
    radius: f64,
}

impl Hand {
    /// Draws a drawer's hand.
    pub(super) fn draw(stream: &mut Stream) -> Hand {
        let size = 1.0 + 0.25 * bell(stream);
        let wide = 1.0 + 0.15 * bell(stream);
        let shape = Linear::turn(0.08 * bell(stream))
            .after(Linear::slant(0.3 * bell(stream)))
            .after(Linear::stretch(size * wide, size / wide));
        Hand {
            shape,
            place: scatter(stream, 8.0),
            rounder: 0.25 * bell(stream),
            astray: 0.6 + 0.7 * stream.unit(),
            radius: THINNEST_RADIUS.max(1.45 + 0.35 * bell(stream)),
        }
    }

    /// Draws a character once; the stream makes this drawing unlike the drawer's others.
    pub(super) fn drawing(
        &self,
        style: &Style,
        prototype: &Prototype,
        stream: &mut Stream,
    ) -> Page {
        let wide = 1.0 + 0.1 * bell(stream);
        let size = style.size * (1.0 + 0.15 * bell(stream));
        let shape = Linear::turn(0.1 * bell(stream))
            .after(Linear::slant(0.15 * bell(stream)))
            .after(Linear::stretch(size * wide, size / wide))
            .after(self.shape);
        let middle = (SIDE - 1) as f64 / 2.0;
        let place = Point::new(middle, middle) + self.place + scatter(stream, 5.0);
        let roundness = (style.roundness + self.rounder).clamp(0.1, 1.0);
        let mut lines: Vec<Vec<Point>> = prototype
            .strokes
            .iter()
            .map(|stroke| {
                let stroke = self.stroke(stroke, stream);
                let line = flatten(&stroke, roundness);
                line.iter()
                    .map(|&point| place + shape.apply(point))
                    .collect()
            })
            .collect();
        keep_on_page(&mut lines, self.radius);
        ink(&lines, self.radius)
    }

    /// One stroke gone astray.
    fn stroke(&self, stroke: &[Point], stream: &mut Stream) -> Vec<Point> {
        let a = self.astray;
        let centre = stroke[0].towards(stroke[stroke.len() - 1], 0.5);
        let shape = Linear::turn(0.14 * a * bell(stream)).after(Linear::stretch(
            1.0 + 0.22 * a * bell(stream),
            1.0 + 0.22 * a * bell(stream),
        ));
        let target = centre + scatter(stream, 0.08 * a);
        // Control points of a small stroke lie close together, and miss by less.
        let (low, high) = super::pen::bounds(stroke);
        let spread = 0.15 * a * (high - low).length().min(1.0);
        let mut out: Vec<Point> = stroke
            .iter()
            .map(|&point| target + shape.apply(point - centre) + scatter(stream, spread))
            .collect();
        let last = out.len() - 1;
        for (end, inner) in [(0, 1), (last, last - 1)] {
            let over = 1.0 + 0.35 * a * bell(stream);
            out[end] = out[inner].towards(out[end], over);
        }
        out
    }
}
