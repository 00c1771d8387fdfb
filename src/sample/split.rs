//! Which alphabets train, and which are held out to choose by.
//!
//! Everything is drawn from the background set; the evaluation set is for scores
//! alone. Held-out alphabets are whole alphabets, since a one-shot score on
//! characters whose alphabet was trained on says little about new ones.

use std::ops::Range;

use crate::archive::Split;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, CharacterId, Store};

/// The background alphabets, parted into those that train and those held out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingSplit {
    /// Alphabets to learn from, ascending.
    pub training: Vec<AlphabetId>,
    /// Alphabets held out of training, ascending.
    pub validation: Vec<AlphabetId>,
}

impl TrainingSplit {
    /// Holds out `held_out` background alphabets, chosen by `seed` alone.
    ///
    /// Returns `None` if that leaves no background alphabet to train on.
    #[must_use]
    pub fn draw(store: &Store, seed: u64, held_out: usize) -> Option<TrainingSplit> {
        let mut background = alphabets_of(store, Split::Background);
        if background.len() <= held_out {
            return None;
        }
        let mut stream = Stream::new(seed, Purpose::Validation, 0);
        stream.choose_front(&mut background, held_out);
        let mut training = background.split_off(held_out);
        let mut validation = background;
        training.sort_unstable();
        validation.sort_unstable();
        Some(TrainingSplit {
            training,
            validation,
        })
    }
}

/// The alphabets of a split, ascending.
#[must_use]
pub fn alphabets_of(store: &Store, split: Split) -> Vec<AlphabetId> {
    (0..)
        .zip(store.alphabets())
        .filter(|(_, a)| a.split == split)
        .map(|(id, _)| id)
        .collect()
}

/// The characters of each of some alphabets.
#[must_use]
pub fn characters_of(store: &Store, alphabets: &[AlphabetId]) -> Vec<Range<CharacterId>> {
    alphabets
        .iter()
        .map(|&id| store.alphabet(id).characters.clone())
        .collect()
}
