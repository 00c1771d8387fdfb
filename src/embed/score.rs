//! Counting right answers, and how sure the count makes us.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::seed::{Purpose, Stream};

/// Right answers among questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Questions answered rightly.
    pub right: u64,
    /// Questions asked.
    pub asked: u64,
}

/// What a tie for the first place counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Ties {
    /// A wrong answer: the only rule that rewards nothing but knowing.
    #[default]
    Against,
    /// The first of the tied ways, as much published code has it: it rewards whoever gives
    /// all ways one score where the right answer stands first.
    First,
    /// One of the tied ways, by the seed: what one who must answer would do.
    Random,
}

impl Score {
    /// Counts one more question.
    pub fn count(&mut self, right: bool) {
        self.right += u64::from(right);
        self.asked += 1;
    }

    /// Share of right answers in percent; 0 if nothing was asked.
    #[must_use]
    pub fn percent(&self) -> f64 {
        100.0 * self.right as f64 / self.asked.max(1) as f64
    }

    /// Wilson's 95% interval of the share, in percent (Wilson 1927).
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        if self.asked == 0 {
            return (0.0, 100.0);
        }
        let n = self.asked as f64;
        let p = self.right as f64 / n;
        let middle = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 100.0 / (1.0 + Z * Z / n);
        // With none or all right, one end is exact, and rounding shall not say otherwise.
        let low = (middle - spread) * scale;
        let high = (middle + spread) * scale;
        (
            if self.right == 0 { 0.0 } else { low },
            if self.right == self.asked {
                100.0
            } else {
                high
            },
        )
    }
}

/// The ways that share the first place, ascending: those that no other is more like the query
/// than. None if there are no ways, or a similarity is not a number.
#[must_use]
pub fn leaders<T: PartialOrd>(similarities: &[T]) -> Vec<usize> {
    let Some(first) = similarities.first() else {
        return Vec::new();
    };
    let mut best = first;
    let mut leaders = Vec::new();
    for (way, similarity) in similarities.iter().enumerate() {
        match similarity.partial_cmp(best) {
            Some(Ordering::Greater) => {
                best = similarity;
                leaders = vec![way];
            }
            Some(Ordering::Equal) => leaders.push(way),
            Some(Ordering::Less) => {}
            None => return Vec::new(),
        }
    }
    leaders
}

/// The way that stands out: the one whose similarity is greater than that of every other,
/// or `None` if two share the first place or a similarity is not a number.
///
/// A tie is not an answer: taking the first of equals would reward networks that
/// give every pair one score and tasks that put the right answer first.
#[must_use]
pub fn stands_out<T: PartialOrd>(similarities: &[T]) -> Option<usize> {
    match leaders(similarities)[..] {
        [way] => Some(way),
        _ => None,
    }
}

impl Ties {
    /// The answer to question `index` of a protocol, by the rule, of the ways that share the
    /// first place. No ways are no answer by any rule: a network that gives no numbers knows
    /// nothing.
    #[must_use]
    pub fn settle(self, leaders: &[usize], seed: u64, index: u64) -> Option<usize> {
        match (leaders, self) {
            ([], _) => None,
            ([way], _) => Some(*way),
            (_, Ties::Against) => None,
            (tied, Ties::First) => Some(tied[0]),
            (tied, Ties::Random) => {
                Some(tied[Stream::new(seed, Purpose::Tie, index).index(tied.len())])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_and_nans_are_no_answers() {
        assert_eq!(stands_out(&[1.0, 3.0, 2.0]), Some(1));
        assert_eq!(stands_out(&[3.0, 3.0, 2.0]), None);
        assert_eq!(stands_out(&[0.0; 20]), None);
        assert_eq!(stands_out(&[f64::NAN, 1.0]), None);
        assert_eq!(stands_out(&[1.0, f64::NAN]), None);
        assert_eq!(stands_out(&[f64::NAN]), None);
        assert_eq!(stands_out::<f64>(&[]), None);
        assert_eq!(stands_out(&[-7]), Some(0));
    }

    proptest! {
        #[test]
        fn the_answer_is_the_single_maximum(values in proptest::collection::vec(0..9i32, 1..8)) {
            let most = *values.iter().max().unwrap();
            let places: Vec<usize> = (0..values.len()).filter(|&i| values[i] == most).collect();
            let expected = (places.len() == 1).then(|| places[0]);
            prop_assert_eq!(stands_out(&values), expected);
            prop_assert_eq!(&leaders(&values), &places);
            for index in 0..20 {
                prop_assert_eq!(Ties::Against.settle(&places, 1, index), expected);
                prop_assert_eq!(Ties::First.settle(&places, 1, index), Some(places[0]));
                let any = Ties::Random.settle(&places, 1, index).unwrap();
                prop_assert!(places.contains(&any));
            }
        }
    }

    #[test]
    fn a_random_choice_takes_each_of_the_tied() {
        let tied = [1, 4, 6];
        let chosen: BTreeSet<_> = (0..50).map(|i| Ties::Random.settle(&tied, 3, i)).collect();
        assert_eq!(chosen, tied.map(Some).into());
        assert_eq!(Ties::First.settle(&[], 0, 0), None);
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe 1998, table I: 81 of 263, and 0 of 20.
        let (low, high) = Score {
            right: 81,
            asked: 263,
        }
        .interval();
        assert!(
            (low - 25.53).abs() < 0.01 && (high - 36.62).abs() < 0.01,
            "{low} {high}"
        );
        let (low, high) = Score {
            right: 0,
            asked: 20,
        }
        .interval();
        assert!(low == 0.0 && (high - 16.11).abs() < 0.01, "{low} {high}");
    }
}
