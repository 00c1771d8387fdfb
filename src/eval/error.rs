//! Why an evaluation is refused.

use crate::model::ModelError;
use crate::ranks::RankError;
use crate::sample::{TableError, TaskError};
use crate::store::StoreError;

/// Why an evaluation is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The store is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of embeddings could not be written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Another rank is gone, or did not work on the same.
    #[error(transparent)]
    Ranks(#[from] RankError),
    /// There is nothing to ask about.
    #[error(
        "the store has no evaluation set, so that there is nothing to evaluate: build it with one, from \
         images_evaluation.zip, or of pictures in groups (group/class/picture, or dealt into some with --groups N) with \
         --evaluation GROUP"
    )]
    NothingToEvaluate,
    /// The evaluation set has too few characters.
    #[error(transparent)]
    TooFew(#[from] TaskError),
    /// No pairs to verify can be drawn.
    #[error("verification")]
    Pairs(#[source] TableError),
    /// The store has no one-shot runs.
    #[error("the store holds no one-shot runs; pack all_runs.zip with the evaluation set")]
    NoRuns,
    /// Digits are not drawings of a store.
    #[error("mnist is no protocol of a store; give the digits beside it")]
    NoDigits,
    /// No alphabet has enough characters for an episode.
    #[error(
        "meta-dataset: no alphabet of the evaluation set has five characters with two drawings each; \
         leave this protocol out"
    )]
    NoEpisodes,
    /// The store is not Omniglot, so that Vinyals's split of it means nothing.
    #[error(
        "vinyals: the split is one of Omniglot's 964 and 659 characters, and this store has {background} \
         and {evaluation}; leave this protocol out, or build the store from both official zips"
    )]
    NotOmniglot {
        /// Background characters of the store.
        background: usize,
        /// Evaluation characters of the store.
        evaluation: usize,
    },
    /// No tasks of digits can be drawn.
    #[error("mnist")]
    Digits(#[from] DigitError),
    /// A network was trained on, or chosen by, what it would be asked about.
    #[error(
        "{network}: was trained on {alphabet}, which is in the evaluation set: its score would \
         mean nothing; use --allow-seen to score it all the same"
    )]
    Seen {
        /// The network.
        network: String,
        /// The first such alphabet.
        alphabet: String,
    },
}

/// Why no tasks of digits can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigitError {
    /// A number is out of its range.
    #[error("{what} is {value}; it must lie from {least} to {most}")]
    Range {
        /// What the number is.
        what: &'static str,
        /// What it is set to.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// There are not enough images.
    #[error(
        "{ways} ways of {shots} shots take {ways} digits with more than {shots} images, and \
         {found} have so many; lower one of them, or give a larger set"
    )]
    TooFew {
        /// Ways that were asked for.
        ways: usize,
        /// Shots that were asked for.
        shots: usize,
        /// Digits with enough images.
        found: usize,
    },
}
