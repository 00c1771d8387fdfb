//! The training loop: batch in, loss, step, now and then a score on new alphabets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use super::objective;
use super::optimizer::{AdamW, Average, learning_rate};
use super::preset::Preset;
use crate::loader::{ClassBatch, ClassBatches, LoadError, Loader, LoaderOptions};
use crate::model::{Card, Model, ModelError, hand_over, initialise, ordered};
use crate::sample::{BatchSampler, TrainingSplit};
use crate::seed::{Purpose, Stream};
use crate::store::{PageCache, Store, StoreError};

/// What one step was like.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepRecord {
    /// Steps taken, from 1.
    pub step: u64,
    /// The batch's loss.
    pub loss: f64,
    /// The step's learning rate.
    pub learning_rate: f64,
    /// One-shot accuracy on held-out background alphabets, if it was taken now.
    pub validation: Option<f64>,
    /// Drawings trained on in a second, on average since the start; scoring left out.
    pub images_per_second: f64,
    /// Share of the time that the trainer waited for batches.
    pub waited: f64,
}

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
    Preset(#[from] super::PresetError),
    /// The loss is no number any more.
    #[error(
        "the loss of step {step} (batch {batch} of seed {seed}) is {loss}; lower the learning rate"
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
    },
    /// The weights could not be written.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What a run needs beside its preset.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Everything random follows from it.
    pub seed: u64,
    /// Where the network runs.
    pub device: Device,
    /// Threads that make batches, at least 1. The batches are the same with any number.
    pub workers: usize,
}

/// How training ended.
pub struct Trained {
    /// The network with its averaged weights.
    pub model: Model,
    /// Whether it was stopped before its last step.
    pub stopped: bool,
}

/// Trains by a preset from the background set of a store.
///
/// `score` gives the one-shot accuracy of a network on the held-out alphabets, `watch`
/// gets a record of each step, and `stop` ends the run after the step that sees it set.
///
/// # Errors
/// If the store cannot be read, the preset does not fit it, or the loss diverges.
pub fn train(
    store: &Arc<Store>,
    preset: &Preset,
    options: &RunOptions,
    mut score: impl FnMut(&Model, &TrainingSplit) -> Result<f64, StoreError>,
    mut watch: impl FnMut(&StepRecord),
    stop: &AtomicBool,
) -> Result<Trained, TrainError> {
    preset.check()?;
    let seed = options.seed;
    let split = TrainingSplit::draw(store, seed, preset.validation_alphabets).ok_or_else(|| {
        let background =
            crate::sample::alphabets_of(store, crate::archive::Split::Background).len();
        TrainError::NothingToTrainOn {
            background,
            held_out: preset.validation_alphabets,
        }
    })?;
    let sampler = BatchSampler::new(store, &split.training, preset.batch.into(), seed);
    let pages = Arc::new(PageCache::new(Arc::clone(store)));
    let side = preset.network.side;
    let batches = ClassBatches::<f32>::new(pages, sampler.clone(), preset.distortion, side, seed)
        .map_err(super::PresetError::from)?;
    let mut trainer = Trainer::new(store, preset, options, &split, sampler.classes());
    let workers = LoaderOptions {
        workers: options.workers,
        ..LoaderOptions::default()
    };
    let mut loader = Loader::start(Arc::new(batches), 0..preset.steps, workers);
    let started = Instant::now();
    let mut scoring = Duration::ZERO;
    let mut steps = 0;
    while let Some(batch) = loader.next_batch() {
        let batch = batch?;
        let (loss, rate) = trainer.step(&batch);
        steps = batch.index() + 1;
        if !loss.is_finite() {
            return Err(TrainError::Diverged {
                step: steps,
                batch: batch.index(),
                seed,
                loss,
            });
        }
        drop(batch);
        let stopped = stop.load(Ordering::Relaxed);
        let due = steps % preset.validation_every == 0 || steps == preset.steps || stopped;
        let elapsed = (started.elapsed() - scoring).as_secs_f64();
        let validation = if due && !split.validation.is_empty() {
            let began = Instant::now();
            let accuracy = score(&trainer.averaged, &split)?;
            scoring += began.elapsed();
            Some(accuracy)
        } else {
            None
        };
        watch(&StepRecord {
            step: steps,
            loss,
            learning_rate: rate,
            validation,
            images_per_second: (steps * preset.batch.drawings as u64) as f64 / elapsed,
            waited: loader.counts().waited.as_secs_f64() / elapsed,
        });
        if stopped {
            break;
        }
    }
    let mut model = trainer.averaged;
    model.card.steps = steps;
    Ok(Trained {
        model,
        stopped: steps < preset.steps,
    })
}

/// The state of training: everything that a step changes.
struct Trainer<'a> {
    preset: &'a Preset,
    seed: u64,
    device: Device,
    model: Model,
    averaged: Model,
    class_vectors: Tensor,
    optimizer: AdamW,
    average: Average,
    steps: u64,
}

impl<'a> Trainer<'a> {
    fn new(
        store: &Store,
        preset: &'a Preset,
        options: &RunOptions,
        split: &TrainingSplit,
        classes: u32,
    ) -> Trainer<'a> {
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
            batch: preset.batch.drawings,
            store: store.digest().to_string(),
            training: names(&split.training),
            validation: names(&split.validation),
        };
        let device = options.device;
        let model = Model::new(card.clone(), device);
        initialise(model.weights(), options.seed);
        let class_store = VarStore::new(device);
        let class_vectors = class_store.root().zeros(
            "class_vectors",
            &[i64::from(classes), preset.network.dimensions],
        );
        initialise(&class_store, options.seed ^ CLASS_VECTORS);
        let mut averaged = Model::new(card, device);
        averaged
            .weights_mut()
            .copy(model.weights())
            .expect("both have the same variables");
        averaged.weights_mut().freeze();
        // Norms' scales and shifts have one dimension; they and the class vectors do not decay.
        let decay = |tensor: &Tensor| {
            if tensor.dim() > 1 {
                preset.optimizer.weight_decay
            } else {
                0.0
            }
        };
        let learning = ordered(model.weights())
            .into_iter()
            .filter(|(_, tensor)| tensor.requires_grad())
            .map(|(_, tensor)| (decay(&tensor), tensor))
            .map(|(decay, tensor)| (tensor, decay))
            .chain([(class_vectors.shallow_clone(), 0.0)]);
        let optimizer = AdamW::new(learning);
        let pairs = ordered(averaged.weights())
            .into_iter()
            .zip(ordered(model.weights()))
            .map(|((_, average), (_, source))| (average, source))
            .collect();
        let average = Average::new(pairs, preset.optimizer.average);
        Trainer {
            preset,
            seed: options.seed,
            device,
            model,
            averaged,
            class_vectors,
            optimizer,
            average,
            steps: 0,
        }
    }

    /// Trains on one batch; gives its loss and the learning rate.
    fn step(&mut self, batch: &ClassBatch) -> (f64, f64) {
        let n = batch.classes.len() as i64;
        let side = self.preset.network.side as i64;
        let images = hand_over(&batch.images, self.device).view([n, 1, side, side]);
        let classes = hand_over(&batch.classes, self.device);
        let keep = self.keep(n).to_device(self.device);
        let embeddings = self.model.network.embed_training(&images, &keep); // [n, d]
        let loss = objective::loss(
            &embeddings,
            &classes,
            &self.class_vectors,
            batch.alphabet_part as i64,
            self.preset.objective,
        );
        loss.backward();
        let rate = learning_rate(&self.preset.optimizer, self.steps, self.preset.steps);
        self.optimizer.step(rate);
        self.average.update();
        self.steps += 1;
        (loss.double_value(&[]), rate) // waits for the device
    }

    /// Dropout's mask `[n, features]` of this step: 0, or 1 / (1 - dropout).
    fn keep(&self, n: i64) -> Tensor {
        let features = self.preset.network.features();
        let dropout = self.preset.network.dropout;
        if dropout == 0.0 {
            return Tensor::ones([n, features], (Kind::Float, Device::Cpu));
        }
        // Decided in 1/65,536ths: two activations for each word of the stream.
        let silenced = (dropout * 65_536.0) as u32;
        let scale = (1.0 / (1.0 - f64::from(silenced) / 65_536.0)) as f32;
        let mut stream = Stream::new(self.seed, Purpose::Dropout, self.steps);
        let value = |half: u32| if half < silenced { 0.0 } else { scale };
        let words = (n * features + 1) / 2;
        let mut mask = Vec::with_capacity(2 * words as usize);
        for _ in 0..words {
            let word = stream.word();
            mask.extend([value(word >> 16), value(word & 0xFFFF)]);
        }
        mask.truncate((n * features) as usize);
        Tensor::from_slice(&mask).view([n, features])
    }
}

/// Parts the class vectors' first values from the network's.
const CLASS_VECTORS: u64 = 0x636C_6173_7365_7321;

/// Writes a trained network as `weights.safetensors` into `folder` and gives its path.
///
/// # Errors
/// If the system refuses to write.
pub fn save(trained: &Trained, folder: &Path) -> Result<std::path::PathBuf, TrainError> {
    let path = folder.join("weights.safetensors");
    trained.model.save(&path)?;
    Ok(path)
}
