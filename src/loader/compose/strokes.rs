//! A skeleton cut into strokes, and those of them that lie one way.

use std::ops::Range;

use super::bits::Bits;
use crate::image::AREA;

/// The strokes of a skeleton. Its room is used again for the next one.
#[derive(Clone, Debug)]
pub(super) struct Strokes {
    /// Pixels in the order of the pen.
    points: Vec<[usize; 2]>,
    strokes: Vec<Range<usize>>,
}

impl Default for Strokes {
    /// With room for any skeleton: more than half of its page is not ink.
    fn default() -> Strokes {
        Strokes {
            points: Vec::with_capacity(AREA / 2),
            strokes: Vec::with_capacity(AREA / 4),
        }
    }
}

impl Strokes {
    /// Of a skeleton the strokes whose middle lies `way` (to the right, and down) from the middle
    /// of its box; of none such, the stroke that lies farthest that way.
    ///
    /// It is cut at its junctions, and lines longer than half of the longer side of the box into
    /// equal pieces that are not: so what two hands drew alike is cut alike.
    pub fn half(&mut self, skeleton: &Bits, way: [i32; 2]) -> Bits {
        let Some([first, last]) = skeleton.bounds() else {
            return Bits::BLANK;
        };
        self.cut(
            skeleton,
            1 + (last[0] - first[0]).max(last[1] - first[1]) / 2,
        );
        // Twice the middle's way times the pixels of the stroke: whole, and of the same sign.
        let along = |stroke: &Range<usize>| {
            let points = self.points[stroke.clone()].iter();
            let step = |point: &[usize; 2]| {
                let axis = |k: usize| 2 * point[k] as i32 - (first[k] + last[k]) as i32;
                axis(0) * way[0] + axis(1) * way[1]
            };
            points.map(step).sum::<i32>()
        };
        let mut kept = Bits::BLANK;
        let farthest = self.strokes.iter().max_by_key(|stroke| along(stroke));
        let lies = |stroke: &&Range<usize>| along(stroke) > 0;
        for stroke in self.strokes.iter().filter(lies).chain(farthest) {
            for &point in &self.points[stroke.clone()] {
                kept.set(point);
            }
        }
        if kept == Bits::BLANK {
            return *skeleton; // nothing but junctions
        }
        // Strokes were cut two pixels before where they meet.
        kept = kept.grown() & *skeleton;
        kept.grown() & *skeleton
    }

    /// Cuts a skeleton into strokes of `longest` pixels at most.
    fn cut(&mut self, skeleton: &Bits, longest: usize) {
        self.points.clear();
        self.strokes.clear();
        let mut left = *skeleton & !skeleton.junctions().grown();
        // From end to end first; what is left has none: loops.
        while let Some(start) = (left.ends().points().next()).or_else(|| left.points().next()) {
            let from = self.points.len();
            let mut next = Some(start);
            while let Some(point) = next {
                self.points.push(point);
                left.clear(point);
                next = neighbour(&left, point);
            }
            let length = self.points.len() - from;
            let pieces = length.div_ceil(longest);
            let at = |piece: usize| from + piece * length / pieces;
            self.strokes
                .extend((0..pieces).map(|piece| at(piece)..at(piece + 1)));
        }
    }
}

/// A pixel of ink beside a point: one that shares a side, before one that shares a corner.
fn neighbour(ink: &Bits, [x, y]: [usize; 2]) -> Option<[usize; 2]> {
    let (left, up) = (x.wrapping_sub(1), y.wrapping_sub(1));
    let sides = [[x + 1, y], [x, y + 1], [left, y], [x, up]];
    let corners = [[x + 1, y + 1], [left, y + 1], [left, up], [x + 1, up]];
    sides
        .into_iter()
        .chain(corners)
        .find(|&point| ink.has(point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(bits: Bits) -> Vec<[usize; 2]> {
        bits.points().collect()
    }

    #[test]
    fn a_cross_has_four_arms() {
        let mut cross = Bits::BLANK;
        for at in 10..31 {
            cross.set([at, 20]);
            cross.set([20, at]);
        }
        let mut strokes = Strokes::default();
        // Both arms across have their middles neither above nor below.
        let right = points(strokes.half(&cross, [1, 0]));
        assert!(
            right.contains(&[30, 20]) && right.contains(&[20, 20]),
            "{right:?}"
        );
        assert!(
            !right.contains(&[10, 20]) && !right.contains(&[20, 30]),
            "{right:?}"
        );
        let corner = points(strokes.half(&cross, [1, 1]));
        assert!(
            corner.contains(&[30, 20]) && corner.contains(&[20, 30]),
            "{corner:?}"
        );
        assert!(
            !corner.contains(&[10, 20]) && !corner.contains(&[20, 10]),
            "{corner:?}"
        );
    }

    #[test]
    fn loops_and_lines_are_cut_in_the_middle() {
        let (mut ring, mut line) = (Bits::BLANK, Bits::BLANK);
        for at in 10..31 {
            line.set([at, 40]);
            for point in [[at, 10], [at, 30], [10, at], [30, at]] {
                ring.set(point);
            }
        }
        let mut strokes = Strokes::default();
        for way in [[1, 0], [0, 1], [-1, 0], [0, -1]] {
            let half = strokes.half(&ring, way).points().count();
            assert!((15..=60).contains(&half), "{half} of 80 pixels, {way:?}");
        }
        let right = strokes.half(&line, [1, 0]);
        let columns: Vec<usize> = right.points().map(|[x, _]| x).collect();
        assert_eq!(columns, (18..31).collect::<Vec<_>>());
    }

    #[test]
    fn a_dot_is_its_own_half() {
        let mut dot = Bits::BLANK;
        dot.set([50, 50]);
        let mut strokes = Strokes::default();
        assert_eq!(strokes.half(&dot, [3, -3]), dot);
        assert_eq!(strokes.half(&Bits::BLANK, [3, -3]), Bits::BLANK);
    }
}
