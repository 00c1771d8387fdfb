//! Made-up alphabets, for where Omniglot cannot be had: tests, first steps, machines offline.
//!
//! An alphabet has a style (`style`), its characters are strokes placed by
//! relations in that style, no two of them near (`similarity`), and each drawer has
//! a hand (`hand`) that a round pen follows (`pen`). The drawings ask of a
//! learner what Omniglot asks: the nearest page in pixels shows the right one of twenty
//! characters in a quarter of the questions (cosine), the nearest cloud of ink, freed of
//! place and size, in three quarters. All of Omniglot's size takes about a second.
//!
//! Every alphabet's style, every character, every hand and every drawing is an
//! item of the stream [`Purpose::Synthetic`]; whole numbers and IEEE 754's exact
//! operations alone decide pixels, so a seed gives the same bytes on every machine and
//! any number of threads. Scores on made-up alphabets say nothing about Omniglot.

mod hand;
mod pen;
mod runs;
mod similarity;
mod style;

use std::ops::RangeInclusive;

use rayon::prelude::*;

use self::hand::Hand;
use self::similarity::{Silhouette, UNITS};
use self::style::{Prototype, Style};
use crate::archive::{Alphabet, Character, Drawing, Split};
use crate::image::Page;
use crate::seed::{Purpose, Stream};

pub use self::runs::synthesize_runs;

/// Characters of an alphabet are at least this far from each other, as long as there is room.
const NEAREST: u32 = 3 * UNITS;
/// Characters rejected in a row before the limit is lowered by a sixteenth.
const PATIENCE: u32 = 40;

/// What the names of made-up alphabets begin with.
pub const SYNTHETIC_NAME: &str = "Synthetic_";

/// What to make up. The default has Omniglot's shape: 30 alphabets and 20, twenty drawers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticOptions {
    /// Everything follows from the seed and the numbers below.
    pub seed: u64,
    /// Alphabets of the background set; with [`SyntheticOptions::evaluation`] at most 99.
    pub background: u16,
    /// Alphabets of the evaluation set.
    pub evaluation: u16,
    /// How many characters an alphabet has, uniformly drawn; 1 to 99, and at least 20
    /// if twenty-way tasks within an alphabet are to exist.
    pub characters_per_alphabet: RangeInclusive<u16>,
    /// Drawers of every alphabet, 1 to 20.
    pub drawers: u16,
}

impl Default for SyntheticOptions {
    fn default() -> SyntheticOptions {
        SyntheticOptions {
            seed: 0,
            background: 30,
            evaluation: 20,
            characters_per_alphabet: 20..=40,
            drawers: 20,
        }
    }
}

/// What an item of the stream decides.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Item {
    Style = 0,
    Character = 1,
    Hand = 2,
    Drawing = 3,
    Run = 4,
}

/// The stream of one item: 4 bits say what it decides, 12 the alphabet, 16 the character, 16 the drawer.
fn stream(seed: u64, item: Item, alphabet: u16, character: u16, drawer: u16) -> Stream {
    let index = (item as u64) << 44
        | u64::from(alphabet) << 32
        | u64::from(character) << 16
        | u64::from(drawer);
    Stream::new(seed, Purpose::Synthetic, index)
}

/// Makes alphabets up: `Synthetic_01` and so on, background first, all in canonical order.
///
/// Characters are numbered from 1 through all alphabets. No two drawings of a
/// character are the same, and all have ink. The default set, 30,000 drawings,
/// takes about a second on two cores.
///
/// # Panics
/// If an option is out of the range its documentation states.
///
/// # Example
///
/// ```
/// use omnishot_data::archive::Split;
/// use omnishot_data::synthetic::{SyntheticOptions, synthesize};
///
/// let options = SyntheticOptions { background: 2, evaluation: 1, drawers: 3, ..Default::default() };
/// let alphabets = synthesize(&options);
/// assert_eq!(alphabets.len(), 3);
/// assert_eq!(alphabets[2].split, Split::Evaluation);
/// assert!(alphabets[0].characters.len() >= 20);
/// assert_eq!(alphabets, synthesize(&options)); // a seed is a set
/// ```
#[must_use]
pub fn synthesize(options: &SyntheticOptions) -> Vec<Alphabet> {
    let count = options.background.saturating_add(options.evaluation);
    let characters = &options.characters_per_alphabet;
    assert!(count <= 99, "{count} alphabets are more than 99");
    assert!(
        1 <= *characters.start()
            && characters.start() <= characters.end()
            && *characters.end() <= 99,
        "{characters:?} characters are not a range within 1 to 99"
    );
    assert!(
        (1..=20).contains(&options.drawers),
        "{} drawers are not 1 to 20",
        options.drawers
    );
    let mut alphabets: Vec<Alphabet> = (0..count)
        .into_par_iter()
        .map(|index| alphabet(options, index))
        .collect();
    let characters = alphabets
        .iter_mut()
        .flat_map(|alphabet| &mut alphabet.characters);
    for (number, character) in (1..).zip(characters) {
        character.number = number;
    }
    alphabets
}

/// The alphabet at `index`, its characters not yet numbered.
fn alphabet(options: &SyntheticOptions, index: u16) -> Alphabet {
    let seed = options.seed;
    let mut own = stream(seed, Item::Style, index, 0, 0);
    let style = Style::draw(&mut own);
    let range = &options.characters_per_alphabet;
    let spread = u32::from(range.end() - range.start()) + 1;
    let count = range.start() + own.below(spread) as u16;
    let hands: Vec<(u16, Hand)> = (1..=options.drawers)
        .map(|drawer| {
            (
                drawer,
                Hand::draw(&mut stream(seed, Item::Hand, index, 0, drawer)),
            )
        })
        .collect();
    let characters = prototypes(seed, index, count, &style)
        .iter()
        .zip(0..)
        .map(|(prototype, character)| Character {
            name: format!("character{:02}", character + 1),
            number: 0,
            drawings: drawings(&style, prototype, &hands, |drawer| {
                stream(seed, Item::Drawing, index, character, drawer)
            }),
        })
        .collect();
    Alphabet {
        name: format!("{SYNTHETIC_NAME}{:02}", index + 1),
        split: if index < options.background {
            Split::Background
        } else {
            Split::Evaluation
        },
        characters,
    }
}

/// Characters none of which is near another.
fn prototypes(seed: u64, alphabet: u16, count: u16, style: &Style) -> Vec<Prototype> {
    let mut chosen: Vec<(Prototype, Silhouette)> = Vec::new();
    let mut limit = NEAREST;
    for character in 0..count {
        let mut stream = stream(seed, Item::Character, alphabet, character, 0);
        let mut rejected = 0;
        let found = loop {
            let prototype = style.character(&mut stream);
            let silhouette = Silhouette::new(&style.specimen(&prototype));
            if chosen
                .iter()
                .all(|(_, other)| silhouette.distance(other) >= limit)
            {
                break (prototype, silhouette);
            }
            rejected += 1;
            if rejected == PATIENCE {
                // A crowded style must not loop for ever.
                limit = limit.saturating_sub((limit / 16).max(1));
                rejected = 0;
            }
        };
        chosen.push(found);
    }
    chosen.into_iter().map(|(prototype, _)| prototype).collect()
}

/// One drawing by each drawer, no two the same.
fn drawings(
    style: &Style,
    prototype: &Prototype,
    hands: &[(u16, Hand)],
    stream: impl Fn(u16) -> Stream,
) -> Vec<Drawing> {
    let mut drawings: Vec<Drawing> = Vec::with_capacity(hands.len());
    for (drawer, hand) in hands {
        let mut stream = stream(*drawer);
        let unlike = |page: &Page| drawings.iter().all(|earlier| earlier.page != *page);
        let page = loop {
            let page = hand.drawing(style, prototype, &mut stream);
            if unlike(&page) {
                break page;
            }
        };
        drawings.push(Drawing {
            drawer: *drawer,
            page,
            shades: None,
        });
    }
    drawings
}

#[cfg(test)]
mod tests;
