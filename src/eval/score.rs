//! Counting right answers, and how sure the count makes us.

use serde::{Deserialize, Serialize};

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
        (
            ((middle - spread) * scale).max(0.0),
            ((middle + spread) * scale).min(100.0),
        )
    }
}

/// The way that stands out: the one whose likeness is greater than that of every other,
/// or `None` if two share the first place or a likeness is not a number.
///
/// A tie is not an answer: taking the first of equals would reward networks that
/// give every pair one score and tasks that put the right answer first.
#[must_use]
pub fn stands_out<T: PartialOrd>(likenesses: &[T]) -> Option<usize> {
    let mut best = 0;
    for (way, likeness) in likenesses.iter().enumerate().skip(1) {
        if likeness > &likenesses[best] {
            best = way;
        }
    }
    let first = likenesses.get(best)?;
    let unrivalled = (0..likenesses.len())
        .filter(|&way| way != best)
        .all(|way| first > &likenesses[way]);
    // A lone way must still be comparable with itself, which NaN is not.
    (unrivalled && first.partial_cmp(first).is_some()).then_some(best)
}

#[cfg(test)]
mod tests {
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
        }
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
