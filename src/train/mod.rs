//! Training: what is minimised, how, the loop, and how a run goes on from where it was.
//!
//! ```text
//! preset         all settings; check says what several must have in common (range)
//!   batch, objective, optimizer: settings, their ranges, and what is done with them
//! run            which alphabets teach, and what makes the batches
//! training_loop  batch, step, record; scores and checkpoints
//!   feed         batches as tensors on the device, one ahead (device_batch, dropout)
//!   step         loss, gradients, update, average
//!     batch_loss     of a batch by a network (objective, candidates)
//!     shards         a batch in parts, side by side, on a CPU
//!     replay         a step captured once and replayed, on a GPU
//!     learner        the network, its optimizer and its average
//!   records      losses that the device still has
//!   saver        checkpoints, beside training where that can be
//! within_class   the result's embeddings, normalised
//! ```
#![doc = include_str!("README.md")]

mod agreement;
mod batch;
mod batch_loss;
mod candidates;
mod check;
mod checkpoint;
mod device_batch;
mod dropout;
mod error;
mod feed;
mod learner;
mod objective;
mod optimizer;
mod options;
mod precision;
mod preset;
mod range;
mod records;
mod replay;
mod run;
mod saver;
mod shards;
mod step;
mod training_loop;
mod within_class;

pub use batch::{Against, Batch, ClassBatch, ComposedBatch, PairBatch, TableBatch};
pub use candidates::Candidates;
pub use checkpoint::{Best, Checkpoint, Progress};
pub use error::TrainError;
pub use objective::{Metric, Objective, Softmax, loss, matching, softmax, verification};
pub use optimizer::{
    Adam, AdamOptions, AdamWOptions, Ema, Horizon, Layer, Optimizer, OptimizerOptions, Parameter,
    Sgd, SgdOptions, learning_rate,
};
pub use options::{RunOptions, StepRecord, Trained, Validation};
pub use precision::Precision;
pub use preset::{Keep, Pixels, Preset, PresetError};
pub use range::RangeError;
pub use run::{out_of_memory, save, train, validation_tasks};
pub use step::Profile;
pub use within_class::normalize_within_classes;
