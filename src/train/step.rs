//! One step: batch, loss, gradients, update, average.
//!
//! ```text
//! on a CPU          loss -> read -> gradients -> summed over ranks -> update
//!   in shards       the loss and the gradients of each on a thread of its own
//! on a GPU, alone   loss -> gradients -> update, captured once and replayed; nobody waits
//! ```

use std::time::{Duration, Instant};

use tch::{Device, Tensor};

use super::device_batch::DeviceBatch;
use super::error::TrainError;
use super::learner::Learner;
use super::preset::Preset;
use super::replay::Replay;
use super::shards::Shards;
use crate::cuda::CudaError;
use crate::ranks::{Ranks, Reducer};

/// Where the time of a run went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Profile {
    /// Waiting for batches.
    pub waiting: Duration,
    /// From a batch to its loss; nothing on a GPU, which does all parts of a step at once.
    pub forward: Duration,
    /// From the loss to the gradients; nothing on a GPU.
    pub backward: Duration,
    /// From the gradients to the weights and their average; nothing on a GPU.
    pub update: Duration,
    /// Giving a GPU its steps, and waiting for their losses.
    pub device: Duration,
    /// Scoring on held-out alphabets.
    pub scoring: Duration,
    /// Writing checkpoints and the best weights.
    pub saving: Duration,
}

/// What a step was like.
pub(super) struct Taken {
    /// The whole batch's loss, a scalar that may still be on its way.
    pub loss: Tensor,
    /// The learning rate.
    pub rate: f64,
    /// Whether any rank was asked to stop.
    pub asked: bool,
}

/// What takes steps.
pub(super) struct Stepper<'a> {
    /// Who else learns the same from the rest of each batch.
    ranks: &'a Ranks,
    /// What adds up all ranks' gradients.
    reducer: Reducer<'a>,
    /// What batches are learned from by, if they are in shards.
    shards: Option<Shards>,
    /// What replays steps on a GPU.
    replay: Option<Replay>,
    /// Drawings of a whole batch.
    drawings: usize,
    /// Where the time went.
    pub profile: Profile,
}

impl<'a> Stepper<'a> {
    /// What takes a learner's steps on `device`.
    ///
    /// # Errors
    /// As [`Ranks::reducer`], or if a GPU refuses a stream.
    pub fn new(
        learner: &Learner,
        preset: &Preset,
        device: Device,
        ranks: &'a Ranks,
    ) -> Result<Stepper<'a>, TrainError> {
        let shards = match preset.batch.shards() {
            1 => None,
            shards => {
                let own = shards / ranks.world() as usize;
                Some(Shards::start(own, device, learner))
            }
        };
        let replay = match device {
            Device::Cuda(gpu) if ranks.world() == 1 && shards.is_none() => {
                Some(Replay::new(gpu, preset.graph)?)
            }
            _ => None,
        };
        Ok(Stepper {
            ranks,
            reducer: ranks.reducer(learner.parameters().into_iter())?,
            shards,
            replay,
            drawings: preset.batch.drawings(),
            profile: Profile::default(),
        })
    }

    /// Trains on this rank's share of one batch. All ranks take the same step and get the same
    /// answer.
    ///
    /// # Errors
    /// If another rank is gone; then nothing has changed but running statistics. Or if a GPU has
    /// no memory left.
    pub fn step(
        &mut self,
        learner: &mut Learner,
        batch: &DeviceBatch,
        asked: bool,
    ) -> Result<Taken, TrainError> {
        let Some(replay) = &mut self.replay else {
            return self.step_and_wait(learner, batch, asked);
        };
        let began = Instant::now();
        let rate = learner.begin_update();
        let loss = replay.step(batch, &mut |batch| whole_step(learner, batch))?;
        self.profile.device += began.elapsed();
        Ok(Taken { loss, rate, asked })
    }

    fn step_and_wait(
        &mut self,
        learner: &mut Learner,
        batch: &DeviceBatch,
        asked: bool,
    ) -> Result<Taken, TrainError> {
        let began = Instant::now();
        let input = learner.loss_input();
        let (loss, forwarded, gradients) = match &self.shards {
            Some(shards) => {
                let (loss, forwarded, own) =
                    shards.learn(input, batch, &learner.parameters(), self.ranks)?;
                (loss, forwarded, self.reducer.reduce(own)?)
            }
            None => {
                let loss = self.weigh(input.loss(batch), batch.drawings());
                let value = loss.double_value(&[]); // waits for the device
                let forwarded = Instant::now();
                let gradients = self.reducer.reduce_during(|| learner.gradients(&loss))?;
                (value, forwarded, gradients)
            }
        };
        // All that can fail for want of a rank comes before anything is learned.
        let [loss, asked] = self.ranks.sum([loss, f64::from(u8::from(asked))])?;
        let backwarded = Instant::now();
        let rate = learner.begin_update();
        learner.update(&gradients)?;
        self.profile.forward += forwarded - began;
        self.profile.backward += backwarded - forwarded;
        self.profile.update += backwarded.elapsed();
        Ok(Taken {
            loss: Tensor::from(loss),
            rate,
            asked: asked > 0.0,
        })
    }

    /// The mean loss of a share of the batch, as what it counts for in the whole batch's.
    fn weigh(&self, loss: Tensor, drawings: usize) -> Tensor {
        match self.ranks.world() {
            1 => loss,
            _ => loss * (drawings as f64 / self.drawings as f64),
        }
    }

    /// The running statistics as they are, to be set again after a step that failed; none
    /// of a rank that is alone, whose steps do not fail.
    pub fn before_step(&self, learner: &Learner) -> Vec<Tensor> {
        match self.ranks.world() {
            1 => Vec::new(),
            _ => learner.statistics().iter().map(Tensor::copy).collect(),
        }
    }
}

/// All that a device does in a step; the loss is where it was made.
fn whole_step(learner: &mut Learner, batch: &DeviceBatch) -> Result<Tensor, CudaError> {
    let loss = learner.loss_input().loss(batch);
    let gradients = learner.gradients(&loss);
    learner.update(&gradients)?;
    Ok(loss.detach())
}

/// Undoes what a step that failed has changed.
pub(super) fn undo_step(learner: &Learner, before: &[Tensor]) {
    for (mut now, before) in learner.statistics().into_iter().zip(before) {
        now.copy_(before);
    }
}
