//! Why training ends early.

use std::path::PathBuf;

use super::preset::PresetError;
use super::range::RangeError;
use crate::cuda::CudaError;
use crate::loader::{LoadError, TableBatchError};
use crate::model::ModelError;
use crate::ranks::RankError;
use crate::sample::{ComposedError, PairError, RecipeError, TableError};
use crate::store::StoreError;

/// Why training ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// All background alphabets were to be held out, or there are none.
    #[error(
        "of {background} background alphabets in the store, {held_out} are to be held out, which \
         leaves none to train on; {hint}", hint = room(*background)
    )]
    NothingToTrainOn {
        /// Background alphabets of the store.
        background: usize,
        /// Alphabets to be held out.
        held_out: usize,
    },
    /// Alphabets are held out, and there is nothing to choose between in any of them.
    #[error(
        "no task can be asked of what is held out ({names}): it takes an alphabet with 2 characters \
         that have 2 drawings each; use --validation-alphabets 0 to train without validation, or \
         build the store from more pictures of a class", names = held_out.join(", ")
    )]
    NothingToValidateOn {
        /// Names of the held-out alphabets.
        held_out: Vec<String>,
    },
    /// A run was to be lengthened whose learning rate says how long it is.
    #[error(
        "the run's learning rate falls to nothing over its {steps} steps (adamw), so that one of more or \
         fewer is another run from its first step on; begin that with --steps in another folder"
    )]
    Lengthen {
        /// Steps that it was to take.
        steps: u64,
    },
    /// A run has taken more steps than it is to have.
    #[error("the run has taken {taken} steps already; use --steps {taken} or more, not {steps}")]
    StepsTaken {
        /// Steps that it has taken.
        taken: u64,
        /// Steps that it is to have.
        steps: u64,
    },
    /// A batch could not be made.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The store is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value of the preset is out of range.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// The store has no such pairs.
    #[error(transparent)]
    Pairs(#[from] PairError),
    /// The alphabets that teach cannot make so many composed classes.
    #[error(transparent)]
    Composed(#[from] ComposedError),
    /// No table of pairs can be drawn.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The loss is no number any more, or a very large one.
    #[error(
        "the loss of step {step} (batch {batch} of seed {seed}) is {loss}; the batch is kept in \
         {kept}; lower the learning rate", kept = kept.display()
    )]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// The batch that was trained on.
        batch: u64,
        /// The run's seed.
        seed: u64,
        /// Its loss.
        loss: f64,
        /// A file of the batch's images and labels.
        kept: PathBuf,
    },
    /// The device's memory is used up.
    #[error(
        "{said}; a smaller batch takes less (--set batch.drawings=N, or batch.pairs=N), and so \
         does a smaller network"
    )]
    OutOfMemory {
        /// What libtorch said.
        said: String,
    },
    /// A GPU refused something else.
    #[error(transparent)]
    Cuda(CudaError),
    /// The batches cannot be shared out among so many ranks.
    #[error(
        "{world} ranks cannot share batches in {shards} parts: it takes a pair for each rank, or \
         with --set batch.shards=N a multiple of {world} parts; a matching network learns on one \
         rank alone"
    )]
    Share {
        /// Ranks.
        world: u64,
        /// Parts of a batch.
        shards: usize,
    },
    /// The ranks do not agree, or one is gone.
    #[error(transparent)]
    Ranks(#[from] RankError),
    /// Weights or a checkpoint could not be written or read, or do not fit.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What to do about a store of which nothing is left to train on.
fn room(background: usize) -> &'static str {
    match background {
        0 => "build it from a background set, or from pictures",
        1 => {
            "use --validation-alphabets 0 to hold out none, or build the store from pictures in \
             groups (group/class/picture), or dealt into some with --groups N: a group is an alphabet"
        }
        _ => "hold out fewer, as with --validation-alphabets 1; 0 holds out none",
    }
}

impl From<CudaError> for TrainError {
    fn from(error: CudaError) -> TrainError {
        match error {
            CudaError::OutOfMemory { message } => TrainError::OutOfMemory { said: message },
            error => TrainError::Cuda(error),
        }
    }
}

impl From<RecipeError> for TrainError {
    fn from(error: RecipeError) -> TrainError {
        TrainError::Table(error.into())
    }
}

impl From<TableBatchError> for TrainError {
    fn from(error: TableBatchError) -> TrainError {
        match error {
            TableBatchError::Table(error) => TrainError::Table(error),
            TableBatchError::Distortion(error) => {
                TrainError::Preset(PresetError::Distortion(error))
            }
            TableBatchError::Pairs { pairs } => {
                TrainError::Preset(PresetError::Range(RangeError {
                    field: "batch.pairs",
                    value: pairs.to_string(),
                    range: "2 to 16,384",
                }))
            }
        }
    }
}
