//! The answers of one system to the questions of a protocol.

use super::score::{Score, Ties, leaders};
use crate::eval::tasks::TaskSet;

/// One system's answers to the questions of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The way chosen in each question, if one was.
    pub chosen: Vec<Option<usize>>,
    /// Questions on which no way stood out.
    pub tied: u64,
}

impl Answers {
    /// Answers by similarities, those of each question's ways.
    #[must_use]
    pub fn by<T: PartialOrd>(similarities: &[Vec<T>], set: &TaskSet, ties: Ties) -> Answers {
        let firsts: Vec<_> = similarities.iter().map(|ways| leaders(ways)).collect();
        Answers::settle(&firsts, set, ties)
    }

    /// Answers by the ways that share the first place in each question.
    pub(in crate::eval) fn settle(firsts: &[Vec<usize>], set: &TaskSet, ties: Ties) -> Answers {
        let seed = set.seed.unwrap_or(0);
        Answers {
            chosen: (0..)
                .zip(firsts)
                .map(|(index, firsts)| ties.settle(firsts, seed, index))
                .collect(),
            tied: firsts.iter().filter(|firsts| firsts.len() != 1).count() as u64,
        }
    }

    /// Which questions were answered rightly.
    pub fn right<'a>(&'a self, set: &'a TaskSet) -> impl Iterator<Item = bool> + 'a {
        let pairs = self.chosen.iter().zip(&set.tasks);
        pairs.map(|(chosen, task)| *chosen == Some(task.answer))
    }

    /// The score over all questions.
    #[must_use]
    pub fn score(&self, set: &TaskSet) -> Score {
        let mut score = Score::default();
        self.right(set).for_each(|right| score.count(right));
        score
    }

    /// The score of each of the protocol's groups.
    #[must_use]
    pub fn group_scores(&self, set: &TaskSet) -> Vec<Score> {
        let mut scores = vec![Score::default(); set.groups.len()];
        for (right, &group) in self.right(set).zip(&set.group_of) {
            scores[group as usize].count(right);
        }
        scores
    }
}
