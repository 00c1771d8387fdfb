//! A frame of one shade around the page: the lid of a scanner, the table of a photograph.
//!
//! It is what hangs together with the picture's border in the border's shade, if the rest is a
//! page: nearly a rectangle, large, and mostly of another shade.

use super::decode::Picture;
use super::ink::ends;

/// How far a frame's pixels may be from its shade at least: the noise of a scanner.
const LEAST_NOISE: u8 = 16;
const MOST_NOISE: u8 = 48;
/// How far the page's shade is from the frame's.
const LEAST_STEP: u8 = 32;
/// The page's least share of the picture: one part of so many.
const LEAST_PAGE: usize = 3;
/// Where the straightness of the page's sides is tried, as one part of so many of the page: a page
/// may lie a little askew.
const DEPTH: usize = 12;
/// Percent of that line which are page; and of the page which are not of the frame's shade.
const STRAIGHT: usize = 80;
const OTHER: usize = 75;
/// One line of so many, across a frame's edge, may change little; uneven light changes little on all
/// lines but those where ink happens to lie.
const FADES: usize = 5;

/// The page inside a frame; `None` if there is no frame.
pub(super) fn page(picture: &Picture) -> Option<Picture> {
    let mut border = border(&picture.shades, picture.width);
    border.sort_unstable();
    let quarter = |n: usize| border[(n * border.len() / 4).min(border.len() - 1)];
    let middle = quarter(2);
    let mut shades = vec![middle];
    // Of a frame along two sides, half of the border is page.
    shades.extend(
        [quarter(1), quarter(3)]
            .into_iter()
            .filter(|&q| q.abs_diff(middle) > LEAST_STEP),
    );
    shades.into_iter().find_map(|frame| {
        let apart = border.iter().map(|shade| shade.abs_diff(frame));
        let noise = median(apart.filter(|&apart| apart <= MOST_NOISE).collect());
        let noise = noise.saturating_mul(4).clamp(LEAST_NOISE, MOST_NOISE);
        page_in(picture, frame, noise)
    })
}

/// The shades of the outermost pixels.
pub(super) fn border(shades: &[u8], width: usize) -> Vec<u8> {
    let rows = shades.chunks_exact(width);
    let last = rows.len() - 1;
    let mut border: Vec<u8> = Vec::new();
    for (y, row) in rows.enumerate() {
        if y == 0 || y == last {
            border.extend_from_slice(row);
        } else {
            border.extend([row[0], row[width - 1]]);
        }
    }
    border
}

fn page_in(picture: &Picture, frame: u8, noise: u8) -> Option<Picture> {
    let (width, height) = (picture.width, picture.height);
    let area = width * height;
    let framed = |at: usize| picture.shades[at].abs_diff(frame) <= noise;
    let other = (0..area).filter(|&at| !framed(at)).count();
    if other * 100 < area / LEAST_PAGE * OTHER {
        return None;
    }
    let mut inside = flooded(width, height, framed);
    inside.iter_mut().for_each(|flooded| *flooded = !*flooded);
    // Specks on the frame are not page: a row or column of it has a tenth of the picture's.
    let count = |places: &mut dyn Iterator<Item = usize>| places.filter(|&at| inside[at]).count();
    let rows: Vec<bool> = (0..height)
        .map(|y| count(&mut (y * width..(y + 1) * width)) * 10 >= width)
        .collect();
    let columns: Vec<bool> = (0..width)
        .map(|x| count(&mut (x..area).step_by(width)) * 10 >= height)
        .collect();
    let ((top, bottom), (left, right)) = (ends(&rows), ends(&columns));
    let (wide, high) = (right + 1 - left, bottom + 1 - top);
    let places = || (top..=bottom).flat_map(move |y| (left..=right).map(move |x| y * width + x));
    let pages = count(&mut places());
    let others = places().filter(|&at| inside[at] && !framed(at)).count();
    let (dx, dy) = (wide / DEPTH, high / DEPTH);
    let row =
        |y: usize| count(&mut (y * width + left..=y * width + right)) * 100 >= wide * STRAIGHT;
    let column = |x: usize| {
        let places = (top * width + x..=bottom * width + x).step_by(width);
        count(&mut places.into_iter()) * 100 >= high * STRAIGHT
    };
    let straight = row(top + dy) && row(bottom - dy) && column(left + dx) && column(right - dx);
    let is_page = (wide < width || high < height)
        && pages >= area / LEAST_PAGE
        && others * 100 >= pages * OTHER
        && straight;
    if !is_page {
        return None;
    }
    let shades = places()
        .filter(|&at| inside[at])
        .map(|at| picture.shades[at]);
    let level = median(shades.collect());
    if level.abs_diff(frame) < LEAST_STEP || !abrupt(picture, &inside, frame, noise + LEAST_NOISE) {
        return None;
    }
    let page = Picture {
        width: wide,
        height: high,
        shades: places().map(|at| picture.shades[at]).collect(),
        opacity: None,
    };
    let mask: Vec<bool> = places().map(|at| inside[at]).collect();
    Some(covered(page, mask))
}

/// Does the page differ from the frame as soon as it begins? Uneven light changes little by little.
fn abrupt(picture: &Picture, inside: &[bool], frame: u8, step: u8) -> bool {
    let (width, height) = (picture.width, picture.height);
    let depth = margin(picture);
    let mut apart: Vec<u8> = Vec::new();
    let mut line = |first: usize, by: usize, n: usize| {
        let place = |i: usize| first + i * by;
        let begin = (1..n).find(|&i| inside[place(i)] && !inside[place(i - 1)]);
        let end = (1..n)
            .rev()
            .find(|&i| inside[place(i - 1)] && !inside[place(i)]);
        let deep = [
            begin.map(|i| i + depth),
            end.and_then(|i| i.checked_sub(1 + depth)),
        ];
        let shades = deep.into_iter().flatten().filter(|&i| i < n);
        apart.extend(shades.map(|i| picture.shades[place(i)].abs_diff(frame)));
    };
    (0..height).for_each(|y| line(y * width, 1, width));
    (0..width).for_each(|x| line(x, width, height));
    apart.sort_unstable();
    apart
        .get(apart.len() / FADES)
        .is_some_and(|&apart| apart >= step)
}

/// How deep a page's edge may fade into the frame, in pixels.
fn margin(picture: &Picture) -> usize {
    2 + picture.width.max(picture.height) / 100
}

/// Which pixels hang together with the border by such as are wanted.
pub(super) fn flooded(width: usize, height: usize, wanted: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut flooded = vec![false; width * height];
    let mut open: Vec<usize> = Vec::new();
    let ends = |y: usize| {
        if y == 0 || y + 1 == height {
            1
        } else {
            (width - 1).max(1)
        }
    };
    for y in 0..height {
        open.extend((0..width).step_by(ends(y)).map(|x| y * width + x));
    }
    while let Some(at) = open.pop() {
        if flooded[at] || !wanted(at) {
            continue;
        }
        flooded[at] = true;
        let (x, y) = (at % width, at / width);
        let mut visit = |near: bool, place: usize| {
            if near && !flooded[place] {
                open.push(place);
            }
        };
        visit(x > 0, at.wrapping_sub(1));
        visit(x + 1 < width, at + 1);
        visit(y > 0, at.wrapping_sub(width));
        visit(y + 1 < height, at + width);
    }
    flooded
}

/// The page with its edges, where it fades into the frame, and what is left of the frame in its
/// rectangle covered by the page's own shade nearby.
fn covered(mut page: Picture, mut inside: Vec<bool>) -> Picture {
    let (width, height) = (page.width, page.height);
    let margin = margin(&page);
    // What is less than the margin from the frame, or from the picture's edge, along a row or a column.
    let line = |inside: &mut [bool], first: usize, step: usize, n: usize| {
        let was: Vec<bool> = (0..n).map(|i| inside[first + i * step]).collect();
        let mut since = 0;
        for i in 0..n {
            since = if was[i] { since + 1 } else { 0 };
            inside[first + i * step] &= since > margin;
        }
        since = 0;
        for i in (0..n).rev() {
            since = if was[i] { since + 1 } else { 0 };
            inside[first + i * step] &= since > margin;
        }
    };
    (0..height).for_each(|y| line(&mut inside, y * width, 1, width));
    (0..width).for_each(|x| line(&mut inside, x, width, height));
    let mut rows = Vec::new();
    for (y, inside) in inside.chunks_exact(width).enumerate() {
        let known: Vec<usize> = (0..width).filter(|&x| inside[x]).collect();
        let Some(&middle) = known.get(known.len() / 2) else {
            continue;
        };
        rows.push(y);
        let row = &mut page.shades[y * width..][..width];
        let ends = 2 * margin + 1;
        let before = median(known.iter().take(ends).map(|&x| row[x]).collect());
        let behind = median(known.iter().rev().take(ends).map(|&x| row[x]).collect());
        for x in (0..width).filter(|&x| !inside[x]) {
            row[x] = if x < middle { before } else { behind };
        }
    }
    if let (Some(&first), Some(&last)) = (rows.first(), rows.last()) {
        for y in (0..first).chain(last + 1..height) {
            let from = first.max(y).min(last) * width;
            page.shades.copy_within(from..from + width, y * width);
        }
    }
    page
}

/// The middle one of some shades.
pub(super) fn median(mut shades: Vec<u8>) -> u8 {
    let middle = shades.len() / 2;
    *shades.select_nth_unstable(middle).1
}
