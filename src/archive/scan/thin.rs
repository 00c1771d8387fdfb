//! Strokes thinner than half a pixel of the page, which scaling alone would lose.

use super::ink::Ink;
use crate::image::{Page, SIDE};

/// The least cover of a pixel, of 255, by a thin stroke: one pixel of 5,000.
const LEAST_COVER: u8 = 4;
/// The least cover by a dot that is no speck, beside thin strokes.
const LEAST_DOT: u8 = 26;
/// A stroke is at least so many pixels of the page long.
const LEAST_STROKE: usize = 3;

/// A mask of ink, 255, without lone specks: of a pixel's eight neighbours, two have ink.
pub(super) fn without_specks(mask: &Ink) -> Ink {
    let (width, height) = (mask.width as usize, mask.height as usize);
    let mut pixels = vec![0; width * height];
    for y in 0..height {
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        for x in (0..width).filter(|x| mask.pixels[y * width + x] > 0) {
            let columns = x.saturating_sub(1)..(x + 2).min(width);
            let near = rows.clone().map(|y| {
                let row = &mask.pixels[y * width..][columns.clone()];
                row.iter().filter(|&&value| value > 0).count()
            });
            if near.sum::<usize>() > 2 {
                pixels[y * width + x] = 255;
            }
        }
    }
    Ink { pixels, ..*mask }
}

/// Adds to a page the middle lines of strokes that it lost; how much of each of its pixels has ink
/// in the picture is `cover`. What was added.
pub(super) fn keep(page: &mut Page, cover: &[u8]) -> Vec<usize> {
    let inked = |x: usize, y: usize| page.ink(x, y);
    let beside = |at: usize| around(at).any(|near| inked(near % SIDE, near / SIDE));
    let on_line = |&at: &usize| !inked(at % SIDE, at / SIDE) && is_ridge(cover, at);
    let mut open = vec![false; SIDE * SIDE];
    (0..SIDE * SIDE)
        .filter(on_line)
        .for_each(|at| open[at] = true);
    let (mut strokes, mut dots) = (Vec::new(), Vec::new());
    for first in 0..SIDE * SIDE {
        if !std::mem::take(&mut open[first]) {
            continue;
        }
        let mut stroke = vec![first];
        let mut next = 0;
        while let Some(&at) = stroke.get(next) {
            next += 1;
            for near in around(at) {
                if std::mem::take(&mut open[near]) {
                    stroke.push(near);
                }
            }
        }
        // What hugs a stroke of the page is that stroke's edge.
        if stroke.iter().all(|&at| beside(at)) {
            continue;
        }
        if stroke.len() >= LEAST_STROKE {
            strokes.extend(stroke);
        } else if stroke.iter().any(|&at| cover[at] >= LEAST_DOT) {
            dots.extend(stroke);
        }
    }
    if !strokes.is_empty() {
        strokes.extend(dots);
    }
    for &at in &strokes {
        page.set(at % SIDE, at / SIDE, true);
    }
    strokes
}

/// The places around one.
fn around(at: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (at % SIDE, at / SIDE);
    let rows = y.saturating_sub(1)..(y + 2).min(SIDE);
    rows.flat_map(move |y| (x.saturating_sub(1)..(x + 2).min(SIDE)).map(move |x| y * SIDE + x))
        .filter(move |&near| near != at)
}

/// Is it on the middle line of a thin stroke: more covered than what lies across, and twice as much
/// as what lies two pixels across?
fn is_ridge(cover: &[u8], at: usize) -> bool {
    let (x, y) = ((at % SIDE) as isize, (at / SIDE) as isize);
    let side = SIDE as isize;
    let value = |x: isize, y: isize| {
        let inside = (0..side).contains(&x) && (0..side).contains(&y);
        if inside {
            cover[(y * side + x) as usize]
        } else {
            0
        }
    };
    let here = cover[at];
    let across = |&(dx, dy): &(isize, isize)| {
        let (before, behind) = (value(x - dx, y - dy), value(x + dx, y + dy));
        let far = value(x - 2 * dx, y - 2 * dy).max(value(x + 2 * dx, y + 2 * dy));
        here > before && here >= behind && far <= here / 2
    };
    here >= LEAST_COVER && [(1, 0), (0, 1), (1, 1), (1, -1)].iter().any(across)
}
