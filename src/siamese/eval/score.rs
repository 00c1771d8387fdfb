//! `siamese-eval score`: the answers of other people's models.

use std::path::{Path, PathBuf};

use crate::eval::exchange::{self, TaskFile};
use crate::eval::{ProtocolScores, Ties};
use anyhow::Result;
use clap::Args;
use omnishot_data::{print_line, print_text};

/// Score the answers of other programs to tasks that siamese-eval export-tasks wrote.
///
/// A prediction file is CSV with the header task,answer or task,way0,way1,... and a line for
/// each task. Several files are compared, the first with each other one (McNemar's exact test).
#[derive(Args)]
pub struct Score {
    /// Prediction files, one for each model.
    #[arg(required = true, value_name = "PREDICTIONS.csv")]
    predictions: Vec<PathBuf>,
    /// The tasks.json that they answer.
    #[arg(long, value_name = "FILE")]
    tasks: PathBuf,
    /// What a tie counts for: a wrong answer, the first of the tied ways, or one by the seed.
    #[arg(long, value_enum, default_value_t = Ties::Against)]
    ties: Ties,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Scores the files and prints a table, or JSON.
pub fn run(arguments: &Score) -> Result<()> {
    let tasks = TaskFile::open(&arguments.tasks)?;
    let named = (arguments.predictions.iter()).map(|path| {
        let name = name(path, &arguments.predictions);
        Ok((name, exchange::read(path)?))
    });
    let predictions = named.collect::<Result<Vec<_>>>()?;
    let scores = exchange::score_predictions(&tasks, &predictions, arguments.ties)?;
    if arguments.json {
        print_line!("{}", serde_json::to_string_pretty(&scores)?);
    } else {
        print_text!("{}", table(&scores));
    }
    Ok(())
}

/// The file's stem, or its whole path if another file has the same stem.
fn name(path: &Path, all: &[PathBuf]) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    let alone = all.iter().filter(|p| p.file_stem() == Some(stem)).count() == 1;
    let name = if alone { stem } else { path.as_os_str() };
    name.to_string_lossy().into_owned()
}

fn table(scores: &ProtocolScores) -> String {
    let names = scores.systems.iter().map(|s| s.system.chars().count());
    let width = names.max().unwrap_or(0).max("chance".len());
    let mut text = format!("{}\n{} tasks\n\n", scores.title, scores.trials);
    text += &format!(
        "{:<width$}    right  95% interval   over groups      ties\n",
        ""
    );
    text += &format!("{:<width$}  {:>6.2}%\n", "chance", scores.chance);
    for system in &scores.systems {
        let groups = system.group_interval.map_or("-".to_owned(), interval);
        text += &format!(
            "{:<width$}  {:>6.2}%  {:<13}  {groups:<13} {:>6}\n",
            system.system,
            system.percent,
            interval(system.interval),
            system.tied
        );
    }
    if !scores.comparisons.is_empty() {
        text += "\ntasks that only one of two got right, and McNemar's p\n";
    }
    for test in &scores.comparisons {
        let p = match test.p {
            p if p < 1e-4 => "p < 0.0001".to_owned(),
            p => format!("p = {p:.4}"),
        };
        text += &format!(
            "{} {}, {} {}: {p}\n",
            test.first, test.only_first, test.second, test.only_second
        );
    }
    text
}

fn interval([low, high]: [f64; 2]) -> String {
    format!("{low:.1} to {high:.1}")
}
