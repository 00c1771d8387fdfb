//! The search itself: take a trial, train it, judge it, until all have ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tch::Device;

use super::error::TuneError;
use super::folder::{Folder, Next, TrialLock};
use super::journal::{JOURNAL_VERSION, Journal, Outcome, Study, Trial};
use super::propose::{Past, propose};
use super::space::Space;
use super::stopping::pruned;
use crate::eval::validate;
use crate::ranks::Ranks;
use crate::store::Store;
use crate::train::{
    self, Checkpoint, Keep, Preset, RunOptions, StepRecord, TrainError, validation_tasks,
};

/// What a search needs beside its study.
#[derive(Clone, Copy, Debug)]
pub struct TuneOptions {
    /// Trials in all.
    pub trials: u64,
    /// Where networks run.
    pub device: Device,
    /// Threads that make batches, at least 1.
    pub workers: usize,
    /// Threads of the network's arithmetic, shared among the shards of a batch, at least 1. Sums
    /// depend on how many a shard has.
    pub threads: u16,
    /// Steps from one checkpoint of a trial to the next; 0 for none but when it is stopped.
    pub checkpoint_every: u64,
}

/// What happens in a search.
#[derive(Debug)]
pub enum Event<'a> {
    /// A trial begins, or goes on.
    Began {
        /// Its number, from 0.
        trial: u64,
        /// Its settings, `name=value`.
        settings: &'a [String],
        /// Steps that it has taken already.
        steps: u64,
    },
    /// A step of a trial.
    Step(u64, &'a StepRecord),
    /// A trial ended so, with this accuracy in percent.
    Ended(u64, Outcome, f64),
    /// Nothing is left to begin; so many trials are being worked on by other processes.
    Busy(usize),
}

/// Settings that say which tasks a trial is scored on.
const SCORED_BY: [&str; 2] = ["validation_alphabets", "validation_tasks"];

/// The study of a preset over a space in a store.
///
/// # Errors
/// If the preset holds no alphabets out, or such of which nothing can be asked, or the space is
/// none, names what is no setting, or what scores are taken of.
pub fn study(
    store: &Store,
    preset: &Preset,
    space: &str,
    (seed, random, stopping): (u64, bool, bool),
) -> Result<Study, TuneError> {
    if preset.validation_alphabets == 0 {
        return Err(TuneError::NothingHeldOut);
    }
    let tasks = validation_tasks(store, preset, seed).map_err(TuneError::HeldOut)?;
    let ways = tasks.map_or(0, |tasks| tasks.shape.ways as u64);
    let searched = Space::parse(space)?;
    let names: Vec<&str> = (searched.dimensions().iter())
        .map(|dimension| dimension.name.as_str())
        .collect();
    if let Some(name) = SCORED_BY.iter().find(|&name| names.contains(name)) {
        return Err(TuneError::Searched((*name).to_owned()));
    }
    let study = Study {
        version: JOURNAL_VERSION,
        seed,
        random,
        stopping,
        store: store.digest().to_string(),
        preset: toml::to_string(preset).expect("a preset is plain data"),
        space: space.to_owned(),
        ways,
    };
    // What the space names must be settings, before anything is written down.
    let fits = |settings: &[String]| Preset::parse(&study.preset, settings).map(|_| ());
    propose(&searched, &[], (seed, 0, random), fits)?;
    Ok(study)
}

/// Tries until all trials have ended, `stop` is set, or other processes work on all that is
/// left; gives the journal. `watch` gets what happens.
///
/// # Errors
/// If the journal is damaged, a file cannot be read or written, or a trial's training fails for
/// another reason than its loss, which only ends the trial.
pub fn tune(
    store: &Arc<Store>,
    folder: &Folder,
    options: &TuneOptions,
    mut watch: impl FnMut(Event),
    stop: &AtomicBool,
) -> Result<Journal, TuneError> {
    while !stop.load(Ordering::Relaxed) {
        let next = folder.claim(options.trials, |journal| {
            let study = &journal.study;
            let past: Vec<Past> = (journal.trials.iter())
                .map(|trial| (trial.values.clone(), trial.ended.map(|ended| ended.1)))
                .collect();
            let fits = |settings: &[String]| Preset::parse(&study.preset, settings).map(|_| ());
            let number = past.len() as u64;
            let which = (study.seed, number, study.random);
            propose(&journal.space, &past, which, fits)
        })?;
        match next {
            Next::Trial(lock) => attempt(store, folder, lock, options, &mut watch, stop)?,
            Next::Busy(others) => {
                watch(Event::Busy(others));
                break;
            }
            Next::Done => break,
        }
    }
    folder.journal()
}

/// How a trial's training came out.
enum Attempt {
    /// It is to be gone on with another time.
    Left,
    Ended(Outcome, f64, u64),
}

fn attempt(
    store: &Arc<Store>,
    folder: &Folder,
    lock: TrialLock,
    options: &TuneOptions,
    watch: &mut impl FnMut(Event),
    stop: &AtomicBool,
) -> Result<(), TuneError> {
    let journal = folder.journal()?;
    let number = lock.number;
    let settings = journal.space.settings(&lock.values);
    let preset = Preset::parse(&journal.study.preset, &settings)?.resolved(options.device);
    set_threads(options.threads, &preset);
    let resume = checkpoint(&lock, store, &preset, journal.study.seed);
    watch(Event::Began {
        trial: number,
        settings: &settings,
        steps: resume.as_ref().map_or(0, |c| c.progress.steps),
    });
    let outcome = match judged(&journal, &preset, number) {
        // It was stopped, or at its end, and killed before that was written down.
        Some((how, accuracy, steps)) => Attempt::Ended(how, accuracy, steps),
        None => {
            let run = RunOptions {
                ranks: Ranks::alone(),
                seed: journal.study.seed,
                device: options.device,
                workers: options.workers,
                folder: lock.path.clone(),
                checkpoint_every: options.checkpoint_every,
                resume,
            };
            teach(store, folder, &lock, &preset, &run, watch, stop)?
        }
    };
    if let Attempt::Ended(how, accuracy, steps) = outcome {
        lock.end(how, accuracy, steps)?;
        watch(Event::Ended(number, how, accuracy));
    }
    Ok(())
}

fn teach(
    store: &Arc<Store>,
    folder: &Folder,
    lock: &TrialLock,
    preset: &Preset,
    run: &RunOptions,
    watch: &mut impl FnMut(Event),
    stop: &AtomicBool,
) -> Result<Attempt, TuneError> {
    let number = lock.number;
    let enough = AtomicBool::new(false);
    let mut failed = None;
    let mut verdict = None;
    let trained = train::train(
        store,
        preset,
        run,
        |model, split| validate(model, store, split, preset.validation_tasks),
        |record| {
            watch(Event::Step(number, record));
            if stop.load(Ordering::Relaxed) {
                enough.store(true, Ordering::Relaxed);
            }
            let Some(accuracy) = record.validation else {
                return;
            };
            match lock.score(record.step, accuracy) {
                Ok(journal) => verdict = judged(&journal, preset, number),
                Err(error) => failed = Some(error),
            }
            if verdict.is_some() || failed.is_some() {
                enough.store(true, Ordering::Relaxed);
            }
        },
        &enough,
    );
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some((how, accuracy, steps)) = verdict {
        return Ok(Attempt::Ended(how, accuracy, steps));
    }
    match trained {
        Ok(trained) if trained.stopped => Ok(Attempt::Left),
        Ok(_) => {
            // It lost patience, or went on from a checkpoint of its last step.
            let trials = folder.journal()?.trials;
            let (accuracy, steps) = result(&trials[number as usize], preset);
            Ok(Attempt::Ended(Outcome::Finished, accuracy, steps))
        }
        Err(TrainError::Diverged { step, .. }) => Ok(Attempt::Ended(Outcome::Diverged, 0.0, step)),
        Err(source) => Err(TuneError::Train {
            trial: number,
            source,
        }),
    }
}

/// Whether a trial is at its end, or pruned, by its scores so far.
fn judged(journal: &Journal, preset: &Preset, number: u64) -> Option<(Outcome, f64, u64)> {
    let trial = &journal.trials[number as usize];
    let (&step, &accuracy) = trial.scores.last_key_value()?;
    if step >= preset.steps {
        let (accuracy, steps) = result(trial, preset);
        return Some((Outcome::Finished, accuracy, steps));
    }
    let stops = journal.study.stopping && pruned(&journal.trials, preset.steps, step, accuracy);
    stops.then_some((Outcome::Pruned, accuracy, step))
}

/// The accuracy of the weights that the preset keeps, and the step of the last score.
fn result(trial: &Trial, preset: &Preset) -> (f64, u64) {
    let (steps, last) = trial.scores.last_key_value().unwrap_or((&0, &0.0));
    let best = trial.scores.values().copied().fold(0.0, f64::max);
    let kept = if preset.keep == Keep::Best {
        best
    } else {
        *last
    };
    (kept, *steps)
}

/// The trial's own checkpoint, if there is one that this run can go on from.
fn checkpoint(lock: &TrialLock, store: &Store, preset: &Preset, seed: u64) -> Option<Checkpoint> {
    let checkpoint = Checkpoint::open(&lock.path).ok()?;
    let progress = &checkpoint.progress;
    let same = progress.preset == *preset
        && progress.seed == seed
        && progress.store == store.digest().to_string()
        && progress.threads == tch::get_num_threads(); // on which sums depend
    same.then_some(checkpoint)
}

/// Shares the threads of arithmetic out among the shards of a batch, at least one each.
fn set_threads(all: u16, preset: &Preset) {
    let shards = i32::try_from(preset.batch.shards()).unwrap_or(i32::MAX);
    tch::set_num_threads((i32::from(all) / shards).max(1));
}
