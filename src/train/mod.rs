//! Training: what is minimised, how, the loop, and how a run goes on from where it was.

mod check;
mod checkpoint;
mod company;
mod error;
mod learner;
mod lesson;
mod objective;
mod optimizer;
mod options;
mod precision;
mod preset;
mod run;
mod shards;

pub use checkpoint::{Best, Checkpoint, Progress};
pub use error::TrainError;
pub use learner::Profile;
pub use objective::{loss, matching, softmax, verification};
pub use optimizer::{Adam, Average, Descent, Parameter, Sgd, learning_rate};
pub use options::{RunOptions, StepRecord, Trained};
pub use precision::Precision;
pub use preset::{
    AdamOptions, AdamWOptions, Batch, ClassBatch, Keep, Layer, Metric, Objective, Optimizer,
    PairBatch, Preset, PresetError, SgdOptions, Softmax, TableBatch,
};
pub use run::{save, train};
