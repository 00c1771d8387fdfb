//! `siamese-tune`: searches for settings of a network.

mod watch;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use self::watch::Watch;
use crate::cli::exit_code;
use crate::files::publish;
use crate::model::parse_device;
use crate::report::{tuning_page, tuning_text};
use crate::siamese::training::{STOPPED, preset_help, read_preset, stop_at_ctrl_c};
use crate::store::Store;
use crate::train::Preset;
use crate::tune::{self, Folder, Journal, Space, TuneOptions};
use anyhow::{Context, Result};
use clap::Parser;
use omnishot_data::print_text;
use tch::Device;

/// Searches for settings by Bayesian optimisation of the one-shot accuracy on background
/// alphabets that are held out. The same command goes on with a search that was ended in any way,
/// and may run several times at once in one folder.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The store, as omni-pack builds it.
    #[arg(long)]
    store: PathBuf,
    /// The folder of the search; made if it is not there.
    #[arg(long, short)]
    out: PathBuf,
    #[arg(long, default_value = "compact", help = preset_help())]
    preset: String,
    #[arg(long, help = space_help())]
    space: Option<String>,
    /// Change a setting that is not searched, by its name in the TOML file.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Trials in all; more may be asked for later.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    trials: u64,
    /// Batches that a trial trains on, instead of the preset's number.
    #[arg(long)]
    steps: Option<u64>,
    /// Scores that a trial takes on its way, evenly; the last is what it is judged by, unless the
    /// preset keeps the best.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    scores: u64,
    /// Background alphabets to hold out, instead of the preset's number.
    #[arg(long)]
    validation_alphabets: Option<usize>,
    /// Everything random follows from it: which settings are tried, which alphabets are held out,
    /// and each trial's training.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Search at random, for comparison.
    #[arg(long)]
    random: bool,
    /// Train every trial to its end, however hopeless it is.
    #[arg(long)]
    no_stopping: bool,
    /// Steps from one checkpoint of a trial to the next; 0 writes one only at Ctrl-C.
    #[arg(long, default_value_t = 200, value_name = "STEPS")]
    checkpoint_every: u64,
    /// Where to run: auto takes a GPU if there is one.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: Device,
    /// Threads that make batches; they change nothing but speed.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Threads of the network's arithmetic; 0 takes one for each core. Sums, and so scores in
    /// their last digits, depend on how many there are.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// Print the end of each trial as a line of JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    exit_code("siamese-tune", run(&Arguments::parse()))
}

fn space_help() -> String {
    let names = Space::names();
    format!(
        "What is searched: a space that ships with the program ({names}; koch for the presets koch \
         and keras, else compact), or a TOML file of name = {{ low = 0, high = 1 }}"
    )
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    crate::amx::keep_freed_memory();
    let store = Arc::new(Store::read(&arguments.store)?);
    let preset = preset(arguments)?;
    let space = space(arguments)?;
    let which = (arguments.seed, arguments.random, !arguments.no_stopping);
    let study = tune::study(&store, &preset, &space, which)?;
    let folder = Folder::open(&arguments.out, &study)?;
    let threads = match arguments.threads {
        0 => u16::try_from(tch::get_num_threads()).unwrap_or(1),
        threads => threads,
    };
    // Fails only if there is a pool already, and nothing has asked for one.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads));
    let _ = pool.build_global();
    let stop = stop_at_ctrl_c()?;
    let options = TuneOptions {
        trials: arguments.trials,
        device: arguments.device,
        workers: usize::from(arguments.workers),
        threads,
        checkpoint_every: arguments.checkpoint_every,
    };
    let mut watch = Watch::new(arguments.json, &preset, arguments.trials, study.ways);
    let journal = tune::tune(
        &store,
        &folder,
        &options,
        |event| watch.event(&event),
        &stop,
    )?;
    watch.end();
    let command = command(arguments, &preset, &journal);
    let page = tuning_page(&journal, &command);
    let path = arguments.out.join("tuning.html");
    publish(&path, true, |file| file.write_all(page.as_bytes()))?;
    if !arguments.json {
        print_text!("{}", tuning_text(&journal, &command));
        eprintln!("{}: written", path.display());
    }
    let left = journal.ranking().len() as u64 != arguments.trials.max(journal.trials.len() as u64);
    Ok(if stop.load(Ordering::Relaxed) && left {
        eprintln!("siamese-tune: stopped; the same command goes on");
        ExitCode::from(STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The settings that are not searched. The steps between scores follow from how many there are.
fn preset(arguments: &Arguments) -> Result<Preset> {
    let name = &arguments.preset;
    let mut changes = arguments.set.clone();
    if let Some(steps) = arguments.steps {
        changes.push(format!("steps={steps}"));
    }
    if let Some(held_out) = arguments.validation_alphabets {
        changes.push(format!("validation_alphabets={held_out}"));
    }
    let steps = read_preset(name, &changes)?.steps;
    let every = steps.div_ceil(arguments.scores).max(1);
    changes.push(format!("validation_every={every}"));
    Ok(read_preset(name, &changes)?.resolved(arguments.device))
}

/// The text of the space.
fn space(arguments: &Arguments) -> Result<String> {
    let default = match arguments.preset.as_str() {
        "koch" | "keras" => "koch",
        _ => "compact",
    };
    let name = arguments.space.as_deref().unwrap_or(default);
    if name.ends_with(".toml") {
        fs::read_to_string(name).with_context(|| format!("{name}: cannot be read"))
    } else {
        Ok(Space::shipped_text(name)?.to_owned())
    }
}

/// The command that trains the best trial again.
fn command(arguments: &Arguments, preset: &Preset, journal: &Journal) -> String {
    let Some(&(best, _)) = journal.ranking().first() else {
        return String::new();
    };
    let fixed = [
        format!("steps={}", preset.steps),
        format!("validation_every={}", preset.validation_every),
        format!("validation_alphabets={}", preset.validation_alphabets),
    ];
    let searched = journal.space.settings(&journal.trials[best].values);
    let all = arguments.set.iter().chain(&fixed).chain(&searched);
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let sets: String = all.map(|set| format!(" --set {}", quoted(set))).collect();
    format!(
        "siamese-train {} --out best --preset {} --seed {}{sets}",
        quoted(&arguments.store.display().to_string()),
        quoted(&arguments.preset),
        arguments.seed
    )
}
