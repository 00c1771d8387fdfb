//! The answers of one system to the questions of a protocol.

use crate::embed::{Score, Ties, leaders};
use crate::eval::tasks::TaskSet;

/// One system's answers to the questions of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The way chosen in each question, if one was.
    pub chosen: Vec<Option<usize>>,
    /// Questions on which no way stood out.
    pub tied: u64,
    /// The place of the right way in each question, 1 for the most similar; ways as similar as
    /// the right one stand before it. None where a similarity is no number. No places at all
    /// where a system gives answers alone.
    pub places: Vec<Option<u32>>,
}

impl Answers {
    /// Answers by similarities, those of each question's ways.
    #[must_use]
    pub fn by<T: PartialOrd>(similarities: &[Vec<T>], set: &TaskSet, ties: Ties) -> Answers {
        let firsts: Vec<_> = similarities.iter().map(|ways| leaders(ways)).collect();
        let places = similarities.iter().zip(&set.tasks);
        Answers {
            places: (places.map(|(ways, task)| place(ways, task.answer))).collect(),
            ..Answers::settle(&firsts, set, ties)
        }
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
            places: Vec::new(),
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

    /// How often the right way is among the `first` most similar, a tie counting against it
    /// whatever the rule for answers; none where the places are not known.
    #[must_use]
    pub fn among(&self, first: u32) -> Option<Score> {
        let mut score = Score::default();
        for place in &self.places {
            score.count(place.is_some_and(|place| place <= first));
        }
        (score.asked > 0).then_some(score)
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

/// The place of way `answer` by these similarities: the number of ways that are as similar or
/// more, itself included.
fn place<T: PartialOrd>(similarities: &[T], answer: usize) -> Option<u32> {
    let right = similarities.get(answer)?;
    let mut place = 0;
    for similarity in similarities {
        place += u32::from(similarity.partial_cmp(right)?.is_ge());
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// By sorting: the place of the last of equals, so that a tie gains nothing.
        #[test]
        fn a_place_counts_ties_against(ways in proptest::collection::vec(0..6i32, 1..9), at: usize) {
            let answer = at % ways.len();
            let mut sorted = ways.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let last = sorted.iter().rposition(|way| *way == ways[answer]).unwrap() as u32 + 1;
            prop_assert_eq!(place(&ways, answer), Some(last));
            let first = leaders(&ways);
            prop_assert_eq!(last == 1, first == [answer]);
        }
    }

    #[test]
    fn what_is_no_number_has_no_place() {
        assert_eq!(place(&[0.5, f64::NAN], 0), None);
        assert_eq!(place(&[f64::NAN, 0.5], 0), None);
        assert_eq!(place::<f64>(&[], 0), None);
        let known = Answers {
            chosen: vec![Some(0); 4],
            tied: 0,
            places: vec![Some(1), Some(2), Some(3), None],
        };
        let share = |first| known.among(first).map(|score| (score.right, score.asked));
        assert_eq!(
            (share(1), share(2), share(5)),
            (Some((1, 4)), Some((2, 4)), Some((3, 4)))
        );
        let bare = Answers {
            places: Vec::new(),
            ..known
        };
        assert_eq!(bare.among(2), None);
    }
}
