//! Systems that score each question alone, by the drawings it shows.

use rayon::prelude::*;

use crate::embed::{Ties, leaders};
use crate::eval::error::EvalError;
use crate::eval::scores::Answers;
use crate::eval::tasks::TaskSet;
use crate::ranks::Ranks;
use crate::sample::Task;
use crate::store::{DrawingId, StoreError};

/// What answers one-shot questions: how like a query is to each way. Each question is scored
/// alone, by its own drawings.
pub trait Scorer: Sync {
    /// How similarities are measured; greater is nearer.
    type Similarity: PartialOrd + Copy + Send;

    /// The similarity of the query to each way, right at least for those that share the first place,
    /// and less for all others; way `w` has the support drawings
    /// `w * shots..(w + 1) * shots`.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    fn similarities(&self, task: &Task, shots: usize) -> Result<Vec<Self::Similarity>, StoreError>;
}

/// The greatest similarity of each way's drawings.
pub(in crate::eval) fn nearest<T: PartialOrd + Copy>(
    task: &Task,
    shots: usize,
    similarity: impl Fn(DrawingId) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let way = |drawings: &[DrawingId]| {
        let mut best = similarity(drawings[0])?;
        for &id in &drawings[1..] {
            let other = similarity(id)?;
            if other > best {
                best = other;
            }
        }
        Ok(best)
    };
    task.support.chunks_exact(shots).map(way).collect()
}

/// Questions that one rank answers at a time.
const BATCH: usize = 256;

/// The ways that share the first place in each of some questions.
fn first_places(
    scorer: &impl Scorer,
    tasks: &[Task],
    shots: usize,
) -> Result<Vec<Vec<usize>>, StoreError> {
    (tasks.par_iter())
        .map(|task| Ok(leaders(&scorer.similarities(task, shots)?)))
        .collect()
}

impl Answers {
    /// Answers every question by a scorer, on all cores; the answers do not depend on how many.
    ///
    /// # Errors
    /// If a drawing cannot be read.
    pub fn of(scorer: &impl Scorer, set: &TaskSet, ties: Ties) -> Result<Answers, StoreError> {
        let firsts = first_places(scorer, &set.tasks, set.shots)?;
        Ok(Answers::settle(&firsts, set, ties))
    }

    /// [`Answers::of`], with the questions dealt out among ranks.
    ///
    /// # Errors
    /// If a drawing cannot be read, or another rank is gone.
    pub fn dealt(
        scorer: &impl Scorer,
        set: &TaskSet,
        ties: Ties,
        ranks: &Ranks,
    ) -> Result<Answers, EvalError> {
        let batches: Vec<&[Task]> = set.tasks.chunks(BATCH).collect();
        // Of each question how many ways share the first place, and which.
        let all = ranks.partition(batches.len(), |batch| {
            let firsts = first_places(scorer, batches[batch], set.shots)?;
            let told = |ways: &Vec<usize>| [&[ways.len()], &ways[..]].concat();
            let told = firsts.iter().flat_map(told).map(|number| number as i64);
            Ok::<_, EvalError>(told.collect())
        })?;
        let mut numbers = all.into_iter().map(|number| number as usize);
        let firsts: Vec<Vec<usize>> = std::iter::from_fn(|| {
            let ways = numbers.next()?;
            Some(numbers.by_ref().take(ways).collect())
        })
        .collect();
        Ok(Answers::settle(&firsts, set, ties))
    }
}
