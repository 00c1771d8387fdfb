//! How much each setting mattered.
//!
//! The measure is the share of the variance of accuracy that a setting explains alone: trials are
//! put into three groups of equal size by the setting's value (choices: a group each), and the
//! groups' means are compared with the whole (the correlation ratio; Kelley's correction takes off
//! what chance alone explains). It sees bends as well as slopes, but nothing of settings that
//! matter only together; it needs a few times as many trials as groups to say anything.

use super::journal::Journal;
use super::range::{Range, Value};

/// Groups of trials by a setting that is a number.
const GROUPS: usize = 3;

/// The share of the variance of accuracy that each setting explains, 0 to 1, in the space's
/// order; all 0 with fewer than two trials in each group.
#[must_use]
pub fn importance(journal: &Journal) -> Vec<f64> {
    let ended: Vec<(&[Value], f64)> = journal
        .trials
        .iter()
        .filter_map(|trial| Some((&*trial.values, trial.ended?.1)))
        .collect();
    let dimensions = journal.space.dimensions().iter().enumerate();
    dimensions
        .map(|(place, dimension)| {
            let share = |values: &[Value]| dimension.range.share(values[place]);
            let mut points: Vec<(f64, f64)> = ended.iter().map(|(v, a)| (share(v), *a)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            explained(&groups(&dimension.range, &points))
        })
        .collect()
}

/// The accuracies of points, ascending by share, in groups; equal shares stay together.
fn groups(range: &Range, points: &[(f64, f64)]) -> Vec<Vec<f64>> {
    let choices = matches!(range, Range::Choices(_));
    let mut groups: Vec<Vec<f64>> = Vec::new();
    let mut last = None;
    for (rank, &(share, accuracy)) in points.iter().enumerate() {
        let full = choices || rank * GROUPS / points.len() >= groups.len();
        match groups.last_mut() {
            Some(group) if last == Some(share) || !full => group.push(accuracy),
            _ => groups.push(vec![accuracy]),
        }
        last = Some(share);
    }
    groups
}

fn explained(groups: &[Vec<f64>]) -> f64 {
    let n = groups.iter().map(Vec::len).sum::<usize>();
    let k = groups.len();
    if n < 2 * GROUPS || n < 2 * k || k < 2 {
        return 0.0;
    }
    let mean = groups.iter().flatten().sum::<f64>() / n as f64;
    let square = |values: &mut dyn Iterator<Item = f64>, mean: f64| -> f64 {
        values.map(|value| (value - mean).powi(2)).sum()
    };
    let all = square(&mut groups.iter().flatten().copied(), mean);
    let within: f64 = groups
        .iter()
        .map(|group| {
            let mean = group.iter().sum::<f64>() / group.len() as f64;
            square(&mut group.iter().copied(), mean)
        })
        .sum();
    if all <= 0.0 {
        return 0.0;
    }
    let corrected = 1.0 - (within / all) * (n - 1) as f64 / (n - k) as f64;
    corrected.clamp(0.0, 1.0)
}
