//! What else is written of the first network of an evaluation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::eval::{self, Answers, Embeddings, Entrant, TaskSet, Ties};
use crate::files::{PublishError, publish};
use crate::sheet::{TaskPicture, task_sheet};
use crate::store::Store;
use anyhow::Result;
use clap::Args;

/// What else is written of the first network.
#[derive(Args)]
pub struct Extras {
    /// Draw nine of the runs' tasks, with the first network's answers, as a PNG picture.
    #[arg(long, value_name = "PNG", requires = "networks")]
    picture: Option<PathBuf>,
    /// Write the runs' drawings as the first network gets them, and their embeddings, as a
    /// safetensors file: see tools/load_weights.py.
    #[arg(long, value_name = "FILE", requires = "networks")]
    embeddings: Option<PathBuf>,
    /// Write the first network as a TorchScript module, which embeds images as the network does.
    #[arg(long, value_name = "FILE", requires = "networks")]
    torchscript: Option<PathBuf>,
    /// Write the first network as an ONNX file (opset 17), which embeds images as the network does;
    /// a matching network without its context.
    #[arg(long, value_name = "FILE", requires = "networks")]
    onnx: Option<PathBuf>,
}

impl Extras {
    /// Refuses, before an hour's work, to write over a file that is to stay.
    pub fn prepare(&self, force: bool) -> Result<()> {
        if let Some(path) = self.onnx.as_ref().filter(|path| path.exists() && !force) {
            return Err(PublishError::Exists { path: path.clone() }.into());
        }
        Ok(())
    }

    /// Writes what was asked for.
    pub fn write(
        &self,
        first: &Entrant,
        store: &Arc<Store>,
        ties: Ties,
        force: bool,
    ) -> Result<()> {
        let model = &first.model;
        if let Some(path) = &self.torchscript {
            model.save_script(path)?;
        }
        if let Some(path) = &self.onnx {
            model.graph().save(path, force)?;
        }
        if self.embeddings.is_none() && self.picture.is_none() {
            return Ok(());
        }
        let set = TaskSet::lake_runs(store).ok_or(eval::EvalError::NoRuns)?;
        let embeddings = Embeddings::of(model, store, set.drawings())?;
        if let Some(path) = &self.embeddings {
            embeddings.save(model, store, path)?;
        }
        if let Some(path) = &self.picture {
            let similarities = eval::similarities(model, &embeddings, &set)?;
            picture(store, &similarities, &set, ties, path)?;
        }
        Ok(())
    }
}

/// Tasks on a picture, and how many of them are wrong answers if there are so many.
const PICTURED: usize = 9;
const PICTURED_WRONG: usize = 3;

/// Draws the first wrong answers, and right ones from as many runs as it takes: those of the report.
fn picture(
    store: &Store,
    similarities: &[Vec<f64>],
    set: &TaskSet,
    ties: Ties,
    path: &Path,
) -> Result<()> {
    let answers = Answers::by(similarities, set, ties);
    let (mut wrong, mut right) = (Vec::new(), Vec::new());
    let mut seen = vec![false; set.groups.len()];
    for (question, is_right) in answers.right(set).enumerate() {
        let run = set.group_of[question] as usize;
        if !is_right {
            wrong.push(question);
        } else if !std::mem::replace(&mut seen[run], true) {
            right.push(question);
        }
    }
    wrong.truncate(PICTURED_WRONG.max(PICTURED.saturating_sub(right.len())));
    right.truncate(PICTURED - wrong.len());
    let mut decoder = store.decoder();
    let mut tasks = Vec::new();
    for question in right.into_iter().chain(wrong) {
        let task = &set.tasks[question];
        let mut picture = TaskPicture::read(&mut decoder, task.query, &task.support, task.answer)?;
        let alike = similarities[question].iter();
        picture.scores = Some(alike.map(|&similarity| similarity as f32).collect());
        picture.predicted = answers.chosen[question];
        tasks.push(picture);
    }
    let title = "one-shot tasks of the runs: right answers, then wrong ones; below each drawing \
                 its similarity to the query";
    let canvas = task_sheet(title, &tasks)?;
    publish(path, true, |file| file.write_all(&canvas.to_png()))?;
    eprintln!("{}: drawn", path.display());
    Ok(())
}
