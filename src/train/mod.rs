//! Training: what is minimised, how, and the loop.

mod objective;
mod optimizer;
mod preset;
mod run;

pub use objective::loss;
pub use optimizer::{AdamW, Average, learning_rate};
pub use preset::{Batch, Objective, Optimizer, Preset, PresetError};
pub use run::{RunOptions, StepRecord, TrainError, Trained, save, train};
