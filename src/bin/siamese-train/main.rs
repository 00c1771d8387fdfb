//! `siamese-train`: trains a network from a store.

use std::fs;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use omnishot::eval;
use omnishot::model::{Model, parse_device};
use omnishot::sample::TrainingSplit;
use omnishot::store::Store;
use omnishot::train::{self, Preset, RunOptions, StepRecord};
use tch::Device;

/// Trains a network from the background set of a store, and writes its weights, its settings
/// and a record of every step into a folder.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The store, as omni-pack builds it.
    store: PathBuf,
    /// The folder to write into; made if it is not there.
    #[arg(long, short)]
    out: PathBuf,
    /// Settings that ship with the program (compact), or a TOML file of settings.
    #[arg(long, default_value = "compact")]
    preset: String,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Batches to train on, instead of the preset's number.
    #[arg(long)]
    steps: Option<u64>,
    /// Background alphabets to hold out, instead of the preset's number.
    #[arg(long)]
    validation_alphabets: Option<usize>,
    /// Where to run: auto takes a GPU if there is one.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: Device,
    /// Threads that make batches; they change nothing but speed.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Threads of the network's arithmetic; 0 takes one for each core. Sums, and so losses,
    /// depend on their number.
    #[arg(long, default_value_t = 0)]
    threads: u16,
    /// Replace weights that are in the folder already.
    #[arg(long)]
    force: bool,
    /// Print each step's record as a line of JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

/// The exit code of a run that was stopped by Ctrl-C: 128 + SIGINT.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("siamese-train: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let preset = preset(arguments)?;
    let store = Arc::new(Store::open(&arguments.store)?);
    let weights = arguments.out.join("weights.safetensors");
    if weights.exists() && !arguments.force {
        bail!(
            "{}: exists already; remove it or say --force",
            weights.display()
        );
    }
    if arguments.threads > 0 {
        tch::set_num_threads(i32::from(arguments.threads));
    }
    let folder = &arguments.out;
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let settings = toml::to_string(&preset)?;
    omnishot::store::publish(&folder.join("settings.toml"), true, |file| {
        file.write_all(settings.as_bytes())
    })?;
    let metrics_path = folder.join("metrics.jsonl");
    let metrics = fs::File::create(&metrics_path)
        .with_context(|| format!("{}: cannot be written", metrics_path.display()))?;
    let mut metrics = BufWriter::new(metrics);

    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(STOPPED)); // asked twice: do not wait for the step
        }
    })?;
    let mut watch = Watch::new(arguments, &preset, &store);
    let options = RunOptions {
        seed: arguments.seed,
        device: arguments.device,
        workers: usize::from(arguments.workers),
    };
    let tasks = preset.validation_tasks;
    let score = |model: &Model, split: &TrainingSplit| eval::validate(model, &store, split, tasks);
    let mut written = Ok(());
    let trained = train::train(
        &store,
        &preset,
        &options,
        score,
        |record| {
            let line = serde_json::to_string(record).expect("a record is plain numbers");
            if written.is_ok() {
                written = writeln!(metrics, "{line}");
            }
            watch.step(record, &line);
        },
        &stop,
    )?;
    written
        .and_then(|()| metrics.flush())
        .with_context(|| format!("{}: cannot be written", metrics_path.display()))?;
    let path = train::save(&trained, folder)?;
    watch.end(&format!(
        "{}: written after {} steps",
        path.display(),
        trained.model.card.steps
    ));
    Ok(if trained.stopped {
        ExitCode::from(STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}

fn preset(arguments: &Arguments) -> Result<Preset> {
    let name = &arguments.preset;
    let mut preset = if name.ends_with(".toml") {
        let text = fs::read_to_string(name).with_context(|| format!("{name}: cannot be read"))?;
        Preset::parse(&text).with_context(|| name.clone())?
    } else {
        Preset::shipped(name)?
    };
    if let Some(steps) = arguments.steps {
        preset.steps = steps;
    }
    if let Some(held_out) = arguments.validation_alphabets {
        preset.validation_alphabets = held_out;
    }
    preset.check()?;
    Ok(preset)
}

/// Shows a run: a bar on a terminal, lines elsewhere, JSON if asked for.
struct Watch {
    bar: Option<ProgressBar>,
    json: bool,
    steps: u64,
    validation: Option<f64>,
}

impl Watch {
    fn new(arguments: &Arguments, preset: &Preset, store: &Store) -> Watch {
        let json = arguments.json;
        let steps = preset.steps;
        if !json {
            eprintln!(
                "{}: {} steps of {} drawings, seed {}, {:?}, store {}",
                arguments.preset,
                steps,
                preset.batch.drawings,
                arguments.seed,
                arguments.device,
                store.digest(),
            );
            if let Some(split) =
                TrainingSplit::draw(store, arguments.seed, preset.validation_alphabets)
            {
                let names: Vec<&str> = split
                    .validation
                    .iter()
                    .map(|&id| store.alphabet(id).name.as_str())
                    .collect();
                eprintln!("held out of the background set: {}", names.join(", "));
            }
        }
        let style = "{bar:30} {pos}/{len} steps, {msg}, {eta} left";
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            ProgressBar::new(steps)
                .with_style(ProgressStyle::with_template(style).expect("the template is sound"))
        });
        Watch {
            bar,
            json,
            steps,
            validation: None,
        }
    }

    fn step(&mut self, record: &StepRecord, line: &str) {
        self.validation = record.validation.or(self.validation);
        let text = || {
            let validation = self
                .validation
                .map_or(String::new(), |v| format!(", validation {v:.1}%"));
            format!(
                "loss {:.3}, {:.0} drawings/s, waited {:.1}%{validation}",
                record.loss,
                record.images_per_second,
                100.0 * record.waited
            )
        };
        if self.json {
            println!("{line}");
        } else if let Some(bar) = &self.bar {
            bar.set_position(record.step);
            bar.set_message(text());
        } else if record.step == 1 || record.step.is_multiple_of(50) || record.validation.is_some()
        {
            eprintln!("step {}/{}: {}", record.step, self.steps, text());
        }
    }

    fn end(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
        if !self.json {
            eprintln!("{text}");
        }
    }
}
