//! Scoring networks and baselines on a store.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::Digits;
use crate::eval::{DigitPlan, DigitTrials, Event, Plan, Protocol, Ties, evaluate};
use crate::files::publish;
use crate::model::{exact_arithmetic, parse_device};
use crate::ranks::stop_with_launcher;
use crate::report;
use crate::store::Store;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use omnishot_data::{print_line, print_text};
use tch::Device;

use super::entrants::{Named, load, named, training_record, warn_of_other_pictures};
use super::extras::Extras;
use crate::siamese::launch;

/// What to evaluate, and where to write it.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("networks").multiple(true)))]
pub struct Evaluate {
    /// The store, as omni-pack builds it.
    store: PathBuf,
    /// Weights that siamese-train wrote, as FILE or NAME=FILE; several make a mean and a spread.
    /// Without any, only the baselines without a network are scored.
    #[arg(long, short, value_name = "FILE", num_args = 1.., value_parser = named, group = "networks")]
    weights: Vec<Named>,
    /// Score the network that comes with the program, beside those of --weights.
    #[arg(long, group = "networks")]
    pretrained: bool,
    /// Weights of networks to compare with, as FILE or NAME=FILE; not part of the mean.
    #[arg(long, value_name = "FILE", num_args = 1.., value_parser = named)]
    baseline: Vec<Named>,
    /// Write report.html, report.json and tables as CSV into this folder; made if it is not there.
    #[arg(long, short, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Replace a report that is in the folder already.
    #[arg(long)]
    force: bool,
    /// Protocols to take; without it all but vinyals and meta-dataset.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 1..)]
    protocol: Vec<Part>,
    /// Support drawings of each way in random tasks.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 5], value_parser = clap::value_parser!(u16).range(1..=100))]
    shots: Vec<u16>,
    /// Ways of random tasks.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1000))]
    ways: u16,
    /// Random tasks of each protocol.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    trials: u32,
    /// Tasks for each number of ways of the curve.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    curve_trials: u32,
    /// Episodes of Meta-Dataset.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    episodes: u32,
    /// All random tasks and pairs follow from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What a tie for the first place counts for.
    #[arg(long, value_enum, default_value_t = Ties::Against)]
    ties: Ties,
    /// Also score each network with this many distorted copies of every test drawing, on a line
    /// of its own.
    #[arg(long, value_name = "COPIES", default_value_t = 0)]
    tta: u8,
    /// Also score each network with all queries of a run answered together, each way once, on a
    /// line of its own.
    #[arg(long)]
    joint: bool,
    /// Also let all networks answer together, by the mean of their cosines, on a line of its own.
    #[arg(long)]
    together: bool,
    /// Also score each network with its last layer trained on each task's support, on a line of
    /// its own.
    #[arg(long)]
    fine_tune: bool,
    /// Also take MNIST: the folder of its test set's IDX files (t10k-images-idx3-ubyte and
    /// t10k-labels-idx1-ubyte, or with .gz).
    #[arg(long, value_name = "FOLDER")]
    mnist: Option<PathBuf>,
    /// Score networks even if they were trained on alphabets of the evaluation set.
    #[arg(long)]
    allow_seen: bool,
    /// Where networks run: auto takes a GPU if there is one.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: Device,
    #[command(flatten)]
    extras: Extras,
    /// Seconds that one of several ranks waits for the others before it gives them up.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Print everything that was found as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Parts of an evaluation, as the command line names them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The 20 official runs.
    LakeRuns,
    /// Random tasks inside an alphabet.
    Within,
    /// Random tasks over all characters.
    Between,
    /// Accuracy for 2 to 60 ways.
    Curve,
    /// Same or different.
    Verification,
    /// Random tasks of Vinyals's 423 test characters in four turns; networks alone.
    Vinyals,
    /// Meta-Dataset's episodes: 5 to 50 ways inside an alphabet, unequal shots; networks alone.
    MetaDataset,
}

impl Evaluate {
    fn plan(&self, store: &Store) -> Plan {
        let all = self.protocol.is_empty();
        let asked = |part: Part| match part {
            Part::Vinyals | Part::MetaDataset => self.protocol.contains(&part),
            _ => all || self.protocol.contains(&part),
        };
        let mut protocols = Vec::new();
        if asked(Part::LakeRuns) && !(all && store.runs().is_empty()) {
            protocols.push((Protocol::LakeRuns, 1));
        }
        for (part, protocol) in [
            (Part::Within, Protocol::Within),
            (Part::Between, Protocol::Between),
            (Part::Vinyals, Protocol::Vinyals),
        ] {
            if asked(part) {
                protocols.extend(self.shots.iter().map(|&k| (protocol, usize::from(k))));
            }
        }
        Plan {
            protocols,
            ways: usize::from(self.ways),
            trials: u64::from(self.trials),
            curve_trials: if asked(Part::Curve) {
                u64::from(self.curve_trials)
            } else {
                0
            },
            episodes: if asked(Part::MetaDataset) {
                u64::from(self.episodes)
            } else {
                0
            },
            verification: asked(Part::Verification),
            seed: self.seed,
            ties: self.ties,
            copies: usize::from(self.tta),
            assignment: self.joint,
            ensemble: self.together,
            gallery: self.out.is_some(),
            fine_tuned: self.fine_tune,
        }
    }

    /// The digits of the folder that is to be evaluated on, and how many tasks of them.
    fn digits(&self) -> Result<Option<DigitPlan>> {
        let Some(folder) = &self.mnist else {
            return Ok(None);
        };
        Ok(Some(DigitPlan {
            digits: Digits::open(folder)?,
            trials: DigitTrials {
                ways: 10,
                shots: 1,
                trials: u64::from(self.trials.min(MOST_DIGIT_TRIALS)),
                seed: self.seed,
            },
        }))
    }
}

/// Evaluates, prints, and writes what was asked for.
pub fn run(arguments: &Evaluate) -> Result<()> {
    let store = Arc::new(Store::open(&arguments.store)?);
    stop_with_launcher(|| std::process::exit(STOPPED));
    let (ranks, device) = launch::join(arguments.device, arguments.timeout)?;
    exact_arithmetic(device)?;
    let out = arguments.out.as_ref().filter(|_| ranks.first());
    if let Some(out) = out {
        prepare(out, arguments.force)?;
    }
    arguments.extras.prepare(arguments.force)?;
    let entrants = load(
        arguments.pretrained,
        &arguments.weights,
        &arguments.baseline,
        device,
    )?;
    if ranks.first() {
        warn_of_other_pictures(&entrants, &store);
    }
    let plan = arguments.plan(&store);
    let digits = arguments.digits()?;
    let allow_seen = arguments.allow_seen;
    let mut progress = Progress::new(arguments.json, ranks.first());
    let (mut evaluation, gallery) = evaluate(
        &store,
        &entrants,
        &plan,
        digits.as_ref(),
        allow_seen,
        &ranks,
        |event| {
            progress.show(event);
        },
    )
    .with_context(|| arguments.store.display().to_string())?;
    progress.end();
    ranks.barrier()?; // none leaves while another still works
    if !ranks.first() {
        return Ok(());
    }
    let all = arguments.weights.iter().chain(&arguments.baseline);
    evaluation.training = all.filter_map(training_record).collect();
    if let Some(first) = entrants.first() {
        (arguments.extras).write(first, &store, arguments.ties, arguments.force)?;
    }
    let json = serde_json::to_string_pretty(&evaluation)?;
    if let Some(out) = out {
        let mut files = report::tables(&evaluation);
        files.push((REPORT_JSON.to_owned(), json.clone()));
        files.push((REPORT.to_owned(), report::page(&evaluation, &gallery)));
        for (name, text) in files {
            publish(&out.join(name), true, |file| {
                file.write_all(text.as_bytes())
            })?;
        }
        eprintln!("{}: written", out.join(REPORT).display());
    }
    if arguments.json {
        print_line!("{json}");
    } else {
        print_text!("{}", report::text(&evaluation));
    }
    Ok(())
}

/// The exit code of a rank whose launcher is gone: 128 + SIGINT.
const STOPPED: i32 = 130;
/// More would say no more of 10,000 images.
const MOST_DIGIT_TRIALS: u32 = 1_000_000;
const REPORT: &str = "report.html";
const REPORT_JSON: &str = "report.json";

/// Makes the folder of a report, before an hour's work finds that it cannot be written.
fn prepare(out: &Path, force: bool) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("{}: cannot be made", out.display()))?;
    for name in [REPORT, REPORT_JSON] {
        let old = out.join(name);
        if old.exists() && !force {
            bail!(
                "{}: exists already; use --force to replace it",
                old.display()
            );
        }
    }
    Ok(())
}

/// What an evaluation shows as it goes: a bar on a terminal, lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    /// Whether this is the process that speaks for all.
    speaks: bool,
    terminal: bool,
}

impl Progress {
    fn new(quiet: bool, speaks: bool) -> Progress {
        Progress {
            bar: None,
            quiet: quiet || !speaks,
            speaks,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, event: Event) {
        match event {
            Event::LeftOut(what) if self.speaks => eprintln!("siamese-eval: left out: {what}"),
            Event::Begins(what) if !self.quiet => {
                self.end();
                eprintln!("{what}");
            }
            Event::Embedded(done, all) if !self.quiet && self.terminal => {
                let bar = self.bar.get_or_insert_with(|| {
                    let style = "{bar:30} {pos}/{len} drawings, {per_sec}, {eta} left";
                    ProgressBar::new(all as u64).with_style(
                        ProgressStyle::with_template(style).expect("the template is sound"),
                    )
                });
                bar.set_position(done as u64);
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
