//! An alphabet's style and the characters written in it.
//!
//! Like Lake's motor programs, a character is a few strokes, each a primitive
//! placed by a relation to an earlier one: begun at its start, its end or along
//! it, or set apart. What makes an alphabet look like one is what its characters
//! share: four to seven primitives out of fourteen, bent its own way; how round
//! corners are; how strokes may be turned; how long they are and how many.

use super::pen::{Linear, Point, bounds, flatten, ink, length};
use crate::image::{Page, SIDE};
use crate::seed::Stream;

/// Control polygons of the primitives, about one unit tall, around the origin.
const PRIMITIVES: [&[(f64, f64)]; 14] = [
    LINE,
    // A bow.
    &[(-0.12, -0.5), (0.18, -0.25), (0.18, 0.25), (-0.12, 0.5)],
    // Half a ring.
    &[(-0.25, -0.5), (0.4, -0.5), (0.4, 0.5), (-0.25, 0.5)],
    // A hook.
    &[(0.0, -0.5), (0.0, 0.1), (0.0, 0.5), (0.35, 0.5), (0.4, 0.2)],
    // A corner.
    &[(-0.35, -0.5), (-0.35, 0.5), (0.4, 0.5)],
    // A wedge.
    &[(-0.4, -0.45), (0.0, 0.45), (0.4, -0.45)],
    // An arch.
    &[(-0.4, 0.5), (-0.4, -0.55), (0.4, -0.55), (0.4, 0.5)],
    // A double bend.
    &[
        (0.35, -0.4),
        (-0.4, -0.6),
        (-0.4, 0.0),
        (0.4, 0.0),
        (0.4, 0.6),
        (-0.35, 0.4),
    ],
    // A zigzag.
    &[(-0.4, -0.45), (0.4, -0.45), (-0.4, 0.45), (0.4, 0.45)],
    // A wave.
    &[(-0.5, 0.15), (-0.25, -0.4), (0.25, 0.4), (0.5, -0.15)],
    RING,
    // A loop whose ends cross.
    &[
        (-0.45, 0.5),
        (0.4, 0.15),
        (0.4, -0.6),
        (-0.3, -0.6),
        (-0.25, 0.15),
        (0.45, 0.5),
    ],
    // A spiral.
    &[
        (0.0, 0.1),
        (0.25, 0.0),
        (0.15, -0.35),
        (-0.35, -0.3),
        (-0.35, 0.45),
        (0.45, 0.45),
        (0.5, -0.3),
    ],
    // A stem with a bowl.
    &[
        (-0.3, 0.5),
        (-0.3, 0.0),
        (-0.3, -0.55),
        (0.4, -0.55),
        (0.4, 0.05),
        (-0.25, 0.05),
    ],
];
const LINE: &[(f64, f64)] = &[(0.0, -0.5), (0.0, 0.0), (0.0, 0.5)];
const RING: &[(f64, f64)] = &[
    (0.0, -0.45),
    (-0.5, -0.45),
    (-0.5, 0.45),
    (0.5, 0.45),
    (0.5, -0.45),
    (0.0, -0.45),
];
/// A dot is too short for a control polygon to have a shape.
const DOT: &[(f64, f64)] = &[(-0.02, -0.03), (0.02, 0.03)];

/// Strokes of a character taken together are this long, in its longer side.
///
/// At the usual size of 60 pixels and a pen 2.9 wide these are 3% to 8% of a page's pixels.
const LENGTHS: std::ops::Range<f64> = 1.9..4.8;
/// Characters narrower than this part of their height (or flatter) are drawn again:
/// drawers stretch what they draw, and a bar has no shape left to tell it by.
const SLIMMEST: f64 = 0.3;
/// Strokes nearer than this to earlier ones for a third of their length would be lost in them.
const APART: f64 = 0.09;

/// What the characters of an alphabet share.
#[derive(Clone, Debug)]
pub(super) struct Style {
    primitives: Vec<Vec<Point>>,
    /// How round corners are, 0 to 1 (see [`flatten`]).
    pub(super) roundness: f64,
    /// How primitives may be turned and mirrored: some of the square's eight symmetries.
    turns: Vec<u32>,
    /// Lengths of strokes in units of the primitives.
    scales: [f64; 3],
    /// Fewest strokes, and how many more there may be.
    strokes: (u32, u32),
    /// In how many of eight cases a stroke touches an earlier one.
    attached: u32,
    /// In how many of eight cases the last stroke is a dot.
    dotted: u32,
    /// Pixels on the longer side of a character.
    pub(super) size: f64,
}

/// A character before anyone drew it: control polygons in a box of side 1 around the origin.
#[derive(Clone, Debug)]
pub(super) struct Prototype {
    pub(super) strokes: Vec<Vec<Point>>,
}

impl Style {
    /// Draws a style.
    pub(super) fn draw(stream: &mut Stream) -> Style {
        let mut kinds: Vec<usize> = (0..PRIMITIVES.len()).collect();
        let count = 4 + stream.index(4);
        stream.choose_front(&mut kinds, count);
        let bend = 0.1;
        let primitives = kinds[..count]
            .iter()
            .map(|&kind| {
                let wide = Linear::stretch(1.0 + 0.3 * stream.signed_unit(), 1.0);
                points(PRIMITIVES[kind])
                    .map(|point| wide.apply(point + scatter(stream, bend)))
                    .collect()
            })
            .collect();
        let mut turns: Vec<u32> = (0..8).collect();
        let allowed = 3 + stream.index(4);
        stream.choose_front(&mut turns, allowed);
        turns.truncate(allowed);
        let fewest = 1 + stream.below(2);
        Style {
            primitives,
            roundness: 0.4 + 0.6 * stream.unit(),
            turns,
            scales: [1.0, 0.6 + 0.2 * stream.unit(), 0.3 + 0.2 * stream.unit()],
            strokes: (fewest, 1 + stream.below(3)),
            attached: 4 + stream.below(4),
            dotted: stream.below(3),
            size: 52.0 + 22.0 * stream.unit(),
        }
    }

    /// Draws characters in this style until one is neither too long nor too short nor too slim.
    pub(super) fn character(&self, stream: &mut Stream) -> Prototype {
        loop {
            let mut strokes = Vec::new();
            for _ in 0..self.strokes.0 + stream.below(self.strokes.1 + 1) {
                self.add_stroke(&mut strokes, stream);
            }
            if stream.chance(self.dotted, 8) {
                let dot = points(DOT).collect();
                strokes.push(set_apart(dot, &strokes, stream));
            }
            let (low, high) = bounds(strokes.iter().flatten());
            let (width, height) = (high.x - low.x, high.y - low.y);
            let side = width.max(height);
            let centre = low.towards(high, 0.5);
            for point in strokes.iter_mut().flatten() {
                *point = (*point - centre) * (1.0 / side);
            }
            let long: f64 = strokes
                .iter()
                .map(|stroke| length(&flatten(stroke, self.roundness)))
                .sum();
            if LENGTHS.contains(&long) && width.min(height) >= SLIMMEST * side {
                return Prototype { strokes };
            }
        }
    }

    /// Adds a stroke that no earlier one hides, unless eight attempts find none.
    fn add_stroke(&self, strokes: &mut Vec<Vec<Point>>, stream: &mut Stream) {
        for _ in 0..8 {
            let scale = match strokes.len() {
                0 => self.scales[stream.index(2)],
                _ => self.scales[stream.index(3)],
            };
            let turn = self.turns[stream.index(self.turns.len())];
            let primitive = &self.primitives[stream.index(self.primitives.len())];
            let stroke = primitive
                .iter()
                .map(|&point| symmetry(turn, point) * scale + scatter(stream, 0.04))
                .collect();
            let stroke = if strokes.is_empty() {
                stroke
            } else if stream.chance(self.attached, 8) {
                self.attach(stroke, strokes, stream)
            } else {
                set_apart(stroke, strokes, stream)
            };
            if !self.hidden(&stroke, strokes) {
                strokes.push(stroke);
                return;
            }
        }
    }

    /// Moves a stroke so that its start, middle or end lies on an earlier stroke.
    fn attach(
        &self,
        stroke: Vec<Point>,
        earlier: &[Vec<Point>],
        stream: &mut Stream,
    ) -> Vec<Point> {
        let host = flatten(&earlier[stream.index(earlier.len())], self.roundness);
        let anchor = host[(host.len() - 1) * stream.index(5) / 4];
        let line = flatten(&stroke, self.roundness);
        let joint = line[(line.len() - 1) * [0, 0, 1, 2][stream.index(4)] / 2];
        moved(stroke, anchor - joint)
    }

    /// Whether more than a third of a stroke lies along earlier ones.
    fn hidden(&self, stroke: &[Point], earlier: &[Vec<Point>]) -> bool {
        let others: Vec<Point> = earlier
            .iter()
            .flat_map(|other| evenly(&flatten(other, self.roundness)))
            .collect();
        let line = evenly(&flatten(stroke, self.roundness));
        let covered = line
            .iter()
            .filter(|&&point| others.iter().any(|&other| (other - point).length() < APART))
            .count();
        3 * covered > line.len()
    }

    /// The prototype as a careful hand would draw it, all characters equally large.
    pub(super) fn specimen(&self, prototype: &Prototype) -> Page {
        let middle = Point::new((SIDE / 2) as f64, (SIDE / 2) as f64);
        let lines: Vec<Vec<Point>> = prototype
            .strokes
            .iter()
            .map(|stroke| {
                let line = flatten(stroke, self.roundness);
                line.iter().map(|&point| middle + point * 66.0).collect()
            })
            .collect();
        ink(&lines, 1.3)
    }
}

fn points(polygon: &[(f64, f64)]) -> impl Iterator<Item = Point> {
    polygon.iter().map(|&(x, y)| Point::new(x, y))
}

/// A displacement of up to `spread` in each axis, small ones likelier.
pub(super) fn scatter(stream: &mut Stream, spread: f64) -> Point {
    let x = bell(stream) * spread;
    Point::new(x, bell(stream) * spread)
}

/// A number in -1 to 1 with deviation 0.41: the mean of two uniform ones.
pub(super) fn bell(stream: &mut Stream) -> f64 {
    (stream.signed_unit() + stream.signed_unit()) / 2.0
}

/// One of the eight symmetries of the square.
fn symmetry(turn: u32, point: Point) -> Point {
    let mirrored = |bit: u32, value: f64| if turn >> bit & 1 == 1 { -value } else { value };
    let (x, y) = (mirrored(0, point.x), mirrored(1, point.y));
    if turn >> 2 & 1 == 1 {
        Point::new(y, x)
    } else {
        Point::new(x, y)
    }
}

fn moved(mut stroke: Vec<Point>, by: Point) -> Vec<Point> {
    for point in &mut stroke {
        *point = *point + by;
    }
    stroke
}

/// Moves a stroke beside one of the earlier ones, in one of eight directions.
fn set_apart(stroke: Vec<Point>, earlier: &[Vec<Point>], stream: &mut Stream) -> Vec<Point> {
    const DIRECTIONS: [(f64, f64); 8] = [
        (0.0, -1.0),
        (0.7, -0.7),
        (1.0, 0.0),
        (0.7, 0.7),
        (0.0, 1.0),
        (-0.7, 0.7),
        (-1.0, 0.0),
        (-0.7, -0.7),
    ];
    let (low, high) = bounds(earlier[stream.index(earlier.len())].iter());
    let (x, y) = DIRECTIONS[stream.index(8)];
    let gap = 0.25;
    let reach = Point::new(
        x * ((high.x - low.x) / 2.0 + gap),
        y * ((high.y - low.y) / 2.0 + gap),
    );
    moved(stroke, low.towards(high, 0.5) + reach)
}

/// Seventeen points at equal steps along a polyline.
fn evenly(line: &[Point]) -> Vec<Point> {
    const STEPS: u32 = 16;
    let step = length(line) / f64::from(STEPS);
    let mut out = vec![line[0]];
    let mut walked = 0.0;
    for ends in line.windows(2) {
        let long = (ends[1] - ends[0]).length();
        while out.len() < STEPS as usize + 1
            && step * out.len() as f64 <= walked + long
            && long > 0.0
        {
            let part = (step * out.len() as f64 - walked) / long;
            out.push(ends[0].towards(ends[1], part));
        }
        walked += long;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Purpose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn characters_fill_their_box_and_have_strokes(seed: u64) {
            let mut stream = Stream::new(seed, Purpose::Synthetic, 0);
            let style = Style::draw(&mut stream);
            let character = style.character(&mut stream);
            prop_assert!((1..=6).contains(&character.strokes.len()));
            let (low, high) = bounds(character.strokes.iter().flatten());
            let side = (high.x - low.x).max(high.y - low.y);
            prop_assert!((side - 1.0).abs() < 1e-9);
            prop_assert!((low + high).length() < 1e-9);
        }

        #[test]
        fn symmetries_keep_lengths(turn in 0..8u32, x in -1.0..1.0, y in -1.0..1.0) {
            let point = Point::new(x, y);
            let turned = symmetry(turn, point);
            prop_assert!((turned.length() - point.length()).abs() < 1e-15);
        }
    }

    #[test]
    fn even_points_are_even() {
        let line: Vec<Point> = points(LINE).collect();
        let steps = evenly(&line);
        assert_eq!(steps.len(), 17);
        for pair in steps.windows(2) {
            assert!(((pair[1] - pair[0]).length() - 1.0 / 16.0).abs() < 1e-12);
        }
    }
}
