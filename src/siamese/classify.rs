//! `siamese-classify`: which class does a picture show, if one of a few that are known by an
//! example or two?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::network::{NetworkArguments, PictureArguments};
use crate::archive::{Class, Scanned, read_classes, read_picture};
use crate::cli::exit_code;
use crate::embed::{Answer, Embedder, Ranked, RejectionPlan, Score, Threshold, classify};
use crate::store::Store;
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Parser};
use omnishot_data::print_line;
use serde_json::json;

/// Classifies pictures by a few known ones of each class.
///
/// The support is a folder or a zip: each folder in it is a class with its pictures, and each
/// picture at its top a class by itself. Pictures are PNG, JPEG, WebP, GIF, BMP or TIFF,
/// of any size and shade. Exits with 1 if a picture could not be read; the others are classified
/// all the same.
#[derive(Parser)]
#[command(version)]
#[command(group(ArgGroup::new("network").required(true)))]
#[command(group(ArgGroup::new("none")))]
struct Arguments {
    /// Pictures to classify.
    #[arg(required = true, value_name = "IMAGE")]
    pictures: Vec<PathBuf>,
    /// Known pictures of the classes to choose among.
    #[arg(long, value_name = "DIR")]
    support: PathBuf,
    #[command(flatten)]
    network: NetworkArguments,
    /// Answer "none of these" below a threshold that is found on this store: on its background
    /// alphabets that the network was not trained on.
    #[arg(long, value_name = "STORE", group = "none")]
    calibrate: Option<PathBuf>,
    /// Answer "none of these" where no class has a score above this.
    #[arg(
        long,
        value_name = "SCORE",
        group = "none",
        allow_negative_numbers = true
    )]
    threshold: Option<f64>,
    /// Of pictures that show none of the classes, the share that a calibrated threshold may take
    /// for one of them, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, requires = "calibrate", value_parser = percent)]
    strangers: f64,
    #[command(flatten)]
    preparation: PictureArguments,
    /// Classes to show for each picture; 0 shows all.
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    /// Print one JSON object, with every class of every picture.
    #[arg(long)]
    json: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        _ => Err("a share is 0 to 100 percent".to_owned()),
    }
}

/// The program, as the command line asks for it.
pub fn main() -> ExitCode {
    exit_code("siamese-classify", run(&Arguments::parse()))
}

/// Returns whether every picture could be read.
fn run(arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.load()?;
    let embedder = network.as_ref();
    let known = arguments
        .calibrate
        .as_deref()
        .map(Store::open)
        .transpose()?;
    let scan = (arguments.preparation).settle("siamese-classify", embedder, known.as_ref())?;
    // All that cannot be read is told at once, whichever side it is on.
    let support = read_classes(&arguments.support, scan);
    let (mut names, mut pictures): (Vec<&Path>, Vec<Scanned>) = (Vec::new(), Vec::new());
    for picture in &arguments.pictures {
        match read_picture(picture, scan) {
            Ok(scanned) => {
                names.push(picture);
                pictures.push(scanned);
            }
            Err(error) => eprintln!("siamese-classify: {:#}", anyhow::Error::new(error)),
        }
    }
    let support = support?;
    if pictures.is_empty() {
        bail!("no picture could be read");
    }
    let found = match &known {
        Some(store) => Some(calibrated(arguments, store, embedder, &support)?),
        None => None,
    };
    let threshold = found.as_ref().map(|found| found.score);
    let threshold = threshold.or(arguments.threshold);
    let ranked = classify(embedder, &support, &pictures)?;
    let answers: Vec<Answer> = (ranked.iter())
        .map(|ranked| Answer::of(ranked, threshold))
        .collect();
    if arguments.json {
        let each = names.iter().zip(&ranked).zip(&answers);
        let each = each.map(|((name, ranked), answer)| as_json(name, ranked, answer, &support));
        let answers: Vec<_> = each.collect();
        let found = found.as_ref().map(calibration);
        let object = json!({ "threshold": threshold, "calibration": found, "answers": answers });
        print_line!("{object:#}");
    } else {
        if let Some(found) = &found {
            eprint!("{}", describe(found));
        }
        for ((name, ranked), answer) in names.iter().zip(&ranked).zip(&answers) {
            print(name, ranked, answer, &support, arguments.top);
        }
    }
    Ok(if pictures.len() == arguments.pictures.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A threshold for as many classes, and as many pictures of each, as the support has.
fn calibrated(
    arguments: &Arguments,
    store: &Store,
    embedder: &dyn Embedder,
    support: &[Class],
) -> Result<Threshold> {
    let accepted = arguments.strangers / 100.0;
    let plan = RejectionPlan::of_classes(support, accepted, embedder.card().seed);
    Threshold::find(embedder, store, plan).with_context(|| store.path().display().to_string())
}

fn print(name: &Path, ranked: &[Ranked], answer: &Answer, support: &[Class], top: usize) {
    let said = match answer {
        Answer::Class(class) => &support[*class].name,
        Answer::None => "none of these",
        Answer::Tied => "undecided: classes share the first place",
    };
    print_line!("{}: {said}", name.display());
    let shown = if top == 0 { ranked.len() } else { top };
    for (place, ranked) in ranked.iter().take(shown).enumerate() {
        let class = &support[ranked.class].name;
        print_line!("  {:>3}  {:>8.4}  {class}", place + 1, ranked.score);
    }
}

fn as_json(
    name: &Path,
    ranked: &[Ranked],
    answer: &Answer,
    support: &[Class],
) -> serde_json::Value {
    let said = answer.class().map(|class| &support[class].name);
    let why = answer.why();
    let ranked = ranked
        .iter()
        .map(|ranked| json!({ "class": support[ranked.class].name, "score": ranked.score }));
    let ranked: Vec<_> = ranked.collect();
    json!({ "picture": name.display().to_string(), "answer": said, "why": why, "ranked": ranked })
}

fn describe(found: &Threshold) -> String {
    let share = |score: Score| {
        let (low, high) = score.interval();
        format!("{:.1}% ({low:.1} to {high:.1})", score.percent())
    };
    format!(
        "threshold {:.4}, found on {} alphabets that the network has not seen ({}; {} ways {}). \
         On other tasks of theirs\n  strangers taken for a class: {}\n  known drawings answered \
         rightly: {}, taken for none: {}\n",
        found.score,
        found.alphabets.len(),
        found.alphabets.join(", "),
        found.ways,
        if found.within {
            "within an alphabet"
        } else {
            "between alphabets"
        },
        share(found.unknowns),
        share(found.right),
        share(found.refused),
    )
}

fn calibration(found: &Threshold) -> serde_json::Value {
    json!({
        "ways": found.ways,
        "within_alphabet": found.within,
        "alphabets": found.alphabets,
        "strangers_accepted": found.unknowns,
        "known_right": found.right,
        "known_refused": found.refused,
    })
}
