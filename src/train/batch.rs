//! What is drawn into a batch: its settings and their ranges.

use serde::{Deserialize, Serialize};

use super::range::RangeError;
use crate::sample::{BatchShape, ComposedShape, Compositions, POSES};

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
    /// Classes composed of two characters, and how many of the drawings show them; none, if this
    /// is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composed: Option<ComposedBatch>,
}

/// Drawings of composed classes: see [`ComposedShape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComposedBatch {
    /// Composed classes, a multiple of 4.
    pub classes: u32,
    /// Drawings of them in a batch, a multiple of 8.
    pub drawings: usize,
    /// How they are composed.
    #[serde(default)]
    pub kinds: Compositions,
    /// Which of them a drawing is told from.
    #[serde(default)]
    pub against: Against,
}

/// Which composed classes a drawing is told from, beside all classes that are not composed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// All of them.
    #[default]
    All,
    /// Those that the batch (or its shard) shows, its own siblings among them: a step then costs
    /// the same for any number of classes, but for the optimizer's part.
    Shown,
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

    /// Its classes that are composed of two characters.
    #[must_use]
    pub fn composed(&self) -> Option<ComposedBatch> {
        match self {
            Batch::Classes(batch) => batch.composed,
            Batch::Pairs(_) | Batch::Table(_) => None,
        }
    }

    /// The first of `classes` that counts only where a batch shows it; none, if all count.
    pub(super) fn sampled_from(&self, classes: u32) -> Option<i64> {
        let composed = self.composed()?;
        let sampled = composed.against == Against::Shown;
        sampled.then(|| i64::from(classes - composed.classes))
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
    /// Drawings that show characters as they are.
    fn own(&self) -> usize {
        let composed = self.composed.map_or(0, |composed| composed.drawings);
        self.drawings.saturating_sub(composed)
    }

    fn check(&self) -> Result<(), RangeError> {
        let ClassBatch {
            drawings,
            alphabet_characters,
            poses,
            shards,
            composed: _,
        } = *self;
        let (half, own) = (1..=drawings / 2, self.own());
        let field = "batch.drawings";
        RangeError::unless(
            (2..=65_536).contains(&drawings),
            field,
            drawings,
            "2 to 65,536",
        )?;
        let range = "so few that at least 2 of batch.drawings are left";
        let field = "batch.composed.drawings";
        RangeError::unless(own >= 2, field, drawings - own, range)?;
        let field = "batch.alphabet_characters";
        let range = "from 1 to half of batch.drawings, less those of batch.composed";
        let sound = (1..=own / 2).contains(&alphabet_characters);
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

impl From<ComposedBatch> for ComposedShape {
    fn from(batch: ComposedBatch) -> ComposedShape {
        ComposedShape {
            classes: batch.classes,
            drawings: batch.drawings,
            kinds: batch.kinds,
        }
    }
}

/// Of the drawings that show characters as they are.
impl From<ClassBatch> for BatchShape {
    fn from(batch: ClassBatch) -> BatchShape {
        let ClassBatch {
            alphabet_characters,
            poses,
            ..
        } = batch;
        BatchShape {
            drawings: batch.own(),
            alphabet_characters,
            poses,
        }
    }
}
