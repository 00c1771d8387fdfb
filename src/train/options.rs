//! What a run is told, and what it tells.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tch::Device;

use super::checkpoint::{Best, Checkpoint};
use super::step::Profile;
use crate::model::Model;
use crate::ranks::Ranks;

/// A score on held-out background alphabets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// One-shot accuracy in percent.
    pub accuracy: f64,
    /// Ways of every task, at least 2.
    pub ways: u64,
}

/// What one step was like.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepRecord {
    /// Steps taken, from 1.
    pub step: u64,
    /// The batch's loss.
    pub loss: f64,
    /// The step's learning rate; the highest of those that layers have of their own.
    pub learning_rate: f64,
    /// One-shot accuracy on held-out background alphabets, if it was taken now.
    pub validation: Option<f64>,
    /// Ways of the tasks that it was taken over: scores of other ways are not to be held beside
    /// it.
    pub validation_ways: Option<u64>,
    /// Drawings trained on in a second, on average since the start; scoring and saving left out.
    pub images_per_second: f64,
    /// Share of the time that the trainer waited for batches.
    pub waited: f64,
    /// Batches that lay ready when this one was asked for.
    pub ready: usize,
    /// Whether a checkpoint is written once this record is.
    #[serde(skip)]
    pub checkpoint: bool,
}

/// What a run needs beside its preset.
pub struct RunOptions {
    /// Everything random follows from it.
    pub seed: u64,
    /// Where the network runs.
    pub device: Device,
    /// Threads that make batches, at least 1. The batches are the same with any number.
    pub workers: usize,
    /// Where checkpoints and the best weights are kept.
    pub folder: PathBuf,
    /// Steps from one checkpoint to the next; 0 writes one only when the run ends or is stopped.
    pub checkpoint_every: u64,
    /// Where to go on from; nowhere for a new run.
    pub resume: Option<Checkpoint>,
    /// Who trains together; the first of them writes.
    pub ranks: Ranks,
}

/// How training ended.
pub struct Trained {
    /// The network that the preset keeps.
    pub model: Model,
    /// Steps taken.
    pub steps: u64,
    /// Whether it was stopped before it was done.
    pub stopped: bool,
    /// The best score on held-out alphabets.
    pub best: Option<Best>,
    /// Where the time went.
    pub profile: Profile,
}
