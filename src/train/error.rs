//! Why training ends early.

use std::path::PathBuf;

use super::preset::PresetError;
use crate::cuda::CudaError;
use crate::loader::{LoadError, TableRefusal};
use crate::model::ModelError;
use crate::ranks::RankError;
use crate::sample::{PairRefusal, TableError};
use crate::store::StoreError;

/// Why training ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// All background alphabets were to be held out, or there are none.
    #[error("the store has {background} background alphabets, and {held_out} are to be held out")]
    NothingToTrainOn {
        /// Background alphabets of the store.
        background: usize,
        /// Alphabets to be held out.
        held_out: usize,
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
    Pairs(#[from] PairRefusal),
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

impl From<CudaError> for TrainError {
    fn from(error: CudaError) -> TrainError {
        match error {
            CudaError::OutOfMemory { message } => TrainError::OutOfMemory { said: message },
            error => TrainError::Cuda(error),
        }
    }
}

impl From<TableRefusal> for TrainError {
    fn from(refusal: TableRefusal) -> TrainError {
        match refusal {
            TableRefusal::Table(error) => TrainError::Table(error),
            TableRefusal::Distortion(error) => TrainError::Preset(PresetError::Distortion(error)),
            TableRefusal::Pairs { pairs } => TrainError::Preset(PresetError::Range {
                field: "batch.pairs",
                value: pairs.to_string(),
                range: "2 to 16,384",
            }),
        }
    }
}
