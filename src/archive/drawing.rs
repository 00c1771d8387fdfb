//! Drawings by character and alphabet: what an archive holds.

use std::fmt;

use crate::image::{Page, Shades};

/// Which half of Omniglot an alphabet belongs to.
///
/// Networks learn from the background set alone; every published score is taken
/// on the evaluation set (Lake, Salakhutdinov & Tenenbaum 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Split {
    /// Seen in training: 30 alphabets, 964 characters.
    Background,
    /// Never seen in training: 20 alphabets, 659 characters.
    Evaluation,
}

impl Split {
    /// The name used on command lines and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Split::Background => "background",
            Split::Evaluation => "evaluation",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One drawing and the number of the person who drew it (from 1; 1 to 20 in Omniglot).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The drawer's number, from 1.
    pub drawer: u16,
    /// The drawing itself.
    pub page: Page,
    /// The same in shades, if it is kept so: of an archive, all drawings are or none is.
    pub shades: Option<Shades>,
}

/// A character: what a one-shot learner must recognise after one drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Character {
    /// Its name inside the alphabet, `character01` and so on.
    pub name: String,
    /// Omniglot's own number, the first four digits of its file names (1 to 1623).
    pub number: u32,
    /// Its drawings, ascending by drawer, each drawer once.
    pub drawings: Vec<Drawing>,
}

/// An alphabet and its characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    /// Its name, as the archive spells it.
    pub name: String,
    /// Which half of the data it belongs to.
    pub split: Split,
    /// Its characters, ascending by name, each name once.
    pub characters: Vec<Character>,
}
