//! What a run is made of: which alphabets teach, and the batches that its preset asks for.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::batch::Batch;
use super::error::TrainError;
use super::options::{RunOptions, StepRecord, Trained, Validation};
use super::precision::Precision;
use super::preset::{Pixels, Preset, PresetError};
use super::training_loop::Run;
use crate::cuda::{self, Arithmetic, Element};
use crate::distort::Pixel;
use crate::loader::{ClassBatches, PairBatches, RankSlice, TableBatches};
use crate::model::Model;
use crate::sample::{
    BatchSampler, ComposedSampler, PairSampler, PairShape, PairTable, TableRecipe, TrainingSplit,
    ValidationTasks,
};
use crate::store::{PageCache, Store, StoreError};

/// Trains by a preset from the background set of a store.
///
/// `score` gives the one-shot accuracy of a network on the held-out alphabets (if it gives none,
/// there is no score then), `watch` gets a record of each step, and `stop` ends the run, with a checkpoint, after the step
/// that sees it set.
///
/// Several ranks train on one stream of batches, each on its share of every batch, as far as
/// rounding goes as one would train alone (batch statistics are those of a batch's shards, see
/// [`Preset::shared_by`]). The first alone scores, and writes. If one is gone, the others end with an error, the first with a checkpoint of the last
/// whole step.
///
/// # Errors
/// If the store cannot be read, the preset does not fit it or holds out alphabets of which
/// nothing can be asked, the checkpoint to go on from is
/// another run's, a file cannot be written, the loss diverges, or the ranks differ or are gone.
///
/// # Example
///
/// ```
/// # use omnishot::archive::Archive;
/// # use omnishot::synthetic::{SyntheticOptions, synthesize};
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
    score: impl FnMut(&Model, &TrainingSplit) -> Result<Option<Validation>, StoreError>,
    watch: impl FnMut(&StepRecord),
    stop: &AtomicBool,
) -> Result<Trained, TrainError> {
    preset.check()?;
    let resolved;
    let preset = match &options.resume {
        Some(checkpoint) => {
            if let Some(refusal) = checkpoint.refuse(store, preset, options.seed) {
                return Err(refusal.into());
            }
            preset
        }
        None => {
            resolved = preset.clone().resolved(options.device);
            &resolved
        }
    };
    preset.check_device(options.device)?;
    if options.device.is_cuda() {
        cuda::set_arithmetic(Arithmetic {
            tf32: preset.precision == Precision::Tf32,
            deterministic: preset.deterministic,
        })?;
    }
    let split = split(store, preset, options)?;
    let run = Run {
        store,
        preset,
        options,
        split: &split,
        classes: 0,
        epoch_steps: preset.epoch_steps,
    };
    let train = || match preset.pixels.resolve(options.device) {
        Pixels::U8 => with_pixels::<u8>(store, run, score, watch, stop),
        Pixels::F32 | Pixels::Auto => with_pixels::<f32>(store, run, score, watch, stop),
    };
    // libtorch tells of memory that is used up by what becomes a panic.
    catch_unwind(AssertUnwindSafe(train)).unwrap_or_else(|panic| {
        let said = (panic.downcast_ref::<String>().map(String::as_str))
            .or_else(|| panic.downcast_ref::<&str>().copied());
        match said.and_then(out_of_memory) {
            Some(said) => Err(TrainError::OutOfMemory { said }),
            None => resume_unwind(panic),
        }
    })
}

/// What a panic of libtorch says of memory that is used up, without the places in its code; none
/// if it says something else.
#[must_use]
pub fn out_of_memory(panic: &str) -> Option<String> {
    let said = [
        "CUDA out of memory",
        "not enough memory",
        "can't allocate memory",
    ];
    let start = said.iter().find_map(|said| panic.find(said))?;
    let text = panic[start..].split("\\n").next().unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    Some(line.trim_end_matches(['"', ')', ' ']).to_owned())
}

/// The tasks by which a run of this preset and seed would be scored on its way; `None` if it holds
/// nothing out.
///
/// # Errors
/// [`TrainError::NothingToTrainOn`] and [`TrainError::NothingToValidateOn`].
pub fn validation_tasks(
    store: &Store,
    preset: &Preset,
    seed: u64,
) -> Result<Option<ValidationTasks>, TrainError> {
    let held_out = draw(store, preset, seed)?.validation;
    if held_out.is_empty() {
        return Ok(None);
    }
    let names = || held_out.iter().map(|&id| store.alphabet(id).name.clone());
    match ValidationTasks::of(store, &held_out) {
        Some(tasks) => Ok(Some(tasks)),
        None => Err(TrainError::NothingToValidateOn {
            held_out: names().collect(),
        }),
    }
}

/// The alphabets that teach, and those that are held out.
fn draw(store: &Store, preset: &Preset, seed: u64) -> Result<TrainingSplit, TrainError> {
    let background = crate::sample::alphabets_of(store, crate::archive::Split::Background);
    let held_out = preset.validation_alphabets;
    TrainingSplit::draw(store, seed, held_out).ok_or(TrainError::NothingToTrainOn {
        background: background.len(),
        held_out,
    })
}

/// The alphabets that teach, and those that are held out, of a run that can be begun.
fn split(
    store: &Arc<Store>,
    preset: &Preset,
    options: &RunOptions,
) -> Result<TrainingSplit, TrainError> {
    validation_tasks(store, preset, options.seed)?;
    let split = draw(store, preset, options.seed)?;
    let (shards, world) = (preset.batch.shards(), options.ranks.world());
    let whole = matches!(preset.batch, Batch::Classes(_)) && !(shards as u64).is_multiple_of(world);
    if whole || preset.batch.drawings() as u64 / 2 < world {
        return Err(TrainError::Share { world, shards });
    }
    Ok(split)
}

/// Trains on the batches that the preset asks for, with pixels of one kind.
fn with_pixels<P: Pixel + Element + tch::kind::Element>(
    store: &Arc<Store>,
    mut run: Run,
    score: impl FnMut(&Model, &TrainingSplit) -> Result<Option<Validation>, StoreError>,
    watch: impl FnMut(&StepRecord),
    stop: &AtomicBool,
) -> Result<Trained, TrainError> {
    let Run {
        preset,
        options,
        split,
        ..
    } = run;
    let pages = Arc::new(PageCache::new(Arc::clone(store)));
    let (side, law, seed) = (preset.network.side(), preset.distortion, options.seed);
    let places = RankSlice::of(options.ranks.rank(), options.ranks.world());
    match preset.batch {
        Batch::Classes(batch) => {
            let sampler = BatchSampler::new(store, &split.training, batch.into(), seed);
            let mut batches = ClassBatches::<P>::new(pages, sampler, law, side, seed)
                .map_err(PresetError::from)?;
            if let Some(shape) = batch.composed {
                let composed = ComposedSampler::new(store, &split.training, shape.into(), seed)?;
                batches = batches.with_composed(composed);
            }
            if preset.objective.has_class_vectors() {
                run.classes = batches.classes();
            }
            run.take(batches.sliced(places), score, watch, stop)
        }
        Batch::Pairs(batch) => {
            let shape = PairShape {
                pairs: batch.pairs,
                within_alphabet: batch.within_alphabet,
            };
            let sampler = PairSampler::new(store, &split.training, shape, seed)?;
            let batches = PairBatches::<P>::new(pages, sampler, law, side, seed)
                .map_err(PresetError::from)?;
            run.take(batches.sliced(places), score, watch, stop)
        }
        Batch::Table(batch) => {
            let each = 2 * split.training.len() as u32;
            let pairs = batch.table_pairs - batch.table_pairs % each;
            let held_out = preset.validation_alphabets;
            let recipe = TableRecipe::training(store, held_out, pairs, batch.copies, seed)?;
            let table = Arc::new(PairTable::draw(store, &recipe)?);
            if run.epoch_steps == 0 {
                run.epoch_steps = table.len().div_ceil(batch.pairs as u64);
            }
            let batches = TableBatches::<P>::new(pages, table, batch.pairs, law, side, seed)?;
            run.take(batches.sliced(places), score, watch, stop)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_up_is_told_in_libtorchs_words() {
        let cuda = "called `Result::unwrap()` on an `Err` value: Torch(\"CUDA out of memory. Tried \\
            to allocate 2.00 GiB.\\nException raised from malloc at ...\")";
        let said = out_of_memory(cuda).unwrap();
        assert!(said.starts_with("CUDA out of memory. Tried"), "{said}");
        assert!(!said.contains("Exception"), "{said}");
        assert_eq!(out_of_memory("index out of bounds"), None);
    }
}
