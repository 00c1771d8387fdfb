//! Pictures of any size and shade, made into pages.
//!
//! In the order that a picture takes: `format` and `whole` prove what the file is, `decode` makes
//! shades of it; `clear`, `frame` and `light` part its ground from what it lies in, and `ground`
//! ink from the ground. `ink` is scaled into the page, the longer side over all of it, where
//! Otsu's threshold parts it again; `thin` keeps strokes that are thinner than the page's pixels.

mod bits;
mod clear;
mod decode;
mod edge;
mod format;
mod frame;
mod ground;
mod ink;
mod jpeg;
mod light;
mod thin;
mod whole;

use std::fmt;

use serde::{Deserialize, Serialize};

use decode::decode;
use format::Format;
use ground::Found;
use ink::Ink;

use super::problem::Problem;
use crate::image::{Drawn, Page, SIDE, Shades};

/// Pixels of the longer side of what is drawn, if it is cut out: the median of Omniglot's
/// background drawings.
const CUT_SIDE: u32 = 68;
/// The shade of a thin stroke's pixels at least: half ink.
const THIN_SHADE: u8 = 128;

/// How pictures are made into pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanOptions {
    /// Cut out what is drawn, whose longer side becomes 68 pixels in the middle of the page, as
    /// that of most of Omniglot's drawings is; else the whole picture fills the page.
    pub cut: bool,
    /// Keep the shades as well: how much ink each pixel has, the most of the picture being full.
    pub grey: bool,
}

impl fmt::Display for ScanOptions {
    /// As the flags that ask for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.cut, self.grey) {
            (false, false) => "without --cut and --grey",
            (true, false) => "with --cut, without --grey",
            (false, true) => "with --grey, without --cut",
            (true, true) => "with --cut and --grey",
        })
    }
}

/// A picture as a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Where it has ink.
    pub page: Page,
    /// How much of it, if that was asked for.
    pub shades: Option<Shades>,
}

impl Scanned {
    /// To look at.
    #[must_use]
    pub fn drawn(&self) -> Drawn<'_> {
        Drawn {
            page: &self.page,
            shades: self.shades.as_ref().map(Shades::bytes),
        }
    }
}

impl From<Page> for Scanned {
    fn from(page: Page) -> Scanned {
        Scanned { page, shades: None }
    }
}

/// Reads a picture of any size and shades as a drawing, the same on every machine: PNG, JPEG,
/// WebP, GIF, BMP and TIFF, known by their content. It is looked at as its EXIF orientation says.
///
/// Ink may be darker or lighter than the ground, whatever shade that has: the ground is what lies
/// along the border, inside a frame of one shade if there is one, and may lie in uneven light.
/// What is transparent is ground.
///
/// # Errors
/// If the bytes are no such picture, are not whole, or hold several; if its sides are not 1 to
/// 16,384 pixels; if it shows nothing, or so much ink that it can be no drawing. No memory is
/// taken for pixels that a header merely claims.
pub fn scan(bytes: &[u8], options: ScanOptions) -> Result<Scanned, Problem> {
    let Found {
        mut ink,
        parting,
        noisy,
    } = ground::find(decode(bytes)?)?;
    let mut longest = SIDE as u32;
    let threshold = parting.threshold;
    if noisy {
        ink = ink.smoothed();
    }
    // In a picture of few pixels, one pixel alone is drawn.
    let many = ink.width.max(ink.height) > SIDE as u32 * 3 / 2;
    let mut mask = ink.above(threshold);
    if noisy || many {
        let sure = thin::without_specks(&mask);
        if sure.pixels.contains(&255) {
            mask = sure;
        }
    }
    if options.cut {
        longest = CUT_SIDE;
        let part = mask.extent();
        (ink, mask) = (ink.cut(part), mask.cut(part));
    }
    let fine = many && ink.width.max(ink.height) > longest * 3 / 2;
    let ink = ink.scaled(longest).centred();
    let cover = mask.scaled(longest).centred();
    // Strokes so thin that scaling leaves no contrast are still where the picture has ink.
    let (drawn, threshold) = match (ink.parting(), cover.parting()) {
        (Ok(parting), _) => (&ink, parting.threshold),
        (Err(_), Ok(parting)) => (&cover, parting.threshold),
        (Err(problem), Err(_)) => return Err(problem),
    };
    let mut page = Page::BLANK;
    for (at, &value) in drawn.pixels.iter().enumerate() {
        page.set(at % SIDE, at / SIDE, value > threshold);
    }
    let thin = if fine {
        thin::keep(&mut page, &cover.pixels)
    } else {
        Vec::new()
    };
    let shades = options.grey.then(|| shades(drawn, &thin));
    Ok(Scanned { page, shades })
}

/// Does the content begin as that of a picture that is read?
pub(super) fn is_read(bytes: &[u8]) -> bool {
    Format::of(bytes).is_ok()
}

/// Ink as a share of the most; what is thin is half inked at least.
fn shades(ink: &Ink, thin: &[usize]) -> Shades {
    let most = u32::from(ink.pixels.iter().copied().max().unwrap_or(0).max(1));
    let share = |&value: &u8| ((255 * u32::from(value) + most / 2) / most) as u8;
    let mut shades: Vec<u8> = ink.pixels.iter().map(share).collect();
    (thin.iter()).for_each(|&at| shades[at] = shades[at].max(THIN_SHADE));
    Shades::new(shades)
}

#[cfg(test)]
mod tests;
