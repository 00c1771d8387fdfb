//! Training: what is minimised, how, the loop, and how a run goes on from where it was.

mod check;
mod checkpoint;
mod error;
mod learner;
mod objective;
mod optimizer;
mod preset;
mod run;

pub use checkpoint::{Best, Checkpoint, Progress};
pub use error::TrainError;
pub use learner::Profile;
pub use objective::{loss, matching, softmax, verification};
pub use optimizer::{Adam, Average, Descent, Parameter, Sgd, learning_rate};
pub use preset::{
    AdamOptions, AdamWOptions, Batch, ClassBatch, Keep, Layer, Metric, Objective, Optimizer,
    PairBatch, Precision, Preset, PresetError, SgdOptions, Softmax, TableBatch,
};
pub use run::{RunOptions, StepRecord, Trained, save, train};
