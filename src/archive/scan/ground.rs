//! What is ground and what is ink: ink is what is apart from the ground's own shade, on the side
//! of it, darker or lighter, where more is drawn.

use super::clear::{Cleared, clear};
use super::decode::Picture;
use super::frame::{self, border, flooded, median};
use super::ink::{Counts, Ink, LEAST_CONTRAST, Parting};
use super::light::Light;
use crate::archive::error::Problem;

/// The most percent of a picture that are ink.
const MOST_INK: usize = 60;
/// What is less apart from the ground tells no side.
const LEAST_APART: usize = 8;
/// One part of so many pixels is further from the ground than noise is, on the side without ink.
const RARE: u64 = 100;
/// The least contrast of what lies on both sides of the ground and is no noise.
const BOTH_CONTRAST: f64 = 48.0;
/// How much of the light is lacking at most where ink is still made good for it.
const MOST_GAIN: f32 = 4.0;
/// A strip along a side is at most one part of so many of it wide.
const STRIP: usize = 7;

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
    if let Some(light) = Light::of(picture) {
        match plausible(apart(picture, Some(&light))) {
            Err(Problem::NothingDrawn) => {}
            found => return found,
        }
    }
    plausible(apart(picture, None))
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
                    // In half the light, ink is half as far from the ground.
                    let gain = (most / ground.max(1.0)).min(MOST_GAIN);
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
    if f64::from(other) >= parting.ink - parting.ground.min(f64::from(LEAST_CONTRAST)) {
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
    let (width, height) = (ink.width as usize, ink.height as usize);
    let most = |n: usize, places: &mut dyn Iterator<Item = usize>| {
        places.filter(|&at| inked(at)).count() * 20 >= n * 19
    };
    let sides = [
        most(width, &mut (0..width)),
        most(width, &mut (all - width..all)),
        most(height, &mut (0..all).step_by(width)),
        most(height, &mut (width - 1..all).step_by(width)),
    ];
    if sides.contains(&true) {
        let strip = flooded(width, height, inked);
        let hugs = |at: usize| {
            let (x, y) = (at % width, at / width);
            let far = [
                y / (height.div_ceil(STRIP)),
                (height - 1 - y) / height.div_ceil(STRIP),
                x / width.div_ceil(STRIP),
                (width - 1 - x) / width.div_ceil(STRIP),
            ];
            sides.iter().zip(far).any(|(&side, far)| side && far == 0)
        };
        let more = (0..all).any(|at| inked(at) && !strip[at]);
        if more && (0..all).all(|at| !strip[at] || hugs(at)) {
            return Err(Problem::Strip);
        }
    }
    Ok(found)
}
