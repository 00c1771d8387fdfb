//! When a trial is pruned: the median rule.
//!
//! A trial is stopped if its accuracy is below the median of what the trials that trained to
//! their end had reached at best by the same step (Golovin et al. 2017, Google Vizier, section 3.2.2,
//! with the best in place of the mean). The first scores and the first trials have a grace.

use super::journal::{Outcome, Trial};

/// Trials that must have trained to their end before any is stopped.
pub const GRACE_TRIALS: usize = 4;
/// Steps before which no trial is stopped are this share of all, in 1/1000.
const GRACE_PERMILLE: u64 = 250;

/// Whether a trial with this `accuracy` in percent after `step` of `steps` is pruned beside
/// `others`, of which those count that trained to their end. Never at the last step.
#[must_use]
pub fn pruned(others: &[Trial], steps: u64, step: u64, accuracy: f64) -> bool {
    let grace = step.saturating_mul(1000) < steps.saturating_mul(GRACE_PERMILLE);
    if grace || step >= steps {
        return false;
    }
    let finished = others
        .iter()
        .filter(|trial| matches!(trial.ended, Some((Outcome::Finished, ..))));
    let mut reached: Vec<f64> = finished
        .filter_map(|trial| {
            let scores = trial.scores.range(..=step).map(|(_, &accuracy)| accuracy);
            scores.max_by(f64::total_cmp)
        })
        .collect();
    if reached.len() < GRACE_TRIALS {
        return false;
    }
    reached.sort_by(f64::total_cmp);
    let (low, high) = (reached[(reached.len() - 1) / 2], reached[reached.len() / 2]);
    accuracy < f64::midpoint(low, high)
}
