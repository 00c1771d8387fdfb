//! What can be asked of alphabets that are held out of training.
//!
//! The law, by which scores of one number of ways alone are ever held side by side: tasks are
//! 1-shot and within an alphabet, and they are 20-way where one of the held-out alphabets has 20
//! characters of two drawings or more; else they have as many ways as the largest of them has such
//! characters. Alphabets that have fewer are left out.

use super::task::{Scope, TaskShape, askable};
use crate::store::{AlphabetId, Store};

/// The most ways of a validation task.
pub const VALIDATION_WAYS: usize = 20;

/// The tasks that can be asked of held-out alphabets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationTasks {
    /// The shape of every task: 1-shot, within an alphabet, 2 to 20 ways.
    pub shape: TaskShape,
    /// Alphabets that have such tasks, ascending.
    pub asked: Vec<AlphabetId>,
    /// Held-out alphabets that have too few characters of two drawings or more, ascending.
    pub left_out: Vec<AlphabetId>,
}

impl ValidationTasks {
    /// What can be asked of the `held_out` alphabets; `None` if none of them has two characters of
    /// two drawings or more, so that there is nothing to choose between.
    ///
    /// # Panics
    /// If an id is not below the number of alphabets.
    #[must_use]
    pub fn of(store: &Store, held_out: &[AlphabetId]) -> Option<ValidationTasks> {
        let shots = 1;
        let usable = |id: AlphabetId| askable(store, id, shots).count();
        let most = held_out.iter().map(|&id| usable(id)).max()?;
        let ways = most.min(VALIDATION_WAYS);
        if ways < 2 {
            return None;
        }
        let (asked, left_out) = held_out.iter().partition(|&&id| usable(id) >= ways);
        Some(ValidationTasks {
            shape: TaskShape {
                ways,
                shots,
                scope: Scope::Within,
            },
            asked,
            left_out,
        })
    }
}
