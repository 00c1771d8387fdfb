//! `siamese-train`: trains a network from a store.

mod folder;
mod watch;

use std::num::NonZero;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use self::folder::RunFolder;
use self::watch::Watch;
use crate::cli::exit_code;
use crate::eval;
use crate::model::{Model, parse_device};
use crate::ranks::Ranks;
use crate::sample::TrainingSplit;
use crate::siamese::launch::{self, LaunchCommand};
use crate::siamese::training::{STOPPED, preset_help, read_preset, stop_at_ctrl_c};
use crate::store::Store;
use crate::train::{self, Checkpoint, Preset, RunOptions};
use anyhow::{Context, Result};
use clap::Parser;
use omnishot_data::print_text;
use tch::Device;

/// Trains a network from the background set of a store, and writes its weights, its settings,
/// checkpoints and a record of every step into a folder.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Arguments {
    #[command(subcommand)]
    launch: Option<LaunchCommand>,
    /// The store, as omni-pack builds it.
    #[arg(required_unless_present = "print")]
    store: Option<PathBuf>,
    /// The folder to write into; made if it is not there.
    #[arg(long, short, required_unless_present = "print")]
    out: Option<PathBuf>,
    #[arg(long, default_value = "compact", help = preset_help())]
    preset: String,
    /// Change a setting, by its name in the TOML file: --set network.side=64.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print the settings as they would be used, and do nothing else.
    #[arg(long)]
    print: bool,
    /// Arithmetic of the network, f32, tf32, bf16 or auto, instead of the preset's: auto takes
    /// bf16 on a GPU, and on a CPU that multiplies it, which halves the time. tf32 is for GPUs.
    #[arg(long)]
    precision: Option<String>,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Batches to train on, instead of the preset's number; with --resume in all, those before
    /// included, instead of the run's, where the learning rate does not depend on how many there are.
    #[arg(long)]
    steps: Option<u64>,
    /// Background alphabets to hold out, instead of the preset's number.
    #[arg(long)]
    validation_alphabets: Option<usize>,
    /// Go on with the run of the folder, from its checkpoint, as if it had not been stopped.
    #[arg(long, conflicts_with_all = ["preset", "set", "precision", "seed", "validation_alphabets", "force"])]
    resume: bool,
    /// Steps from one checkpoint to the next; 0 writes one only at the end and at Ctrl-C.
    #[arg(long, default_value_t = 200, value_name = "STEPS")]
    checkpoint_every: u64,
    /// Where to run: auto takes a GPU if there is one.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: Device,
    /// Threads that make batches; they change nothing but speed. For a GPU all cores but two
    /// make them unless told otherwise, else one core of eight.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Threads of the network's arithmetic, shared among the shards of a batch; 0 takes one for
    /// each core (one in all where a GPU does the work), or as many as the run had that is
    /// resumed. Sums on a CPU, and so losses, depend on how many a shard has.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// Seconds that one of several ranks waits for the others before it gives them up.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Replace a run that is in the folder already.
    #[arg(long)]
    force: bool,
    /// Say at the end where the time went.
    #[arg(long)]
    profile: bool,
    /// Print each step's record as a line of JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    exit_code("siamese-train", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(LaunchCommand::Launch(launch)) = &arguments.launch {
        return launch::launch(launch);
    }
    let (Some(store), Some(out), false) = (&arguments.store, &arguments.out, arguments.print)
    else {
        let settled = preset(arguments)?.resolved(arguments.device);
        print_text!("{}", toml::to_string(&settled)?);
        return Ok(ExitCode::SUCCESS);
    };
    train_in(out, store, arguments)
}

/// Trains on a store in a run's folder.
fn train_in(out: &Path, store: &Path, arguments: &Arguments) -> Result<ExitCode> {
    let store = Arc::new(Store::read(store)?);
    let (ranks, device) = launch::join(arguments.device, arguments.timeout)?;
    let Begun {
        folder,
        resume,
        preset,
        seed,
    } = match arguments.resume {
        true => resumed(arguments, out, &ranks)?,
        false => begun(arguments, out, &store, device, &ranks)?,
    };
    let shards = preset.batch.shards().div_ceil(ranks.world() as usize);
    crate::amx::keep_freed_memory();
    set_threads(arguments, device, shards, resume.as_ref());
    quiet_when_memory_is_used_up();
    let stop = stop_at_ctrl_c()?;
    let from = resume
        .as_ref()
        .map_or(0, |checkpoint| checkpoint.progress.steps);
    let folder = folder.as_ref();
    let mut record = folder.map(|folder| folder.record(from)).transpose()?;
    let first = ranks.first();
    let mut watch = first.then(|| Watch::new(arguments, &preset, &store, seed, from, &ranks));
    let options = RunOptions {
        seed,
        device,
        workers: workers(arguments, device),
        folder: out.to_owned(),
        checkpoint_every: arguments.checkpoint_every,
        resume,
        ranks,
    };
    let tasks = preset.validation_tasks;
    let score = |model: &Model, split: &TrainingSplit| eval::validate(model, &store, split, tasks);
    let trained = train::train(
        &store,
        &preset,
        &options,
        score,
        |step| {
            let line = serde_json::to_string(step).expect("a record is plain numbers");
            if let Some(record) = &mut record {
                record.step(step, &line);
            }
            if let Some(watch) = &mut watch {
                watch.step(step, &line);
            }
        },
        &stop,
    )?;
    if let (Some(record), Some(watch)) = (record, watch) {
        // A record that could not be written must not cost the weights.
        let path = train::save(&trained, out)?;
        watch.end(&trained, from, &path);
        record.end()?;
    }
    Ok(if trained.stopped {
        ExitCode::from(STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}

/// A run that can start.
struct Begun {
    /// Of the rank that writes.
    folder: Option<RunFolder>,
    resume: Option<Checkpoint>,
    preset: Preset,
    seed: u64,
}

/// The run of a folder, from its checkpoint.
fn resumed(arguments: &Arguments, out: &Path, ranks: &Ranks) -> Result<Begun> {
    let nothing = "there is nothing to resume";
    let folder = ranks.first().then(|| RunFolder::open(out)).transpose();
    let folder = folder.context(nothing)?;
    let mut checkpoint = Checkpoint::open(out).context(nothing)?;
    if let Some(steps) = arguments.steps {
        checkpoint.lengthen(steps)?;
    }
    let progress = &mut checkpoint.progress;
    let had = progress.preset.batch.shards();
    progress.preset = progress.preset.clone().shared_by(ranks.world());
    let (preset, seed) = (progress.preset.clone(), progress.seed);
    if let (Some(folder), Some(_)) = (&folder, arguments.steps) {
        folder.write_settings(&preset)?;
    }
    let shards = preset.batch.shards();
    if shards != had && ranks.first() {
        eprintln!(
            "siamese-train: the run's batches were in {had} parts, which {} ranks cannot share; \
             they go on in {shards}, each with batch statistics of its own: the same drawings, \
             other losses than those of a run that was never stopped",
            ranks.world()
        );
    }
    Ok(Begun {
        folder,
        resume: Some(checkpoint),
        preset,
        seed,
    })
}

/// A new run.
fn begun(
    arguments: &Arguments,
    out: &Path,
    store: &Store,
    device: Device,
    ranks: &Ranks,
) -> Result<Begun> {
    let preset = preset(arguments)?.resolved(device).shared_by(ranks.world());
    preset.check_device(device)?;
    // Before a run that is there already is replaced.
    train::validation_tasks(store, &preset, arguments.seed)?;
    let begin = || RunFolder::begin(out, &preset, arguments.force);
    Ok(Begun {
        folder: ranks.first().then(begin).transpose()?,
        resume: None,
        preset,
        seed: arguments.seed,
    })
}

fn preset(arguments: &Arguments) -> Result<Preset> {
    let mut changes = arguments.set.clone();
    if let Some(steps) = arguments.steps {
        changes.push(format!("steps={steps}"));
    }
    if let Some(held_out) = arguments.validation_alphabets {
        changes.push(format!("validation_alphabets={held_out}"));
    }
    if let Some(precision) = &arguments.precision {
        changes.push(format!("precision={precision}"));
    }
    read_preset(&arguments.preset, &changes)
}

/// Threads that make batches, for a step that a GPU takes or this machine's cores.
fn workers(arguments: &Arguments, device: Device) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    match arguments.workers {
        Some(workers) => usize::from(workers),
        // The trainer's thread, and that of the backward pass.
        None if device.is_cuda() => cores.saturating_sub(2).clamp(1, 64),
        None => cores.div_ceil(8),
    }
}

/// Has a panic of libtorch for want of memory told once, as the error that it becomes.
fn quiet_when_memory_is_used_up() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        let said = information.payload().downcast_ref::<String>();
        if said.is_none_or(|said| train::out_of_memory(said).is_none()) {
            usual(information);
        }
    }));
}

/// Shares the threads of arithmetic out among the shards of a batch, at least one each. A
/// resumed run takes as many as it had, unless told otherwise.
fn set_threads(arguments: &Arguments, device: Device, shards: usize, resume: Option<&Checkpoint>) {
    let shards = i32::try_from(shards).expect("a batch is in few shards");
    let each = |all: i32| (all / shards).max(1);
    let had = resume.map(|checkpoint| checkpoint.progress.threads);
    let threads = match (i32::from(arguments.threads), had) {
        (0, Some(had)) => had,
        (0, None) if device.is_cuda() => 1, // others would wait, at full speed, for nothing
        (0, None) => each(tch::get_num_threads()),
        (asked, _) => each(asked),
    };
    if let Some(had) = had.filter(|&had| had != threads) {
        eprintln!(
            "siamese-train: the run had {had} threads a shard; with {threads} its losses will not \
             be those of a run that was never stopped"
        );
    }
    tch::set_num_threads(threads);
    // Fails only if there is a pool already, and nothing has asked for one.
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads((threads * shards).unsigned_abs() as usize);
    let _ = pool.build_global();
}
