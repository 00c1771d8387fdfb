//! Which pairs stand in Koch's fixed sets.
//!
//! Koch, Zemel & Salakhutdinov (2015), section 4.1: 30,000, 90,000 or 150,000 training pairs,
//! the same number from each of 30 alphabets, drawn by 12 of the 20 drawers, each pair with
//! 8 affine copies besides or none; 10,000 pairs of 10 alphabets and 4 other drawers to choose
//! by, and 10,000 of the last 10 alphabets and 4 drawers to score. The paper leaves open
//! whether the two characters of a different pair share their alphabet; here they do, since
//! a pair is *of* an alphabet, and that is what a one-shot task within an alphabet asks.
//!
//! Koch's three sets of alphabets are disjoint, 30 + 10 + 10 of all 50. Here the 20 alphabets
//! of the evaluation set serve scores alone, so that nothing may be chosen by them:
//!
//! | set | alphabets | drawers |
//! |---|---|---|
//! | training | all 30 of the background set, or those that are not held out | 1 to 12 |
//! | validation | the 10 background alphabets that [`TrainingSplit`] holds out by the seed | 13 to 16 |
//! | test | the last 10 of the evaluation set, whatever the seed | 17 to 20 |
//!
//! Whoever wants validation on new alphabets as well as new drawers trains with those ten
//! held out (20 alphabets); whoever wants Koch's 30 accepts that only the drawers are new.

use std::ops::{Range, RangeInclusive};

use thiserror::Error;

use super::pairs::{PairItem, different_pair, same_pair};
use super::split::{TrainingSplit, alphabets_of};
use crate::archive::Split;
use crate::seed::{Purpose, Stream};
use crate::store::{AlphabetId, DrawingId, Store};

/// Alphabets of the validation set, and of the test set.
pub const VERIFICATION_ALPHABETS: usize = 10;

/// Why no table can be drawn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The pairs cannot be shared out evenly.
    #[error(
        "{pairs} pairs do not part evenly over {alphabets} alphabets, half of each kind: give a \
         multiple of {}", 2 * alphabets
    )]
    Uneven {
        /// Pairs that were asked for.
        pairs: u32,
        /// Alphabets that they come from.
        alphabets: u32,
    },
    /// The store has too few alphabets.
    #[error("it takes {wanted} {split} alphabets, and the store has {got}; pack all of Omniglot")]
    Alphabets {
        /// The split that they come from.
        split: Split,
        /// Alphabets that it takes.
        wanted: usize,
        /// Alphabets that there are.
        got: usize,
    },
    /// An alphabet has too few drawings.
    #[error(
        "{alphabet}: has not two characters of which drawers {first} to {last} drew two or more \
         drawings; pack all drawers"
    )]
    TooFew {
        /// The alphabet's name.
        alphabet: String,
        /// The least drawer.
        first: u16,
        /// The greatest drawer.
        last: u16,
    },
}

/// What a fixed table is drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRecipe {
    /// Its alphabets, ascending; each gives the same number of pairs.
    pub alphabets: Vec<AlphabetId>,
    /// The drawers whose drawings it may use.
    pub drawers: RangeInclusive<u16>,
    /// Its pairs: a multiple of twice the number of alphabets.
    pub pairs: u32,
    /// Distorted copies of each pair, beside the undistorted one.
    pub copies: u8,
    /// The seed of everything drawn.
    pub seed: u64,
}

impl TableRecipe {
    /// Koch's training set with `held_out` background alphabets left out, by the seed:
    /// with 0, all of them. The pairs are 30,000, 90,000 or 150,000 in the paper, the
    /// copies 0 or 8.
    ///
    /// # Errors
    /// [`RecipeError::Alphabets`] if no alphabet is left.
    pub fn training(
        store: &Store,
        held_out: usize,
        pairs: u32,
        copies: u8,
        seed: u64,
    ) -> Result<TableRecipe, RecipeError> {
        let split = split(store, seed, held_out)?;
        Ok(TableRecipe {
            alphabets: split.training,
            drawers: 1..=12,
            pairs,
            copies,
            seed,
        })
    }

    /// Koch's validation set: 10,000 pairs in the paper.
    ///
    /// # Errors
    /// [`RecipeError::Alphabets`] if the background set has not more than ten alphabets.
    pub fn validation(store: &Store, pairs: u32, seed: u64) -> Result<TableRecipe, RecipeError> {
        let split = split(store, seed, VERIFICATION_ALPHABETS)?;
        Ok(TableRecipe {
            alphabets: split.validation,
            drawers: 13..=16,
            pairs,
            copies: 0,
            seed,
        })
    }

    /// Koch's test set: 10,000 pairs in the paper.
    ///
    /// # Errors
    /// [`RecipeError::Alphabets`] if the evaluation set has fewer than ten alphabets.
    pub fn test(store: &Store, pairs: u32, seed: u64) -> Result<TableRecipe, RecipeError> {
        let mut alphabets = alphabets_of(store, Split::Evaluation);
        let Some(first) = alphabets.len().checked_sub(VERIFICATION_ALPHABETS) else {
            return Err(RecipeError::Alphabets {
                split: Split::Evaluation,
                wanted: VERIFICATION_ALPHABETS,
                got: alphabets.len(),
            });
        };
        Ok(TableRecipe {
            alphabets: alphabets.split_off(first),
            drawers: 17..=20,
            pairs,
            copies: 0,
            seed,
        })
    }

    /// Draws the pairs: pair `p` is of alphabet `p mod A`, shows one character if `p / A` is
    /// even, and is drawn by item `p` of the stream [`Purpose::Table`].
    ///
    /// # Errors
    /// [`RecipeError::Uneven`] if the pairs cannot be shared out evenly, and
    /// [`RecipeError::TooFew`] if an alphabet has not two characters of which these drawers
    /// drew two or more drawings.
    ///
    /// # Panics
    /// If an alphabet is not one of the store's.
    pub fn draw(&self, store: &Store) -> Result<Vec<PairItem>, RecipeError> {
        let alphabets = self.alphabets.len() as u32;
        let ascend = self.alphabets.is_sorted_by(|a, b| a < b);
        let even = self.pairs.is_multiple_of(2 * alphabets);
        if self.pairs == 0 || !even || !ascend {
            return Err(RecipeError::Uneven {
                pairs: self.pairs,
                alphabets,
            });
        }
        let pools = (self.alphabets.iter())
            .map(|&alphabet| self.pool(store, alphabet))
            .collect::<Result<Vec<_>, _>>()?;
        let pair = |p: u32| {
            let pool = &pools[(p % alphabets) as usize];
            let stream = &mut Stream::new(self.seed, Purpose::Table, u64::from(p));
            if (p / alphabets).is_multiple_of(2) {
                same_pair(&pool[stream.index(pool.len())], stream)
            } else {
                let characters = stream.two_below(pool.len() as u32);
                different_pair(characters.map(|c| &pool[c as usize]), stream)
            }
        };
        Ok((0..self.pairs).map(pair).collect())
    }

    /// The drawings of each character by these drawers: they ascend, so they lie together.
    fn pool(
        &self,
        store: &Store,
        alphabet: AlphabetId,
    ) -> Result<Vec<Range<DrawingId>>, RecipeError> {
        let entry = store.alphabet(alphabet);
        let by = |id| {
            let start = store.character(id).drawings.start;
            let before = store.drawers(id).take_while(|d| d < self.drawers.start());
            let until = store.drawers(id).take_while(|d| d <= self.drawers.end());
            start + before.count() as u32..start + until.count() as u32
        };
        let pool: Vec<_> = (entry.characters.clone())
            .map(by)
            .filter(|drawings| drawings.len() > 1)
            .collect();
        if pool.len() < 2 {
            return Err(RecipeError::TooFew {
                alphabet: entry.name.clone(),
                first: *self.drawers.start(),
                last: *self.drawers.end(),
            });
        }
        Ok(pool)
    }
}

fn split(store: &Store, seed: u64, held_out: usize) -> Result<TrainingSplit, RecipeError> {
    TrainingSplit::draw(store, seed, held_out).ok_or_else(|| RecipeError::Alphabets {
        split: Split::Background,
        wanted: held_out + 1,
        got: alphabets_of(store, Split::Background).len(),
    })
}
