//! What is ground and what is ink: ink is what is apart from the ground's own shade, on the side
//! of it, darker or lighter, where more is drawn.

use super::clear::{Cleared, clear};
use super::decode::Picture;
use super::edge;
use super::frame::{self, border, median};
use super::ink::{Counts, Ink, Parting, smoothed};
use super::light::Light;
use crate::archive::problem::Problem;

/// The most percent of a picture that are ink.
const MOST_INK: usize = 70;
/// What is less apart from the ground tells no side.
const LEAST_APART: usize = 8;
/// One part of so many pixels is further from the ground than noise is, on the side without ink.
const RARE: u64 = 100;
/// That much on the other side, as a share of the ink, makes it doubtful what is ink.
const BOTH: f64 = 0.75;
/// The least contrast of what lies on both sides of the ground and is no noise.
const BOTH_CONTRAST: f64 = 48.0;
/// How much of the light is lacking at most where ink is still made good for it.
const MOST_GAIN: f32 = 4.0;

/// How much ink each pixel of a picture has, and from where on it is ink.
pub(super) struct Found {
    pub ink: Ink,
    pub parting: Parting,
    /// Noise is so high that a lone pixel tells nothing.
    pub noisy: bool,
}

/// # Errors
/// If it shows nothing, or what it shows cannot be a drawing.
pub(super) fn find(picture: Picture) -> Result<Found, Problem> {
    let picture = match clear(picture) {
        Cleared::Drawing(ink) => {
            let parting = ink.parting()?;
            return Ok(Found {
                ink,
                parting,
                noisy: false,
            });
        }
        Cleared::Sheet(picture) => picture,
    };
    if let Some(page) = frame::page(&picture) {
        match on_sheet(&page) {
            // A frame around nothing is what is drawn.
            Err(Problem::NothingDrawn) => {}
            found => return found,
        }
    }
    on_sheet(&picture)
}

fn on_sheet(picture: &Picture) -> Result<Found, Problem> {
    let found = lit(picture);
    if !matches!(found, Err(Problem::BothSides)) {
        return found;
    }
    // It may be noise that reaches as far as ink.
    lit(&Picture {
        shades: smoothed(&picture.shades, picture.width),
        opacity: None,
        ..*picture
    })
}

fn lit(picture: &Picture) -> Result<Found, Problem> {
    plausible(apart(picture, Light::of(picture).as_ref()))
}

/// How far each pixel is from the ground: `dark` and `light` of it, and which of them is ink.
fn apart(picture: &Picture, light: Option<&Light>) -> Result<Found, Problem> {
    let level = median(border(&picture.shades, picture.width));
    let mut ground = vec![f32::from(level); picture.width];
    // Of each distance from the ground, how many pixels are darker, and how many lighter.
    let (mut darker, mut lighter): (Counts, Counts) = ([0; 256], [0; 256]);
    for (y, row) in picture.shades.chunks_exact(picture.width).enumerate() {
        if let Some(light) = light {
            light.row(y, &mut ground);
        }
        for (&shade, &ground) in row.iter().zip(&ground) {
            let ground = ground.round() as u8;
            darker[usize::from(ground.saturating_sub(shade))] += 1;
            lighter[usize::from(shade.saturating_sub(ground))] += 1;
        }
    }
    let weight = |counts: &Counts| {
        let far = counts.iter().enumerate().skip(LEAST_APART);
        far.map(|(apart, &n)| (apart * apart) as u64 * n)
            .sum::<u64>()
    };
    let (dark, bright) = (weight(&darker), weight(&lighter));
    let ink_is_dark = dark > bright || dark == bright && level >= 128;
    let most = light.map(Light::most);
    let mut pixels = Vec::with_capacity(picture.shades.len());
    for (y, row) in picture.shades.chunks_exact(picture.width).enumerate() {
        if let Some(light) = light {
            light.row(y, &mut ground);
        }
        let ink = row.iter().zip(&ground).map(|(&shade, &ground)| {
            let level = ground.round() as u8;
            match most {
                _ if !ink_is_dark => shade.saturating_sub(level),
                None => level.saturating_sub(shade),
                Some(most) => {
                    // In a quarter of the light, ink is a quarter as far from the ground if it
                    // reflects, and as far if it is a shade laid over: the mean of both.
                    let gain = (most / ground.max(1.0)).min(MOST_GAIN).sqrt();
                    (f32::from(level.saturating_sub(shade)) * gain).round() as u8
                }
            }
        });
        pixels.extend(ink);
    }
    let ink = Ink {
        width: picture.width as u32,
        height: picture.height as u32,
        pixels,
    };
    let other = rare(if ink_is_dark { &lighter } else { &darker });
    let parting = ink.parting()?;
    if f64::from(other) >= BOTH * parting.ink {
        return Err(if parting.ink < BOTH_CONTRAST {
            Problem::NothingDrawn
        } else {
            Problem::BothSides
        });
    }
    let noisy = u32::from(other) * 2 > u32::from(parting.threshold);
    Ok(Found {
        ink,
        parting,
        noisy,
    })
}

/// The distance that one pixel of [`RARE`] has at least.
fn rare(counts: &Counts) -> u8 {
    let most = counts.iter().sum::<u64>() / RARE;
    let mut sum = 0;
    let found = counts.iter().enumerate().rev().find(|&(_, &n)| {
        sum += n;
        sum > most
    });
    found.map_or(0, |(apart, _)| apart as u8)
}

/// Refuses what no drawing is.
fn plausible(found: Result<Found, Problem>) -> Result<Found, Problem> {
    let found = found?;
    let ink = &found.ink;
    let threshold = found.parting.threshold;
    let inked = |at: usize| ink.pixels[at] > threshold;
    let all = ink.pixels.len();
    let count = (0..all).filter(|&at| inked(at)).count();
    if count * 100 > all * MOST_INK {
        return Err(Problem::MostlyInk {
            percent: (count * 100 / all) as u8,
        });
    }
    let sides = edge::Sides::of(ink.width as usize, ink.height as usize, inked);
    if sides.strip() || sides.patch() {
        return Err(Problem::AtEdge);
    }
    Ok(found)
}
