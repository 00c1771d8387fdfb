//! The training loop: batch in, loss, step, now and then a score on new alphabets and a
//! checkpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::checkpoint::{self, Best, Progress};
use super::company;
use super::error::TrainError;
use super::learner::{Learner, Profile};
use super::lesson::Lesson;
use super::options::{RunOptions, StepRecord, Trained};
use super::preset::{Batch, Keep, Objective, Preset, PresetError};
use crate::loader::{
    ClassBatches, Loader, LoaderOptions, PairBatches, Produce, Share, TableBatches,
};
use crate::model::{Card, Model, ModelError, save_tensors};
use crate::sample::{BatchSampler, PairSampler, PairShape, PairTable, TableRecipe, TrainingSplit};
use crate::store::{PageCache, Store, StoreError};

/// A loss beyond this has exploded: the losses of sound runs begin below 50.
const EXPLODED: f64 = 1e4;

/// Trains by a preset from the background set of a store.
///
/// `score` gives the one-shot accuracy of a network on the held-out alphabets, `watch`
/// gets a record of each step, and `stop` ends the run, with a checkpoint, after the step
/// that sees it set.
///
/// Several ranks train on one stream of batches, each on its share of every batch, as far as
/// rounding goes as one would train alone (batch statistics are those of a batch's shards, see
/// [`Preset::shared_by`]). The first alone scores, and writes. If one is gone, the others end with an error, the first with a checkpoint of the last
/// whole step.
///
/// # Errors
/// If the store cannot be read, the preset does not fit it, the checkpoint to go on from is
/// another run's, a file cannot be written, the loss diverges, or the ranks differ or are gone.
///
/// # Example
///
/// ```
/// # use omnishot::archive::{Archive, SyntheticOptions, synthesize};
/// # use omnishot::store::{self, Store, WriteOptions};
/// # let options = SyntheticOptions { background: 2, evaluation: 1, drawers: 3, ..Default::default() };
/// # let archive = Archive { alphabets: synthesize(&options), runs: Vec::new() };
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("made-up.omni");
/// # store::write(&path, &archive, WriteOptions::default(), |_| ())?;
/// use std::sync::Arc;
/// use std::sync::atomic::AtomicBool;
///
/// use omnishot::eval;
/// use omnishot::ranks::Ranks;
/// use omnishot::train::{Preset, RunOptions, train};
///
/// let shipped = Preset::shipped_text("compact").expect("it ships with the program");
/// let small = ["steps=3", "validation_alphabets=1", "batch.drawings=16", "network.side=32",
///     "batch.alphabet_characters=4", "network.width=4", "network.dimensions=8"];
/// let preset = Preset::parse(shipped, &small.map(str::to_owned))?;
/// let options = RunOptions {
///     seed: 7,
///     device: tch::Device::Cpu,
///     workers: 1,
///     folder: folder.path().to_owned(),
///     checkpoint_every: 0,
///     resume: None,
///     ranks: Ranks::alone(),
/// };
/// let store = Arc::new(Store::open(&path)?);
/// let mut losses = Vec::new();
/// let trained = train(
///     &store,
///     &preset,
///     &options,
///     |model, split| eval::validate(model, &store, split, 20),
///     |record| losses.push(record.loss),
///     &AtomicBool::new(false),
/// )?;
/// assert_eq!((losses.len(), trained.steps), (3, 3));
/// trained.model.save(&folder.path().join("weights.safetensors"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn train(
    store: &Arc<Store>,
    preset: &Preset,
    options: &RunOptions,
    score: impl FnMut(&Model, &TrainingSplit) -> Result<f64, StoreError>,
    watch: impl FnMut(&StepRecord),
    stop: &AtomicBool,
) -> Result<Trained, TrainError> {
    preset.check()?;
    let preset = &preset.clone().settled(options.device);
    let resume = options.resume.as_ref();
    if let Some(refusal) = resume.and_then(|c| c.refuse(store, preset, options.seed)) {
        return Err(refusal.into());
    }
    let (seed, held_out) = (options.seed, preset.validation_alphabets);
    let background = || crate::sample::alphabets_of(store, crate::archive::Split::Background);
    let split =
        TrainingSplit::draw(store, seed, held_out).ok_or_else(|| TrainError::NothingToTrainOn {
            background: background().len(),
            held_out,
        })?;
    let pages = Arc::new(PageCache::new(Arc::clone(store)));
    let (side, law) = (preset.network.side(), preset.distortion);
    let (rank, world) = (options.ranks.rank(), options.ranks.world());
    let shards = preset.batch.shards();
    let whole = matches!(preset.batch, Batch::Classes(_)) && !(shards as u64).is_multiple_of(world);
    if whole || preset.batch.drawings() as u64 / 2 < world {
        return Err(TrainError::Share { world, shards });
    }
    let share = Share::of(rank, world);
    let mut run = Run {
        store,
        preset,
        options,
        split: &split,
        classes: 0,
        epoch_steps: preset.epoch_steps,
    };
    match preset.batch {
        Batch::Classes(batch) => {
            let sampler = BatchSampler::new(store, &split.training, batch.into(), seed);
            if preset.objective != Objective::Matching {
                run.classes = sampler.classes();
            }
            let batches = ClassBatches::<f32>::new(pages, sampler, law, side, seed)
                .map_err(PresetError::from)?;
            run.take(batches.shared(share), score, watch, stop)
        }
        Batch::Pairs(batch) => {
            let shape = PairShape {
                pairs: batch.pairs,
                within_alphabet: batch.within_alphabet,
            };
            let sampler = PairSampler::new(store, &split.training, shape, seed)?;
            let batches = PairBatches::<f32>::new(pages, sampler, law, side, seed)
                .map_err(PresetError::from)?;
            run.take(batches.shared(share), score, watch, stop)
        }
        Batch::Table(batch) => {
            let each = 2 * split.training.len() as u32;
            let pairs = batch.table_pairs - batch.table_pairs % each;
            let recipe = TableRecipe::training(store, held_out, pairs, batch.copies, seed)?;
            let table = Arc::new(PairTable::draw(store, &recipe)?);
            run.epoch_steps = table.len().div_ceil(batch.pairs as u64);
            let batches = TableBatches::<f32>::new(pages, table, batch.pairs, law, side, seed)?;
            run.take(batches.shared(share), score, watch, stop)
        }
    }
}

/// A run, whatever its batches are.
struct Run<'a> {
    store: &'a Store,
    preset: &'a Preset,
    options: &'a RunOptions,
    split: &'a TrainingSplit,
    /// Classes that have vectors of their own; none for losses without such vectors.
    classes: u32,
    epoch_steps: u64,
}

impl Run<'_> {
    fn take<P: Produce<Batch: Lesson>>(
        &self,
        batches: P,
        mut score: impl FnMut(&Model, &TrainingSplit) -> Result<f64, StoreError>,
        mut watch: impl FnMut(&StepRecord),
        stop: &AtomicBool,
    ) -> Result<Trained, TrainError> {
        let (preset, options) = (self.preset, self.options);
        let (mut learner, mut progress) = self.begin()?;
        let (first, ranks) = (learner.steps, &options.ranks);
        company::agree(ranks, &learner, &progress)?;
        if options.checkpoint_every > 0 && options.resume.is_none() {
            // So that a run can go on from its first moment.
            self.save(&progress, &learner)?;
        }
        let workers = LoaderOptions {
            workers: options.workers,
            ..LoaderOptions::default()
        };
        let mut loader = Loader::start(Arc::new(batches), first..preset.steps, workers);
        let started = Instant::now();
        let impatient = |p: &Progress| preset.patience > 0 && p.without_gain >= preset.patience;
        let mut stopped = false;
        while !stopped && !impatient(&progress) {
            let Some(batch) = loader.next_batch() else {
                break;
            };
            let batch = batch?;
            let asked = stop.load(Ordering::Relaxed);
            let (loss, rate, asked) = self.step(&mut learner, &progress, &*batch, asked)?;
            progress.steps = learner.steps;
            if loss.is_nan() || loss.abs() > EXPLODED {
                return Err(self.diverged(loss, batch.index(), &*batch)?);
            }
            drop(batch);
            let counts = loader.counts();
            learner.profile.waiting = counts.waited;
            let Profile {
                scoring, saving, ..
            } = learner.profile;
            let elapsed = (started.elapsed() - scoring - saving).as_secs_f64();
            let steps = learner.steps;
            let last = steps == preset.steps;
            let due = last || steps.is_multiple_of(preset.validation_every);
            let validation = if due && !self.split.validation.is_empty() {
                Some(self.validate(&mut learner, &mut progress, &mut score)?)
            } else {
                None
            };
            stopped = asked && !last;
            let every = options.checkpoint_every;
            let regular = every > 0 && steps.is_multiple_of(every);
            let checkpoint = regular || last || stopped || impatient(&progress);
            watch(&StepRecord {
                step: steps,
                loss,
                learning_rate: rate,
                validation,
                images_per_second: ((steps - first) * preset.batch.drawings() as u64) as f64
                    / elapsed,
                waited: counts.waited.as_secs_f64() / elapsed,
                ready: counts.ready,
                checkpoint,
            });
            if checkpoint {
                let began = Instant::now();
                self.save(&progress, &learner)?;
                learner.profile.saving += began.elapsed();
            }
        }
        drop(loader);
        ranks.barrier()?; // none leaves while another still works
        let (steps, profile, best) = (learner.steps, learner.profile, progress.best);
        let model = match (preset.keep, best) {
            (Keep::Best, Some(_)) if ranks.first() => {
                Model::load(&best_path(&options.folder), options.device)?
            }
            _ => learner.into_result(),
        };
        Ok(Trained {
            model,
            steps,
            stopped,
            best,
            profile,
        })
    }

    /// A learner at the run's first step, or at the checkpoint's.
    fn begin(&self) -> Result<(Learner<'_>, Progress), TrainError> {
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
        };
        let (device, ranks) = (options.device, &options.ranks);
        let mut learner =
            Learner::new(preset, card, device, self.classes, self.epoch_steps, ranks)?;
        let Some(checkpoint) = &options.resume else {
            return Ok((learner, Progress::new(store, preset, options.seed)));
        };
        checkpoint.restore(&mut learner)?;
        Ok((learner, checkpoint.progress.clone()))
    }

    /// Takes a step. If another rank is gone, this one, if it is the first, leaves a checkpoint of
    /// the step before.
    fn step(
        &self,
        learner: &mut Learner,
        progress: &Progress,
        batch: &impl Lesson,
        asked: bool,
    ) -> Result<(f64, f64, bool), TrainError> {
        let before = learner.before_step();
        learner.step(batch, asked).map_err(|gone| {
            learner.undo_step(&before);
            // The cause is worth more than that it could not be saved either.
            let _ = self.save(progress, learner);
            gone.into()
        })
    }

    /// Writes the checkpoint, if this is the rank that writes.
    fn save(&self, progress: &Progress, learner: &Learner) -> Result<(), ModelError> {
        if !self.options.ranks.first() {
            return Ok(());
        }
        checkpoint::save(&self.options.folder, progress, learner)
    }

    /// Scores the network on held-out alphabets, and keeps it if it is the best so far.
    fn validate(
        &self,
        learner: &mut Learner,
        progress: &mut Progress,
        score: &mut impl FnMut(&Model, &TrainingSplit) -> Result<f64, StoreError>,
    ) -> Result<f64, TrainError> {
        let began = Instant::now();
        let ranks = &self.options.ranks;
        let accuracy = match ranks.first() {
            true => score(learner.result(), self.split)?,
            false => f64::NAN, // the first rank's is put in its place
        };
        let accuracy = ranks.of_first(accuracy)?;
        learner.profile.scoring += began.elapsed();
        if progress.best.is_some_and(|best| accuracy <= best.accuracy) {
            progress.without_gain += 1;
            return Ok(accuracy);
        }
        progress.without_gain = 0;
        let step = learner.steps;
        progress.best = Some(Best { step, accuracy });
        if self.preset.keep == Keep::Best && ranks.first() {
            let began = Instant::now();
            learner.save_result(&best_path(&self.options.folder))?;
            learner.profile.saving += began.elapsed();
        }
        Ok(accuracy)
    }

    /// Keeps the batch of a loss that is out of bounds, to be looked at.
    fn diverged(
        &self,
        loss: f64,
        index: u64,
        batch: &impl Lesson,
    ) -> Result<TrainError, ModelError> {
        let kept = self.options.folder.join("diverged.safetensors");
        let (pixels, labels) = batch.contents();
        let side = self.preset.network.side() as i64;
        let images = tch::Tensor::from_slice(pixels).view([-1, 1, side, side]);
        let tensors = vec![
            ("images".to_owned(), images),
            ("labels".to_owned(), tch::Tensor::from_slice(&labels)),
        ];
        let seed = self.options.seed;
        if self.options.ranks.first() {
            let card = format!("batch {index} of seed {seed}");
            save_tensors(&kept, card, tensors, false)?;
        }
        Ok(TrainError::Diverged {
            step: index + 1,
            batch: index,
            seed,
            loss,
            kept,
        })
    }
}

/// Where a run keeps its best weights while it goes on.
fn best_path(folder: &Path) -> PathBuf {
    folder.join("best.safetensors")
}

/// Writes a trained network as `weights.safetensors` into `folder` and gives its path.
///
/// # Errors
/// If the system refuses to write.
pub fn save(trained: &Trained, folder: &Path) -> Result<PathBuf, TrainError> {
    let path = folder.join("weights.safetensors");
    trained.model.save(&path)?;
    Ok(path)
}
