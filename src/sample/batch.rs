//! Batches of drawings by class, for losses that compare all drawings of a batch.
//!
//! A class is a character turned by a quarter: four classes for each character
//! (Santoro et al. 2016; Vinyals et al. 2016). Part of a batch is *one alphabet*,
//! turned by one quarter, two drawings by different drawers of each of many of its
//! characters: that is the comparison a within-alphabet one-shot task asks for. The
//! rest comes from everywhere.

use std::ops::Range;

use super::split::characters_of;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, DrawingId, Store};

/// Quarter turns, each of which makes a class of its own.
pub const QUARTERS: u32 = 4;

/// The shape of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// Drawings in a batch.
    pub drawings: usize,
    /// The most characters that its one alphabet gives, two drawings each.
    pub alphabet_characters: usize,
}

/// One drawing of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchItem {
    /// The drawing.
    pub drawing: DrawingId,
    /// Quarter turns to give it, 0 to 3.
    pub quarter: u8,
    /// Its class: four times the character's place among the training characters, plus
    /// the quarter.
    pub class: u32,
}

/// What drawing a batch needs besides its items; one for each worker.
#[derive(Clone, Debug, Default)]
pub struct BatchScratch(Vec<usize>);

/// Draws batch after batch from the characters of some alphabets.
#[derive(Clone, Debug)]
pub struct BatchSampler {
    shape: BatchShape,
    seed: u64,
    /// Characters of each alphabet, and the class of its first one's first quarter.
    alphabets: Vec<(Range<CharacterId>, u32)>,
    /// Drawings of each character, in the order of the classes.
    drawings: Vec<Range<DrawingId>>,
}

impl BatchSampler {
    /// A sampler over `alphabets` under `seed`. Characters that have a single drawing
    /// are classes but never in the part that compares two drawings.
    ///
    /// # Panics
    /// If there are no alphabets, or the shape has no drawings or more of the one
    /// alphabet than of all.
    #[must_use]
    pub fn new(
        store: &Store,
        alphabets: &[AlphabetId],
        shape: BatchShape,
        seed: u64,
    ) -> BatchSampler {
        assert!(!alphabets.is_empty(), "there is no alphabet to train on");
        assert!(shape.drawings > 0 && 2 * shape.alphabet_characters <= shape.drawings);
        let mut drawings = Vec::new();
        let mut parts = Vec::new();
        for characters in characters_of(store, alphabets) {
            parts.push((characters.clone(), drawings.len() as u32 * QUARTERS));
            drawings.extend(characters.map(|id| store.character(id).drawings.clone()));
        }
        BatchSampler {
            shape,
            seed,
            alphabets: parts,
            drawings,
        }
    }

    /// Number of classes: four times the number of characters.
    #[must_use]
    pub fn classes(&self) -> u32 {
        self.drawings.len() as u32 * QUARTERS
    }

    /// Drawings in a batch.
    #[must_use]
    pub fn shape(&self) -> BatchShape {
        self.shape
    }

    /// Draws batch `index` into `items` and returns how many of them, at the front, are
    /// of the one alphabet. A pure function of seed, store and index, whatever `scratch` and
    /// `items` hold; with the same two again and again, nothing is allocated.
    ///
    /// # Panics
    /// If `index` is 2^48 or more.
    pub fn draw(
        &self,
        index: u64,
        scratch: &mut BatchScratch,
        items: &mut Vec<BatchItem>,
    ) -> usize {
        let mut stream = Stream::new(self.seed, Purpose::Batch, index);
        items.clear();
        let (characters, first_class) = &self.alphabets[stream.index(self.alphabets.len())];
        let first = (first_class / QUARTERS) as usize;
        let quarter = stream.below(QUARTERS) as u8;
        let chosen = &mut scratch.0;
        chosen.clear();
        let whole = first..first + characters.len();
        chosen.extend(whole.filter(|&c| self.drawings[c].len() > 1));
        let count = chosen.len().min(self.shape.alphabet_characters);
        stream.choose_front(chosen, count);
        for &character in &chosen[..count] {
            let drawings = &self.drawings[character];
            for place in stream.two_below(drawings.len() as u32) {
                items.push(item(drawings.start + place, quarter, character));
            }
        }
        let alphabet_part = items.len();
        while items.len() < self.shape.drawings {
            let character = stream.index(self.drawings.len());
            let drawings = &self.drawings[character];
            let drawing = drawings.start + stream.below(drawings.len() as u32);
            items.push(item(drawing, stream.below(QUARTERS) as u8, character));
        }
        alphabet_part
    }
}

fn item(drawing: DrawingId, quarter: u8, character: usize) -> BatchItem {
    BatchItem {
        drawing,
        quarter,
        class: character as u32 * QUARTERS + u32::from(quarter),
    }
}
