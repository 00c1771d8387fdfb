//! `siamese-eval`: scores networks and baselines on one-shot protocols.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use omnishot::archive::Split;
use omnishot::eval::{
    self, Embeddings, Pixel, PixelJudge, RunAnswers, Score, answer_runs, drawings_of_runs,
};
use omnishot::model::Model;
use omnishot::report::{TaskPicture, task_sheet};
use omnishot::store::{Store, publish};
use tch::Device;

/// Scores a network on the one-shot runs of a store, beside nearest neighbours in pixels and
/// chance. A tie is a wrong answer.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The store, as omni-pack builds it.
    store: PathBuf,
    /// Weights that siamese-train wrote; without them only the baselines are scored.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Score a network even if it was trained on alphabets of the evaluation set.
    #[arg(long)]
    allow_seen: bool,
    /// Draw nine of the tasks, with the network's answers, as a PNG picture.
    #[arg(long, value_name = "PNG", requires = "weights")]
    picture: Option<PathBuf>,
    /// Write the runs' drawings as the network gets them, and their embeddings, as a
    /// safetensors file: see tools/load_weights.py.
    #[arg(long, value_name = "FILE", requires = "weights")]
    embeddings: Option<PathBuf>,
    /// Write the network as a TorchScript module, which embeds images as the network does.
    #[arg(long, value_name = "FILE", requires = "weights")]
    torchscript: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("siamese-eval: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One line of the table.
struct Line {
    system: String,
    runs: Vec<RunAnswers>,
}

fn run(arguments: &Arguments) -> Result<()> {
    let store = Store::open(&arguments.store)?;
    let runs = store.runs();
    if runs.is_empty() {
        bail!(
            "{}: holds no one-shot runs; pack all_runs.zip with the evaluation set",
            arguments.store.display()
        );
    }
    let mut lines = Vec::new();
    for (system, pixel) in [
        ("pixel 1-NN, L2", Pixel::L2),
        ("pixel 1-NN, cosine", Pixel::Cosine),
    ] {
        let runs = answer_runs(runs, PixelJudge::new(&store, pixel))?;
        lines.push(Line {
            system: system.to_owned(),
            runs,
        });
    }
    if let Some(path) = &arguments.weights {
        let model = Model::load(path, Device::Cpu)?;
        let seen = seen(&model, &store);
        if let (Some(name), false) = (seen, arguments.allow_seen) {
            bail!(
                "{}: was trained on {name}, which is in the evaluation set: its score would mean \
                 nothing; say --allow-seen to have it all the same",
                path.display()
            );
        }
        let embeddings = Embeddings::of(&model, &store, drawings_of_runs(runs))?;
        let system = format!(
            "network, seed {}, {} steps",
            model.card.seed, model.card.steps
        );
        if let Some(path) = &arguments.torchscript {
            model.save_script(path)?;
        }
        if let Some(path) = &arguments.embeddings {
            embeddings.save(&model, &store, path)?;
        }
        let answers = answer_runs(runs, &embeddings)?;
        if let Some(path) = &arguments.picture {
            picture(&store, &embeddings, &answers, path)?;
        }
        lines.push(Line {
            system,
            runs: answers,
        });
    }
    if arguments.json {
        print_json(&store, &lines)
    } else {
        print_table(&store, &lines)
    }
    Ok(())
}

/// Tasks on a picture, and how many of them are wrong answers if there are so many.
const PICTURED: usize = 9;
const PICTURED_WRONG: usize = 3;

/// Draws the first wrong answers, and right ones from as many runs as it takes.
fn picture(
    store: &Store,
    embeddings: &Embeddings,
    answers: &[RunAnswers],
    path: &Path,
) -> Result<()> {
    let (mut wrong, mut right) = (Vec::new(), Vec::new());
    for (run, answers) in store.runs().iter().zip(answers) {
        let mut first = true;
        for (&(query, answer), &given) in run.queries.iter().zip(&answers.answers) {
            let is_right = given == Some(usize::from(answer));
            let place = (run, query, usize::from(answer), given);
            if !is_right {
                wrong.push(place);
            } else if std::mem::take(&mut first) {
                right.push(place);
            }
        }
    }
    wrong.truncate(PICTURED_WRONG.max(PICTURED.saturating_sub(right.len())));
    right.truncate(PICTURED - wrong.len());
    let mut decoder = store.decoder();
    let mut tasks = Vec::new();
    for (run, query, answer, predicted) in right.into_iter().chain(wrong) {
        let mut task = TaskPicture::read(&mut decoder, query, &run.support, answer)?;
        let alike = |&id: &u32| embeddings.similarity(query, id) as f32;
        task.scores = Some(run.support.iter().map(alike).collect());
        task.predicted = predicted;
        tasks.push(task);
    }
    let title = "one-shot tasks of the runs: right answers, then wrong ones; below each drawing \
                 its likeness to the query";
    let canvas = task_sheet(title, &tasks)?;
    publish(path, true, |file| file.write_all(&canvas.to_png()))?;
    eprintln!("{}: drawn", path.display());
    Ok(())
}

/// The first alphabet of the evaluation set that a network was trained on.
fn seen(model: &Model, store: &Store) -> Option<String> {
    let evaluation = store
        .alphabets()
        .iter()
        .filter(|a| a.split == Split::Evaluation);
    evaluation
        .map(|a| a.name.clone())
        .find(|name| model.card.training.contains(name))
}

/// Right answers of one who guesses, in percent.
fn chance(store: &Store) -> f64 {
    let (mut right, mut asked) = (0.0, 0.0);
    for run in store.runs() {
        right += run.queries.len() as f64 / run.support.len() as f64;
        asked += run.queries.len() as f64;
    }
    100.0 * right / asked
}

fn print_table(store: &Store, lines: &[Line]) {
    let runs = store.runs();
    let ways: Vec<usize> = runs.iter().map(|run| run.support.len()).collect();
    let (least, most) = (
        ways.iter().min().unwrap_or(&0),
        ways.iter().max().unwrap_or(&0),
    );
    let ways = if least == most {
        format!("{most}")
    } else {
        format!("{least}- to {most}")
    };
    let queries: usize = runs.iter().map(|run| run.queries.len()).sum();
    println!(
        "{} one-shot runs, {ways}-way 1-shot within an alphabet, {queries} queries",
        runs.len()
    );
    println!("{:<34} {:>7}  95% interval", "", "right");
    println!("{:<34} {:>6.2}%", "chance", chance(store));
    for Line { system, runs } in lines {
        let score: Score = eval::total(runs);
        let (low, high) = score.interval();
        println!(
            "{system:<34} {:>6.2}%  {low:.1} to {high:.1}",
            score.percent()
        );
    }
    println!("\nright answers by run");
    for Line { system, runs } in lines {
        let counts: Vec<String> = runs
            .iter()
            .map(|run| format!("{:>2}", run.score.right))
            .collect();
        println!("{system:<34} {}", counts.join(" "));
    }
}

fn print_json(store: &Store, lines: &[Line]) {
    let systems: Vec<_> = lines
        .iter()
        .map(|Line { system, runs }| {
            let score = eval::total(runs);
            serde_json::json!({
                "system": system,
                "right": score.right,
                "asked": score.asked,
                "percent": score.percent(),
                "interval": score.interval(),
                "runs": runs.iter().map(|run| run.score.right).collect::<Vec<_>>(),
            })
        })
        .collect();
    let report = serde_json::json!({
        "protocol": "lake-runs",
        "store": store.digest().to_string(),
        "chance": chance(store),
        "systems": systems,
    });
    println!("{report:#}");
}
