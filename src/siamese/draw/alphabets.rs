//! A store's alphabets as classes to start from: one drawing of each character.

use super::drawing::{Classes, DrawnClass, Png};
use super::limits::MOST_CLASSES;
use super::refusal::Refusal;
use crate::archive::drawn_to_png;
use crate::store::{AlphabetEntry, Store};

/// The alphabets of a store.
pub struct Alphabets(pub Store);

impl Alphabets {
    /// Those that fit a page, in the store's order.
    fn offered(&self) -> impl Iterator<Item = &AlphabetEntry> {
        let fits =
            |alphabet: &&AlphabetEntry| (1..=MOST_CLASSES).contains(&alphabet.characters.len());
        self.0.alphabets().iter().filter(fits)
    }

    /// The names of the alphabets that fit a page.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.offered()
            .map(|alphabet| alphabet.name.as_str())
            .collect()
    }

    /// The first drawing of each character of an alphabet.
    ///
    /// # Errors
    /// If there is no such alphabet, or the store is damaged.
    pub fn classes(&self, name: &str) -> Result<Classes, Refusal> {
        let alphabet = self.offered().find(|alphabet| alphabet.name == name);
        let alphabet = alphabet.ok_or_else(|| Refusal::NoAlphabet(name.to_owned()))?;
        let mut decoder = self.0.decoder();
        let mut classes = Vec::new();
        for id in alphabet.characters.clone() {
            let character = self.0.character(id);
            let mut drawings = Vec::new();
            for drawing in character.drawings.clone().take(1) {
                let png = drawn_to_png(decoder.drawn(drawing)?);
                drawings.push(Png::new(png, character.name.clone())?);
            }
            classes.push(DrawnClass {
                name: character.name.clone(),
                drawings,
            });
        }
        Ok(Classes(classes))
    }
}
