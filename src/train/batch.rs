//! What is drawn into a batch: its settings and their ranges.

use serde::{Deserialize, Serialize};

use super::range::RangeError;
use crate::sample::{BatchShape, POSES};

/// What `batch.shards` may be.
pub(super) const SHARDS: &str =
    "a divisor of batch.drawings that leaves 2 or more; 1 for a matching network";

/// What is drawn into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Batch {
    /// Drawings by class.
    Classes(ClassBatch),
    /// Pairs, new ones in every batch.
    Pairs(PairBatch),
    /// The pairs of a fixed table, each epoch in another order.
    Table(TableBatch),
}

/// Drawings by class: see [`BatchShape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassBatch {
    /// Drawings in a batch.
    pub drawings: usize,
    /// The most characters that its one alphabet gives, two drawings each.
    pub alphabet_characters: usize,
    /// Poses of a character, each of which makes a class of its own: 4, or 8 with its mirror
    /// image.
    pub poses: u32,
    /// Equal parts of a batch that are learned from side by side, each on a thread of its own and
    /// with batch statistics of its own; 1 for the whole at once.
    pub shards: usize,
}

/// Pairs: see [`crate::sample::PairShape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairBatch {
    /// Pairs in a batch, an even number.
    pub pairs: usize,
    /// Share of the different pairs that is drawn within one alphabet, in 1/256.
    pub within_alphabet: u32,
}

/// Pairs of a table: see [`crate::sample::TableRecipe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableBatch {
    /// Pairs in a batch.
    pub pairs: usize,
    /// Pairs in the table; 30,000, 90,000 or 150,000 in Koch (2015), section 4.1. What the
    /// alphabets cannot share evenly is left out.
    pub table_pairs: u32,
    /// Distorted copies of each, beside the undistorted one; 8 or 0 in the paper.
    pub copies: u8,
}

impl Batch {
    /// Drawings that a batch shows.
    #[must_use]
    pub fn drawings(&self) -> usize {
        match self {
            Batch::Classes(batch) => batch.drawings,
            Batch::Pairs(batch) => 2 * batch.pairs,
            Batch::Table(batch) => 2 * batch.pairs,
        }
    }

    /// Parts of it that are learned from side by side.
    #[must_use]
    pub fn shards(&self) -> usize {
        match self {
            Batch::Classes(batch) => batch.shards,
            Batch::Pairs(_) | Batch::Table(_) => 1,
        }
    }

    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), RangeError> {
        match self {
            Batch::Classes(batch) => batch.check(),
            Batch::Pairs(batch) => batch.check(),
            Batch::Table(batch) => check_pairs(batch.pairs, true),
        }
    }
}

impl ClassBatch {
    fn check(&self) -> Result<(), RangeError> {
        let ClassBatch {
            drawings,
            alphabet_characters,
            poses,
            shards,
        } = *self;
        let half = 1..=drawings / 2;
        let field = "batch.drawings";
        RangeError::unless(
            (2..=65_536).contains(&drawings),
            field,
            drawings,
            "2 to 65,536",
        )?;
        let field = "batch.alphabet_characters";
        let range = "from 1 to half of batch.drawings";
        let sound = half.contains(&alphabet_characters);
        RangeError::unless(sound, field, alphabet_characters, range)?;
        RangeError::unless((1..=POSES).contains(&poses), "batch.poses", poses, "1 to 8")?;
        let sound = half.contains(&shards) && drawings.is_multiple_of(shards);
        RangeError::unless(sound, "batch.shards", shards, SHARDS)
    }
}

impl PairBatch {
    fn check(&self) -> Result<(), RangeError> {
        check_pairs(self.pairs, self.pairs.is_multiple_of(2))?;
        let (field, within) = ("batch.within_alphabet", self.within_alphabet);
        RangeError::unless(within <= 256, field, within, "0 to 256")
    }
}

fn check_pairs(pairs: usize, even: bool) -> Result<(), RangeError> {
    let sound = (2..=16_384).contains(&pairs) && even;
    let range = "an even number from 2 to 16,384";
    RangeError::unless(sound, "batch.pairs", pairs, range)
}

impl From<ClassBatch> for BatchShape {
    fn from(batch: ClassBatch) -> BatchShape {
        let ClassBatch {
            drawings,
            alphabet_characters,
            poses,
            ..
        } = batch;
        BatchShape {
            drawings,
            alphabet_characters,
            poses,
        }
    }
}
