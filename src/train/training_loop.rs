//! The training loop: batch, step, record; now and then a score on new alphabets and a
//! checkpoint.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tch::Device;

use super::agreement;
use super::batch::Batch;
use super::checkpoint::{Best, Progress};
use super::device_batch::{DeviceBatch, PreparedBatches, TrainingBatch};
use super::dropout::Dropout;
use super::error::TrainError;
use super::feed::Feed;
use super::learner::Learner;
use super::options::{RunOptions, StepRecord, Trained, Validation};
use super::preset::{Keep, Preset};
use super::records::Records;
use super::saver::Saver;
use super::step::{Stepper, Taken, undo_step};
use super::within_class::normalize_within_classes;
use crate::cuda::Stream;
use crate::loader::{Produce, RankSlice};
use crate::model::{Card, Model, save_tensors};
use crate::sample::TrainingSplit;
use crate::store::{Store, StoreError};

/// A loss beyond this has exploded: the losses of sound runs begin below 50.
const EXPLODED: f64 = 1e4;

/// A run, whatever its batches are.
pub(super) struct Run<'a> {
    pub store: &'a Store,
    pub preset: &'a Preset,
    pub options: &'a RunOptions,
    pub split: &'a TrainingSplit,
    /// Classes that have vectors of their own; none for losses without such vectors.
    pub classes: u32,
    /// Steps of an epoch.
    pub epoch_steps: u64,
}

impl Run<'_> {
    /// Trains on `batches`, this rank's share of each.
    pub fn take<P: Produce<Batch: TrainingBatch>>(
        &self,
        batches: P,
        mut score: impl FnMut(&Model, &TrainingSplit) -> Result<Option<Validation>, StoreError>,
        mut watch: impl FnMut(&StepRecord),
        stop: &AtomicBool,
    ) -> Result<Trained, TrainError> {
        // All work on a GPU goes to one stream, which unlike the default one can be captured.
        let stream = match self.options.device {
            Device::Cuda(gpu) => Some(Stream::new(gpu)?),
            _ => None,
        };
        let _current = stream.as_ref().map(Stream::enter).transpose()?;
        let mut state = State::begin(self, batches)?;
        let mut stopped = false;
        while !stopped && !state.impatient() {
            let Some(batch) = state.next_batch(&mut watch)? else {
                break;
            };
            let asked = stop.load(Ordering::Relaxed);
            let taken = state.step(&batch, asked)?;
            state.feed.done()?;
            state.feed.prefetch(); // it sets out while the device works on the step
            state.record(&taken);
            stopped = taken.asked && state.learner.steps < self.preset.steps;
            state.score_and_save(stopped, &mut score, &mut watch)?;
        }
        state.end(stopped)
    }

    /// A learner at the run's first step, or at the checkpoint's.
    fn learner(&self) -> Result<(Learner, Progress), TrainError> {
        let Run {
            store,
            preset,
            options,
            split,
            ..
        } = *self;
        let names = |ids: &[u32]| {
            ids.iter()
                .map(|&id| store.alphabet(id).name.clone())
                .collect()
        };
        let card = Card {
            program: concat!("omnishot ", env!("CARGO_PKG_VERSION")).to_owned(),
            network: preset.network,
            distortion: preset.distortion,
            seed: options.seed,
            steps: 0,
            batch: preset.batch.drawings(),
            store: store.digest().to_string(),
            training: names(&split.training),
            validation: names(&split.validation),
            pictures: store.pictures(),
        };
        let mut learner =
            Learner::new(preset, card, options.device, self.classes, self.epoch_steps);
        let Some(checkpoint) = &options.resume else {
            return Ok((learner, Progress::new(store, preset, options.seed)));
        };
        checkpoint.restore(&mut learner)?;
        Ok((learner, checkpoint.progress.clone()))
    }

    /// The dropout of this rank's share of each batch.
    fn dropout(&self) -> Option<Dropout> {
        let Run {
            preset, options, ..
        } = self;
        let towers = match preset.batch {
            Batch::Classes(_) => 1,
            Batch::Pairs(_) | Batch::Table(_) => 2,
        };
        let places = RankSlice::of(options.ranks.rank(), options.ranks.world());
        let drawings = (preset.batch.drawings(), towers);
        Dropout::new(preset.network, drawings, options.seed, places)
    }
}

/// A run under way.
struct State<'a, P: Produce<Batch: TrainingBatch>> {
    run: &'a Run<'a>,
    learner: Learner,
    stepper: Stepper<'a>,
    feed: Feed<P>,
    /// Of the steps whose losses have been read.
    progress: Progress,
    records: Records,
    saver: Saver,
    /// The step before its first.
    first: u64,
    started: Instant,
}

impl<'a, P: Produce<Batch: TrainingBatch>> State<'a, P> {
    fn begin(run: &'a Run<'a>, batches: P) -> Result<State<'a, P>, TrainError> {
        let (preset, options) = (run.preset, run.options);
        let (learner, progress) = run.learner()?;
        agreement::agree(&options.ranks, &learner, &progress)?;
        let mut saver = Saver::new(options.folder.clone(), options.device);
        if options.checkpoint_every > 0 && options.resume.is_none() && options.ranks.first() {
            // So that a run can go on from its first moment.
            saver.save(&progress, learner.state())?;
        }
        let producer = PreparedBatches {
            batches,
            dropout: run.dropout(),
            device: options.device,
        };
        let (first, side) = (learner.steps, preset.network.side());
        Ok(State {
            stepper: Stepper::new(&learner, preset, options.device, &options.ranks)?,
            feed: Feed::start(producer, side, first..preset.steps, options.workers)?,
            records: Records::new(options.device),
            run,
            learner,
            progress,
            saver,
            first,
            started: Instant::now(),
        })
    }

    /// Whether the scores have been without gain for too long.
    fn impatient(&self) -> bool {
        let patience = self.run.preset.patience;
        patience > 0 && self.progress.without_gain >= patience
    }

    /// The next batch on the device; steps before one that cannot be had are told.
    fn next_batch(
        &mut self,
        watch: &mut impl FnMut(&StepRecord),
    ) -> Result<Option<DeviceBatch>, TrainError> {
        let next = self.feed.next_batch();
        if next.is_err() {
            self.resolve()?.iter().for_each(watch);
        }
        next
    }

    /// Takes a step. If another rank is gone, this one, if it is the first, leaves a checkpoint
    /// of the step before.
    fn step(&mut self, batch: &DeviceBatch, asked: bool) -> Result<Taken, TrainError> {
        let before = self.stepper.before_step(&self.learner);
        let taken = self.stepper.step(&mut self.learner, batch, asked);
        if taken.is_err() && self.run.options.ranks.world() > 1 {
            undo_step(&self.learner, &before);
            // The cause is worth more than that it could not be saved either.
            let _ = self.save();
        }
        taken
    }

    fn record(&mut self, taken: &Taken) {
        let record = StepRecord {
            step: self.learner.steps,
            loss: f64::NAN, // until it is read
            learning_rate: taken.rate,
            validation: None,
            validation_ways: None,
            images_per_second: 0.0, // as of when the loss is read
            waited: 0.0,
            ready: self.feed.counts().ready,
            checkpoint: false,
        };
        self.records.push(record, &taken.loss);
    }

    /// Scores and saves where that is due after a step, and tells of steps whose losses can be
    /// read.
    fn score_and_save(
        &mut self,
        stopped: bool,
        score: &mut impl FnMut(&Model, &TrainingSplit) -> Result<Option<Validation>, StoreError>,
        watch: &mut impl FnMut(&StepRecord),
    ) -> Result<(), TrainError> {
        let (preset, options) = (self.run.preset, self.run.options);
        let steps = self.learner.steps;
        let last = steps == preset.steps;
        let validate = (last || steps.is_multiple_of(preset.validation_every))
            && !self.run.split.validation.is_empty();
        let every = options.checkpoint_every;
        let save = last || stopped || (every > 0 && steps.is_multiple_of(every));
        if !(validate || save || self.records.is_full()) {
            return Ok(());
        }
        let mut records = self.resolve()?;
        let validation = match validate {
            true => self.validate(score)?,
            false => None,
        };
        let save = save || self.impatient();
        if let Some(record) = records.last_mut() {
            record.validation = validation.map(|score| score.accuracy);
            record.validation_ways = validation.map(|score| score.ways);
            record.checkpoint = save;
        }
        records.iter().for_each(watch);
        if save {
            let began = Instant::now();
            self.save()?;
            self.stepper.profile.saving += began.elapsed();
        }
        Ok(())
    }

    /// Waits until the device has taken all its steps, and gives their records.
    fn resolve(&mut self) -> Result<Vec<StepRecord>, TrainError> {
        let began = Instant::now();
        let mut records = self.records.resolve();
        if self.run.options.device.is_cuda() {
            self.stepper.profile.device += began.elapsed();
        }
        let exploded = |r: &&StepRecord| r.loss.is_nan() || r.loss.abs() > EXPLODED;
        if let Some(record) = records.iter().find(exploded) {
            return Err(self.diverged(record)?);
        }
        self.progress.steps = self.learner.steps;
        let counts = self.feed.counts();
        self.stepper.profile.waiting = counts.waited;
        let busy = self.busy().as_secs_f64();
        let drawings = (self.learner.steps - self.first) * self.run.preset.batch.drawings() as u64;
        for record in &mut records {
            record.images_per_second = drawings as f64 / busy;
            record.waited = counts.waited.as_secs_f64() / busy;
        }
        Ok(records)
    }

    /// The time since the start, without scoring and saving.
    fn busy(&self) -> Duration {
        let profile = &self.stepper.profile;
        self.started.elapsed() - profile.scoring - profile.saving
    }

    /// Writes the checkpoint, if this is the rank that writes.
    fn save(&mut self) -> Result<(), TrainError> {
        if self.run.options.ranks.first() {
            self.saver.save(&self.progress, self.learner.state())?;
        }
        Ok(())
    }

    /// Scores the network on held-out alphabets, and keeps it if it is the best so far. A best of
    /// tasks with other ways, which is another program's, counts for nothing.
    fn validate(
        &mut self,
        score: &mut impl FnMut(&Model, &TrainingSplit) -> Result<Option<Validation>, StoreError>,
    ) -> Result<Option<Validation>, TrainError> {
        let began = Instant::now();
        let Run {
            options,
            preset,
            split,
            ..
        } = self.run;
        let ranks = &options.ranks;
        let validation = match ranks.first() {
            true => score(self.learner.result(), split)?,
            false => None, // the first rank's is put in its place
        };
        let told = validation.map_or((0.0, 0.0), |score| (score.accuracy, score.ways as f64));
        let (accuracy, ways) = (ranks.broadcast(told.0)?, ranks.broadcast(told.1)? as u64);
        self.stepper.profile.scoring += began.elapsed();
        if ways == 0 {
            return Ok(None); // nothing was asked
        }
        let validation = Some(Validation { accuracy, ways });
        let progress = &mut self.progress;
        let gained = |best: Best| best.ways != ways || accuracy > best.accuracy;
        if !progress.best.is_none_or(gained) {
            progress.without_gain += 1;
            return Ok(validation);
        }
        progress.without_gain = 0;
        let step = self.learner.steps;
        progress.best = Some(Best {
            step,
            accuracy,
            ways,
        });
        if preset.keep == Keep::Best && ranks.first() {
            let began = Instant::now();
            self.learner.save_result(&best_path(&options.folder))?;
            self.stepper.profile.saving += began.elapsed();
        }
        Ok(validation)
    }

    /// Makes the batch of a loss that is out of bounds again, and keeps it to be looked at.
    fn diverged(&self, record: &StepRecord) -> Result<TrainError, TrainError> {
        let options = self.run.options;
        let kept = options.folder.join("diverged.safetensors");
        let (seed, batch) = (options.seed, record.step - 1);
        if options.ranks.first() {
            let [images, labels] = self.feed.remake(batch)?;
            let tensors = vec![("images".to_owned(), images), ("labels".to_owned(), labels)];
            save_tensors(
                &kept,
                format!("batch {batch} of seed {seed}"),
                tensors,
                false,
            )?;
        }
        Ok(TrainError::Diverged {
            step: record.step,
            batch,
            seed,
            loss: record.loss,
            kept,
        })
    }

    fn end(mut self, stopped: bool) -> Result<Trained, TrainError> {
        self.saver.finish()?;
        let Run {
            store,
            options,
            preset,
            split,
            ..
        } = self.run;
        drop(self.feed);
        options.ranks.barrier()?; // none leaves while another still works
        let (steps, best) = (self.learner.steps, self.progress.best);
        let profile = self.stepper.profile;
        let mut model = match (preset.keep, best) {
            (Keep::Best, Some(_)) if options.ranks.first() => {
                Model::load(&best_path(&options.folder), options.device)?
            }
            _ => self.learner.into_result(),
        };
        if preset.within_class > 0.0 && !stopped && options.ranks.first() {
            let training = &split.training;
            normalize_within_classes(&mut model, store, training, preset.within_class)?;
        }
        Ok(Trained {
            model,
            steps,
            stopped,
            best,
            profile,
        })
    }
}

/// Where a run keeps its best weights while it goes on.
fn best_path(folder: &Path) -> PathBuf {
    folder.join("best.safetensors")
}
