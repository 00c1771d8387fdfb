//! Accuracy over the number of ways: the walk-through's plot.

use super::task_set::TaskSet;
use crate::sample::{Scope, TaskError, TaskShape};
use crate::store::{AlphabetId, Store};

/// The numbers of ways: 2 to 60 (Bouma 2017).
pub const WAYS: std::ops::RangeInclusive<usize> = 2..=60;

/// The tasks of a curve: 1-shot, of characters of all the alphabets together, for each number
/// of ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveTasks {
    sets: Vec<TaskSet>,
}

impl CurveTasks {
    /// `trials` tasks for each number of ways that the alphabets have characters for.
    ///
    /// # Errors
    /// If they have not two characters.
    pub fn draw(
        store: &Store,
        alphabets: &[AlphabetId],
        seed: u64,
        trials: u64,
    ) -> Result<CurveTasks, TaskError> {
        let mut sets = Vec::new();
        for ways in WAYS {
            let shape = TaskShape {
                ways,
                shots: 1,
                scope: Scope::Between,
            };
            match TaskSet::random(store, alphabets, shape, seed, trials) {
                Ok(set) => sets.push(set),
                Err(_) if !sets.is_empty() => break,
                Err(too_few) => return Err(too_few),
            }
        }
        Ok(CurveTasks { sets })
    }

    /// The numbers of ways, ascending.
    #[must_use]
    pub fn ways(&self) -> Vec<usize> {
        self.sets.iter().map(TaskSet::ways).collect()
    }

    /// The tasks, a set for each number of ways.
    #[must_use]
    pub fn sets(&self) -> &[TaskSet] {
        &self.sets
    }
}
