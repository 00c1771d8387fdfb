//! What is transparent is ground, whatever colour lies hidden there.
//!
//! Either the opaque part is a sheet that something is drawn on, and what is transparent around it
//! is more of the sheet; or the opaque part is the drawing itself.

use super::decode::Picture;
use super::frame::median;
use super::ink::{Ink, counts, part};

/// A pixel counts as opaque from here on.
const OPAQUE: u8 = 128;
/// The least contrast of the two shades of a sheet with a drawing.
const SHEET_CONTRAST: f64 = 48.0;
/// Ink that is darker than this shows well on white, and lighter than 255 less it on black.
const DARK: u8 = 192;

/// What a picture with transparent pixels becomes.
pub(super) enum Cleared {
    /// Shades alone: the transparent pixels have the sheet's.
    Sheet(Picture),
    /// The drawing, on a ground that needs no search.
    Drawing(Ink),
}

pub(super) fn clear(mut picture: Picture) -> Cleared {
    let Some(opacity) = picture.opacity.take() else {
        return Cleared::Sheet(picture);
    };
    let laid_on = |ground: u8| {
        let mix = move |(&shade, &alpha): (&u8, &u8)| {
            let (shade, alpha) = (u32::from(shade), u32::from(alpha));
            ((shade * alpha + u32::from(ground) * (255 - alpha) + 127) / 255) as u8
        };
        picture.shades.iter().zip(&opacity).map(mix)
    };
    if let Some(ground) = sheet(&picture, &opacity) {
        let shades = laid_on(ground).collect();
        return Cleared::Sheet(Picture { shades, ..picture });
    }
    let opaque = || (picture.shades.iter().zip(&opacity)).filter(|&(_, &alpha)| alpha >= OPAQUE);
    let pixels = if opaque().all(|(&shade, _)| shade < DARK) {
        laid_on(255).map(|shade| 255 - shade).collect()
    } else if opaque().all(|(&shade, _)| shade > 255 - DARK) {
        laid_on(0).collect()
    } else {
        opacity
    };
    Cleared::Drawing(Ink {
        width: picture.width as u32,
        height: picture.height as u32,
        pixels,
    })
}

/// The shade of the sheet's edge, if the opaque part is a sheet: it fills most of its own
/// rectangle, and something is drawn on it.
fn sheet(picture: &Picture, opacity: &[u8]) -> Option<u8> {
    let mask = Ink {
        width: picture.width as u32,
        height: picture.height as u32,
        pixels: (opacity.iter().map(|&alpha| u8::from(alpha >= OPAQUE))).collect(),
    };
    let rectangle = mask.extent();
    let ((top, bottom), (left, right)) = (rectangle.rows, rectangle.columns);
    let opaque = |at: &usize| mask.pixels[*at] > 0;
    let inside: Vec<u8> = (0..mask.pixels.len())
        .filter(opaque)
        .map(|at| picture.shades[at])
        .collect();
    if inside.len() < (bottom + 1 - top) * (right + 1 - left) / 2 {
        return None;
    }
    let parting = part(&counts(&inside))?;
    if parting.ink - parting.ground < SHEET_CONTRAST {
        return None;
    }
    let width = picture.width;
    let is_clear = |x: usize, y: usize| mask.pixels[y * width + x] == 0;
    let on_edge = |&at: &usize| {
        let (x, y) = (at % width, at / width);
        x == left
            || x == right
            || y == top
            || y == bottom
            || is_clear(x - 1, y)
            || is_clear(x + 1, y)
            || is_clear(x, y - 1)
            || is_clear(x, y + 1)
    };
    let edge = (0..mask.pixels.len()).filter(opaque).filter(on_edge);
    Some(median(edge.map(|at| picture.shades[at]).collect()))
}
