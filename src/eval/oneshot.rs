//! One-shot protocols: Lake's official runs, and random tasks from seeds.

use super::context::answer_in_context;
use super::embedding::Embeddings;
use super::pixel::Pixel;
use super::score::{Score, stands_out};
use crate::archive::Page;
use crate::model::Model;
use crate::sample::{Scope, Task, TaskSampler, TaskShape, TrainingSplit};
use crate::store::{DrawingId, RunEntry, Store, StoreError};

/// What answers a one-shot question: likenesses of a query to each support drawing.
pub trait Judge {
    /// How likenesses are measured; greater is nearer.
    type Likeness: PartialOrd + Copy;

    /// The likeness of `query` to each of `support`.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    fn judge(
        &mut self,
        query: DrawingId,
        support: &[DrawingId],
    ) -> Result<Vec<Self::Likeness>, StoreError>;
}

impl Judge for &Embeddings {
    type Likeness = f64;

    fn judge(&mut self, query: DrawingId, support: &[DrawingId]) -> Result<Vec<f64>, StoreError> {
        Ok(support
            .iter()
            .map(|&id| self.similarity(query, id))
            .collect())
    }
}

/// Judges by pixels.
pub struct PixelJudge<'a> {
    store: &'a Store,
    pixel: Pixel,
}

impl<'a> PixelJudge<'a> {
    /// Judges the drawings of a store.
    #[must_use]
    pub fn new(store: &'a Store, pixel: Pixel) -> PixelJudge<'a> {
        PixelJudge { store, pixel }
    }
}

impl Judge for PixelJudge<'_> {
    type Likeness = super::pixel::Likeness;

    fn judge(
        &mut self,
        query: DrawingId,
        support: &[DrawingId],
    ) -> Result<Vec<Self::Likeness>, StoreError> {
        let mut decoder = self.store.decoder();
        let query: Page = *decoder.drawing(query)?;
        support
            .iter()
            .map(|&id| Ok(self.pixel.likeness(&query, decoder.drawing(id)?)))
            .collect()
    }
}

/// The answers to one official run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAnswers {
    /// The run's name.
    pub name: String,
    /// For each query the way that stood out, if one did.
    pub answers: Vec<Option<usize>>,
    /// The run's score; a tie is wrong.
    pub score: Score,
}

/// Answers the runs that a store holds.
///
/// # Errors
/// If a drawing cannot be read.
pub fn answer_runs(
    runs: &[RunEntry],
    mut judge: impl Judge,
) -> Result<Vec<RunAnswers>, StoreError> {
    runs.iter()
        .map(|run| {
            let mut score = Score::default();
            let mut answers = Vec::new();
            for &(query, right) in &run.queries {
                let answer = stands_out(&judge.judge(query, &run.support)?);
                score.count(answer == Some(usize::from(right)));
                answers.push(answer);
            }
            Ok(RunAnswers {
                name: run.name.clone(),
                answers,
                score,
            })
        })
        .collect()
}

/// The drawings that the runs use.
pub fn drawings_of_runs(runs: &[RunEntry]) -> impl Iterator<Item = DrawingId> + '_ {
    runs.iter().flat_map(|run| {
        run.support
            .iter()
            .copied()
            .chain(run.queries.iter().map(|&(query, _)| query))
    })
}

/// All runs together.
#[must_use]
pub fn total(runs: &[RunAnswers]) -> Score {
    runs.iter().fold(Score::default(), |sum, run| Score {
        right: sum.right + run.score.right,
        asked: sum.asked + run.score.asked,
    })
}

/// Scores random tasks by a network: the way whose support drawings' mean cosine with the query
/// is greatest, or that a network with context finds likeliest.
///
/// # Errors
/// If a drawing cannot be read.
pub fn score_tasks(
    model: &Model,
    store: &Store,
    sampler: &TaskSampler,
    tasks: u64,
) -> Result<Score, StoreError> {
    let tasks: Vec<Task> = (0..tasks).map(|index| sampler.draw(index)).collect();
    let drawings = tasks
        .iter()
        .flat_map(|task| task.support.iter().copied().chain([task.query]));
    let embeddings = Embeddings::of(model, store, drawings)?;
    let shots = sampler.shape().shots;
    let mut score = Score::default();
    if let Some(answers) = answer_in_context(model, &embeddings, &tasks, shots) {
        for (task, ways) in tasks.iter().zip(answers) {
            score.count(stands_out(&ways) == Some(task.answer));
        }
        return Ok(score);
    }
    for task in &tasks {
        let cosines = (&embeddings).judge(task.query, &task.support)?;
        let ways: Vec<f64> = cosines
            .chunks_exact(shots)
            .map(|way| way.iter().sum())
            .collect();
        score.count(stands_out(&ways) == Some(task.answer));
    }
    Ok(score)
}

/// The most ways of a validation task.
const VALIDATION_WAYS: usize = 20;

/// One-shot accuracy in percent on held-out background alphabets: random tasks within an
/// alphabet, 20-way, or as many ways as the smallest of them has characters. The tasks are those
/// of the model's seed. 0 if the alphabets have no second drawings to ask about.
///
/// # Errors
/// If a drawing cannot be read.
pub fn validate(
    model: &Model,
    store: &Store,
    split: &TrainingSplit,
    tasks: u64,
) -> Result<f64, StoreError> {
    let sizes = split
        .validation
        .iter()
        .map(|&id| store.alphabet(id).characters.len());
    let ways = sizes.min().unwrap_or(1).min(VALIDATION_WAYS);
    let shape = TaskShape {
        ways,
        shots: 1,
        scope: Scope::Within,
    };
    match TaskSampler::new(store, &split.validation, shape, model.card.seed) {
        Ok(sampler) => Ok(score_tasks(model, store, &sampler, tasks)?.percent()),
        Err(_) => Ok(0.0),
    }
}
