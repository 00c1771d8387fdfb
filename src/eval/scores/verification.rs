//! Verification: do two drawings show one character? (Koch 2015, section 4.1.)
//!
//! Pairs are scored by how alike a system finds them. A threshold on that, chosen on other pairs
//! (held-out background alphabets, other drawers), gives the accuracy; the ROC and the equal
//! error rate need none.

use super::results::{Role, VerificationScore};
use super::statistics::bootstrap;
use crate::embed::Score;
use crate::sample::{PairItem, TableError, TableRecipe, VERIFICATION_ALPHABETS, alphabets_of};
use crate::seed::Stream;
use crate::store::{AlphabetId, DrawingId, Store, StoreError};

/// Pairs that are scored, and pairs that a threshold is chosen by, as near to it as the
/// alphabets can share evenly (Koch 2015, section 4.1).
pub const PAIRS: u32 = 10_000;
/// The most points of a ROC that are kept.
const MOST_POINTS: usize = 200;

/// Pairs with what is true of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairSet {
    /// The pairs, half of them same.
    pub pairs: Vec<PairItem>,
    /// Where they come from, in words.
    pub source: String,
}

impl PairSet {
    /// Koch's test set: see [`TableRecipe::test`].
    ///
    /// # Errors
    /// As [`TableRecipe::test`] and [`TableRecipe::draw`].
    pub fn test(store: &Store, seed: u64) -> Result<PairSet, TableError> {
        let recipe = TableRecipe::test(store, PAIRS, seed)?;
        PairSet::draw(
            store,
            &recipe,
            &format!("the last {VERIFICATION_ALPHABETS} evaluation"),
        )
    }

    /// Pairs to choose a threshold by: of `alphabets`, which are `whose`, by the drawers 13 to 16
    /// of Koch's validation set; of all background alphabets if there are none.
    ///
    /// # Errors
    /// As [`TableRecipe::draw`].
    pub fn choice(
        store: &Store,
        alphabets: &[AlphabetId],
        whose: &str,
        seed: u64,
    ) -> Result<PairSet, TableError> {
        let all = || alphabets_of(store, crate::archive::Split::Background);
        let alphabets = if alphabets.is_empty() {
            all()
        } else {
            alphabets.to_vec()
        };
        let each = 2 * alphabets.len().max(1) as u32;
        let recipe = TableRecipe {
            alphabets,
            drawers: 13..=16,
            pairs: PAIRS - PAIRS % each,
            copies: 0,
            seed,
        };
        PairSet::draw(store, &recipe, whose)
    }

    fn draw(store: &Store, recipe: &TableRecipe, whose: &str) -> Result<PairSet, TableError> {
        let pairs = recipe.draw(store)?;
        let (first, last) = (recipe.drawers.start(), recipe.drawers.end());
        let source = format!("{whose} alphabets, drawers {first} to {last}");
        Ok(PairSet { pairs, source })
    }

    /// The drawings of the pairs.
    pub fn drawings(&self) -> impl Iterator<Item = DrawingId> + '_ {
        self.pairs.iter().flat_map(|pair| [pair.left, pair.right])
    }

    /// How alike a system finds each pair, and whether it is same; a similarity that is no number
    /// counts as the least there is.
    ///
    /// # Errors
    /// As `similarity`.
    pub fn scored(
        &self,
        similarity: impl Fn(DrawingId, DrawingId) -> Result<f64, StoreError>,
    ) -> Result<ScoredPairs, StoreError> {
        let scored = |pair: &PairItem| {
            let alike = similarity(pair.left, pair.right)?;
            Ok((
                if alike.is_nan() {
                    f64::NEG_INFINITY
                } else {
                    alike
                },
                pair.same,
            ))
        };
        let mut pairs: Vec<_> = self
            .pairs
            .iter()
            .map(scored)
            .collect::<Result<_, StoreError>>()?;
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(ScoredPairs { pairs })
    }
}

/// Similarities of pairs, the most alike first, and whether each is same.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredPairs {
    pairs: Vec<(f64, bool)>,
}

impl ScoredPairs {
    /// How many of the pairs of each kind are at least as alike as each similarity there is:
    /// (similarity, different, same), counted by `weight`.
    fn steps(&self, weight: impl Fn(usize) -> u32) -> Vec<(f64, f64, f64)> {
        let (mut different, mut same) = (0.0, 0.0);
        let mut steps: Vec<(f64, f64, f64)> = Vec::with_capacity(self.pairs.len());
        for (at, &(similarity, is_same)) in self.pairs.iter().enumerate() {
            let counted = f64::from(weight(at));
            *(if is_same { &mut same } else { &mut different }) += counted;
            match steps.last_mut() {
                Some(last) if last.0 == similarity => (last.1, last.2) = (different, same),
                _ => steps.push((similarity, different, same)),
            }
        }
        steps
    }

    /// The ROC from (0, 0) to (1, 1): shares of different and of same pairs that are at least as
    /// alike as each similarity there is.
    fn roc(&self, weight: impl Fn(usize) -> u32) -> Vec<[f64; 2]> {
        let steps = self.steps(weight);
        let (different, same) = steps.last().map_or((1.0, 1.0), |last| (last.1, last.2));
        let share = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
        let points = steps
            .iter()
            .map(|step| [share(step.1, different), share(step.2, same)]);
        [[0.0, 0.0]].into_iter().chain(points).collect()
    }

    /// The threshold that tells most pairs rightly, and the middle between it and the next
    /// similarity below; of equally good ones the highest. Infinite if there are no pairs.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        let steps = self.steps(|_| 1);
        let mut best = (0.0, f64::INFINITY);
        for (at, &(similarity, different, same)) in steps.iter().enumerate() {
            let below = steps.get(at + 1).map_or(similarity, |next| next.0);
            if same - different > best.0 {
                let middle = if below.is_finite() {
                    (similarity + below) / 2.0
                } else {
                    similarity
                };
                best = (same - different, middle);
            }
        }
        best.1
    }

    /// Pairs that the rule "same if at least as alike as `threshold`" tells rightly.
    #[must_use]
    pub fn score(&self, threshold: f64) -> Score {
        let mut score = Score::default();
        for &(similarity, same) in &self.pairs {
            score.count((similarity >= threshold) == same);
        }
        score
    }

    /// How many drawings of each pair a resample has: same and different pairs are drawn anew
    /// among themselves, so that they stay half and half.
    fn resample(&self, stream: &mut Stream) -> Vec<u32> {
        let mut weights = vec![0; self.pairs.len()];
        for kind in [true, false] {
            let of_kind = |at: &usize| self.pairs[*at].1 == kind;
            let places: Vec<usize> = (0..self.pairs.len()).filter(of_kind).collect();
            for _ in &places {
                weights[places[stream.index(places.len())]] += 1;
            }
        }
        weights
    }

    /// Everything that is said of a system, with the threshold of other pairs.
    #[must_use]
    pub fn result(
        &self,
        system: String,
        role: Role,
        threshold: f64,
        seed: u64,
    ) -> VerificationScore {
        let score = self.score(threshold);
        let roc = self.roc(|_| 1);
        let resampled = |figure: fn(&[[f64; 2]]) -> f64| {
            bootstrap(seed, |stream| {
                let weights = self.resample(stream);
                figure(&self.roc(|at| weights[at]))
            })
        };
        let (low, high) = score.interval();
        VerificationScore {
            system,
            role,
            score,
            percent: score.percent(),
            interval: [low, high],
            auc: area(&roc),
            auc_interval: resampled(area),
            equal_error: equal_error(&roc),
            equal_error_interval: resampled(equal_error),
            roc: thinned(&roc),
        }
    }
}

/// The area under a ROC, by trapezoids: pairs that are equally alike count a half.
fn area(roc: &[[f64; 2]]) -> f64 {
    let areas = roc
        .windows(2)
        .map(|two| (two[1][0] - two[0][0]) * (two[1][1] + two[0][1]) / 2.0);
    areas.sum()
}

/// The error in percent where a ROC crosses the line on which as large a share of same pairs is
/// refused as of different pairs is taken.
fn equal_error(roc: &[[f64; 2]]) -> f64 {
    let excess = |point: &[f64; 2]| point[0] - (1.0 - point[1]); // ascends from -1 to 1
    let Some(at) = roc.iter().position(|point| excess(point) >= 0.0) else {
        return 100.0;
    };
    let (before, after) = (roc[at.saturating_sub(1)], roc[at]);
    let (low, high) = (excess(&before), excess(&after));
    let share = if high > low { -low / (high - low) } else { 0.0 };
    100.0 * (before[0] + share * (after[0] - before[0]))
}

/// At most [`MOST_POINTS`] points, first and last among them, at even steps along the curve.
fn thinned(roc: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let last = roc.len() - 1;
    if last < MOST_POINTS {
        return roc.to_vec();
    }
    // Along the curve x + y runs from 0 to 2: near the corner many pairs lie on little of it.
    let mut kept: Vec<[f64; 2]> = vec![roc[0]];
    let mut due = 0.0;
    for point in &roc[1..last] {
        if point[0] + point[1] >= due {
            kept.push(*point);
            due = point[0] + point[1] + 2.0 / (MOST_POINTS - 3) as f64;
        }
    }
    kept.push(roc[last]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scored(pairs: &[(i32, bool)]) -> ScoredPairs {
        let mut pairs: Vec<_> = pairs
            .iter()
            .map(|&(x, same)| (f64::from(x), same))
            .collect();
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        ScoredPairs { pairs }
    }

    fn kinds(pairs: &[(i32, bool)]) -> (Vec<i32>, Vec<i32>) {
        let of = |kind| pairs.iter().filter(|p| p.1 == kind).map(|p| p.0).collect();
        (of(true), of(false))
    }

    proptest! {
        #[test]
        fn figures_are_what_they_are_defined_as(
            pairs in proptest::collection::vec((-9..9i32, proptest::bool::ANY), 2..60),
        ) {
            let (same, different) = kinds(&pairs);
            prop_assume!(!same.is_empty() && !different.is_empty());
            let ours = scored(&pairs);
            let roc = ours.roc(|_| 1);
            // Mann and Whitney's count of pairs in the right order.
            let all = (same.len() * different.len()) as f64;
            let ordered = same.iter().flat_map(|s| different.iter().map(move |d| s.cmp(d)));
            let u: f64 = ordered.map(|o| f64::from(o as i8 + 1) / 2.0).sum();
            prop_assert!((area(&roc) - u / all).abs() < 1e-12);
            // No threshold tells more pairs rightly.
            let right = ours.score(ours.threshold()).right;
            for threshold in -10..11 {
                prop_assert!(ours.score(f64::from(threshold)).right <= right);
            }
            // The two errors are equal on the segment that the curve crosses the line on.
            let rate = equal_error(&roc) / 100.0;
            let beyond = roc.iter().position(|p| p[0] >= 1.0 - p[1]).unwrap();
            let (low, high) = (roc[beyond.saturating_sub(1)][0], roc[beyond][0]);
            prop_assert!(low - 1e-12 <= rate && rate <= high + 1e-12);
            prop_assert!(thinned(&roc) == roc);
        }
    }

    #[test]
    fn perfect_blind_and_reversed() {
        let perfect = scored(&[(3, true), (2, true), (1, false), (0, false)]);
        let result = perfect.result("x".into(), Role::Baseline, perfect.threshold(), 1);
        assert_eq!(
            (result.auc, result.equal_error, result.percent),
            (1.0, 0.0, 100.0)
        );
        assert_eq!(
            (result.auc_interval, result.equal_error_interval),
            ([1.0; 2], [0.0; 2])
        );
        let blind = scored(&[(1, true), (1, false), (1, true), (1, false)]);
        let roc = blind.roc(|_| 1);
        assert_eq!((area(&roc), equal_error(&roc)), (0.5, 50.0));
        assert_eq!(blind.score(blind.threshold()).percent(), 50.0);
        let reversed = scored(&[(0, true), (1, false)]).roc(|_| 1);
        assert_eq!((area(&reversed), equal_error(&reversed)), (0.0, 100.0));
    }

    #[test]
    fn a_thinned_roc_keeps_its_ends_and_its_shape() {
        let pairs: Vec<_> = (0..20_000)
            .map(|i| (-i, i % 7 != 0 && i < 9000 || i % 5 == 0))
            .collect();
        let roc = scored(&pairs).roc(|_| 1);
        let thin = thinned(&roc);
        assert!(
            thin.len() <= MOST_POINTS && thin.len() > MOST_POINTS / 2,
            "{}",
            thin.len()
        );
        assert_eq!((thin[0], thin[thin.len() - 1]), ([0.0, 0.0], [1.0, 1.0]));
        assert!((area(&thin) - area(&roc)).abs() < 1e-3);
    }
}
